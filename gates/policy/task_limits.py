"""Limits of a policy that the task cannot have: refused where they are read, not where judged."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from gates.case.answers import Task
from gates.errors import PolicyError
from gates.metrics import RareMetric, directed_names
from gates.metrics.group import group_names
from gates.reading.strict_yaml import Document

_DISPARITY, _RARE, _THRESHOLD = "group_disparity", "rare_class", "decision_threshold"
_OF_RATES = ("limit", "ratio")


def refuse_other_tasks(block: Document, task: Task, path: tuple[str, ...]) -> None:
    """Check the names and keys under `gates:` against the task.

    Args:
        block: the document at `gates:`, whose gates are built already.
        task: the policy's.
        path: where the block stands.

    Raises:
        PolicyError: naming the limit, and what the task has.
    """
    if task != "binary" and _THRESHOLD in block.value:
        raise PolicyError(
            f"{block.place((*path, _THRESHOLD))}: a {task} task has no threshold; "
            "take the key away, or mend `gates.task`."
        )
    for gate, demands in block.value.items():
        named = demands.get("metrics") if isinstance(demands, dict) else None
        known = _names(gate, task)
        for at, name in _named(named):
            if name not in known:
                raise PolicyError(
                    f"{block.place((*path, gate, 'metrics', at))}: {name} is no metric of a {task} "
                    f"task, which has {', '.join(known)}. Name one of these, or mend `gates.task`."
                )
    if task == "regression" and _DISPARITY in block.value:
        _refuse_rates(block, block.value[_DISPARITY] or {}, (*path, _DISPARITY))


def _named(metrics: object) -> Iterator[tuple[str | int, str]]:
    """Names of metrics by their keys or, of a list, by their places."""
    if isinstance(metrics, dict):
        yield from ((name, name) for name in metrics)
    elif isinstance(metrics, list):
        yield from enumerate(metrics)


def _names(gate: str, task: Task) -> tuple[str, ...]:
    if gate == _DISPARITY:
        return group_names(task)
    if gate == _RARE and task != "regression":
        return get_args(RareMetric)
    return directed_names(task)


def _refuse_rates(block: Document, demands: Mapping[str, Any], path: tuple[str, ...]) -> None:
    """A regression's gaps have the label's unit, so that nothing is usual and no ratio is meant."""
    if not demands.get("metrics"):
        raise PolicyError(
            f"{block.place(path)}: a regression's gaps have the label's unit, so that no limit is "
            "usual. Name `metrics`, such as mean_error: {worsening: 0.5}."
        )
    for name, demand in demands["metrics"].items():
        for key in _OF_RATES:
            if key in (demand or {}):
                raise PolicyError(
                    f"{block.place((*path, 'metrics', name, key))}: judged for rates only; groups "
                    "of a regression are compared with what they were. Write `worsening`."
                )
