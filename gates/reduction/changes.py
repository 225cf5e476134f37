"""A metric's value, and its change between two models, from the sums of a segment's rows.

Formulas and limits are those of `gates.metrics` for rows; a test holds both to the same numbers.
"""

import math

import msgspec
import numpy as np

from gates.metrics.binary import MIN_OF_EACH_CLASS, MIN_OF_EACH_CLASS_FOR_A_LOSS
from gates.reduction.scored_rows import CELLS
from gates.reduction.sums import Floats, Steps, Table
from gates.stats import influence
from gates.stats.binned_auc import BinnedDifference, ClassSums, Ranking, binned_difference
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.paired import tango
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError


class Tally(msgspec.Struct, frozen=True, eq=False):
    """The sums over the rows of one segment, by paired cell; features come first.

    `squares` are upper bounds, see `sums`.
    """

    rows: Steps  # (8,)
    moved: Floats  # (features, 8)
    squares: Floats
    nonzero: Steps
    levels: Floats  # of the candidate
    level_squares: Floats

    @property
    def classes(self) -> tuple[int, int]:
        """Negatives and positives."""
        return int(self.rows[:4].sum()), int(self.rows[4:].sum())


def tally_of(table: Table, codes: tuple[int, ...]) -> Tally:
    """The tally of the segment with these codes of the table's columns."""
    at: tuple[slice | int, ...] = (slice(None), *codes)
    features = range(len(table.moved))
    unasked = np.full(table.rows.shape, np.nan)
    squares = [table.products.get((each, each), unasked) for each in features]
    return Tally(
        rows=table.rows[codes],
        moved=table.moved[at],
        squares=np.array([each[codes] for each in squares]).reshape(len(features), CELLS),
        nonzero=table.nonzero[at],
        levels=table.levels[at],
        level_squares=table.level_squares[at],
    )


class Weights(msgspec.Struct, frozen=True, eq=False):
    """What a row adds to a change: by its paired cell (8,), and per unit of its features."""

    by_cell: Floats
    by_feature: Floats  # (features,)

    def __neg__(self) -> "Weights":
        return Weights(-self.by_cell, -self.by_feature)


class SummedChange(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A metric of two models on the same rows; `weights` add up to rows × change."""

    baseline: float
    candidate: float
    interval: Interval
    counted: int  # rows that the metric counts, such as the positives for recall
    weights: Weights


class SummedValue(msgspec.Struct, frozen=True):
    """A metric of one model."""

    value: float
    interval: Interval


def cell_change(name: str, tally: Tally, confidence: float) -> SummedChange:
    """Of a metric that the paired cells determine: exactly as from the rows.

    Raises:
        UndefinedError: a denominator is empty for one of the models.
    """
    metric, cells = influence.METRICS[name], tally.rows
    before, after = influence.split_cells(cells)
    old, new = influence.value_of(metric, before), influence.value_of(metric, after)
    if metric.fixed_rows:
        counts = influence.discordance(metric, cells)
        interval = tango(counts.gains, counts.losses, counts.rows, confidence)
        counted = counts.rows
    else:
        interval = influence.paired_cell_interval(metric, cells, confidence)
        counted = int(cells.sum())
    return SummedChange(
        baseline=old,
        candidate=new,
        interval=interval,
        counted=counted,
        weights=Weights(
            influence.paired_influence(metric, before, after), np.zeros(len(tally.moved))
        ),
    )


def cell_value(name: str, tally: Tally, confidence: float) -> SummedValue:
    """The candidate's: Wilson's interval for a proportion, else Student's of its influence.

    Raises:
        UndefinedError: a denominator is empty, or there is one row only.
    """
    metric = influence.METRICS[name]
    _, cells = influence.split_cells(tally.rows)
    value = influence.value_of(metric, cells)
    ratio = metric.ratios[0]
    if len(metric.ratios) > 1 or max(ratio.above) > 1:
        return SummedValue(value, _spread(metric, cells, value).interval(confidence))
    hits, rows = int(cells @ np.array(ratio.above)), int(cells @ np.array(ratio.below))
    return SummedValue(value, wilson(hits, rows, confidence))


def loss_change(place: int, tally: Tally, confidence: float) -> SummedChange:
    """Of a mean loss, with Student's interval from the sums.

    Raises:
        UndefinedError: too few rows of a class.
    """
    _require_both_classes(tally, MIN_OF_EACH_CLASS_FOR_A_LOSS, "a mean loss")
    rows = int(tally.rows.sum())
    moved = _mean(rows, float(tally.moved[place].sum()), float(tally.squares[place].sum()))
    candidate = float(tally.levels[place].sum()) / rows
    return SummedChange(
        baseline=candidate - moved.value,
        candidate=candidate,
        interval=moved.interval(confidence),
        counted=rows,
        weights=_only(place, tally),
    )


def loss_value(place: int, tally: Tally, confidence: float) -> SummedValue:
    """The candidate's mean loss.

    Raises:
        UndefinedError: too few rows of a class.
    """
    _require_both_classes(tally, MIN_OF_EACH_CLASS_FOR_A_LOSS, "a mean loss")
    squares = float(tally.level_squares[place].sum())
    mean = _mean(int(tally.rows.sum()), float(tally.levels[place].sum()), squares)
    return SummedValue(mean.value, mean.interval(confidence))


def auc_change(
    place: int, tally: Tally, old: Ranking, new: Ranking, confidence: float
) -> SummedChange:
    """Of an AUC, with DeLong's interval made wider by what the bins may hide."""
    negatives, positives = (
        ClassSums(
            int(tally.rows[half].sum()),
            float(tally.moved[place, half].sum()),
            float(tally.squares[place, half].sum()),
        )
        for half in (slice(4), slice(4, 8))
    )
    found = binned_difference(old, new, negatives, positives)
    return SummedChange(
        baseline=old.auc,
        candidate=new.auc,
        interval=_widen(found, confidence),
        counted=int(tally.rows.sum()),
        weights=_only(place, tally),
    )


def auc_value(found: BinnedDifference, confidence: float) -> SummedValue:
    """The candidate's AUC, as wide as the change's."""
    return SummedValue(found.estimate.value, _widen(found, confidence))


def require_for_auc(tally: Tally) -> None:
    """Refuse what is too little for DeLong's interval.

    Raises:
        UndefinedError: too few rows of a class.
    """
    _require_both_classes(tally, MIN_OF_EACH_CLASS, "an AUC")


def _widen(found: BinnedDifference, confidence: float) -> Interval:
    plain = found.estimate.interval(confidence)
    return Interval(plain.lower - found.bound, plain.upper + found.bound)


def _only(place: int, tally: Tally) -> Weights:
    by_feature = np.zeros(len(tally.moved))
    by_feature[place] = 1.0
    return Weights(np.zeros(len(tally.rows)), by_feature)


def _mean(rows: int, total: float, squares: float) -> Estimate:
    """As `paired.paired_mean`, from sums."""
    if rows < 2:  # noqa: PLR2004
        raise UndefinedError(f"a paired mean needs at least 2 rows, found {rows}")
    variance = max(0.0, squares - total**2 / rows) / (rows - 1)
    return Estimate(value=total / rows, standard_error=math.sqrt(variance / rows), degrees=rows - 1)


def _spread(metric: influence.CellMetric, cells: Steps, value: float) -> Estimate:
    """The mean of the pseudo-values of as many rows as there are in every cell."""
    by_cell = influence.pseudo_values_by_cell(metric, cells)
    squares = float(cells @ (by_cell - float(cells @ by_cell) / int(cells.sum())) ** 2)
    around = _mean(int(cells.sum()), 0.0, squares)
    return Estimate(value=value, standard_error=around.standard_error, degrees=around.degrees)


def _require_both_classes(tally: Tally, least: int, what: str) -> None:
    negatives, positives = tally.classes
    if min(negatives, positives) < least:
        raise UndefinedError(
            f"{positives} positives and {negatives} negatives; {what} is judged from {least} of "
            "each on"
        )
