"""A floor or a ceiling of a metric, by the metric's direction, or of a share of rows."""

from typing import TYPE_CHECKING, Any

from gates.case.answers import Answers
from gates.case.effect import CONFIDENCE, clustered, require_groups
from gates.case.segments import Rows
from gates.finding import Limit, Mode, Subject, Support
from gates.judging.growth import rows_within
from gates.judging.margin import cannot_tell
from gates.metrics.metric import Metric
from gates.rules.gate import Item, Measurement
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.proportion import p_share_at_most, wilson
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

if TYPE_CHECKING:
    from gates.case.streamed import SummedSegment


def limit_of(metric: Metric[Any], bound: float, mode: Mode) -> Limit:
    """A floor where greater is better, else a ceiling."""
    if metric.greater_is_better:
        return Limit(floor=bound, mode=mode)
    return Limit(ceiling=bound, mode=mode)


def measure(
    subject: Subject,
    metric: Metric[Any],
    answers: "Answers | SummedSegment",
    limit: Limit,
    *,
    groups: Rows | None = None,
    baseline: float | None = None,
    mend: str = "",
) -> Item:
    """The candidate's metric with its interval, against a floor or a ceiling."""
    try:
        value, interval, estimate = measure_value(metric, answers, groups)
    except UndefinedError as error:
        return cannot_tell(subject, limit, str(error), answers.rows)
    return Measurement(
        subject=subject,
        limit=limit,
        value=value,
        interval=(interval.lower, interval.upper),
        p_value=_p_of_keeping(estimate, limit),
        mend=mend,
        baseline=baseline,
        support=answers.support,
    )


def measure_share(
    subject: Subject, count: int, rows: int, limit: Limit, *, message: str, mend: str
) -> Measurement:
    """A share of rows with its interval (Wilson), against a ceiling by the exact binomial test."""
    ceiling, interval = limit.ceiling or 0.0, wilson(count, rows, CONFIDENCE)
    return Measurement(
        subject=subject,
        limit=limit,
        value=count / rows,
        interval=(interval.lower, interval.upper),
        p_value=p_share_at_most(count, rows, ceiling),
        message=message,
        mend=mend,
        support=Support(rows=rows),
        rows_needed=rows_within(interval.lower, interval.upper, ceiling - count / rows, rows),
    )


def measure_value(
    metric: Metric[Any], answers: "Answers | SummedSegment", groups: Rows | None
) -> tuple[float, Interval, Estimate]:
    """The value with its interval, and with the standard error that the interval stands for.

    Raises:
        UndefinedError: the metric has no value here, or there are too few groups.
    """
    if not isinstance(answers, Answers):
        summed = answers.value(metric, CONFIDENCE)
        return summed.value, summed.interval, _estimate(summed.value, summed.interval)
    value = metric.of(answers, CONFIDENCE)
    if groups is None:
        return value.value, value.interval, _estimate(value.value, value.interval)
    if metric.shared_rows(answers.labels) is None:
        require_groups(groups, answers.rarer)
    estimate = clustered(value.values, groups)
    return value.value, estimate.interval(CONFIDENCE), estimate


def _estimate(value: float, interval: Interval) -> Estimate:
    return Estimate(value=value, standard_error=interval.width / 2 / critical_z(CONFIDENCE))


def _p_of_keeping(estimate: Estimate, limit: Limit) -> float:
    """P-value of the hypothesis that the true value keeps the limit."""
    if limit.floor is not None:
        return estimate.p_at_least(limit.floor)
    assert limit.ceiling is not None  # noqa: S101 - `limit_of` made it
    return estimate.p_at_most(limit.ceiling)
