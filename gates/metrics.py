"""The metrics that gates judge, each with its direction, and how it changes between two models.

Names and definitions are scikit-learn's and fairlearn's; a test compares the values.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

import msgspec
import numpy as np

from gates.stats import influence
from gates.stats.auc import auc_pseudo_values, delong
from gates.stats.interval import Interval
from gates.stats.paired import paired_mean, tango
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats, Mask

MIN_OF_EACH_CLASS = 20  # below it DeLong's interval of an AUC covers too little: statistics.md §2
MIN_OF_EACH_CLASS_FOR_A_LOSS = 30  # below it Student's interval of a mean loss does


class Scored(msgspec.Struct, frozen=True):
    """One model's scores of some rows; arrays of shape (rows,)."""

    labels: Mask
    scores: Floats
    predictions: Mask


class Value(msgspec.Struct, frozen=True):
    """A metric of one model; `contributions` (rows,) have the value as mean."""

    value: float
    interval: Interval
    contributions: Floats


class Change(msgspec.Struct, frozen=True):
    """A metric of two models on the same rows; `contributions` (rows,) have the change as mean."""

    baseline: float
    candidate: float
    interval: Interval
    contributions: Floats
    rows: int  # that the metric counts, such as the positives for recall


class Metric(Protocol):
    """What can be asked of a metric; every method raises `UndefinedError` where it has no value."""

    @property
    def greater_is_better(self) -> bool | None:
        """The metric's direction; `None` where neither is better by itself."""

    def of(self, scored: Scored, confidence: float) -> Value:
        """The metric of one model."""

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> Change:
        """The metric of two models on the same rows."""


class CellCount(msgspec.Struct, frozen=True):
    """A metric that the confusion matrix determines."""

    name: str
    greater_is_better: bool | None

    def of(self, scored: Scored, confidence: float) -> Value:
        """The metric of one model: Wilson's interval for a proportion, else the influence's."""
        metric = influence.METRICS[self.name]
        cells = influence.count_cells(scored.labels, scored.predictions)
        value = influence.value_of(metric, cells)
        values = influence.pseudo_values(metric, scored.labels, scored.predictions)
        ratio = metric.ratios[0]
        if len(metric.ratios) > 1 or max(ratio.above) > 1:
            return Value(value, paired_mean(values).interval(confidence), values)
        hits, rows = int(cells @ np.array(ratio.above)), int(cells @ np.array(ratio.below))
        return Value(value, wilson(hits, rows, confidence), values)

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> Change:
        """Tango's interval for a proportion of fixed rows, else the influence's with half rows."""
        metric = influence.METRICS[self.name]
        labels, old, new = candidate.labels, baseline.predictions, candidate.predictions
        cells = influence.count_paired_cells(labels, old, new)
        before, after = (influence.value_of(metric, side) for side in influence.split_cells(cells))
        if metric.fixed_rows:
            counts = influence.discordance(metric, cells)
            interval = tango(counts.gains, counts.losses, counts.rows, confidence)
            rows = counts.rows
        else:
            interval = influence.paired_cell_interval(metric, cells, confidence)
            rows = len(labels)
        return Change(
            baseline=before,
            candidate=after,
            interval=interval,
            contributions=influence.paired_contributions(metric, labels, old, new),
            rows=rows,
        )


class RocAuc(msgspec.Struct, frozen=True):
    """Area under the ROC curve, with DeLong's interval."""

    greater_is_better: bool | None = True

    def of(self, scored: Scored, confidence: float) -> Value:
        """The area, from `MIN_OF_EACH_CLASS` rows of each class on."""
        _require_both_classes(scored.labels, MIN_OF_EACH_CLASS, "an AUC")
        values = auc_pseudo_values(scored.labels, scored.scores)
        estimate = delong(scored.labels, values)
        return Value(estimate.value, estimate.interval(confidence), values)

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> Change:
        """The difference of two areas on the same rows."""
        _require_both_classes(candidate.labels, MIN_OF_EACH_CLASS, "an AUC")
        old = auc_pseudo_values(baseline.labels, baseline.scores)
        new = auc_pseudo_values(candidate.labels, candidate.scores)
        return Change(
            baseline=float(old[baseline.labels].mean()),
            candidate=float(new[candidate.labels].mean()),
            interval=delong(candidate.labels, new - old).interval(confidence),
            contributions=new - old,
            rows=len(new),
        )


class MeanLoss(msgspec.Struct, frozen=True):
    """A mean of per-row losses of a probability, with Student's interval."""

    name: str
    greater_is_better: bool | None = False

    def of(self, scored: Scored, confidence: float) -> Value:
        """The mean, from `MIN_OF_EACH_CLASS_FOR_A_LOSS` rows of each class on."""
        losses = self._losses(scored)
        return Value(float(losses.mean()), paired_mean(losses).interval(confidence), losses)

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> Change:
        """The paired difference of two means."""
        old, new = self._losses(baseline), self._losses(candidate)
        return Change(
            baseline=float(old.mean()),
            candidate=float(new.mean()),
            interval=paired_mean(new - old).interval(confidence),
            contributions=new - old,
            rows=len(new),
        )

    def _losses(self, scored: Scored) -> Floats:
        _require_both_classes(scored.labels, MIN_OF_EACH_CLASS_FOR_A_LOSS, "a mean loss")
        if self.name == "brier_score_loss":
            return influence.squared_errors(scored.labels, scored.scores)
        return influence.log_losses(scored.labels, scored.scores)


DirectedMetric = Literal[
    "log_loss",
    "brier_score_loss",
    "roc_auc",
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "specificity",
    "false_positive_rate",
    "false_negative_rate",
]
GroupMetric = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "accuracy",
]

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "log_loss": MeanLoss("log_loss"),
        "brier_score_loss": MeanLoss("brier_score_loss"),
        "roc_auc": RocAuc(),
        "accuracy": CellCount("accuracy", greater_is_better=True),
        "balanced_accuracy": CellCount("balanced_accuracy", greater_is_better=True),
        "precision": CellCount("precision", greater_is_better=True),
        "recall": CellCount("recall", greater_is_better=True),
        "f1": CellCount("f1", greater_is_better=True),
        "specificity": CellCount("specificity", greater_is_better=True),
        "true_positive_rate": CellCount("recall", greater_is_better=True),
        "false_positive_rate": CellCount("false_positive_rate", greater_is_better=False),
        "false_negative_rate": CellCount("false_negative_rate", greater_is_better=False),
        "selection_rate": CellCount("selection_rate", greater_is_better=None),
    }
)


def _require_both_classes(labels: Mask, least: int, what: str) -> None:
    positives = int(np.count_nonzero(labels))
    if min(positives, len(labels) - positives) < least:
        raise UndefinedError(
            f"{positives} positives and {len(labels) - positives} negatives; {what} is judged from "
            f"{least} of each on"
        )
