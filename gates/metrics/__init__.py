"""The metrics that gates judge, by task, each with its direction and how it changes.

Names and definitions are scikit-learn's and fairlearn's; a test compares the values.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from gates.case.answers import Task
from gates.metrics import binary, multiclass, regression
from gates.metrics.group import GroupMean, GroupMetric
from gates.metrics.metric import ANY, Metric, Range

DirectedMetric = Literal[
    "log_loss",
    "brier_score_loss",
    "roc_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "specificity",
    "false_positive_rate",
    "false_negative_rate",
    "macro_f1",
    "matthews_corrcoef",
    "cohen_kappa",
    "roc_auc_ovr",
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "r2",
]

RareMetric = Literal["recall", "precision", "f1", "average_precision"]  # of one class

METRICS: Mapping[Task, Mapping[str, Metric[Any]]] = MappingProxyType(
    {
        "binary": binary.METRICS,
        "multiclass": multiclass.METRICS,
        "regression": regression.METRICS,
    }
)


def metrics_called(name: str, task: Task, classes: tuple[str, ...]) -> Mapping[str, Metric[Any]]:
    """What a name of the policy stands for, by the name that is shown: one, or one per class.

    Nothing where the task has no such metric.
    """
    if task == "multiclass" and name in multiclass.OF_EACH_CLASS:
        return multiclass.of_each_class(name, classes)
    known = METRICS[task].get(name)
    return {} if known is None else {name: known}


def directed_names(task: Task) -> tuple[str, ...]:
    """The names that a policy may set a limit for, of all names."""
    more = multiclass.OF_EACH_CLASS if task == "multiclass" else ()
    return tuple(name for name in get_args(DirectedMetric) if name in (*METRICS[task], *more))


def range_of(name: str, task: Task) -> Range:
    """The values that a metric, or a mean of groups, can take: in this task, else in another."""
    metrics = (METRICS[task], *METRICS.values())
    found = next((of[name].range for of in metrics if name in of), None)
    means = (GroupMean(kind).range for kind in get_args(GroupMetric) if kind == name)
    return found or next(means, ANY)


def is_greater_better(name: str) -> bool | None:
    """The direction of a metric's name, which is the same in every task that has it."""
    bare = name.partition(".")[0]
    if bare in multiclass.OF_EACH_CLASS:
        return True
    known = next((of[bare] for of in METRICS.values() if bare in of), None)
    return None if known is None else known.greater_is_better
