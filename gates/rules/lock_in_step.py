"""Gate `lock_in_step`."""

from collections.abc import Iterator
from typing import ClassVar, Final

from gates.case.case import Case
from gates.evidence.kept_inputs import INPUTS, INPUTS_MAX_BYTES, Inputs, LockChange, read_inputs
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.lost import tell_lost
from gates.quoting import first_few, quote
from gates.rules.gate import Gate, Item

_RULE: Final = "as the commit's dvc.lock says"
_MEND: Final = "Run `dvc repro`, and commit dvc.lock with the change."


class LockInStep(Gate, frozen=True, kw_only=True):
    """Blocks a commit whose dvc.lock describes another pipeline than the commit holds.

    What it blocks: a stage of which the committed lock says something else than the commit: another
    command, other code, data or parameters; a stage that the lock lacks, or that is gone; and a
    commit without a lock. Of a work tree with changes that nobody has committed yet it says what
    is to be committed, and stays undecided.

    Why: whoever forgets `dvc repro` commits code and parameters beside the results of others. The
    gate runs the pipeline anew, so its own verdict is right; but the next person who takes the
    lock's outputs from the remote, or reads its history, gets the model of another commit.

    What it does not see: what a stage reads without naming it in `deps:`; whether the job that
    listed the differences told the truth. Outputs that came out otherwise from the same inputs are
    shown and not judged: another machine may round otherwise (`repeatability`).

    Example:
        lock_in_step: {}
    """

    family: ClassVar[Family] = Family.REPRODUCIBILITY

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per stage that is out of step, or one for all that are in step.

        Raises:
            NotApplicableError: the evidence does not compare the commit's lock with the run's.
        """
        side = case.candidate
        if not side.has(INPUTS):
            why = f"the evidence has no {INPUTS}; `gatepost collect` writes it of a DVC pipeline"
            yield tell_lost(case, INPUTS, why)
            return
        inputs = read_inputs(side.content(INPUTS, INPUTS_MAX_BYTES), str(side.folder / INPUTS))
        found = State.UNDECIDED if side.manifest.dirty else State.FAILED
        if not inputs.committed:
            yield _finding("dvc.lock", found, "The commit has no dvc.lock.")
            return
        made = {each.name for each in inputs.lock_changes if each.kind == "output"}
        out_of_step = [each for each in inputs.lock_changes if _is_out_of_step(each, made)]
        stages = list(dict.fromkeys(each.stage for each in out_of_step))
        for stage in stages:
            said = [_describe(each) for each in out_of_step if each.stage == stage]
            yield _finding(f"stage {stage}", found, f"Stage {quote(stage)}: {first_few(said)}.")
        if not stages:
            text = f"All {len(inputs.stages)} stages are as the commit's dvc.lock says."
            yield _finding("dvc.lock", State.PASSED, text)
        yield from _observe(inputs, stages)


def _is_out_of_step(change: LockChange, made: set[str]) -> bool:
    """Whether the commit explains a difference, and not an output that came out otherwise."""
    if change.kind == "output":
        return False
    return change.kind != "dependency" or change.name not in made


def _describe(change: LockChange) -> str:
    if change.kind == "stage":
        return "the lock has no record of it" if change.committed is None else "it is gone"
    if change.kind == "command":
        return "its command changed"
    if change.committed is None or change.made is None:
        verb = "is new" if change.committed is None else "is no longer named"
        return f"{quote(change.name)} {verb}"
    return f"{quote(change.name)} changed"


def _observe(inputs: Inputs, out_of_step: list[str]) -> Iterator[Observation]:
    """Outputs that differ though nothing that their stages read does."""
    others = [
        each.name
        for each in inputs.lock_changes
        if each.kind == "output" and each.stage not in out_of_step
    ]
    if others and not out_of_step:
        text = f"From the same inputs came other outputs than the lock records: {quote(*others)}."
        yield Observation(subject=Subject(key="outputs"), message=text)


def _finding(key: str, state: State, text: str) -> Finding:
    waits = " The work tree is not committed yet." if state is State.UNDECIDED else ""
    return Finding(
        subject=Subject(key=key),
        state=state,
        limit=Limit(rule=_RULE, mode=Mode.GUARD),
        message=text + waits,
        mend="" if state is State.PASSED else _MEND,
    )
