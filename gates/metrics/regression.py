"""The metrics of a regression; names and definitions are scikit-learn's, errors in its unit.

`mean_error` is prediction − label: above 0 the model says too much. Neither side is better.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from gates.case.answers import Predicted
from gates.metrics.metric import ANY, NOT_NEGATIVE, Metric, Range
from gates.stats import regression as stats
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats, Mask

MIN_ROWS = 30  # below it Student's interval of a mean error covers too little: statistics.md §2


class Error(msgspec.Struct, frozen=True):
    """A metric of the rows' errors."""

    kind: stats.Kind
    greater_is_better: bool | None = False
    range: Range = NOT_NEGATIVE

    def of(self, answers: Predicted, confidence: float) -> ModelValue:
        """The metric of one model, from `MIN_ROWS` rows on."""
        _require_rows(answers)
        return stats.regression_value(
            self.kind,
            answers.labels,
            answers.predictions,
            confidence=confidence,
            weights=answers.weights,
        )

    def change(self, baseline: Predicted, candidate: Predicted, confidence: float) -> PairedChange:
        """The metric of two models on the same rows."""
        _require_rows(candidate)
        return stats.regression_change(
            self.kind,
            candidate.labels,
            baseline.predictions,
            candidate.predictions,
            confidence=confidence,
            weights=candidate.weights,
        )

    def shared_rows(self, labels: Floats) -> Mask | None:  # noqa: ARG002
        """None: an error is no share."""
        return None


METRICS: Mapping[str, Metric[Predicted]] = MappingProxyType(
    {
        "mean_absolute_error": Error("mean_absolute_error"),
        "mean_squared_error": Error("mean_squared_error"),
        "root_mean_squared_error": Error("root_mean_squared_error"),
        "r2": Error("r2", greater_is_better=True, range=Range(-math.inf, 1.0)),
        "mean_error": Error("mean_error", greater_is_better=None, range=ANY),
    }
)


def _require_rows(answers: Predicted) -> None:
    if answers.rows < MIN_ROWS:
        raise UndefinedError(f"{answers.rows} rows; errors are judged from {MIN_ROWS} on")
