"""How far two samples are apart, judged by an effect size against a tolerance.

A test of "no shift at all" alarms on any two large tables; these ask whether the distance is
provably larger than what the owner tolerates. Missing values are the caller's: drop them from
numbers, count them as a level of categories.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.law import normal_cdf, normal_quantile
from gates.stats.undefined import UndefinedError

# As how much of an independent row each row of either sample counts: less where rows hang together.
Independent = tuple[float, float]
EACH_ROW: Independent = (1.0, 1.0)

_STRETCH = 64  # rows between two looks
_SURE = 2.0  # standard errors by which a level's difference is discounted before it is believed


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An observed distance in [0, 1], its one-sided lower limit, and the p-value of "tolerable"."""

    distance: float
    lower: float
    p_value: float


def kolmogorov_shift(
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    tolerance: float,
    alpha: float,
    independent: Independent = EACH_ROW,
) -> Shift:
    """The largest gap between two distribution functions, of numbers without NaN.

    Lower limit: D − sqrt(−ln(alpha) / 2) · sqrt(1/n + 1/m). Source: Smirnov's one-sided limit law
    (1939) with the triangle inequality for D; statistics.md §7.4.

    Raises:
        UndefinedError: a sample is empty or holds NaN.
    """
    if np.isnan(old).any() or np.isnan(new).any():
        raise UndefinedError("a distance of numbers is undefined with NaN among them")
    scale = math.sqrt(_noise(len(old) * independent[0], len(new) * independent[1]))
    old, new = np.sort(old), np.sort(new)
    distance = max(0.0, _largest_lead(old, new), _largest_lead(new, old))
    excess = max(0.0, distance - tolerance) / scale
    return Shift(
        distance=distance,
        lower=max(0.0, distance - math.sqrt(-math.log(alpha) / 2) * scale),
        p_value=math.exp(-2 * excess * excess),
    )


def total_variation_shift(
    old: NDArray[np.int64],
    new: NDArray[np.int64],
    tolerance: float,
    alpha: float,
    independent: Independent = EACH_ROW,
) -> Shift:
    """Half the sum of absolute differences of shares, from counts by level.

    The observed distance is too large by chance, the more so the more levels there are. The part
    that chance adds is subtracted: the mean absolute deviation of each level's count given its
    total in both samples (de Moivre's closed form, with the factor of a finite population), less
    where the level has surely moved. The rest is judged by the normal law of the difference of
    shares of the levels that grew. Source: Berend & Kontorovich, Statistics & Probability Letters
    83 (2013), for the mean absolute deviation; simulated false alarms stay below alpha for 2 to 60
    levels and 50 to 100,000 rows (`tests/stats/test_shift.py`).

    Raises:
        UndefinedError: a sample is empty.
    """
    before, after = (
        np.asarray(part * one, np.float64)
        for part, one in zip((old, new), independent, strict=True)
    )
    _noise(float(before.sum()), float(after.sum()))
    difference = new / new.sum() - old / old.sum()
    distance = float(np.abs(difference).sum()) / 2
    chance = _expected_excess(before, after, difference)
    error = math.sqrt(_grown_variance(before, after, difference > 0))
    return Shift(
        distance=distance,
        lower=max(0.0, distance - chance + normal_quantile(alpha) * error),
        p_value=normal_cdf(-(distance - chance - tolerance) / error),
    )


def cramers_v(table: NDArray[np.int64]) -> float:
    """Association of two categories in [0, 1], corrected for its upward bias.

    Source: Bergsma, Journal of the Korean Statistical Society 42 (2013). Empty rows and columns
    of the (levels × levels) table don't count.

    Raises:
        UndefinedError: fewer than two levels of either category occur.
    """
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    total = float(table.sum())
    if min(table.shape) < 2:  # noqa: PLR2004
        raise UndefinedError(f"an association needs 2 levels each, found {table.shape}")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    squared = float(((table - expected) ** 2 / expected).sum()) / total
    down, across = table.shape
    squared = max(0.0, squared - (down - 1) * (across - 1) / (total - 1))
    least = min(size - (size - 1) ** 2 / (total - 1) for size in table.shape) - 1
    return math.sqrt(min(1.0, squared / least)) if least > 0 else 0.0


def population_stability_index(old: NDArray[np.int64], new: NDArray[np.int64]) -> float:
    """PSI of counts by bin or level, with half a row added to each; for display, never judged.

    Without any shift it is about (levels − 1)(1/n + 1/m), so that no fixed limit fits.
    Source: Siddiqi, Credit Risk Scorecards (2006); the null mean by Yurdakul (2018).

    Raises:
        UndefinedError: a sample is empty.
    """
    _noise(int(old.sum()), int(new.sum()))
    before, after = ((part + 0.5) / (part + 0.5).sum() for part in (old, new))
    return float(((after - before) * np.log(after / before)).sum())


def _largest_lead(ahead: NDArray[np.float64], behind: NDArray[np.float64]) -> float:
    """Supremum of the first sample's distribution function minus the second's; both sorted.

    Only stretches of the first sample that could hold it are looked at row by row: within one,
    the first function stays below its value at the end, the second above that at the start.
    """
    ends = np.append(np.arange(_STRETCH - 1, len(ahead) - 1, _STRETCH), len(ahead) - 1)
    passed = np.searchsorted(behind, ahead[ends], side="right") / len(behind)
    largest = ((ends + 1) / len(ahead) - passed).max()
    most = ends / len(ahead) - np.append(0.0, passed[:-1])
    starts = np.append(0, ends[:-1] + 1)[most > largest]
    rows = (starts[:, None] + np.arange(_STRETCH)).reshape(-1)
    rows = rows[rows < len(ahead)]
    if len(rows):
        passed = np.searchsorted(behind, ahead[rows], side="right") / len(behind)
        largest = max(largest, ((rows + 1) / len(ahead) - passed).max())
    return float(largest)


def _noise(rows: float, others: float) -> float:
    if not (rows and others):
        raise UndefinedError(
            f"a distance needs rows in both samples, found {rows:g} and {others:g}"
        )
    return 1 / rows + 1 / others


def _grown_variance(
    old: NDArray[np.float64], new: NDArray[np.float64], grown: NDArray[np.bool_]
) -> float:
    """Variance of the change in share of the grown levels; the larger of separate and pooled.

    Apart, the shares of levels that were chosen for their growth are too extreme when nothing
    grew; pooled they are too middling when much did.
    """
    rows, others = float(old.sum()), float(new.sum())
    before, after = (float(part[grown].sum()) + 1 for part in (old, new))
    pooled = (before + after) / (rows + others + 4)
    before, after = before / (rows + 2), after / (others + 2)
    apart = before * (1 - before) / rows + after * (1 - after) / others
    return max(apart, pooled * (1 - pooled) * (1 / rows + 1 / others))


def _expected_excess(
    old: NDArray[np.float64], new: NDArray[np.float64], difference: NDArray[np.float64]
) -> float:
    """What chance adds to the distance: the mean of |observed| − |true| over the levels, halved."""
    rows, others = float(old.sum()), float(new.sum())
    both = rows + others
    totals = old + new
    left = np.sqrt((both - totals) / (both - 1))
    deviation = _mean_deviations(totals, rows / both) * (1 / rows + 1 / others) * left
    if not deviation.any():
        return 0.0
    moved = deviation > 0
    error = deviation[moved] * math.sqrt(math.pi / 2)
    steps = np.maximum(0.0, np.abs(difference[moved]) / error - _SURE)
    # E|N(a, 1)| − a relative to its value at a = 0, of which `deviation` is the exact size.
    tail = np.array([normal_cdf(-step) for step in steps])
    relative = np.exp(-(steps**2) / 2) - steps * tail * math.sqrt(2 * math.pi)
    return float(deviation[moved] @ relative) / 2


def _mean_deviations(totals: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """E|X − total · share| of binomial X per level: 2 k C(t, k) share^k (1 − share)^(t − k + 1)."""
    values = np.zeros(len(totals))
    for level, total in enumerate(totals.tolist()):
        if not total:
            continue
        k = math.floor(total * share) + 1
        log_choose = math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        log_power = k * math.log(share) + (total - k + 1) * math.log1p(-share)
        values[level] = 2 * k * math.exp(log_choose + log_power)
    return values
