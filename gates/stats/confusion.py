"""Metrics of predicted classes, any number of them: one model, and two on the same rows.

Labels and predictions are codes (rows,) from 0 to classes − 1, as integers: booleans would mask.
`matrix.Form` holds the definitions and says which classes an average runs over.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.matrix import Form, Kind, Matrix
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import proportion_change, proportion_value, require_weights

Codes = NDArray[np.intp]


class ConfusionMetric(msgspec.Struct, frozen=True):
    """A metric by name; `label` is the class of a recall, a precision or an F1 of one class."""

    kind: Kind
    label: int | None = None


def count_matrix(
    labels: Codes, predictions: Codes, classes: int, weights: Matrix | None = None
) -> Matrix:
    """Sums of weights (counts without weights) by label and prediction."""
    for what, codes in (("label", labels), ("prediction", predictions)):
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < classes:
            raise ValueError(f"a {what} is no code of {classes} classes")
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
    form = _find_form(metric)
    matrix = count_matrix(labels, predictions, classes, scaled)
    value = form.value(matrix)
    values = value + scaled * form.influence(matrix)[labels, predictions]
    sample = _Sample.of(form, scaled, labels, (predictions, predictions), classes)
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
    form = _find_form(metric)
    before, after = (count_matrix(labels, side, classes, scaled) for side in (old, new))
    baseline, candidate = form.value(before), form.value(after)
    of_old, of_new = form.between(before, after)
    sample = _Sample.of(form, scaled, labels, (old, new), classes)
    interval = sample.estimate_change(form).interval(confidence)
    reach = 1.0 - form.lowest
    return PairedChange(
        baseline=baseline,
        candidate=candidate,
        interval=_hold(interval, candidate - baseline, -reach, reach),
        contributions=scaled * (of_new[labels, new] - of_old[labels, old]),
        rows=int(np.count_nonzero(scaled)),
    )


class _Sample(msgspec.Struct, frozen=True, eq=False):
    """Rows at effective weight, and the pseudo-rows that keep a standard error honest.

    Two rows in all: for every label y and other class o as many that turn from o to y as from y
    to o. With two classes that is half a row in each of the four discordant cells, as in
    `influence.paired_cell_change`. One for every class instead (half a row in each discordant
    cell of each one-against-the-rest table) covers 1.00 at a width half as large again (10
    classes, 200 rows); none at all covers .74–.85 at 50 rows; two in all .95–1.00, and .92–.97 at
    1,000 rows (docs/soundness.md).
    """

    weights: Matrix
    labels: Codes
    sides: tuple[Codes, Codes]
    matrices: tuple[Matrix, Matrix]
    pseudo: Matrix  # rows per (label, other class)

    @staticmethod
    def of(
        form: Form, weights: Matrix, labels: Codes, sides: tuple[Codes, Codes], classes: int
    ) -> "_Sample":
        weights = weights * (float(weights.sum()) / float(weights @ weights))
        before, after = (count_matrix(labels, side, classes, weights) for side in sides)
        labelled = before.sum(axis=1) > 0
        appear: NDArray[np.bool_] = labelled | (before.sum(axis=0) > 0) | (after.sum(axis=0) > 0)
        if form.single:  # a class against the rest
            labelled = appear = np.array([True, True])
        others = max(1, int(np.count_nonzero(appear)) - 1)
        pseudo = np.outer(labelled, appear) / (int(np.count_nonzero(labelled)) * others)
        np.fill_diagonal(pseudo, 0.0)
        own = np.diag(pseudo.sum(axis=1))
        return _Sample(
            weights, labels, sides, (before + pseudo + own, after + pseudo + own), pseudo
        )

    def estimate_change(self, form: Form) -> Estimate:
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

    def estimate_value(self, form: Form) -> Estimate:
        """The metric of one model, by the delta method."""
        matrix = self.matrices[0]
        influence = form.influence(matrix)
        real = influence[self.labels, self.sides[0]]
        squares = float(np.sum((self.weights * real) ** 2))
        squares += float(np.sum(self.pseudo * (influence**2 + np.diag(influence)[:, None] ** 2)))
        error = math.sqrt(squares) / float(matrix.sum())
        return Estimate(value=form.value(matrix), standard_error=error)


def _find_form(metric: ConfusionMetric) -> Form:
    return Form(metric.kind, metric.label is not None)


def _collapse(metric: ConfusionMetric, matrix: Matrix) -> tuple[Form, Matrix]:
    """The matrix of one class against the rest, where the metric has a class."""
    if matrix.sum() <= 0:
        raise UndefinedError("there are no rows")
    if metric.label is None:
        return _find_form(metric), matrix
    at = (np.arange(len(matrix)) == metric.label).astype(np.float64)
    sides = np.stack([1 - at, at])
    return _find_form(metric), np.asarray(sides @ matrix @ sides.T)


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
