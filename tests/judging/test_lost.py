"""What the baseline has and the candidate lacks blocks; what neither has is a skip."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Mode, Result, State
from gates.rules import GATES
from gates.testing import case, evidence, outcome, seal

LISTED: dict[str, Any] = {
    "town": "feature category",
    "size": "feature number",
    "person": "group text",
    "day": "time integer",
}
TEST: dict[str, list[Any]] = {
    "town": ["a", "b"] * 20,
    "size": [0.5 + at for at in range(40)],
    "person": [f"p{at}" for at in range(40)],
    "day": [9] * 40,
    "label": [True, False] * 20,
}
TRAIN: dict[str, list[Any]] = {name: [*values] for name, values in TEST.items()} | {
    "person": [f"q{at}" for at in range(40)],
    "day": [1] * 40,
}
KEYS: dict[str, dict[str, Any]] = {"fold_spread": {"metrics": {"roc_auc": {"distance": 0.1}}}}
OF_TRAIN = ["drift", "group_leakage", "levels", "schema", "time_leakage", "train_test_overlap"]
OF_TRAIN += ["unit_change", "version_leakage"]
SKIPPED = {
    "data_version": "inputs.json",
    "fold_spread": "folds.parquet",
    "label_agreement": "labels.parquet",
    "lock_in_step": "inputs.json",
    "repeatability": "repeats.parquet",
    "time_leakage": "train.parquet",
    "group_leakage": "train.parquet",
    "train_test_overlap": "train.parquet",
    "version_leakage": "train.parquet",
}


def gate(name: str) -> Any:
    return msgspec.convert(KEYS.get(name, {}), GATES[name])


def side(folder: Path, train: Any = None, lost: str = "") -> Evidence:
    made = evidence(folder, LISTED, test=TEST, train=train)
    if lost and train is None:
        pq.write_table(pa.table({"row_id": ["r0"]}), folder / lost)
        seal(folder)
        made = Evidence(folder)
    return made


def lost(name: str, new: Evidence, old: Evidence, file: str) -> bool:
    """Whether the gate says that the file is gone, and blocks by it."""
    of = outcome(name, gate(name), case(new, old))
    found = [each for each in of.findings if each.subject.key == file]
    return bool(found) and all(each.blocks for each in found)


@pytest.mark.parametrize(("name", "file"), SKIPPED.items())
def test_what_neither_side_has_is_a_skip(name: str, file: str, tmp_path: Path) -> None:
    new, old = side(tmp_path / "new"), side(tmp_path / "old")
    of = outcome(name, gate(name), case(new, old))
    assert of.outcome is Result.SKIPPED
    assert file in of.reason


@pytest.mark.parametrize(
    ("name", "file"), [each for each in SKIPPED.items() if each[1] != "train.parquet"]
)
def test_a_file_that_the_baseline_has_blocks_once_it_is_gone(
    name: str, file: str, tmp_path: Path
) -> None:
    assert lost(name, side(tmp_path / "new"), side(tmp_path / "old", lost=file), file)


@pytest.mark.parametrize("rows", [None, 0])
@pytest.mark.parametrize("name", OF_TRAIN)
def test_training_rows_that_are_gone_block(name: str, rows: int | None, tmp_path: Path) -> None:
    none = None
    if rows == 0:
        kinds = {"day": pa.int64(), "label": pa.bool_(), "size": pa.float64()}
        none = {key: pa.array([], kinds.get(key, pa.string())) for key in TRAIN}
        none["row_id"] = pa.array([], pa.string())
    new, old = side(tmp_path / "new", none), side(tmp_path / "old", TRAIN)
    assert lost(name, new, old, "train.parquet")


def test_what_it_says(tmp_path: Path) -> None:
    new, old = side(tmp_path / "new"), side(tmp_path / "old", TRAIN)
    (found,) = outcome("time_leakage", gate("time_leakage"), case(new, old)).findings
    assert (found.state, found.limit.mode) == (State.UNDECIDED, Mode.STRICT)
    assert found.message == (
        "train.parquet: cannot be judged: the baseline has it, this pull request does not."
    )
    assert found.mend == (
        "Let the pipeline write train.parquet as at the base, or take the gate away in a pull "
        "request of its own."
    )


def test_folds_by_which_new_training_labels_were_judged(tmp_path: Path) -> None:
    """Where the training table changes; where it does not, there is no new label to judge."""
    old = side(tmp_path / "old", TRAIN)
    pq.write_table(pa.table({"row_id": ["t0"]}), old.folder / "folds.parquet")
    seal(old.folder)
    old = Evidence(old.folder)
    relabelled = side(tmp_path / "new", {**TRAIN, "label": [False, True] * 20})
    of = outcome("suspicious_labels", gate("suspicious_labels"), case(relabelled, old))
    assert [each.subject.key for each in of.findings if each.blocks] == ["folds.parquet"]
    same = side(tmp_path / "same", TRAIN)
    of = outcome("suspicious_labels", gate("suspicious_labels"), case(same, old))
    assert of.outcome is Result.PASSED
