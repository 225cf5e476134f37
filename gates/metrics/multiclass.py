"""The metrics of a multiclass task; names and definitions are scikit-learn's.

`recall`, `precision` and `f1` are of each class: an average hides the rare ones.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import numpy as np

from gates.case.answers import Classes, Classified
from gates.metrics.metric import NOT_NEGATIVE, RATE, SIGNED, Metric, Range
from gates.stats.confusion import ConfusionMetric, confusion_change, confusion_value
from gates.stats.losses import class_brier_scores, class_log_losses
from gates.stats.matrix import Kind
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.ranking import roc_auc_ovr_change, roc_auc_ovr_value
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import mean_change, mean_value
from gates.tables.table import Floats, Mask

MIN_ROWS = 30  # below it Student's interval of a mean loss covers too little: statistics.md §2
MIN_OF_EACH_CLASS = 20  # below it an area's interval does
OF_EACH_CLASS: tuple[Kind, ...] = ("recall", "precision", "f1")


class Confusion(msgspec.Struct, frozen=True):
    """A metric that the confusion matrix determines; of one class where it has a label."""

    metric: ConfusionMetric
    greater_is_better: bool | None = True
    range: Range = RATE

    def of(self, answers: Classified, confidence: float) -> ModelValue:
        """The metric of one model: Wilson's interval for a share, else the influence's."""
        labels, predictions, classes = answers.labels, answers.predictions, answers.classes
        return confusion_value(
            self.metric,
            labels,
            predictions,
            classes,
            confidence=confidence,
            weights=answers.weights,
        )

    def change(
        self, baseline: Classified, candidate: Classified, confidence: float
    ) -> PairedChange:
        """Tango's interval for a share of fixed rows, else the influence's with half rows."""
        return confusion_change(
            self.metric,
            candidate.labels,
            baseline.predictions,
            candidate.predictions,
            candidate.classes,
            confidence=confidence,
            weights=candidate.weights,
        )

    def shared_rows(self, labels: Classes) -> Mask | None:
        """All rows for accuracy, those of its class for a recall."""
        if self.metric.kind == "accuracy":
            return np.ones(len(labels), dtype=np.bool_)
        return labels == self.metric.label if self.metric.kind == "recall" else None


class MeanLoss(msgspec.Struct, frozen=True):
    """A mean of per-row losses of the classes' probabilities, with Student's interval."""

    name: str
    greater_is_better: bool | None = False
    range: Range = NOT_NEGATIVE

    def of(self, answers: Classified, confidence: float) -> ModelValue:
        """The mean, from `MIN_ROWS` rows on."""
        return mean_value(self._losses(answers), confidence=confidence, weights=answers.weights)

    def change(
        self, baseline: Classified, candidate: Classified, confidence: float
    ) -> PairedChange:
        """The paired difference of two means."""
        old, new = self._losses(baseline), self._losses(candidate)
        return mean_change(old, new, confidence=confidence, weights=candidate.weights)

    def shared_rows(self, labels: Classes) -> Mask | None:  # noqa: ARG002
        """None: a loss is no share."""
        return None

    def _losses(self, answers: Classified) -> Floats:
        if answers.rows < MIN_ROWS:
            raise UndefinedError(f"{answers.rows} rows; a mean loss is judged from {MIN_ROWS} on")
        if self.name == "log_loss":
            return class_log_losses(answers.labels, answers.scores)
        halved = answers.classes == 2  # noqa: PLR2004 - as scikit-learn does
        return class_brier_scores(answers.labels, answers.scores, scale_by_half=halved)


class RocAucOvr(msgspec.Struct, frozen=True):
    """Mean over the labelled classes of the area of one against the rest."""

    greater_is_better: bool | None = True
    range: Range = RATE

    def of(self, answers: Classified, confidence: float) -> ModelValue:
        """The mean area, from `MIN_OF_EACH_CLASS` rows of each labelled class on."""
        _require_each_class(answers.labels)
        return roc_auc_ovr_value(
            answers.labels, answers.scores, confidence=confidence, weights=answers.weights
        )

    def change(
        self, baseline: Classified, candidate: Classified, confidence: float
    ) -> PairedChange:
        """The difference of two mean areas on the same rows."""
        _require_each_class(candidate.labels)
        return roc_auc_ovr_change(
            candidate.labels,
            baseline.scores,
            candidate.scores,
            confidence=confidence,
            weights=candidate.weights,
        )

    def shared_rows(self, labels: Classes) -> Mask | None:  # noqa: ARG002
        """None: it is a mean over pairs of rows."""
        return None


METRICS: Mapping[str, Metric[Classified]] = MappingProxyType(
    {
        "log_loss": MeanLoss("log_loss"),
        "brier_score_loss": MeanLoss("brier_score_loss", range=Range(0.0, 2.0)),
        "roc_auc_ovr": RocAucOvr(),
        "accuracy": Confusion(ConfusionMetric("accuracy")),
        "balanced_accuracy": Confusion(ConfusionMetric("balanced_accuracy")),
        "macro_f1": Confusion(ConfusionMetric("macro_f1")),
        "matthews_corrcoef": Confusion(ConfusionMetric("mcc"), range=SIGNED),
        "cohen_kappa": Confusion(ConfusionMetric("cohen_kappa"), range=SIGNED),
    }
)


def of_each_class(name: Kind, classes: tuple[str, ...]) -> Mapping[str, Metric[Classified]]:
    """`recall.<class>` and the like, by name."""
    return {
        f"{name}.{level}": Confusion(ConfusionMetric(name, code))
        for code, level in enumerate(classes)
    }


def _require_each_class(labels: Classes) -> None:
    counts = np.bincount(labels)
    rarest = int(counts[counts > 0].min(initial=len(labels)))
    if rarest < MIN_OF_EACH_CLASS:
        raise UndefinedError(
            f"the rarest class has {rarest} rows; an AUC is judged from {MIN_OF_EACH_CLASS} of "
            "each on"
        )
