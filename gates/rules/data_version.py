"""Gate `data_version`."""

from collections.abc import Iterator
from typing import ClassVar

from gates.case.case import Case
from gates.evidence.kept_inputs import (
    INPUTS,
    INPUTS_MAX_BYTES,
    MOST_LOOSE,
    Input,
    Inputs,
    Keeper,
    StageInputs,
    read_inputs,
)
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.lost import tell_lost
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError

_RULE = "known by its hash, in Git or under DVC"
_SHOWN_HASH = 12
_KEEP = "Put it under DVC (`dvc add`, `dvc import-url`) or into Git, and commit that."
_RECORD = "Run `dvc add` on what was read, or `dvc checkout` what is recorded, and run again."
_FREEZE = "Run `dvc freeze` on its pointer, and `dvc update` when it is to change."
_NAME = "List under `deps:` in dvc.yaml what the stage reads, its code included."


class DataVersion(Gate, frozen=True, kw_only=True):
    """Blocks a pipeline that reads what nobody can have again.

    What it blocks: an input of a stage (what it reads and no stage makes) that is neither under
    DVC nor in Git; one that lies outside the repository; a folder with files that neither knows; a
    pointer without a hash, or of another content than the run has read; a remote file whose
    version the lock does not record; an import that is not frozen, so that each run may fetch
    another content; and a stage that names nothing it reads.

    Why: a result is worth what it takes to have it again. A file on somebody's disk is not there
    for the next run, and when it changes, nothing says so. What is under DVC or in Git has a hash
    that the commit names.

    What it does not see: what a stage reads without naming it in `deps:`, inputs of pipelines in
    other folders than the root, whether a remote still has what it should, and whether the job
    that listed the inputs told the truth. Of a remote file that the lock knows by its version, the
    content is kept by nobody here, which is shown.

    Example:
        data_version: {}
    """

    family: ClassVar[Family] = Family.DATA

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per input, and one per stage that names none.

        Raises:
            NotApplicableError: the evidence does not say what the pipeline reads.
        """
        side = case.candidate
        if not side.has(INPUTS):
            why = f"the evidence has no {INPUTS}; `gatepost collect` writes it of a DVC pipeline"
            yield tell_lost(case, INPUTS, why)
            return
        inputs = read_inputs(side.content(INPUTS, INPUTS_MAX_BYTES), str(side.folder / INPUTS))
        if not inputs.inputs and not inputs.stages:
            raise NotApplicableError("the pipeline has no stage")
        for one in inputs.inputs:
            yield _judge_input(one)
        for stage in inputs.stages:
            if stage.dependencies == 0:
                yield _judge_stage(stage)
        if not inputs.inputs and all(stage.dependencies for stage in inputs.stages):
            yield _finding("inputs", "all that the stages read is made by stages")
        yield from _observe(inputs)


def _judge_input(one: Input) -> Finding:
    for fault, mend in _faults(one):
        return _finding(
            one.path, f"{quote(one.path)}, read by {quote(*one.read_by)}, {fault}", mend
        )
    keeper = {Keeper.GIT: "is in Git", Keeper.DVC: "is under DVC", Keeper.LOCK: "is in the lock"}
    known = f" as {one.hash[:_SHOWN_HASH]}" if one.hash else ""
    return _finding(one.path, f"{quote(one.path)} {keeper[one.kept_by]}{known}")


def _faults(one: Input) -> Iterator[tuple[str, str]]:
    """What is wrong with an input and how it is mended, the worst first."""
    if one.outside:
        yield "lies outside the repository, so that only one machine has it", _KEEP
    if one.kept_by is Keeper.NOTHING and "://" in one.path:
        yield "is remote, and the lock does not record its version", _KEEP
    elif one.kept_by is Keeper.NOTHING:
        yield "is neither in Git nor under DVC, so that nobody can have it again", _KEEP
    if one.loose:
        more = " or more" if len(one.loose) == MOST_LOOSE else ""
        files = f"{len(one.loose):,}{more} files" if len(one.loose) > 1 else "a file"
        yield f"has {files} that neither Git nor DVC knows: {quote(*one.loose)}", _KEEP
    if one.kept_by is Keeper.DVC and one.hash and one.read and one.hash != one.read:
        was, said = one.read[:_SHOWN_HASH], one.hash[:_SHOWN_HASH]
        yield f"was read with the MD5 {was}, its pointer says {said}", _RECORD
    if not one.frozen:
        yield "is an import that is not frozen, so that each run may fetch other content", _FREEZE


def _judge_stage(stage: StageInputs) -> Finding:
    text = f"stage {quote(stage.name)} names nothing that it reads, not even its code"
    return _finding(f"stage {stage.name}", text, _NAME)


def _finding(key: str, text: str, mend: str = "") -> Finding:
    return Finding(
        subject=Subject(key=key),
        state=State.FAILED if mend else State.PASSED,
        limit=Limit(rule=_RULE, mode=Mode.STRICT),
        message=f"{text}.",
        mend=mend,
    )


def _observe(inputs: Inputs) -> Iterator[Observation]:
    """What is no fault by itself, and good to know."""
    remote = [one.path for one in inputs.inputs if one.kept_by is Keeper.LOCK]
    frozen = [stage.name for stage in inputs.stages if stage.frozen]
    told = (
        ("kept elsewhere", remote, "the lock records the version, nobody here keeps the content"),
        ("kept nowhere", inputs.loose_outputs, "`cache: false` and not in Git; runs make it again"),
        ("read by no stage", inputs.unread, "under DVC, and no stage reads it"),
        ("frozen", frozen, "frozen stages, which DVC does not run, whatever changed"),
    )
    for key, names, text in told:
        if names:
            yield Observation(subject=Subject(key=key), message=f"{quote(*names)}: {text}.")
