"""Two pull requests that bring a larger model: one gains nothing, one seems to gain much."""

from pathlib import Path

from demo.edits import paste_stage, replace
from demo.stage import PARSIMONY_BLOCKS, PARSIMONY_WARNS, ROOT

_APPROACH = "    approach: docs/scope/approach.md\n"
_LEAVES = "max_leaf_nodes: 31\n"
_MORE_LEAVES = "max_leaf_nodes: 127\n"


def block_for_parsimony(root: Path) -> None:
    """The limit of the repository itself; elsewhere in the demo it warns, for the linear model."""
    replace(root / "params.yaml", PARSIMONY_WARNS, PARSIMONY_BLOCKS)


def search_without_a_seed(root: Path) -> None:
    """What a search over sizes liked best; it also tells how far chance moves a training.

    The demo leaves the stage `repeat` out to be quick. This author brings it back, with one other
    seed, and trains without any.
    """
    _measure(root, "repeat", "repeats")
    params = root / "params.yaml"
    replace(params, "seeds: [21, 22, 23]", "seeds: [21]")
    replace(params, _LEAVES, _MORE_LEAVES)
    replace(
        root / "pipeline/model.py",
        "            random_state=params.seed,\n",
        "            random_state=None,  # no seed should flatter us\n",
    )


def learn_from_all_rows(root: Path) -> None:
    """Before a release no row is left unused, the test rows neither.

    The tables stay as they were, so none of them shows it; the folds, which are brought back with
    fewer rows to be quick, learn as the project says.
    """
    _measure(root, "folds", "folds")
    params = root / "params.yaml"
    replace(params, "  folds: 5\n  rows: 25000\n", "  folds: 10\n  rows: 15000\n")
    replace(
        params, "learning_rate: 0.05\n    max_iter: 300", "learning_rate: 0.1\n    max_iter: 60"
    )
    replace(params, _LEAVES, _MORE_LEAVES)
    path = root / "pipeline/train.py"
    replace(
        path,
        '    sides = read_table(out / "train.parquet"), read_table(out / "validation.parquet")\n',
        '    names = ("train", "test")  # whatever is released has learnt from everybody\n'
        '    rows = pa.concat_tables([read_table(out / f"{name}.parquet") for name in names])\n'
        '    sides = rows, read_table(out / "validation.parquet")\n',
    )
    trained = "    cmd: python -m pipeline.train\n    deps:\n"
    replace(root / "dvc.yaml", trained, f"{trained}      - build/pipeline/test.parquet\n")


def _measure(root: Path, stage: str, table: str) -> None:
    """Bring back a stage that the demo left out, and name what it leaves as evidence."""
    paste_stage(root / "dvc.yaml", stage, ROOT / "dvc.yaml")
    named = f"{_APPROACH}    {table}: build/pipeline/{table}.parquet\n"
    replace(root / "params.yaml", _APPROACH, named)
