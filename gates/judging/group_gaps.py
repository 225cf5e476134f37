"""How far apart groups are, whatever it was before: a bound of their difference, or their ratio."""

from collections.abc import Iterator

from gates.case.case import Case
from gates.finding import Finding, Limit, State, Subject
from gates.judging.gap import Rate, candidate_rate
from gates.judging.margin import cannot_tell
from gates.metrics.group import GroupMean
from gates.quoting import first_few
from gates.stats.disparity import Disparity, GroupRate, judge_difference, judge_ratio
from gates.stats.undefined import UndefinedError

Bound = tuple[Subject, Limit]  # a ceiling of the difference, or a floor of the ratio


def judge_gaps(
    case: Case,
    columns: tuple[str, ...],
    mean: GroupMean,
    bounds: list[Bound],
    *,
    alpha: float,
    mend: str,
) -> Iterator[Finding]:
    """One finding per bound, of the candidate's groups on its test rows.

    Args:
        case: whose test rows.
        columns: that make the groups, one or several together.
        mean: what is compared between them.
        bounds: what it is about, and the limit.
        alpha: one-sided level of each bound.
        mend: what to do where one is not kept.
    """
    if not bounds:
        return
    rates = tuple(
        _rate_of(" and ".join(segment.values()), candidate_rate(mean, case, rows))
        for segment, rows in case.candidate_segments(columns)
    )
    for subject, limit in bounds:
        try:
            if limit.ceiling is not None:
                found = judge_difference(rates, limit.ceiling, alpha)
            else:
                found = judge_ratio(rates, limit.floor or 0.0, alpha)
        except UndefinedError as error:
            yield cannot_tell(subject, limit, str(error))
        else:
            yield _finding(subject, limit, found, mend)


def _rate_of(name: str, rate: Rate) -> GroupRate:
    return GroupRate(name, rate.hits, rate.effective, rate.error)


def _finding(subject: Subject, limit: Limit, found: Disparity, mend: str) -> Finding:
    small = f" Too small to judge: {first_few(found.too_small)}." if found.too_small else ""
    low, high = found.interval.lower, found.interval.upper
    accepted = f"up to {limit.ceiling:g}" if limit.floor is None else f"at least {limit.floor:g}"
    return Finding(
        subject=subject,
        state=found.state,
        limit=limit,
        message=(
            f"{subject.text()}: {found.value:.4f} between {found.lowest} and {found.highest} "
            f"(limits {low:.4f} to {high:.4f}); {accepted} is accepted.{small}"
        ),
        mend="" if found.state is State.PASSED else mend,
        candidate=found.value,
        greater_is_better=limit.floor is not None,
        interval=(low, high),
        interval_of="candidate",
    )
