"""Gate `data_version`: every input of the pipeline is kept, and known by its hash."""

from pathlib import Path

import msgspec
import pytest

from gates.case.case import Case
from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.kept_inputs import INPUTS, Input, Inputs, Keeper, StageInputs
from gates.finding import Finding, Outcome, Result, State
from gates.rules.data_version import DataVersion
from gates.testing import case, evidence, outcome, seal

MD5, OTHER = "0" * 32, "1" * 32
TRAIN = StageInputs(name="train", dependencies=2)


def input_of(path: str = "raw.csv", kept_by: Keeper = Keeper.DVC, **more: object) -> Input:
    given = {"hash": MD5, "read": MD5, "read_by": ("train",), **more}
    return Input(path=path, kept_by=kept_by, **given)  # type: ignore[arg-type]


def judged(folder: Path, *inputs: Input, **more: object) -> Outcome:
    given = {"stages": (TRAIN,), **more}
    content = msgspec.json.encode(Inputs(inputs=inputs, **given))  # type: ignore[arg-type]
    return outcome("data_version", DataVersion(), case_of(folder, content))


def case_of(folder: Path, content: bytes) -> Case:
    evidence(folder, {}, test={"label": [True, False]})
    (folder / INPUTS).write_bytes(content)
    (folder / "manifest.json").unlink()
    seal(folder)
    return case(Evidence(folder))


def only(found: Outcome) -> Finding:
    (finding,) = found.findings
    return finding


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        (input_of(), "'raw.csv' is under DVC as 000000000000."),
        (input_of(kept_by=Keeper.GIT, hash="abc"), "'raw.csv' is in Git as abc."),
        (input_of("data", Keeper.GIT, hash=None), "'data' is in Git."),
        (input_of("s3://b/x", Keeper.LOCK, hash="e1"), "'s3://b/x' is in the lock as e1."),
    ],
)
def test_what_is_kept_passes(tmp_path: Path, kept: Input, text: str) -> None:
    finding = only(judged(tmp_path / "a", kept))
    assert (finding.state, finding.message, finding.mend) == (State.PASSED, text, "")


@pytest.mark.parametrize(
    ("broken", "text", "mend"),
    [
        (input_of(kept_by=Keeper.NOTHING), "is neither in Git nor under DVC", "dvc add"),
        (input_of("/home/x.csv", Keeper.NOTHING, outside=True), "lies outside", "dvc add"),
        (input_of("s3://b/x", Keeper.NOTHING), "does not record its version", "import-url"),
        (input_of("data", Keeper.GIT, loose=("data/new.csv",)), "has a file that", "dvc add"),
        (input_of("data", Keeper.GIT, loose=("x",) * 100), "has 100 or more files", "dvc add"),
        (input_of(read=OTHER), "was read with the MD5 111111111111", "dvc checkout"),
        (input_of(frozen=False), "is an import that is not frozen", "dvc freeze"),
    ],
)
def test_what_nobody_can_have_again_fails(
    tmp_path: Path, broken: Input, text: str, mend: str
) -> None:
    finding = only(judged(tmp_path / "a", broken))
    assert finding.state is State.FAILED
    assert finding.blocks
    assert text in finding.message
    assert "read by 'train'" in finding.message
    assert mend in finding.mend


def test_a_stage_that_names_nothing_fails(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", stages=(StageInputs(name="train", dependencies=0),))
    assert only(found).state is State.FAILED
    assert "stage 'train' names nothing" in only(found).message


def test_a_pipeline_that_reads_only_what_it_makes_passes(tmp_path: Path) -> None:
    assert only(judged(tmp_path / "a")).state is State.PASSED


def test_what_is_no_fault_by_itself_is_shown(tmp_path: Path) -> None:
    found = judged(
        tmp_path / "a",
        input_of("s3://b/x", Keeper.LOCK),
        stages=(StageInputs(name="old", dependencies=1, frozen=True),),
        loose_outputs=("m.json",),
        unread=("old.csv",),
    )
    assert [one.subject.key for one in found.observations] == [
        "kept elsewhere",
        "kept nowhere",
        "read by no stage",
        "frozen",
    ]


def test_without_a_list_or_a_stage_it_is_skipped(tmp_path: Path) -> None:
    bare = case(evidence(tmp_path / "a", {}, test={"label": [True, False]}))
    assert outcome("data_version", DataVersion(), bare).outcome is Result.SKIPPED
    assert judged(tmp_path / "b", stages=()).outcome is Result.SKIPPED


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": 1, "inputs": [], "more": 1}'])
def test_a_broken_list_is_an_error_and_no_pass(tmp_path: Path, content: bytes) -> None:
    broken = case_of(tmp_path / "a", content)
    assert outcome("data_version", DataVersion(), broken).outcome is Result.ERRORED
    with pytest.raises(EvidenceError, match=r"inputs\.json"):
        list(DataVersion().judge(broken))
