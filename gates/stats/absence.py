"""Levels of a category that stand in one sample and not in the other: by chance, or not.

A rare level is easily missing from a sample, and a column of many rare levels always misses some.
Both are asked of the two samples together: how likely is it that all rows of a level, wherever
they stand, were dealt to the one sample?
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.interval import Interval
from gates.stats.law import beta_cdf
from gates.stats.proportion import wilson
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

_BY_CHANCE = 0.01  # corrected for all levels: less likely ones are surely not dealt by chance
_MOST_BY_CHANCE = 200  # rows of a level, of which none is dealt to one sample by chance


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Levels of one sample that the other lacks.

    `certain` are places of the levels whose absence is no chance, the most frequent first, and
    `share` is theirs of the rows; `p_value` is that of a true share of at most the tolerance.
    """

    certain: tuple[int, ...]
    by_chance: tuple[int, ...]
    share: float
    interval: Interval
    p_value: float


def chance_of_absence(count: int, rows: int, others: int) -> float:
    """Probability that `count` rows, drawn out of `rows + others`, are all among the `rows`.

    The hypergeometric law's term for none of the others.
    """
    if count > rows:
        return 0.0
    both = rows + others
    log = math.lgamma(rows + 1) - math.lgamma(rows - count + 1)
    log -= math.lgamma(both + 1) - math.lgamma(both - count + 1)
    return math.exp(min(0.0, log))


def find_absent(
    sample: NDArray[np.int64], other: NDArray[np.int64], tolerance: float, confidence: float
) -> Absence:
    """Levels that occur in a sample and not in the other one, from rows by level of both.

    The interval is Wilson's; its upper limit also counts the rows by which absent levels are more
    than chance explains, so that a small sample cannot rule out what it cannot show.

    Raises:
        UndefinedError: a sample is empty.
    """
    rows, others = int(sample.sum()), int(other.sum())
    if min(rows, others) == 0:
        raise UndefinedError(f"levels of {rows} and {others} rows cannot be compared")
    absent = np.flatnonzero((sample > 0) & (other == 0))
    absent = absent[np.argsort(-sample[absent], kind="stable")]
    tried = int(np.count_nonzero(sample + other))
    chances = [min(1.0, tried * chance_of_absence(int(n), rows, others)) for n in sample[absent]]
    certain = sum(chance <= _BY_CHANCE for chance in chances)
    lost = int(sample[absent[:certain]].sum())
    beyond_chance = int(sample[absent].sum()) - _expected(sample + other, rows, others)
    most = min(float(rows), max(float(lost), beyond_chance))
    return Absence(
        certain=tuple(map(int, absent[:certain])),
        by_chance=tuple(map(int, absent[certain:])),
        share=lost / rows,
        interval=Interval(
            wilson(lost, rows, confidence).lower, wilson(most, rows, confidence).upper
        ),
        p_value=max([_p_of_keeping(lost, rows, tolerance), *chances[:certain][-1:]]),
    )


def rows_to_rule_out(share: float, tolerance: float, confidence: float) -> int | None:
    """Rows with which a share's upper Wilson limit keeps a tolerance; None where none do."""
    if share >= tolerance:
        return None
    z = critical_z(confidence)
    # Wilson's interval is where the score test does not refuse: the test at the tolerance.
    return math.ceil(z * z * tolerance * (1 - tolerance) / (tolerance - share) ** 2)


def _p_of_keeping(count: int, rows: int, tolerance: float) -> float:
    """Exact binomial p-value of a true share of at most the tolerance."""
    if count == 0 or tolerance >= 1:
        return 1.0
    return beta_cdf(tolerance, count, rows - count + 1) if tolerance > 0 else 0.0


def _expected(totals: NDArray[np.int64], rows: int, others: int) -> float:
    """Rows that a sample has by chance in levels that the other lacks."""
    sizes, levels = np.unique(totals[totals > 0], return_counts=True)
    return sum(
        float(size * number) * chance_of_absence(int(size), rows, others)
        for size, number in zip(sizes, levels, strict=True)
        if size <= _MOST_BY_CHANCE
    )
