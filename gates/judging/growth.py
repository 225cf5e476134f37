"""A value that may not grow by more than a given amount over the baseline's."""

import math
from collections.abc import Sequence

import msgspec

from gates.case.effect import CONFIDENCE, POWER
from gates.finding import Limit, Mode, Subject, Support
from gates.rules.gate import Measurement
from gates.stats.estimate import Estimate
from gates.stats.quantile import critical_z


def grown(
    subject: Subject,
    before: float,
    growth: Estimate,
    worsening: float,
    *,
    mode: Mode,
    rows: int,
    message: str = "",
    mend: str = "",
) -> Measurement:
    """The candidate's value against the baseline's plus the accepted growth."""
    around = growth.interval(CONFIDENCE)
    return Measurement(
        subject=subject,
        limit=Limit(ceiling=before + worsening, mode=mode),
        value=before + growth.value,
        interval=(before + around.lower, before + around.upper),
        p_value=growth.p_at_most(worsening),
        message=message,
        mend=mend,
        baseline=before,
        support=Support(rows=rows),
        rows_needed=rows_to_tell(growth.standard_error, worsening, rows),
    )


def rows_within(low: float, high: float, room: float, rows: int) -> int | None:
    """Rows by which a value that lies `room` from its limit would be told from it.

    Args:
        low: lower limit of the value's interval.
        high: upper limit.
        room: from the value to its limit, on the side that is accepted.
        rows: behind the interval.
    """
    return rows_to_tell((high - low) / 2 / critical_z(CONFIDENCE), room, rows)


def rows_to_tell(error: float, worsening: float, rows: int) -> int | None:
    """Rows that would rule out the growth if there were none; `None` where these are enough.

    Source: as `Effect.rows_needed`, 95 % two-sided, power 80 %.
    """
    if worsening <= 0 or not math.isfinite(error):
        return None
    reach = (critical_z(CONFIDENCE) + critical_z(2 * POWER - 1)) * error
    needed = math.ceil(rows * (reach / worsening) ** 2)
    return needed if needed > rows else None


def most_telling(found: Sequence[Measurement], alpha: float) -> Measurement:
    """Of several with one limit each, the one that decides for all of them.

    It is the one with most against it, its p-value corrected for their number (Bonferroni), if
    that may fail at the level `alpha`; else the one whose interval is furthest beyond its limit,
    so that all are only passed where each is.
    """
    worst = min(found, key=lambda each: each.p_value)
    p_value = min(1.0, len(found) * worst.p_value)
    if p_value > alpha:
        worst = max(found, key=_overhang)
        p_value = min(1.0, len(found) * worst.p_value)
    return msgspec.structs.replace(worst, p_value=p_value)


def _overhang(item: Measurement) -> float:
    low, high = item.interval
    floor, ceiling = item.limit.floor, item.limit.ceiling
    return floor - low if floor is not None else high - (ceiling or 0.0)
