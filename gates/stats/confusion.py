"""Metrics that a confusion matrix of any number of classes determines.

A matrix is (classes, classes): rows are labels, columns predictions, entries sums of weights.
Labels and predictions are codes from 0 on. The macro averages run over the classes that have a
labelled row, so that both models are judged on the same classes: scikit-learn's value with
`labels=` the classes of the labels (as its balanced accuracy always does).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import proportion_change, proportion_value, require_weights

Codes = NDArray[np.intp]
Matrix = NDArray[np.float64]
Kind = Literal[
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "mcc",
    "cohen_kappa",
    "recall",
    "precision",
    "f1",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_RATES: Mapping[Kind, str] = MappingProxyType(
    {
        "balanced_accuracy": "recall",
        "macro_recall": "recall",
        "macro_precision": "precision",
        "macro_f1": "f1",
        "recall": "recall",
        "precision": "precision",
        "f1": "f1",
    }
)
_NODES, _SHARES = np.polynomial.legendre.leggauss(16)


class ConfusionMetric(msgspec.Struct, frozen=True):
    """A metric by name; `label` is the class of a recall, a precision or an F1 of one class."""

    kind: Kind
    label: int | None = None


def count_matrix(
    labels: Codes, predictions: Codes, classes: int, weights: Matrix | None = None
) -> Matrix:
    """Sums of weights (counts without weights) by label and prediction."""
    codes = labels * classes + predictions
    cells = np.bincount(codes, weights=weights, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.float64)


def value_of(metric: ConfusionMetric, matrix: Matrix) -> float:
    """The metric's value.

    Raises:
        UndefinedError: a denominator is empty, or only one class appears.
    """
    form, matrix = _collapse(metric, matrix)
    return form.value(matrix)


def influence_of(metric: ConfusionMetric, matrix: Matrix) -> Matrix:
    """Influence of a row by cell: (classes, classes), whose mean over the rows is 0.

    Source: sum of the matrix × the metric's gradient; Hampel, JASA 69 (1974).

    Raises:
        UndefinedError: as `value_of`.
    """
    form, collapsed = _collapse(metric, matrix)
    influence = form.influence(collapsed)
    if metric.label is None:
        return influence
    at = (np.arange(len(matrix)) == metric.label).astype(np.intp)
    return np.asarray(influence[at[:, None], at[None, :]])


def confusion_value(
    metric: ConfusionMetric,
    labels: Codes,
    predictions: Codes,
    classes: int,
    *,
    confidence: float,
    weights: Matrix | None = None,
) -> ModelValue:
    """The metric of one model: Wilson's interval for a share of fixed rows, else the influence's.

    Raises:
        UndefinedError: as `value_of`, or no row has weight.
    """
    share = _find_share(metric, labels)
    if share is not None:
        return proportion_value(
            labels == predictions, share, confidence=confidence, weights=weights
        )
    scaled = require_weights(weights, len(labels))
    labels, (predictions,), classes = _reduce(metric, labels, (predictions,), classes)
    form = _Form.of(metric)
    matrix = count_matrix(labels, predictions, classes, scaled)
    value = form.value(matrix)
    values = value + scaled * form.influence(matrix)[labels, predictions]
    sample = _Sample.of(scaled, labels, (predictions, predictions), classes)
    estimate = sample.estimate_value(form)
    interval = _hold(estimate.interval(confidence), value, form.lowest, 1.0)
    return ModelValue(value, interval, values)


def confusion_change(
    metric: ConfusionMetric,
    labels: Codes,
    old: Codes,
    new: Codes,
    classes: int,
    *,
    confidence: float,
    weights: Matrix | None = None,
) -> PairedChange:
    """The metric of two models: Tango's interval for a share of fixed rows, else with half rows.

    Raises:
        UndefinedError: as `value_of` for one of the models, or no row has weight.
    """
    share = _find_share(metric, labels)
    if share is not None:
        return proportion_change(
            labels == old, labels == new, share, confidence=confidence, weights=weights
        )
    scaled = require_weights(weights, len(labels))
    labels, (old, new), classes = _reduce(metric, labels, (old, new), classes)
    form = _Form.of(metric)
    before, after = (count_matrix(labels, side, classes, scaled) for side in (old, new))
    baseline, candidate = form.value(before), form.value(after)
    of_old, of_new = form.between(before, after)
    sample = _Sample.of(scaled, labels, (old, new), classes)
    interval = sample.estimate_change(form).interval(confidence)
    reach = 1.0 - form.lowest
    return PairedChange(
        baseline=baseline,
        candidate=candidate,
        interval=_hold(interval, candidate - baseline, -reach, reach),
        contributions=scaled * (of_new[labels, new] - of_old[labels, old]),
        rows=int(np.count_nonzero(scaled)),
    )


class _Form(msgspec.Struct, frozen=True):
    """A metric of a matrix: of all classes, or of class 1 of two after a class was singled out."""

    kind: Kind
    single: bool

    @staticmethod
    def of(metric: ConfusionMetric) -> "_Form":
        return _Form(metric.kind, metric.label is not None)

    @property
    def lowest(self) -> float:
        """The least value that the metric can have."""
        return -1.0 if self.kind in ("mcc", "cohen_kappa") else 0.0

    def value(self, matrix: Matrix) -> float:
        if self.kind == "accuracy":
            return float(np.trace(matrix) / matrix.sum())
        if self.kind in _RATES:
            above, below = self._parts(matrix)
            return float(np.mean(above / below))
        return _agreement(self.kind, matrix)[0]

    def influence(self, matrix: Matrix) -> Matrix:
        if self.kind == "accuracy":
            return np.asarray(np.eye(len(matrix)) - np.trace(matrix) / matrix.sum())
        if self.kind in _RATES:
            above, below = self._parts(matrix)
            return self._linearise(matrix, above / below)
        return _agreement(self.kind, matrix)[1]

    def between(self, before: Matrix, after: Matrix) -> tuple[Matrix, Matrix]:
        """Per cell of the old and the new model, what a row adds to new − old, exactly in sum.

        Ratios are linearised at their pooled value; the gradient of kappa and of Matthews's
        correlation is averaged along the way from one matrix to the other.
        """
        if self.kind in _RATES:
            self._parts(before), self._parts(after)  # both must be defined
            above, below = self._parts(before + after)
            pooled = above / below
            return self._linearise(before, pooled), self._linearise(after, pooled)
        way = [
            share / 2 * _agreement(self.kind, before + (after - before) * (1 + node) / 2)[1]
            for node, share in zip(_NODES, _SHARES, strict=True)
        ]
        gradient = np.sum(way, axis=0)
        total = float(after.sum())
        missing = self.value(after) - self.value(before)
        missing -= float(np.sum(gradient * (after - before))) / total
        return gradient, gradient + missing

    def _over(self, matrix: Matrix) -> NDArray[np.bool_]:
        """The classes that are averaged over."""
        if self.single:
            return np.array([False, True])
        return np.asarray(matrix.sum(axis=1) > 0)

    def _parts(self, matrix: Matrix) -> tuple[Matrix, Matrix]:
        """Numerator and denominator of every averaged class."""
        rate, over = _RATES[self.kind], self._over(matrix)
        hits, labelled, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
        if rate == "recall":
            above, below = hits, labelled
        elif rate == "precision":
            above, below = hits, predicted
        else:
            above, below = 2 * hits, labelled + predicted
        if not (over.any() and (below[over] > 0).all()):
            lacking = np.flatnonzero(over & (below <= 0))
            what = "a class is" if self.single or not len(lacking) else f"class {lacking[0]} is"
            never = "labelled" if rate == "recall" else "predicted"
            raise UndefinedError(f"the metric's denominator counts no row: {what} never {never}")
        if not self.single and np.count_nonzero(labelled + predicted) < 2:  # noqa: PLR2004
            raise UndefinedError("only one class appears; an average over classes needs two")
        return above[over], below[over]

    def _linearise(self, matrix: Matrix, at: Matrix) -> Matrix:
        """Influence by cell of the mean of ratios, linearised at the values `at`."""
        over = self._over(matrix)
        _, below = self._parts(matrix)
        scale, height = np.zeros(len(matrix)), np.zeros(len(matrix))
        scale[over] = float(matrix.sum()) / below / len(at)
        height[over] = at
        rate, down = _RATES[self.kind], -scale * height
        if rate == "recall":
            return np.asarray(np.diag(scale) + down[:, None] + np.zeros_like(matrix))
        if rate == "precision":
            return np.asarray(np.diag(scale) + down[None, :] + np.zeros_like(matrix))
        return np.asarray(2 * np.diag(scale) + down[:, None] + down[None, :])


class _Sample(msgspec.Struct, frozen=True, eq=False):
    """Rows at effective weight, and the pseudo-rows that keep a standard error honest.

    Two rows in all: for every label y and other class o as many that turn from o to y as from y
    to o. With two classes that is half a row in each of the four discordant cells, as in
    `influence.paired_cell_change`. Two rows for every pair of classes instead (half a row in each
    discordant cell of each one-against-the-rest table) cover 1.00 at a width half as large again
    (10 classes, 200 rows); none at all cover .74–.85 at 50 rows; two in all .95–1.00, and
    .92–.97 at 1,000 rows.
    """

    weights: Matrix
    labels: Codes
    sides: tuple[Codes, Codes]
    matrices: tuple[Matrix, Matrix]
    pseudo: Matrix  # rows per (label, other class)

    @staticmethod
    def of(weights: Matrix, labels: Codes, sides: tuple[Codes, Codes], classes: int) -> "_Sample":
        weights = weights * (float(weights.sum()) / float(weights @ weights))
        before, after = (count_matrix(labels, side, classes, weights) for side in sides)
        labelled = before.sum(axis=1) > 0
        appear: NDArray[np.bool_] = labelled | (before.sum(axis=0) > 0) | (after.sum(axis=0) > 0)
        if classes == 2:  # noqa: PLR2004 - a class against the rest
            labelled = appear = np.array([True, True])
        others = max(1, int(np.count_nonzero(appear)) - 1)
        pseudo = np.outer(labelled, appear) / (int(np.count_nonzero(labelled)) * others)
        np.fill_diagonal(pseudo, 0.0)
        own = np.diag(pseudo.sum(axis=1))
        return _Sample(
            weights, labels, sides, (before + pseudo + own, after + pseudo + own), pseudo
        )

    def estimate_change(self, form: _Form) -> Estimate:
        """New − old, by the delta method."""
        before, after = self.matrices
        of_old, of_new = form.influence(before), form.influence(after)
        old, new = self.sides
        real = of_new[self.labels, new] - of_old[self.labels, old]
        gained = np.diag(of_new)[:, None] - of_old
        lost = of_new - np.diag(of_old)[:, None]
        squares = float(np.sum((self.weights * real) ** 2))
        squares += float(np.sum(self.pseudo * (gained**2 + lost**2)))
        error = math.sqrt(squares) / float(before.sum())
        return Estimate(value=form.value(after) - form.value(before), standard_error=error)

    def estimate_value(self, form: _Form) -> Estimate:
        """The metric of one model, by the delta method."""
        matrix = self.matrices[0]
        influence = form.influence(matrix)
        real = influence[self.labels, self.sides[0]]
        squares = float(np.sum((self.weights * real) ** 2))
        squares += float(np.sum(self.pseudo * (influence**2 + np.diag(influence)[:, None] ** 2)))
        error = math.sqrt(squares) / float(matrix.sum())
        return Estimate(value=form.value(matrix), standard_error=error)


def _agreement(kind: Kind, matrix: Matrix) -> tuple[float, Matrix]:
    """Matthews's correlation or Cohen's kappa, and its influence by cell.

    Source: Gorodkin, Computational Biology and Chemistry 28 (2004), for many classes; Cohen,
    Educational and Psychological Measurement 20 (1960).
    """
    total = float(matrix.sum())
    labelled, predicted = matrix.sum(axis=1) / total, matrix.sum(axis=0) / total
    chance = float(labelled @ predicted)
    excess = float(np.trace(matrix)) / total - chance
    both = predicted[:, None] + labelled[None, :]
    hits = float(np.trace(matrix)) / total
    slope = np.eye(len(matrix)) + hits - both
    if kind == "cohen_kappa":
        if 1 - chance <= 0 or np.count_nonzero(labelled + predicted) < 2:  # noqa: PLR2004
            raise UndefinedError("only one class appears; Cohen's kappa needs two")
        kappa = excess / (1 - chance)
        return kappa, np.asarray((slope - kappa * (2 - both)) / (1 - chance))
    spread, other = 1 - float(predicted @ predicted), 1 - float(labelled @ labelled)
    if min(np.count_nonzero(labelled), np.count_nonzero(predicted)) < 2:  # noqa: PLR2004
        what = "label" if np.count_nonzero(labelled) < 2 else "prediction"  # noqa: PLR2004
        raise UndefinedError(f"every {what} is the same class; a correlation needs two")
    root = math.sqrt(spread * other)
    correlation = excess / root
    turn = (1 - predicted)[None, :] / spread + (1 - labelled)[:, None] / other
    return correlation, np.asarray(slope / root - correlation * turn)


def _collapse(metric: ConfusionMetric, matrix: Matrix) -> tuple[_Form, Matrix]:
    """The matrix of one class against the rest, where the metric has a class."""
    if matrix.sum() <= 0:
        raise UndefinedError("there are no rows")
    if metric.label is None:
        return _Form.of(metric), matrix
    at = (np.arange(len(matrix)) == metric.label).astype(np.float64)
    sides = np.stack([1 - at, at])
    return _Form.of(metric), np.asarray(sides @ matrix @ sides.T)


def _reduce(
    metric: ConfusionMetric, labels: Codes, sides: tuple[Codes, ...], classes: int
) -> tuple[Codes, tuple[Codes, ...], int]:
    """Codes of one class against the rest, where the metric has a class."""
    if metric.label is None:
        return labels, sides, classes
    one = metric.label
    return (
        (labels == one).astype(np.intp),
        tuple((side == one).astype(np.intp) for side in sides),
        2,
    )


def _find_share(metric: ConfusionMetric, labels: Codes) -> NDArray[np.bool_] | None:
    """The rows of which the metric is a share, where they are the same for both models."""
    if metric.kind == "accuracy":
        return np.ones(len(labels), dtype=np.bool_)
    if metric.kind == "recall":
        return np.asarray(labels == metric.label)
    return None


def _hold(interval: Interval, value: float, lowest: float, highest: float) -> Interval:
    """The interval within what is possible, and around the plain value."""
    return Interval(
        max(lowest, min(value, interval.lower)), min(highest, max(value, interval.upper))
    )
