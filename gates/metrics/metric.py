"""What can be asked of a metric, whatever the task."""

from typing import Protocol, TypeVar

from gates.case.answers import Answers, Values
from gates.stats.measured import ModelValue, PairedChange
from gates.tables.table import Mask

A_contra = TypeVar("A_contra", bound=Answers, contravariant=True)


class Metric(Protocol[A_contra]):
    """One metric of one task; every method raises `UndefinedError` where it has no value."""

    @property
    def greater_is_better(self) -> bool | None:
        """The metric's direction; `None` where neither is better by itself."""

    def of(self, answers: A_contra, confidence: float) -> ModelValue:
        """The metric of one model."""

    def change(self, baseline: A_contra, candidate: A_contra, confidence: float) -> PairedChange:
        """The metric of two models on the same rows."""

    def shared_rows(self, labels: Values) -> Mask | None:
        """The rows of which the metric is a share under any model; `None` if it is no share."""
