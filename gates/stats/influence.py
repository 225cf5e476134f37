"""Classification metrics as means over rows: pseudo-values, paired contributions, intervals.

A row's *cell* is `2 * label + prediction`; every metric here is the mean of one or two ratios of
sums of cell weights, so that cell counts determine values, influence and intervals.
A row's *paired cell* is `4 * label + 2 * old prediction + new prediction`.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.undefined import UndefinedError

Cells = tuple[int, int, int, int]  # weights of true negative, false positive, false negative, hit


class Ratio(msgspec.Struct, frozen=True):
    """Sum of `above` over sum of `below`, both weights by cell."""

    above: Cells
    below: Cells


class CellMetric(msgspec.Struct, frozen=True):
    """A metric of labels and predicted labels; the mean of its ratios.

    `fixed_rows` says that the denominator depends on labels alone: then the metric is a proportion
    of the same rows for both models, and `discordance` with Tango's interval is its test.
    """

    ratios: tuple[Ratio, ...]

    @property
    def fixed_rows(self) -> bool:
        """Whether both models are counted on the same rows, each row for 0 or 1."""
        below = self.ratios[0].below
        return len(self.ratios) == 1 and below[0] == below[1] and below[2] == below[3]


_HIT, _MISS = (0, 0, 0, 1), (1, 0, 0, 0)
_RECALL = Ratio(_HIT, (0, 0, 1, 1))
_SPECIFICITY = Ratio(_MISS, (1, 1, 0, 0))
_F1 = Ratio((0, 0, 0, 2), (0, 1, 1, 2))
_NEGATIVE_F1 = Ratio((2, 0, 0, 0), (2, 1, 1, 0))

METRICS: Mapping[str, CellMetric] = MappingProxyType(
    {
        "accuracy": CellMetric((Ratio((1, 0, 0, 1), (1, 1, 1, 1)),)),
        "recall": CellMetric((_RECALL,)),
        "specificity": CellMetric((_SPECIFICITY,)),
        "false_positive_rate": CellMetric((Ratio((0, 1, 0, 0), (1, 1, 0, 0)),)),
        "false_negative_rate": CellMetric((Ratio((0, 0, 1, 0), (0, 0, 1, 1)),)),
        "selection_rate": CellMetric((Ratio((0, 1, 0, 1), (1, 1, 1, 1)),)),
        "precision": CellMetric((Ratio(_HIT, (0, 1, 0, 1)),)),
        "negative_predictive_value": CellMetric((Ratio(_MISS, (1, 0, 1, 0)),)),
        "f1": CellMetric((_F1,)),
        "macro_f1": CellMetric((_F1, _NEGATIVE_F1)),
        "jaccard": CellMetric((Ratio(_HIT, (0, 1, 1, 1)),)),
        "balanced_accuracy": CellMetric((_RECALL, _SPECIFICITY)),
    }
)


_OLD = np.array([0, 0, 1, 1, 2, 2, 3, 3])  # the old model's cell of each paired cell
_NEW = np.array([0, 1, 0, 1, 2, 3, 2, 3])
_HALF_ROWS = np.array([0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0])


class Discordance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows on which only one of two models counts, among the rows of the metric.

    `gains` raise the metric's value, whatever its direction.
    """

    gains: int
    losses: int
    rows: int


def count_cells(labels: NDArray[np.bool_], predictions: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Counts of the 4 cells."""
    positive, predicted = np.count_nonzero(labels), np.count_nonzero(predictions)
    hits = np.count_nonzero(labels & predictions)
    neither = len(labels) - positive - predicted + hits
    return np.array([neither, predicted - hits, positive - hits, hits], dtype=np.int64)


def count_paired_cells(
    labels: NDArray[np.bool_], old: NDArray[np.bool_], new: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Counts of the 8 paired cells."""
    neither = ~(old | new)
    cells = (neither, new & ~old, old & ~new, old & new)
    labelled = [np.count_nonzero(cell & labels) for cell in cells]
    rows = [np.count_nonzero(cell) for cell in cells]
    others = [every - positive for every, positive in zip(rows, labelled, strict=True)]
    return np.array([*others, *labelled], dtype=np.int64)


def value_of(metric: CellMetric, cells: NDArray[np.int64]) -> float:
    """The metric's value from counts of the 4 cells.

    Raises:
        UndefinedError: a denominator is empty (no positives, nothing predicted positive …).
    """
    return sum(_ratios(metric, cells)) / len(metric.ratios)


def pseudo_values(
    metric: CellMetric, labels: NDArray[np.bool_], predictions: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """One value per row, whose mean is the metric and whose spread is its influence.

    Source: influence function of a ratio of means, rows * (a − ratio * b) / sum of b; see
    Hampel, JASA 69 (1974).

    Raises:
        UndefinedError: a denominator is empty.
    """
    by_cell = pseudo_values_by_cell(metric, count_cells(labels, predictions))
    return np.asarray(by_cell[2 * labels + predictions])


def pseudo_values_by_cell(metric: CellMetric, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """The pseudo-value of a row of each of the 4 cells.

    Raises:
        UndefinedError: a denominator is empty.
    """
    return value_of(metric, cells) + _influence(metric, cells, _ratios(metric, cells))


def paired_contributions(
    metric: CellMetric,
    labels: NDArray[np.bool_],
    old: NDArray[np.bool_],
    new: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """One value per row whose mean is new − old exactly; swapping the models flips its sign.

    Both ratios are linearised at their pooled value, which leaves rows that no model counts at
    exactly 0. For a metric of `fixed_rows` it is the plain difference on the rows of the metric,
    stretched to all rows. This is what `multiplicity.harm_p_values` flips.

    Raises:
        UndefinedError: a denominator is empty for one of the models.
    """
    cells = count_paired_cells(labels, old, new)
    before, after = split_cells(cells)
    by_cell = paired_influence(metric, before, after)
    return np.asarray(by_cell[4 * labels + 2 * old + new])


def paired_influence(
    metric: CellMetric, before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The contribution of a row of each of the 8 paired cells."""
    _ratios(metric, before), _ratios(metric, after)  # both must be defined
    pooled = _ratios(metric, before + after)
    old, new = _influence(metric, before, pooled), _influence(metric, after, pooled)
    return np.asarray(new[_NEW] - old[_OLD])


def discordance(metric: CellMetric, cells: NDArray[np.int64]) -> Discordance:
    """Gains and losses of a metric of `fixed_rows`, from the 8 paired cells.

    Raises:
        ValueError: the metric has no fixed rows.
    """
    if not metric.fixed_rows:
        raise ValueError("the models are not counted on the same rows: use paired_cell_change")
    ratio = metric.ratios[0]
    gains = losses = rows = 0
    for label in (0, 1):
        if not ratio.below[2 * label]:
            continue
        part = cells[4 * label : 4 * label + 4]
        rows += int(part.sum())
        rising = ratio.above[2 * label + 1] > ratio.above[2 * label]
        gains += int(part[1] if rising else part[2])
        losses += int(part[2] if rising else part[1])
    return Discordance(gains, losses, rows)


def paired_cell_change(metric: CellMetric, cells: NDArray[np.int64]) -> Estimate:
    """New − old with half a pseudo-row in each of the four discordant cells, normal law.

    The half rows keep the standard error honest when few rows changed; the value they shift a
    little too, so show the plain difference beside it. Source: statistics.md §2 finding (3),
    after Agresti & Min, Statistics in Medicine 24 (2005).

    Raises:
        UndefinedError: a denominator is empty for one of the models.
    """
    for side in split_cells(cells):
        _ratios(metric, side)
    counts = cells + _HALF_ROWS
    before, after = split_cells(counts)
    old, new = _ratios(metric, before), _ratios(metric, after)
    influence = _influence(metric, after, new)[_NEW] - _influence(metric, before, old)[_OLD]
    rows = float(counts.sum())
    variance = float(counts @ influence**2) / rows**2
    value = (sum(new) - sum(old)) / len(metric.ratios)
    return Estimate(value=value, standard_error=math.sqrt(variance))


def paired_cell_interval(
    metric: CellMetric, cells: NDArray[np.int64], confidence: float
) -> Interval:
    """Interval of `paired_cell_change`, kept in [−1, 1] and around the plain difference.

    Raises:
        UndefinedError: a denominator is empty for one of the models.
    """
    before, after = split_cells(cells)
    plain = value_of(metric, after) - value_of(metric, before)
    interval = paired_cell_change(metric, cells).interval(confidence)
    return Interval(max(-1.0, min(plain, interval.lower)), min(1.0, max(plain, interval.upper)))


def split_cells(paired: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Counts of the 4 cells of the old and of the new model, from those of the 8 paired cells."""
    cube = paired.reshape(2, 2, 2)
    return cube.sum(axis=2).reshape(4), cube.sum(axis=1).reshape(4)


def log_losses(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per-row negative log likelihood in nats; scores are clipped as scikit-learn does.

    Raises:
        UndefinedError: a score is not a probability.
    """
    _require_probabilities(scores)
    tiny = np.finfo(np.float64).eps
    likelihood = np.clip(np.where(labels, scores, 1 - scores), tiny, 1 - tiny)
    return np.asarray(-np.log(likelihood))


def squared_errors(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per-row squared error of a probability, whose mean is the Brier score.

    Raises:
        UndefinedError: a score is not a probability.
    """
    _require_probabilities(scores)
    return (scores - labels) ** 2


def _ratios(metric: CellMetric, cells: NDArray[Any]) -> list[float]:
    values = []
    for ratio in metric.ratios:
        below = float(cells @ np.array(ratio.below))
        if below <= 0:
            raise UndefinedError("the metric's denominator counts no row")
        values.append(float(cells @ np.array(ratio.above)) / below)
    return values


def _influence(metric: CellMetric, cells: NDArray[Any], at: list[float]) -> NDArray[np.float64]:
    """Influence of a row by cell, linearised at the values `at`."""
    rows = float(cells.sum())
    total = np.zeros(4)
    for ratio, value in zip(metric.ratios, at, strict=True):
        below = np.array(ratio.below, dtype=np.float64)
        total += (np.array(ratio.above) - value * below) * (rows / float(cells @ below))
    return total / len(metric.ratios)


def _require_probabilities(scores: NDArray[np.float64]) -> None:
    if not ((scores >= 0) & (scores <= 1)).all():
        raise UndefinedError("a score lies outside [0, 1]")
