"""What can be asked of a metric, whatever the task."""

import math
from typing import Final, Protocol, TypeVar

import msgspec

from gates.case.answers import Answers, Values
from gates.stats.measured import ModelValue, PairedChange
from gates.tables.table import Mask

A_contra = TypeVar("A_contra", bound=Answers, contravariant=True)


class Range(msgspec.Struct, frozen=True):
    """The values that something can take, both ends among them where they are finite."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """The largest change that there can be."""
        return self.high - self.low


RATE: Final = Range(0.0, 1.0)
SIGNED: Final = Range(-1.0, 1.0)
NOT_NEGATIVE: Final = Range(0.0, math.inf)
ANY: Final = Range(-math.inf, math.inf)


class Metric(Protocol[A_contra]):
    """One metric of one task; every method raises `UndefinedError` where it has no value."""

    @property
    def greater_is_better(self) -> bool | None:
        """The metric's direction; `None` where neither is better by itself."""

    @property
    def range(self) -> Range:
        """The values that it can take."""

    def of(self, answers: A_contra, confidence: float) -> ModelValue:
        """The metric of one model."""

    def change(self, baseline: A_contra, candidate: A_contra, confidence: float) -> PairedChange:
        """The metric of two models on the same rows."""

    def shared_rows(self, labels: Values) -> Mask | None:
        """The rows of which the metric is a share under any model; `None` if it is no share."""
