"""What clearly got better and clearly got worse at once."""

from typing import NamedTuple

from gates.finding import Family, Finding, Observation, Outcome, Result, State, Verdict
from gates.report.nesting import nested
from gates.report.sentences import direction
from gates.report.summary import findings_in, loss

MATERIAL_SHARE = 0.25  # of the margin: a smaller change, however certain, is no trade-off
MEASURED = frozenset({Family.METRICS, Family.FAIRNESS})  # what a whole model is weighed by


class Moved(NamedTuple):
    """A change that is certain and matters, with or without a limit of its own."""

    outcome: Outcome
    one: Finding | Observation
    margins: float  # its size, in multiples of the accepted loss


class TradeOff(NamedTuple):
    """What clearly got better and what clearly got worse, the largest in margins first."""

    better: tuple[Moved, ...]
    worse: tuple[Moved, ...]


def trade_off(verdict: Verdict) -> TradeOff:
    """Changes that are certain (0 lies outside the interval) and at least a quarter of the margin.

    Segments count only where they failed: among many, some always look certain by chance. What
    has no limit is weighed by the smallest margin of its gate. What moved since the anchor is not
    this change's doing.
    """
    failed = [nest.judged for nest in nested(findings_in(verdict, State.FAILED))]
    judged = [one for one in findings_in(verdict, *State) if one.outcome.family in MEASURED]
    judged += [one for one in failed if one.outcome.family is Family.SEGMENTS]
    moved = [
        Moved(outcome, finding, abs(loss(finding)) / (finding.limit.margin or 1.0))
        for outcome, finding in judged
        if finding.subject.reference is None
        and finding.interval_of == "change"
        and _is_clear(finding, finding.limit.margin)
    ]
    moved += [one for outcome in verdict.outcomes for one in _moved_unjudged(outcome)]
    moved.sort(key=lambda one: -one.margins)
    return TradeOff(
        better=tuple(one for one in moved if direction(one.one) == "better"),
        worse=tuple(one for one in moved if direction(one.one) == "worse"),
    )


def _is_clear(one: Finding | Observation, margin: float | None) -> bool:
    if not one.change or margin is None or abs(one.change) < MATERIAL_SHARE * margin:
        return False
    return bool(direction(one))


def _moved_unjudged(outcome: Outcome) -> list[Moved]:
    """What moved and is in no finding of its gate; nothing where the gate has no margin."""
    margins = [one.limit.margin for one in outcome.findings if one.limit.margin]
    if outcome.family not in MEASURED or outcome.outcome is Result.WAIVED or not margins:
        return []
    judged = [one.subject for one in outcome.findings]
    return [
        Moved(outcome, one, abs(loss(one)) / min(margins))
        for one in outcome.observations
        if one.interval and one.subject not in judged and _is_clear(one, min(margins))
    ]
