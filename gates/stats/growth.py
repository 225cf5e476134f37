"""How far a mean moved between two tables that may have most of their rows in common."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.undefined import UndefinedError

Values = NDArray[np.float64]
Places = NDArray[np.intp]


class Sample(msgspec.Struct, frozen=True, eq=False):
    """A value per row of a table; the mean is over the rows that `counted` gives a weight.

    `units` are codes of rows that hang together, counted from 0, or -1 for a row that stands for
    itself; `None` where all do.
    """

    values: Values
    counted: Values
    units: Places | None = None

    @property
    def size(self) -> float:
        """The rows that are counted."""
        return float(self.counted.sum())

    @property
    def mean(self) -> float:
        """Of the counted rows; 0 where none is."""
        size = self.size
        return float(self.values @ self.counted) / size if size else 0.0


def mean_growth(old: Sample, new: Sample, kept: Places, step: float = 1.0) -> Estimate:
    """New mean minus old mean, with the error that is left when what both have cancels out.

    A row adds (value − mean) / size to either mean; of a row in both tables the two are
    subtracted before they are squared (linearisation of a difference of ratios, as in Särndal,
    Swensson & Wretman, Model Assisted Survey Sampling (1992), 5.6). One row more that differs by
    `step` is taken to be possible in either table, so that few rows prove nothing; unless not one
    row differs.

    Args:
        old: the baseline's rows.
        new: the candidate's rows.
        kept: for each new row its place among the old ones, -1 where it is not there.
        step: how far apart two values can lie; 1 of shares.

    Raises:
        UndefinedError: the new mean counts no row.
    """
    if not new.size:
        raise UndefinedError("no row is counted")
    growth = new.mean - old.mean
    sums = _influence(new)
    places, first = np.unique(kept[kept >= 0], return_index=True)
    here = np.flatnonzero(kept >= 0)[first]
    before = _influence(old)
    sums[here] -= before[places]
    gone = np.ones(len(before), dtype=np.bool_)
    gone[places] = False
    if not (growth or gone.any() or sums.any() or len(here) < len(sums)):
        return Estimate(value=0.0, standard_error=0.0)
    pieces = [_by_unit(sums, new.units), _by_unit(-before[gone], _part(old.units, gone))]
    square = sum(float(piece @ piece) for piece in pieces)
    sizes = [size for size in (old.size, new.size) if size]
    square += sum((step / size) ** 2 for size in sizes)
    count = min(_count_units(each) for each in (old, new) if each.size)
    return Estimate(value=growth, standard_error=math.sqrt(square), degrees=max(1.0, count - 1.0))


def _influence(sample: Sample) -> Values:
    if not sample.size:
        return np.zeros(len(sample.values))
    return np.asarray(sample.counted * (sample.values - sample.mean) / sample.size)


def _count_units(sample: Sample) -> int:
    """How many rows, or groups of rows that hang together, the mean counts."""
    counted = sample.counted > 0
    if sample.units is None:
        return int(np.count_nonzero(counted))
    units = sample.units[counted]
    return int(np.count_nonzero(units < 0)) + len(np.unique(units[units >= 0]))


def _part(units: Places | None, chosen: NDArray[np.bool_]) -> Places | None:
    return None if units is None else units[chosen]


def _by_unit(values: Values, units: Places | None) -> Values:
    if units is None:
        return values
    together = units >= 0
    sums = np.bincount(units[together], weights=values[together]).astype(np.float64)
    return np.concatenate([values[~together], sums])
