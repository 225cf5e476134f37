"""What is compared between groups: means over rows that the labels alone choose.

The rates are fairlearn's. Those of a multiclass task are of each class, except accuracy.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec
import numpy as np

from gates.case.answers import Answers, Task, Values
from gates.metrics.metric import ANY, NOT_NEGATIVE, RATE, SIGNED, Range
from gates.tables.table import Floats, Mask

GroupMetric = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "accuracy",
    "calibration_error",
    "mean_prediction",
    "mean_error",
    "mean_absolute_error",
]
_OF_NUMBERS = ("mean_prediction", "mean_error", "mean_absolute_error")


class GroupMean(msgspec.Struct, frozen=True):
    """A mean that groups are compared by; `label` is the class that counts as the positive one."""

    kind: GroupMetric
    label: int | None = None

    @property
    def is_share(self) -> bool:
        """Whether a row's value is 0 or 1."""
        return not (self.is_of_scores or self.kind in _OF_NUMBERS)

    @property
    def is_of_scores(self) -> bool:
        """Whether it reads what the model says, and not what it decides."""
        return self.kind == "calibration_error"

    @property
    def range(self) -> Range:
        """The values that the mean can take."""
        if self.is_share:
            return RATE
        if self.is_of_scores:
            return SIGNED
        return NOT_NEGATIVE if self.kind == "mean_absolute_error" else ANY

    def counted(self, labels: Values) -> Mask | None:
        """The rows of the mean; `None` for all."""
        if self.kind in ("true_positive_rate", "false_negative_rate"):
            return self._is_positive(labels)
        return ~self._is_positive(labels) if self.kind == "false_positive_rate" else None

    def values(self, answers: Answers) -> Mask | Floats:
        """What every row adds to the mean; of rows that do not count, anything."""
        if self.kind == "accuracy":
            return np.asarray(answers.labels == answers.predictions)
        if self.is_of_scores:  # how much likelier the model says it is than it is
            said = answers.scores if self.label is None else answers.scores[:, self.label]
            return np.asarray(said - self._is_positive(answers.labels))
        if self.kind == "mean_prediction":
            return answers.predictions
        if self.kind in _OF_NUMBERS:
            errors = answers.predictions - answers.labels
            return np.abs(errors) if self.kind == "mean_absolute_error" else errors
        selected = self._is_positive(answers.predictions)
        return ~selected if self.kind == "false_negative_rate" else selected

    def _is_positive(self, values: Values) -> Mask:
        return values if self.label is None else np.asarray(values == self.label)


def group_names(task: Task) -> tuple[GroupMetric, ...]:
    """The means that groups can be compared by, as a policy names them."""
    names: tuple[GroupMetric, ...] = get_args(GroupMetric)
    return tuple(name for name in names if (name in _OF_NUMBERS) == (task == "regression"))


def group_means(name: GroupMetric, classes: tuple[str, ...]) -> Mapping[str, GroupMean]:
    """What a name of the policy stands for, by the name that is shown: one, or one per class."""
    if not classes or name == "accuracy":
        return {name: GroupMean(name)}
    return {f"{name}.{level}": GroupMean(name, code) for code, level in enumerate(classes)}
