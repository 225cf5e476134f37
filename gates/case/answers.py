"""One model's answers of some rows, with their labels: one type per task, one interface."""

from typing import Any, Literal, Self

import msgspec
import numpy as np
import numpy.typing as npt

from gates.finding import Support
from gates.tables.table import Floats, Mask

Task = Literal["binary", "multiclass", "regression"]
Classes = npt.NDArray[np.intp]  # places in the label's levels
Values = npt.NDArray[Any]  # boolean, class or number, by the task
At = npt.NDArray[np.intp] | slice

_SAME = 1e-9  # answers closer than this are the same: statistics.md §0


class Answers(msgspec.Struct, frozen=True, eq=False):
    """What gates know of a model; arrays of length (rows,), all in one order.

    `weights` say how many rows of the population each row stands for, each above 0; `None` means
    that all rows count alike.
    """

    labels: Values
    scores: Values  # what the model says: probabilities, or the predicted number
    predictions: Values  # what it decides, of the labels' kind
    weights: Floats | None = None

    @property
    def rows(self) -> int:
        """How many rows were answered."""
        return len(self.labels)

    @property
    def support(self) -> Support:
        """How much data this is."""
        return Support(rows=self.rows)

    @property
    def rarer(self) -> Mask | None:
        """The rows of the rarer of two classes; `None` where there are not two."""
        return None

    def take(self, at: At) -> Self:
        """The answers of some of the rows, in that order."""
        return msgspec.structs.replace(
            self,
            labels=self.labels[at],
            scores=self.scores[at],
            predictions=self.predictions[at],
            weights=None if self.weights is None else self.weights[at],
        )

    def same_as(self, other: "Answers") -> bool:
        """Whether the other model says the same of the same rows."""
        return bool(np.allclose(self.scores, other.scores, rtol=0, atol=_SAME))


class Scored(Answers, frozen=True, eq=False):
    """Binary: the probability of the positive class, and whether it reaches the threshold."""

    labels: Mask
    scores: Floats
    predictions: Mask

    @property
    def rarer(self) -> Mask | None:
        """The positives, or the negatives where they are fewer."""
        return self.labels if 2 * np.count_nonzero(self.labels) <= self.rows else ~self.labels

    @property
    def support(self) -> Support:
        """With the positives, which are mostly the fewer."""
        return Support(rows=self.rows, positives=int(np.count_nonzero(self.labels)))


class Classified(Answers, frozen=True, eq=False):
    """Multiclass: a probability per class, shape (rows, classes); the first largest is decided."""

    labels: Classes
    scores: Floats
    predictions: Classes

    @property
    def classes(self) -> int:
        """How many there are, whether or not a row has them."""
        return int(self.scores.shape[1])


class Predicted(Answers, frozen=True, eq=False):
    """Regression: the predicted number, in the label's unit."""

    labels: Floats
    scores: Floats
    predictions: Floats

    def same_as(self, other: Answers) -> bool:
        """Relative to the numbers' size, as the label has a unit."""
        return bool(np.allclose(self.scores, other.scores, rtol=_SAME, atol=0))


def answer(
    task: Task,
    labels: Values,
    scores: Floats,
    *,
    decision_threshold: float,
    weights: Floats | None = None,
) -> Answers:
    """What a model decides from what it says, by the task's rule."""
    if task == "binary":
        return Scored(labels, scores, scores >= decision_threshold, weights)
    if task == "multiclass":
        return Classified(labels, scores, np.argmax(scores, axis=1), weights)
    return Predicted(labels, scores, scores, weights)
