"""How far two sets of rows are apart in one column, with both limits of the distance."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.effect import CONFIDENCE
from gates.quoting import quote
from gates.stats.shift import Independent, Shift, kolmogorov_shift, total_variation_shift
from gates.tables.table import Floats

Counts = npt.NDArray[np.int64]  # rows by level

_ALPHA = (1 - CONFIDENCE) / 2  # of either limit of an interval that is shown


class Distance(msgspec.Struct, frozen=True):
    """A distance with its lower limit and what is against the tolerance, and its upper limit."""

    metric: str
    shift: Shift
    upper: float


def distance_of_numbers(
    old: Floats, new: Floats, tolerance: float, independent: Independent
) -> Distance:
    """Kolmogorov's; a missing number is the caller's."""
    shift = kolmogorov_shift(old, new, tolerance, _ALPHA, independent)
    noise = 1 / (len(old) * independent[0]) + 1 / (len(new) * independent[1])
    upper = shift.distance + math.sqrt(-math.log(_ALPHA) / 2 * noise)
    return Distance("Kolmogorov distance", shift, min(1.0, upper))


def distance_of_counts(
    before: Counts, after: Counts, tolerance: float, independent: Independent
) -> Distance:
    """Total variation: the share of rows that would have to change."""
    shift = total_variation_shift(before, after, tolerance, _ALPHA, independent)
    # The normal law's limit from the other side is the upper one.
    upper = total_variation_shift(before, after, tolerance, 1 - _ALPHA, independent).lower
    return Distance("total variation", shift, min(1.0, max(upper, shift.distance)))


def say_most_moved(levels: Sequence[str], before: Counts, after: Counts) -> str:
    """The level whose share changed most."""
    old, new = before / before.sum(), after / after.sum()
    at = int(np.argmax(np.abs(new - old)))
    return f"most moved {quote(levels[at])}, {old[at]:.1%} → {new[at]:.1%}"
