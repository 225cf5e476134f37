"""The whole pipeline as a newcomer runs it: Git, DVC and the small batches."""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from dvc.repo import Repo

from gates.process import child_environment
from tests.pipeline.samples import BATCHES, ROOT, YEARS

COPIED = ("dvc.yaml", "params.yaml", "data/columns.yaml", "pipeline")


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=child_environment(),  # stages call `python`, which must be ours
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def stages_due(folder: Path) -> list[str]:
    """What `dvc repro` would run, asked of DVC itself: its start takes a second each time."""
    with contextlib.chdir(folder), Repo() as repo:
        return [stage.name for stage in repo.reproduce(dry=True)]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    for name in COPIED:
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target)
    shutil.copytree(BATCHES, folder / "data" / "raw")
    params = folder / "params.yaml"
    text = params.read_text().replace("seeds: [21, 22, 23]", "seeds: []")
    text = text.replace("  folds: 5\n", "  folds: 2\n")
    params.write_text(text.replace("processes: 2", "processes: 1"))
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("/build/\n")
    run(folder, "dvc", "init", "-q")
    run(folder, "dvc", "config", "core.analytics", "false")
    run(folder, "dvc", "add", "-q", *(f"data/raw/census_{year}.parquet" for year in YEARS))
    run(folder, "dvc", "repro", "-q")
    return folder


def test_the_predictions_are_the_test_rows_in_their_order(repository: Path) -> None:
    out = repository / "build" / "pipeline"
    predictions = pq.read_table(out / "predictions.parquet")
    assert predictions.column_names == ["row_id", "score"]
    assert predictions["row_id"].equals(pq.read_table(out / "test.parquet")["row_id"])


def test_metrics_and_plots_are_there_for_dvc(repository: Path) -> None:
    shown = msgspec.json.decode(run(repository, "dvc", "metrics", "show", "--json"))
    metrics = shown[""]["data"]["metrics.json"]["data"]
    assert 0.5 < metrics["roc_auc"] < 1
    assert {path.name for path in (repository / "plots").glob("*.csv")} == {
        "calibration.csv",
        "precision_recall.csv",
        "roc.csv",
    }


def test_any_model_scores_any_rows(repository: Path, tmp_path: Path) -> None:
    out = repository / "build" / "pipeline"
    arguments = (
        "--rows",
        str(out / "validation.parquet"),
        "--out",
        str(tmp_path / "scores.parquet"),
    )
    run(repository, "pipeline.predict", "--model", str(out / "model.skops"), *arguments)
    scores = pq.read_table(tmp_path / "scores.parquet")
    assert scores["row_id"].equals(pq.read_table(out / "validation.parquet")["row_id"])


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # of what DVC imports
@pytest.mark.parametrize(
    ("name", "old", "new", "first"),
    [
        ("params.yaml", "\n", "\n", None),
        ("params.yaml", "# Parameters", "# The parameters", None),
        ("params.yaml", "decision_threshold: 0.5", "decision_threshold: 0.4", "evaluate"),
        ("params.yaml", "seed: 20", "seed: 21", "train"),
        ("params.yaml", "test_share: 0.335", "test_share: 0.3", "split"),
        ("params.yaml", "population: workers", "population: all", "ingest"),
        ("params.yaml", "  rows: 20000", "  rows: 20", "quick"),
        ("pipeline/evaluate.py", '"""Stage', '"""The stage', "evaluate"),
        ("pipeline/folds.py", '"""Stage', '"""The stage', "folds"),
        ("pipeline/split.py", '"""Stage', '"""The stage', "split"),
    ],
)
def test_a_change_runs_its_own_stage_and_none_before(
    repository: Path, name: str, old: str, new: str, first: str | None
) -> None:
    path = repository / name
    before = path.read_text()
    path.write_text(before.replace(old, new, 1))
    try:
        due = stages_due(repository)
    finally:
        path.write_text(before)
    assert (due[0] if due else None) == first
