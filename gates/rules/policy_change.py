"""Gate `policy_change`."""

from collections.abc import Iterator
from typing import ClassVar

from gates.case.case import Case
from gates.finding import (
    Direction,
    Family,
    Finding,
    Limit,
    Observation,
    PolicyChange,
    State,
    Subject,
)
from gates.rules.gate import Gate, Item, NotApplicableError

_MEND = "Take it out of this pull request and propose it in one of its own."
_RULE = Limit(rule="a limit is loosened in a pull request of its own")


class PolicyChangeGate(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that loosens a limit and changes the model in one go.

    What it blocks: any loosened limit, and any new or longer waiver, beside changed predictions,
    test rows or training rows. A pull request that only edits the policy or the waivers passes,
    with every loosening named for its reviewers.

    Why: limits are read from the base branch, so a loosening never helps the pull request that
    carries it; but mixed with a model change it is easy to overlook, and the next pull request
    is judged by it.

    What it does not see: whether a loosening is wise. That is for the owners of `params.yaml`
    and `waivers.yaml`.

    Example:
        policy_change: {}
    """

    family: ClassVar[Family] = Family.SCOPE

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per loosened limit; an observation per other change."""
        loosened = [c for c in case.policy_changes if c.direction is Direction.LOOSENED]
        mixed = bool(loosened) and _changes_the_model(case)
        for change in loosened:
            yield _judge_loosening(change, mixed=mixed)
        if not loosened:
            same = "asks for no less than" if case.policy_changes else "is that of"
            yield Finding(
                subject=Subject(key="gates"),
                state=State.PASSED,
                limit=_RULE,
                message=f"The policy {same} the base.",
            )
        for change in case.policy_changes:
            if change.direction is not Direction.LOOSENED:
                yield Observation(subject=Subject(key=change.key), message=_sentence(change))


def _judge_loosening(change: PolicyChange, *, mixed: bool) -> Finding:
    return Finding(
        subject=Subject(key=change.key),
        state=State.FAILED if mixed else State.PASSED,
        limit=_RULE,
        message=_sentence(change),
        mend=_MEND if mixed else "",
    )


def _sentence(change: PolicyChange) -> str:
    before = "absent" if change.base is None else change.base
    after = "absent" if change.candidate is None else change.candidate
    judged = (
        "it counts once it is on the base" if _is_waiver(change) else "judged by the base's value"
    )
    return f"{change.key}: {before} → {after} ({change.direction}); {judged}."


def _is_waiver(change: PolicyChange) -> bool:
    return change.key.startswith("waivers.")


def _changes_the_model(case: Case) -> bool:
    """Whether anything that is judged differs: test rows, predictions or training rows."""
    if case.baseline is None:
        raise NotApplicableError("there is no baseline, so nothing was loosened against it")
    if case.test_set.changed:
        return True
    if not _same_predictions(case):
        return True
    return case.candidate.digest_of("train.parquet") != case.baseline.digest_of("train.parquet")


def _same_predictions(case: Case) -> bool:
    if case.streamed is not None:
        return case.streamed.whole.same
    (arena,) = case.arenas
    return arena.baseline.same_as(arena.candidate)
