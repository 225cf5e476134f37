"""Three signals that a model sees what it should not: copied rows, a telling column, a pure value.

Missing values are the caller's: leave them out of a ranking, give them a code of their own.
"""

import math
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.auc import roc_auc
from gates.stats.interval import Interval, confidence_of
from gates.stats.proportion import wilson
from gates.stats.quantile import critical_z
from gates.stats.root import find_root
from gates.stats.undefined import UndefinedError

FEW_ROWS = 30  # of a value, below which its purity says nothing: statistics.md §7.2
_NEGLIGIBLE = 1e-17
_INSIDE = 1e-9
RARE = 0.30  # prevalence above which legitimate values are pure by nature


class Separation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How well one column alone ranks the label, whichever way round, with its limits."""

    auc: float
    interval: Interval


class PureValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A repeated value of a column: its code, its rows, those of the rarer class, lower limit."""

    code: int
    rows: int
    hits: int
    lower: float


def excess_p_value(count: int, rows: int, chance_count: int, chance_rows: int) -> float:
    """One-sided p-value of "these rows hit no more often than the rows that show chance".

    For duplicates: test rows with a twin in train, against an equally large hold-out of train.
    Exact, because the two-proportion z alarms on 3 hits against 0. Source: Fisher, JRSS 98 (1935).

    Raises:
        UndefinedError: one side has no rows.
    """
    for hits, size in ((count, rows), (chance_count, chance_rows)):
        if size < 1:
            raise UndefinedError("an excess needs rows on both sides, found 0")
        if not 0 <= hits <= size:
            raise ValueError(f"{hits} of {size} rows is not a share")
    log_term = (
        _log_choose(rows, count)
        + _log_choose(chance_rows, chance_count)
        - _log_choose(rows + chance_rows, count + chance_count)
    )
    term = total = 1.0  # relative to the observed table
    for more in range(min(rows - count, chance_count)):
        term *= (rows - count - more) / (count + more + 1)
        term *= (chance_count - more) / (chance_rows - chance_count + more + 1)
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return min(1.0, math.exp(log_term + math.log(total)))


def top_p_value(count: int, rows: int, others: int) -> float:
    """P-value of "rows and others are drawn alike", where the `count` largest are all of the rows.

    The chance that the first `count` of a random order of all are of the rows: a falling factorial
    over another (hypergeometric law).
    """
    if count < 1:
        return 1.0
    return min(1.0, math.exp(_log_choose(rows, count) - _log_choose(rows + others, count)))


def separate(
    labels: NDArray[np.bool_], values: NDArray[np.float64], confidence: float
) -> Separation:
    """AUC of a column as a score, at least ½, with limits that hold for a perfect one too.

    Source: Newcombe, Statistics in Medicine 25 (2006) 559, method 5.

    Raises:
        UndefinedError: one class is missing, or a value is NaN.
    """
    auc = roc_auc(labels, values)
    auc = max(auc, 1 - auc)
    positives = int(np.count_nonzero(labels))
    return Separation(auc, auc_interval(auc, positives, len(labels) - positives, confidence))


def auc_interval(auc: float, positives: int, negatives: int, confidence: float) -> Interval:
    """Score-like interval of an AUC from the value and both counts; not a point at 1.

    Source: Hanley & McNeil's variance, Radiology 143 (1982), solved for the true value as in
    Newcombe 2006, method 5.
    """
    if min(positives, negatives) < 1:
        raise UndefinedError(f"an AUC needs both classes, found {positives} and {negatives}")
    z = critical_z(confidence)
    spread = (positives + negatives) / 2 - 1

    def excess(true: float) -> float:
        factor = 1 + spread * (1 - true) / (2 - true) + spread * true / (1 + true)
        variance = true * (1 - true) * factor / (positives * negatives)
        return abs(auc - true) - z * math.sqrt(max(0.0, variance))

    return Interval(
        0.0 if auc <= 0 else _inner_root(excess, 0.0, auc),
        1.0 if auc >= 1 else _inner_root(excess, 1.0, auc),
    )


def find_pure_values(
    positives: NDArray[np.int64], negatives: NDArray[np.int64], purity: float, alpha: float
) -> tuple[PureValue, ...]:
    """Values nearly all of whose rows are of the rarer class, purest first, from counts by value.

    A value counts from `FEW_ROWS` rows on, when the lower limit of its share is `purity` or more,
    and only where the rarer class is at most `RARE`. Source: statistics.md §7.2 (c).
    """
    rows = positives + negatives
    hits = positives if 2 * positives.sum() <= rows.sum() else negatives
    if hits.sum() > RARE * rows.sum():
        return ()
    confidence = confidence_of(alpha)
    found = []
    for code in np.flatnonzero((rows >= FEW_ROWS) & (hits >= purity * rows)).tolist():
        lower = wilson(int(hits[code]), int(rows[code]), confidence).lower
        if lower >= purity:
            found.append(PureValue(code, int(rows[code]), int(hits[code]), lower))
    return tuple(sorted(found, key=lambda value: (-value.lower, value.code)))


def _inner_root(excess: Callable[[float], float], end: float, auc: float) -> float:
    """The limit between an end of [0, 1] and the estimate; both can be false roots."""
    left, right = sorted((end + (auc - end) * _INSIDE, auc - (auc - end) * _INSIDE))
    outer = left if end < auc else right
    return end if excess(outer) <= 0 else find_root(excess, left, right)


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
