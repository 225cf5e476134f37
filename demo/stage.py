"""The stage: two equal clones of this repository, with the branches that stories start from."""

import shutil
from itertools import product
from pathlib import Path

from demo.edits import commit, cut_stage, replace, run

ROOT = Path(__file__).parent.parent
STAGE = ROOT / "build" / "demo"
CLONES = (STAGE / "repository", STAGE / "second_repository")  # so that two stories run at a time
SERVING = {"serving_seconds": 20, "serving_limit_ms": 500}  # shorter, and for a busy machine
PARSIMONY_BLOCKS = "parsimony: {metrics: {log_loss: {gain: 0.002}}, mode: strict}"
PARSIMONY_WARNS = PARSIMONY_BLOCKS.replace("strict", "guard")
_COLUMNS_1994 = Path(__file__).parent / "columns_1994.yaml"
_SERVE = "    serve: python -m pipeline.serve --model {model} --port {port}\n"


def set_the_stage() -> None:
    """The branches `main`, `served` and `baseline`; DVC's cache is kept beside the clones."""
    for clone in CLONES:
        shutil.rmtree(clone, ignore_errors=True)
    clone = CLONES[0]
    STAGE.mkdir(parents=True, exist_ok=True)
    run(STAGE, "git", "clone", "--quiet", "--no-local", str(ROOT), clone.name)
    run(clone, "git", "checkout", "--quiet", "-B", "main")
    run(clone, "git", "config", "user.name", "Demo")
    run(clone, "git", "config", "user.email", "demo@example.org")
    run(clone, "dvc", "config", "--local", "--quiet", "cache.dir", str(STAGE / "cache"))
    run(clone, "dvc", "pull", "--quiet", "--recursive", "data/raw")
    train_once(clone)
    expect_little(clone)
    reproduce(clone, "The reference project")
    run(clone, "git", "checkout", "--quiet", "-b", "served")
    serve(clone)
    commit(clone, "The model is a service, too")
    run(clone, "git", "checkout", "--quiet", "-b", "baseline", "main")
    rewind_to_1994(clone)
    reproduce(clone, "One year of data, a linear model")
    for other in CLONES[1:]:
        shutil.copytree(clone, other, symlinks=True)


def reproduce(clone: Path, message: str) -> None:
    """Do what every author does: run the pipeline, commit what it made."""
    run(clone, "dvc", "repro", "--quiet")
    commit(clone, message)


def train_once(root: Path) -> None:
    """Nothing is repeated or served here: the stories should not take a quarter of an hour."""
    for name, stage in product(("dvc.yaml", "dvc.lock"), ("repeat", "folds", "batches")):
        cut_stage(root / name, stage)
    for table in ("repeats", "folds", "batches"):
        replace(root / "params.yaml", f"    {table}: build/pipeline/{table}.parquet\n", "")
    replace(root / "params.yaml", _SERVE, "")


def serve(root: Path) -> None:
    """One story is about the service, and measures it."""
    approach = "    approach: docs/scope/approach.md\n"
    keys = "".join(f"    {key}: {value}\n" for key, value in SERVING.items())
    replace(root / "params.yaml", approach, approach + _SERVE + keys)


def expect_little(root: Path) -> None:
    """The first model is linear itself: it has to be better than a simple one, by whatever."""
    replace(root / "params.yaml", "log_loss: {gain: 0.005}", "log_loss: {gain: 0}")
    replace(root / "params.yaml", PARSIMONY_BLOCKS, PARSIMONY_WARNS)


def rewind_to_1994(root: Path) -> None:
    """The project before the batch of 1995: one year, a linear model, its own dictionary."""
    (root / "data/columns.yaml").write_bytes(_COLUMNS_1994.read_bytes())
    replace(root / "params.yaml", "batches: [1994, 1995]", "batches: [1994]")
    replace(root / "params.yaml", "train_years: [1994, 1995]", "train_years: [1994]")
    replace(root / "params.yaml", "test_years: [1994, 1995]", "test_years: [1994]")
    replace(root / "params.yaml", "model: gradient_boosting", "model: logistic_regression")
    replace(root / "dvc.yaml", "      - data/raw/census_1995.parquet\n", "")
    replace(root / "data/raw/.gitignore", "/census_1995.parquet\n", "")
    for name in ("census_1995.parquet", "census_1995.parquet.dvc"):
        (root / "data/raw" / name).unlink()
