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
    square += sum((step / each.size) ** 2 for each in (old, new) if each.size)
    count = min(_count_units(each) for each in (old, new) if each.size)
    return Estimate(value=growth, standard_error=math.sqrt(square), degrees=max(1.0, count - 1.0))


class Halves(msgspec.Struct, frozen=True, eq=False):
    """A value per row of a table, and which of its rows are inside a group; shape (rows,)."""

    values: Values
    inside: NDArray[np.bool_]

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows inside and outside."""
        inside = int(np.count_nonzero(self.inside))
        return inside, len(self.inside) - inside

    @property
    def means(self) -> tuple[float, float]:
        """Inside and outside; 0 where there is no row."""
        (rows, others), inside = self.sizes, float(self.values[self.inside].sum())
        return inside / max(1, rows), (float(self.values.sum()) - inside) / max(1, others)

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
    sums = _gap_influence(table)
    square = _squared(sums) + _doubt(table, step)
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
    square = _squared(sums) + _squared(gone)
    here, differs = _shown(sums), _shown(gone) | kept.gone
    for inside in (True, False):
        # A part whose rows are what they were leaves no doubt, however few they are.
        if (here[new.inside == inside]).any() or differs[old.inside == inside].any():
            square += sum((step / table.sizes[0 if inside else 1]) ** 2 for table in (old, new))
    if not (growth or square):
        return Estimate(value=0.0, standard_error=0.0)
    degrees = min(_gap_degrees(old), _gap_degrees(new))
    return Estimate(value=growth, standard_error=math.sqrt(square), degrees=degrees)


def _gap_influence(table: Halves) -> Values:
    rows, others = table.sizes
    if not (rows and others):
        raise UndefinedError("there is no row in the group, or none outside")
    inside, outside = table.means
    return np.where(table.inside, (table.values - inside) / rows, (outside - table.values) / others)


def _doubt(table: Halves, step: float) -> float:
    return sum((step / size) ** 2 for size in table.sizes)


def _gap_degrees(table: Halves) -> float:
    return max(1.0, min(table.sizes) - 1.0)


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
