"""A largest accepted loss, and the comparison of two models that it bounds."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from gates.case.arena import NotComparableError
from gates.case.case import Case
from gates.case.effect import Effect
from gates.finding import Finding, Limit, Mode, State, Subject, Support
from gates.metrics.metric import Metric
from gates.rules.gate import Change, Comparison, Correction, Item
from gates.tables.table import Floats

_MEND = "Give the test set the rows that are missing, or take the limit away."
_MEND_ON_BASE = (
    "Mend what makes the model worse here: the baseline's rows and labels decide, not those that "
    "this pull request brings. If they are wrong, land their correction first, on its own, with "
    "the model as it is."
)
_MEND_SINCE = (
    "Keep rows of the release's test set in this one, or tag a release that has these rows."
)


class Margin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest loss that the owner accepts, in the metric's own unit."""

    margin: Change
    mode: Mode = Mode.GUARD


def against_each(case: Case, judge: Callable[[Case], Iterator[Item]]) -> Iterator[Item]:
    """What a gate says against every reference; what no reference can tell is said once.

    Where the test set changes, the baseline's own rows are a comparison of their own.
    """
    said: list[tuple[Subject, Support | None]] = []
    for against in _comparisons(case):
        for item in judge(against):
            if isinstance(item, Finding):
                about = msgspec.structs.replace(item.subject, reference=None, test_set=None)
                if (about, item.support) in said:
                    continue
                said.append((about, item.support))
            yield item


def _comparisons(case: Case) -> Iterator[Case]:
    for against in case.references:
        yield against
        if (on_base := _own_of_base(against)) is not None:
            yield on_base


def _own_of_base(case: Case) -> Case | None:
    return case.on_base if case.on_base is not None and case.on_both else None


def on_each_test_set(case: Case) -> Iterator[Case]:
    """The candidate on its own test rows, and on the baseline's where these are others."""
    yield case
    if case.on_base is not None:
        yield case.on_base


def subject_in(
    case: Case,
    *,
    metric: str | None = None,
    segment: dict[str, str] | None = None,
    column: str | None = None,
    key: str | None = None,
) -> Subject:
    """A subject that names what the case compares with, and whose rows."""
    return Subject(
        metric=metric,
        segment=segment or {},
        column=column,
        key=key,
        reference=case.reference,
        test_set=case.test_set_of,
    )


def mend_in(case: Case, mend: str, since: str = "") -> str:
    """What to do: where the baseline's own rows say it, that other rows will not help."""
    if case.test_set_of is not None:
        return _MEND_ON_BASE
    return since if since and case.reference else mend


def why_incomparable(case: Case) -> str:
    """Why the anchor's model cannot be compared on any row; nothing where it can.

    Raises:
        NotComparableError: it is the merge base's model that cannot.
    """
    try:
        _ = case.streamed or case.arenas
    except NotComparableError as error:
        if case.reference is None:
            raise
        return str(error)
    return ""


def compare(
    name: str,
    metric: Metric[Any],
    effect: Effect,
    margin: Margin,
    correction: Correction,
    *,
    subject: Subject | None = None,
    mend: str = "",
) -> Comparison:
    """The comparison that an effect and a margin make, for a metric with a direction."""
    greater_is_better = metric.greater_is_better is True
    better: Floats = effect.contributions if greater_is_better else -effect.contributions
    return Comparison(
        subject=subject or Subject(metric=name),
        correction=correction,
        limit=Limit(margin=margin.margin, mode=margin.mode),
        greater_is_better=greater_is_better,
        baseline=effect.baseline,
        candidate=effect.candidate,
        change=effect.change,
        interval=effect.interval,
        rows=effect.rows,
        contributions=better,
        added=effect.added if greater_is_better or effect.added is None else -effect.added,
        support=effect.support,
        counted=effect.counted,
        same=effect.same,
        doubt=effect.doubt(greater_is_better=greater_is_better),
        rows_needed=effect.rows_needed(margin.margin),
        mend=mend,
    )


def cannot_tell(
    subject: Subject,
    limit: Limit,
    reason: str,
    rows: int | None = None,
    *,
    mend: str = "",
    rows_needed: int | None = None,
) -> Finding:
    """The finding where the data carry no answer: undecided, with the reason and no number.

    Args:
        subject: what cannot be judged.
        limit: what was asked of it.
        reason: why not, without a full stop.
        rows: that there are.
        mend: what to do, where it is not to give the test set more rows.
        rows_needed: that would decide.
    """
    return Finding(
        subject=subject,
        state=State.UNDECIDED,
        limit=limit,
        message=f"{subject.text()}: cannot be judged: {reason}.",
        mend=mend or (_MEND_SINCE if subject.reference else _MEND),
        support=None if rows is None else Support(rows=rows),
        rows_needed=rows_needed,
    )
