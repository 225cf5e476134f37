"""The metrics of a binary task; names and definitions are scikit-learn's and fairlearn's."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import numpy as np

from gates.case.answers import Scored
from gates.metrics.metric import NOT_NEGATIVE, RATE, SIGNED, Metric, Range
from gates.stats import influence
from gates.stats.auc import auc_pseudo_values, delong, roc_auc
from gates.stats.confusion import ConfusionMetric, confusion_change, confusion_value
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.paired import paired_mean, tango
from gates.stats.proportion import wilson
from gates.stats.ranking import (
    average_precision_change,
    average_precision_value,
    roc_auc_change,
    roc_auc_value,
)
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import mean_change, mean_value, proportion_change, proportion_value
from gates.tables.table import Floats, Mask

MIN_OF_EACH_CLASS = 20  # below it DeLong's interval of an AUC covers too little: statistics.md §2
MIN_OF_EACH_CLASS_FOR_A_LOSS = 30  # below it Student's interval of a mean loss does
_TWO = 2  # classes
_CONFIDENCE = 0.95  # of an interval that nobody looks at


class CellCount(msgspec.Struct, frozen=True):
    """A metric that the confusion matrix determines."""

    name: str
    greater_is_better: bool | None
    range: Range = RATE

    @property
    def _metric(self) -> influence.CellMetric:
        return influence.METRICS[self.name]

    def of(self, answers: Scored, confidence: float) -> ModelValue:
        """The metric of one model: Wilson's interval for a proportion, else the influence's."""
        if answers.weights is not None:
            return self._weighted(answers, confidence)
        metric, labels, predictions = self._metric, answers.labels, answers.predictions
        cells = influence.count_cells(labels, predictions)
        value = influence.value_of(metric, cells)
        values = influence.pseudo_values(metric, labels, predictions)
        ratio = metric.ratios[0]
        if len(metric.ratios) > 1 or max(ratio.above) > 1:
            return ModelValue(value, paired_mean(values).interval(confidence), values)
        hits, rows = int(cells @ np.array(ratio.above)), int(cells @ np.array(ratio.below))
        return ModelValue(value, wilson(hits, rows, confidence), values)

    def value(self, answers: Scored) -> float:
        """The value that `of` gives."""
        if answers.weights is not None:
            return self._weighted(answers, _CONFIDENCE).value
        cells = influence.count_cells(answers.labels, answers.predictions)
        return influence.value_of(self._metric, cells)

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> PairedChange:
        """Tango's interval for a proportion of fixed rows, else the influence's with half rows."""
        if candidate.weights is not None:
            return self._weighted_change(baseline, candidate, confidence)
        metric = self._metric
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
        return PairedChange(
            baseline=before,
            candidate=after,
            interval=interval,
            contributions=influence.paired_contributions(metric, labels, old, new),
            rows=rows,
        )

    def shared_rows(self, labels: Mask) -> Mask | None:
        """All rows, the positives or the negatives; none where the predictions have a say."""
        if not self._metric.fixed_rows:
            return None
        below = np.array(self._metric.ratios[0].below[::2], dtype=np.bool_)
        return np.asarray(below[labels.astype(np.intp)])

    def _hits(self, answers: Scored) -> Mask:
        above = np.array(self._metric.ratios[0].above, dtype=np.bool_)
        return np.asarray(above[2 * answers.labels + answers.predictions])

    def _weighted(self, answers: Scored, confidence: float) -> ModelValue:
        counted = self.shared_rows(answers.labels)
        if counted is None:
            return _CONFUSION[self.name].of(answers, confidence)
        return proportion_value(
            self._hits(answers), counted, confidence=confidence, weights=answers.weights
        )

    def _weighted_change(
        self, baseline: Scored, candidate: Scored, confidence: float
    ) -> PairedChange:
        counted = self.shared_rows(candidate.labels)
        if counted is None:
            return _CONFUSION[self.name].change(baseline, candidate, confidence)
        old, new = self._hits(baseline), self._hits(candidate)
        return proportion_change(
            old, new, counted, confidence=confidence, weights=candidate.weights
        )


class Confusion(msgspec.Struct, frozen=True):
    """A metric of the matrix of two classes, of which 1 is the positive one."""

    metric: ConfusionMetric
    greater_is_better: bool | None = True
    range: Range = RATE

    def of(self, answers: Scored, confidence: float) -> ModelValue:
        """The metric of one model, by its influence."""
        return confusion_value(
            self.metric,
            answers.labels.astype(np.intp),
            answers.predictions.astype(np.intp),
            _TWO,
            confidence=confidence,
            weights=answers.weights,
        )

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> PairedChange:
        """The change, with half rows in the cells where the models disagree."""
        return confusion_change(
            self.metric,
            candidate.labels.astype(np.intp),
            baseline.predictions.astype(np.intp),
            candidate.predictions.astype(np.intp),
            _TWO,
            confidence=confidence,
            weights=candidate.weights,
        )

    def shared_rows(self, labels: Mask) -> Mask | None:  # noqa: ARG002
        """None: what is predicted has a say in the denominator."""
        return None


class RocAuc(msgspec.Struct, frozen=True):
    """Area under the ROC curve, with DeLong's interval."""

    greater_is_better: bool | None = True
    range: Range = RATE

    def of(self, answers: Scored, confidence: float) -> ModelValue:
        """The area, from `MIN_OF_EACH_CLASS` rows of each class on."""
        _require_both_classes(answers.labels, MIN_OF_EACH_CLASS, "an AUC")
        if answers.weights is not None:
            return roc_auc_value(
                answers.labels, answers.scores, confidence=confidence, weights=answers.weights
            )
        values = auc_pseudo_values(answers.labels, answers.scores)
        estimate = delong(answers.labels, values)
        return ModelValue(estimate.value, estimate.interval(confidence), values)

    def value(self, answers: Scored) -> float:
        """The value that `of` gives."""
        if answers.weights is not None:
            return self.of(answers, _CONFIDENCE).value
        _require_both_classes(answers.labels, MIN_OF_EACH_CLASS, "an AUC")
        return roc_auc(answers.labels, answers.scores)

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> PairedChange:
        """The difference of two areas on the same rows."""
        _require_both_classes(candidate.labels, MIN_OF_EACH_CLASS, "an AUC")
        if candidate.weights is not None:
            return roc_auc_change(
                candidate.labels,
                baseline.scores,
                candidate.scores,
                confidence=confidence,
                weights=candidate.weights,
            )
        old = auc_pseudo_values(baseline.labels, baseline.scores)
        new = auc_pseudo_values(candidate.labels, candidate.scores)
        return PairedChange(
            baseline=float(old[baseline.labels].mean()),
            candidate=float(new[candidate.labels].mean()),
            interval=delong(candidate.labels, new - old).interval(confidence),
            contributions=new - old,
            rows=len(new),
        )

    def shared_rows(self, labels: Mask) -> Mask | None:  # noqa: ARG002
        """None: it is a mean over pairs of rows."""
        return None


class AveragePrecision(msgspec.Struct, frozen=True):
    """Precision averaged over the recall that it is had at."""

    greater_is_better: bool | None = True
    range: Range = RATE

    def of(self, answers: Scored, confidence: float) -> ModelValue:
        """The average of one model."""
        return average_precision_value(
            answers.labels, answers.scores, confidence=confidence, weights=answers.weights
        )

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> PairedChange:
        """The difference of two averages on the same rows."""
        return average_precision_change(
            candidate.labels,
            baseline.scores,
            candidate.scores,
            confidence=confidence,
            weights=candidate.weights,
        )

    def shared_rows(self, labels: Mask) -> Mask | None:  # noqa: ARG002
        """None: which rows precision counts depends on the model."""
        return None


class MeanLoss(msgspec.Struct, frozen=True):
    """A mean of per-row losses of a probability, with Student's interval."""

    name: str
    greater_is_better: bool | None = False
    range: Range = RATE

    def of(self, answers: Scored, confidence: float) -> ModelValue:
        """The mean, from `MIN_OF_EACH_CLASS_FOR_A_LOSS` rows of each class on."""
        losses = self._losses(answers)
        if answers.weights is not None:
            return mean_value(losses, confidence=confidence, weights=answers.weights)
        interval = paired_mean(losses).interval(confidence)
        return ModelValue(float(losses.mean()), interval, losses)

    def value(self, answers: Scored) -> float:
        """The value that `of` gives."""
        if answers.weights is not None:
            return self.of(answers, _CONFIDENCE).value
        return float(self._losses(answers).mean())

    def change(self, baseline: Scored, candidate: Scored, confidence: float) -> PairedChange:
        """The paired difference of two means."""
        old, new = self._losses(baseline), self._losses(candidate)
        if candidate.weights is not None:
            return mean_change(old, new, confidence=confidence, weights=candidate.weights)
        return PairedChange(
            baseline=float(old.mean()),
            candidate=float(new.mean()),
            interval=paired_mean(new - old).interval(confidence),
            contributions=new - old,
            rows=len(new),
        )

    def shared_rows(self, labels: Mask) -> Mask | None:  # noqa: ARG002
        """None: a loss is no share."""
        return None

    def _losses(self, answers: Scored) -> Floats:
        _require_both_classes(answers.labels, MIN_OF_EACH_CLASS_FOR_A_LOSS, "a mean loss")
        if self.name == "brier_score_loss":
            return influence.squared_errors(answers.labels, answers.scores)
        return influence.log_losses(answers.labels, answers.scores)


_CONFUSION: Mapping[str, Confusion] = MappingProxyType(
    {
        "balanced_accuracy": Confusion(ConfusionMetric("balanced_accuracy")),
        "precision": Confusion(ConfusionMetric("precision", 1)),
        "f1": Confusion(ConfusionMetric("f1", 1)),
        "macro_f1": Confusion(ConfusionMetric("macro_f1")),
        "matthews_corrcoef": Confusion(ConfusionMetric("mcc"), range=SIGNED),
        "cohen_kappa": Confusion(ConfusionMetric("cohen_kappa"), range=SIGNED),
    }
)
METRICS: Mapping[str, Metric[Scored]] = MappingProxyType(
    {
        "log_loss": MeanLoss("log_loss", range=NOT_NEGATIVE),
        "brier_score_loss": MeanLoss("brier_score_loss"),
        "roc_auc": RocAuc(),
        "average_precision": AveragePrecision(),
        "accuracy": CellCount("accuracy", greater_is_better=True),
        "balanced_accuracy": CellCount("balanced_accuracy", greater_is_better=True),
        "precision": CellCount("precision", greater_is_better=True),
        "recall": CellCount("recall", greater_is_better=True),
        "f1": CellCount("f1", greater_is_better=True),
        "macro_f1": _CONFUSION["macro_f1"],
        "matthews_corrcoef": _CONFUSION["matthews_corrcoef"],
        "cohen_kappa": _CONFUSION["cohen_kappa"],
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
