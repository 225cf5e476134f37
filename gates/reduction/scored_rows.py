"""What a batch says of each row: its label, both models' scores and answers, and their losses."""

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.reduction.coding import Floats, encode_levels, numbers_of
from gates.tables.arrow import booleans_of, valid_of

Mask = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.uint8]
Loss = Literal["log_loss", "brier_score_loss"]
CELLS = 8  # of both answers and the label
PROBABILITY_SLACK = 1e-9  # a float's rounding, not a score outside [0, 1]; as in `evidence`
_TINY = float(np.finfo(np.float64).eps)  # scores are clipped by it, as scikit-learn does


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Where a batch holds the label and both models' scores, and how scores become answers."""

    label: str
    baseline: str
    candidate: str
    decision_threshold: float
    positive: str | None = None  # the level of a text label that is the positive one


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that cannot be judged, by what is wrong with them; added up over batches."""

    no_label: int = 0
    wrong_label: int = 0
    no_baseline_score: int = 0
    wrong_baseline_score: int = 0  # outside [0, 1]
    no_candidate_score: int = 0
    wrong_candidate_score: int = 0

    def __add__(self, other: "Faults") -> "Faults":
        names = self.__struct_fields__
        return Faults(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __bool__(self) -> bool:
        return self != Faults()


class ScoredRows(msgspec.Struct, frozen=True, eq=False):
    """Arrays of shape (rows,); `cells` are 4 × label + 2 × old answer + new answer."""

    labels: Mask
    baseline: Floats
    candidate: Floats
    cells: Cells


def read_rows(batch: pa.RecordBatch, columns: Columns) -> tuple[ScoredRows, Faults]:
    """The rows of a batch; a faulty label counts as false, a faulty score as 0."""
    labels, no_label, wrong_label = read_labels(batch.column(columns.label), columns.positive)
    old, no_old, wrong_old = _read_scores(batch.column(columns.baseline))
    new, no_new, wrong_new = _read_scores(batch.column(columns.candidate))
    cells = labels.astype(np.uint8)  # a quarter of the time that places of 64 bits take
    for scores in (old, new):
        cells *= 2
        cells += scores >= columns.decision_threshold
    faults = Faults(
        no_label=no_label,
        wrong_label=wrong_label,
        no_baseline_score=no_old,
        wrong_baseline_score=wrong_old,
        no_candidate_score=no_new,
        wrong_candidate_score=wrong_new,
    )
    return ScoredRows(labels, old, new, cells), faults


def losses_of(loss: Loss, labels: Mask, scores: Floats) -> Floats:
    """Per row, bit by bit as `influence.log_losses` and `influence.squared_errors`."""
    if loss == "brier_score_loss":
        return np.asarray((scores - labels) ** 2)
    likelihoods = likelihoods_of(labels, scores)
    np.clip(likelihoods, _TINY, 1 - _TINY, out=likelihoods)
    np.log(likelihoods, out=likelihoods)
    return np.negative(likelihoods, out=likelihoods)


def likelihoods_of(labels: Mask, scores: Floats) -> Floats:
    """The probability that a model gave to each row's label."""
    likelihoods = (~labels).astype(np.float64)
    np.subtract(scores, likelihoods, out=likelihoods)
    return np.abs(likelihoods, out=likelihoods)


def largest_loss(loss: Loss, least_likely: float) -> float:
    """The loss of the row whose label was given the smallest probability."""
    return float(losses_of(loss, np.array([True]), np.array([least_likely]))[0])


def read_labels(array: pa.Array, positive: str | None) -> tuple[Mask, int, int]:
    """Labels, and how many are missing or neither 0 nor 1; which levels occur is the survey's."""
    if positive is not None:
        indices, texts = encode_levels(array)
        known = np.array([*(text == positive for text in texts), False])
        return known[indices], int(np.count_nonzero(indices < 0)), 0
    if pa.types.is_boolean(array.type):
        return booleans_of(array) & valid_of(array), array.null_count, 0
    values = numbers_of(array)
    gaps = int(np.count_nonzero(np.isnan(values)))
    labels = values == 1
    return labels, gaps, len(values) - gaps - int(np.count_nonzero(labels | (values == 0)))


def _read_scores(array: pa.Array) -> tuple[Floats, int, int]:
    """Scores clipped to [0, 1], and how many are not finite or lie outside."""
    scores = numbers_of(array)
    if len(scores) == 0:
        return scores, 0, 0
    if scores.min() >= 0 and scores.max() <= 1:  # false where one is NaN
        return scores, 0, 0
    finite = np.isfinite(scores)
    inside = (scores >= -PROBABILITY_SLACK) & (scores <= 1 + PROBABILITY_SLACK)
    gaps = int(np.count_nonzero(~finite))
    outside = int(np.count_nonzero(finite & ~inside))
    return np.clip(np.where(inside, scores, 0.0), 0.0, 1.0), gaps, outside
