"""What a confusion matrix says: value and influence of every metric that it determines.

A matrix is (classes, classes): rows are labels, columns predictions, entries sums of weights. The
macro averages run over the classes that have a labelled row, so that both models are judged on
the same classes: scikit-learn's value with `labels=` the classes of the labels (as its balanced
accuracy always does).
"""

import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.undefined import UndefinedError

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
_POINTS = 16  # of the way from one matrix to the other


class Form(msgspec.Struct, frozen=True):
    """A metric of a matrix: of all classes, or of class 1 of two after a class was singled out."""

    kind: Kind
    single: bool

    @property
    def lowest(self) -> float:
        """The least value that the metric can have."""
        return -1.0 if self.kind in ("mcc", "cohen_kappa") else 0.0

    def value(self, matrix: Matrix) -> float:
        """The metric's value.

        Raises:
            UndefinedError: a denominator is empty, or only one class appears.
        """
        if self.kind == "accuracy":
            return float(np.trace(matrix) / matrix.sum())
        if self.kind in _RATES:
            above, below = self._parts(matrix)
            return float(np.mean(above / below))
        return _agreement(self.kind, matrix)[0]

    def influence(self, matrix: Matrix) -> Matrix:
        """Influence of a row by cell, whose mean over the rows is 0.

        Source: sum of the matrix × the metric's gradient; Hampel, JASA 69 (1974).
        """
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
            for node, share in _quadrature()
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
            never = {"recall": "labelled", "precision": "predicted"}.get(rate, "either")
            raise UndefinedError(
                f"the metric's denominator counts no row: a class is never {never}"
            )
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


@cache
def _quadrature() -> tuple[tuple[float, float], ...]:
    """Nodes and weights of Gauss and Legendre; NumPy loads its polynomials for them."""
    nodes, shares = np.polynomial.legendre.leggauss(_POINTS)
    return tuple(zip(nodes.tolist(), shares.tolist(), strict=True))


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
