"""A largest accepted loss, and the comparison of two models that it bounds."""

import msgspec

from gates.effect import Effect
from gates.finding import Finding, Limit, Mode, State, Subject, Support
from gates.metrics import METRICS
from gates.rules.gate import Amount, Comparison, Correction
from gates.tables.table import Floats


class Margin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest loss that the owner accepts, in the metric's own unit."""

    margin: Amount
    mode: Mode = Mode.GUARD


def compare(
    metric: str,
    effect: Effect,
    margin: Margin,
    correction: Correction,
    *,
    segment: dict[str, str] | None = None,
    mend: str = "",
) -> Comparison:
    """The comparison that an effect and a margin make, for a metric with a direction."""
    greater_is_better = METRICS[metric].greater_is_better is True
    better: Floats = effect.contributions if greater_is_better else -effect.contributions
    return Comparison(
        subject=Subject(metric=metric, segment=segment or {}),
        correction=correction,
        limit=Limit(margin=margin.margin, mode=margin.mode),
        greater_is_better=greater_is_better,
        baseline=effect.baseline,
        candidate=effect.candidate,
        change=effect.change,
        interval=effect.interval,
        rows=effect.rows,
        contributions=better,
        support=effect.support,
        same=effect.same,
        rows_needed=effect.rows_needed(margin.margin),
        mend=mend,
    )


def cannot_tell(subject: Subject, limit: Limit, reason: str, rows: int | None = None) -> Finding:
    """The finding where the data carry no answer: undecided, with the reason and no number."""
    return Finding(
        subject=subject,
        state=State.UNDECIDED,
        limit=limit,
        message=f"{subject.text()}: cannot be judged: {reason}.",
        mend="Give the test set the rows that are missing, or take the limit away.",
        support=None if rows is None else Support(rows=rows),
    )
