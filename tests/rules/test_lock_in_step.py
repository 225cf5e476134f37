"""Gate `lock_in_step`: the commit's lock says what the commit holds."""

from pathlib import Path

import msgspec
import pytest

from gates.evidence.folder import Evidence
from gates.evidence.kept_inputs import INPUTS, Inputs, LockChange, StageInputs
from gates.evidence.manifest import read_manifest, write_manifest
from gates.finding import Outcome, Result, State
from gates.rules.lock_in_step import LockInStep
from gates.testing import case, evidence, outcome, seal

STAGES = tuple(StageInputs(name=name, dependencies=2) for name in ("split", "train"))


def judged(
    folder: Path, *changes: LockChange, committed: bool = True, dirty: bool = False
) -> Outcome:
    evidence(folder, {}, test={"label": [True, False]})
    inputs = Inputs(inputs=(), stages=STAGES, committed=committed, lock_changes=changes)
    (folder / INPUTS).write_bytes(msgspec.json.encode(inputs))
    (folder / "manifest.json").unlink()
    seal(folder)
    manifest = msgspec.structs.replace(read_manifest(folder), dirty=dirty)
    write_manifest(folder, manifest)
    return outcome("lock_in_step", LockInStep(), case(Evidence(folder)))


def change(
    kind: str, name: str, committed: str | None = "a", made: str | None = "b", stage: str = "train"
) -> LockChange:
    return LockChange(stage=stage, kind=kind, name=name, committed=committed, made=made)  # type: ignore[arg-type]


def test_a_lock_in_step_passes(tmp_path: Path) -> None:
    found = judged(tmp_path / "a")
    assert found.outcome is Result.PASSED
    assert found.findings[0].message == "All 2 stages are as the commit's dvc.lock says."


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (change("param", "train.seed in params.yaml"), "'train.seed in params.yaml' changed."),
        (change("dependency", "train.py"), "'train.py' changed."),
        (change("dependency", "more.py", None), "'more.py' is new."),
        (change("dependency", "less.py", "a", None), "'less.py' is no longer named."),
        (change("command", ""), "its command changed."),
        (change("stage", "train", None, "train"), "the lock has no record of it."),
        (change("stage", "train", "train", None), "it is gone."),
    ],
)
def test_what_is_out_of_step_is_named(tmp_path: Path, changed: LockChange, message: str) -> None:
    found = judged(tmp_path / "a", changed)
    assert found.outcome is Result.FAILED
    (finding,) = found.findings
    assert finding.message == f"Stage 'train': {message}"
    assert finding.mend == "Run `dvc repro`, and commit dvc.lock with the change."


def test_what_follows_from_another_output_is_not_the_commits_fault(tmp_path: Path) -> None:
    """The split rounds otherwise here, so that train reads other bytes."""
    found = judged(
        tmp_path / "a",
        change("output", "train.parquet", stage="split"),
        change("dependency", "train.parquet"),
        change("output", "model.skops"),
    )
    assert found.outcome is Result.PASSED
    (seen,) = found.observations
    assert seen.message == (
        "From the same inputs came other outputs than the lock records: 'train.parquet', "
        "'model.skops'."
    )


def test_a_commit_without_a_lock_is_blocked(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", committed=False)
    assert found.outcome is Result.FAILED
    assert found.findings[0].message == "The commit has no dvc.lock."


def test_what_nobody_committed_yet_is_undecided(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", change("dependency", "train.py"), dirty=True)
    (finding,) = found.findings
    assert (found.outcome, finding.state) == (Result.UNDECIDED, State.UNDECIDED)
    assert "'train.py' changed. The work tree is not committed yet." in finding.message


def test_many_changes_are_counted(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", *(change("dependency", f"{at}.py") for at in range(7)))
    assert found.findings[0].message.endswith("'4.py' changed and 2 more.")


def test_without_the_comparison_it_is_skipped(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {}, test={"label": [True, False]})
    found = outcome("lock_in_step", LockInStep(), case(side))
    assert (found.outcome, "inputs.json" in found.reason) == (Result.SKIPPED, True)
