"""How far a mean moved between two tables that may have most of their rows in common."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.undefined import UndefinedError

Values = NDArray[np.float64]
Places = NDArray[np.intp]


_ROUNDING = 1e-9  # of the largest that a row adds


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
    def effective(self) -> float:
        """Rows of equal weight that would be as many (Kish); those that are counted, of equal."""
        return _effective(self.counted)

    @property
    def mean(self) -> float:
        """Of the counted rows; 0 where none is."""
        size = self.size
        return float(np.sum(self.values * self.counted)) / size if size else 0.0


class Overlap(msgspec.Struct, frozen=True, eq=False):
    """Which rows two tables have in common: their places in either, in the same order."""

    old: Places
    new: Places
    gone: NDArray[np.bool_]  # of the old rows, shape (old rows,)
    new_rows: int

    @property
    def is_all(self) -> bool:
        """Whether neither table has a row of its own."""
        return len(self.new) == self.new_rows and not self.gone.any()


def overlap_of(kept: Places, old_rows: int) -> Overlap:
    """What a match of rows says of both tables; of old rows that stand twice the first counts.

    Args:
        kept: for each new row its place among the old ones, -1 where it is not there.
        old_rows: how many there are.
    """
    here = np.flatnonzero(kept >= 0)
    places = kept[here]
    if len(places) and np.bincount(places).max() > 1:
        places, first = np.unique(places, return_index=True)
        here = here[first]
    gone = np.ones(old_rows, dtype=np.bool_)
    gone[places] = False
    return Overlap(places, here, gone, len(kept))


def mean_growth(old: Sample, new: Sample, kept: Overlap, step: float = 1.0) -> Estimate:
    """New mean minus old mean, with the error that is left when what both have cancels out.

    A row adds (value − mean) / size to either mean; of a row in both tables the two are
    subtracted before they are squared (linearisation of a difference of ratios, as in Särndal,
    Swensson & Wretman, Model Assisted Survey Sampling (1992), 5.6). One row more that differs by
    `step` is taken to be possible in either table, so that few rows prove nothing; unless not one
    row differs.

    Args:
        old: the baseline's rows.
        new: the candidate's rows.
        kept: the rows in common.
        step: how far apart two values can lie; 1 of shares.

    Raises:
        UndefinedError: the new mean counts no row.
    """
    if not new.size:
        raise UndefinedError("no row is counted")
    growth = new.mean - old.mean
    sums, gone = _cancel(_influence(old), _influence(new), kept)
    pieces = [_by_unit(sums, new.units), _by_unit(gone, old.units)]
    square = sum(map(_squared, pieces))
    if not (growth or square) and kept.is_all:
        return Estimate(value=0.0, standard_error=0.0)
    square += sum((step / each.effective) ** 2 for each in (old, new) if each.size)
    count = min(min(_count_units(each), each.effective) for each in (old, new) if each.size)
    return Estimate(value=growth, standard_error=math.sqrt(square), degrees=max(1.0, count - 1.0))


class Halves(msgspec.Struct, frozen=True, eq=False):
    """A value per row of a table, and which of its rows are inside a group; shape (rows,).

    `counted` are the rows' weights, by default 1; `units` as in `Sample`.
    """

    values: Values
    inside: NDArray[np.bool_]
    counted: Values | None = None
    units: Places | None = None

    @property
    def parts(self) -> tuple[Sample, Sample]:
        """The rows inside and those outside."""
        counted = np.ones(len(self.values)) if self.counted is None else self.counted
        masks = (self.inside, ~self.inside)
        return Sample(self.values, counted * masks[0], self.units), Sample(
            self.values, counted * masks[1], self.units
        )

    @property
    def means(self) -> tuple[float, float]:
        """Inside and outside; 0 where there is no row."""
        inside, outside = self.parts
        return inside.mean, outside.mean

    @property
    def gap(self) -> float:
        """Mean inside minus mean outside."""
        inside, outside = self.means
        return inside - outside


def gap_level(table: Halves, step: float = 1.0) -> Estimate:
    """How far the group lies from the rest, whichever way round.

    Raises:
        UndefinedError: there is no row in the group, or none outside.
    """
    gap = table.gap
    square = _squared(_by_unit(_gap_influence(table), table.units))
    square += sum((step / each.effective) ** 2 for each in table.parts)
    return Estimate(value=abs(gap), standard_error=math.sqrt(square), degrees=_gap_degrees(table))


def gap_growth(old: Halves, new: Halves, kept: Overlap, step: float = 1.0) -> Estimate:
    """By how much the distance of the group from the rest has grown; as `mean_growth`.

    Raises:
        UndefinedError: in either table there is no row in the group, or none outside.
    """
    before, after = _gap_influence(old), _gap_influence(new)
    was, now = (-1.0 if gap < 0 else 1.0 for gap in (old.gap or new.gap, new.gap or old.gap))
    growth = abs(new.gap) - abs(old.gap)
    sums, gone = _cancel(was * before, now * after, kept)
    square = _squared(_by_unit(sums, new.units)) + _squared(_by_unit(gone, old.units))
    here, differs = _shown(sums), _shown(gone) | kept.gone
    for at, inside in enumerate((True, False)):
        # A part whose rows are what they were leaves no doubt, however few they are.
        if (here[new.inside == inside]).any() or differs[old.inside == inside].any():
            square += sum((step / table.parts[at].effective) ** 2 for table in (old, new))
    if not (growth or square):
        return Estimate(value=0.0, standard_error=0.0)
    degrees = min(_gap_degrees(old), _gap_degrees(new))
    return Estimate(value=growth, standard_error=math.sqrt(square), degrees=degrees)


def _gap_influence(table: Halves) -> Values:
    inside, outside = table.parts
    if not (inside.size and outside.size):
        raise UndefinedError("there is no row in the group, or none outside")
    return _influence(inside) - _influence(outside)


def _gap_degrees(table: Halves) -> float:
    fewest = min(min(_count_units(each), each.effective) for each in table.parts)
    return max(1.0, fewest - 1.0)


def _effective(counted: Values) -> float:
    """Source: Kish, Survey Sampling (1965) §11.7."""
    square = _squared(counted)
    return float(counted.sum()) ** 2 / square if square else 0.0


def _cancel(before: Values, after: Values, kept: Overlap) -> tuple[Values, Values]:
    """What new rows add, less what they took before; and what rows took that are gone, or 0."""
    sums = after.copy()
    sums[kept.new] -= before[kept.old]
    return sums, np.where(kept.gone, -before, 0.0)


def _squared(values: Values) -> float:
    """Sum of squares; of so few rows the threads of a matrix library cost more than they do."""
    return float(np.sum(values * values))


def _shown(sums: Values) -> NDArray[np.bool_]:
    """Where something is left but rounding."""
    return np.asarray(np.abs(sums) > _ROUNDING * np.abs(sums).max(initial=0.0))


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


def _by_unit(values: Values, units: Places | None) -> Values:
    if units is None:
        return values
    together = units >= 0
    sums = np.bincount(units[together], weights=values[together]).astype(np.float64)
    return np.concatenate([values[~together], sums])
