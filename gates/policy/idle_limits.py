"""Limits that nothing could break, or nothing could keep: refused where they are read.

A gate that cannot fail is decoration. What a metric can be stands with the metric, and what a
number bounds with the field's type (`gates.rules.gate.Bounds`), so that both are said once.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from gates.case.answers import Task
from gates.errors import PolicyError
from gates.metrics import is_greater_better, range_of
from gates.metrics.metric import Range
from gates.reading.strict_yaml import Document, Path
from gates.rules.gate import Bounds, Gate


class _Limit(msgspec.Struct, frozen=True):
    path: Path
    value: float
    bounds: Bounds
    of: str  # what it is of, in a sentence
    range: Range
    greater_is_better: bool = True


def refuse_idle(block: Document, gates: Mapping[str, Gate], task: Task, path: Path) -> None:
    """Check the numbers of all gates against the ranges of what they limit.

    Args:
        block: the document at `gates:`.
        gates: as they are built from it.
        task: the policy's.
        path: where the block stands.

    Raises:
        PolicyError: naming the limit, the range, and what would be right.
    """
    for name, gate in gates.items():
        for limit in _limits(gate, gate.range_limited(task), "what it limits", task, (*path, name)):
            if wrong := _wrong(limit):
                raise PolicyError(f"{block.place(limit.path)}: {limit.value:g}: {wrong}")


def _limits(
    value: msgspec.Struct, of: Range, name: str, task: Task, path: Path
) -> Iterator[_Limit]:
    """All that a Struct says in some metric's unit, with what is below it."""
    for field, hint in _hints_of(type(value)).items():
        here, given, bounds = (*path, field), getattr(value, field), _bounds_of(hint)
        if field == "metrics" and isinstance(given, dict):
            for metric, demand in given.items():
                yield from _limits_of_metric(metric, demand, hint, task, (*here, metric))
        elif bounds is not None and isinstance(given, int | float):
            yield _Limit(here, given, bounds, name, of)
        elif isinstance(given, tuple):
            for at, each in enumerate(given):
                if isinstance(each, msgspec.Struct):
                    yield from _limits(each, of, name, task, (*here, at))


def _limits_of_metric(
    metric: str, demand: Any, hint: Any, task: Task, path: Path
) -> Iterator[_Limit]:
    of = range_of(metric, task)
    if isinstance(demand, msgspec.Struct):
        yield from _limits(demand, of, metric, task, path)
    elif (bounds := _bounds_of(hint)) is not None:
        yield _Limit(path, demand, bounds, metric, of, is_greater_better(metric) is not False)


def _wrong(limit: _Limit) -> str:
    """What is wrong with a limit and what would be right; nothing where it can decide."""
    said, value = f"{limit.of} is {_in_words(limit.range)}", limit.value
    if limit.bounds is Bounds.CHANGE:
        wide = f"{limit.range.width:g}"
        never = f"{said}, so it cannot change by more and this could never block. Write less than"
        return f"{never} {wide}." if value >= limit.range.width else ""
    if limit.bounds is Bounds.GAIN:
        most = limit.range.width
        never = f"{said}, so no model could gain as much. Write {most:g} at most."
        return never if value > most else ""
    if not limit.range.low <= value <= limit.range.high:
        return f"{said}, so nothing could ever have this value. Write one that can be."
    worst = limit.range.low if limit.greater_is_better else limit.range.high
    if limit.bounds is Bounds.VALUE and value == worst:
        side = "more" if limit.greater_is_better else "less"
        never = "so nothing is worse and this could never block"
        return f"{said}, {never}. Write {side} than {worst:g}."
    return ""


def _in_words(of: Range) -> str:
    if math.isinf(of.low):
        return f"at most {of.high:g}"
    return f"at least {of.low:g}" if math.isinf(of.high) else f"between {of.low:g} and {of.high:g}"


@cache
def _hints_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Of a Struct's own fields, in their order; those of a base first."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hints[name] for name in kind.__struct_fields__}


def _bounds_of(hint: Any) -> Bounds | None:
    """What a field's type says that it bounds; of a union or a mapping, what a part of it says."""
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra and "bounds" in meta.extra:
            return Bounds(meta.extra["bounds"])
    found = (_bounds_of(part) for part in get_args(hint) if part is not hint)
    return next((each for each in found if each is not None), None)
