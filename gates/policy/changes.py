"""What a pull request changes in its own limits, and whether it asks for less or for more.

Both policies are compared with their defaults filled in, so that moving, commenting or spelling
out a default is no change. A field's name means one thing in all gates, which is why its name
says in which direction it loosens; a test holds every numeric field to it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from gates.finding import Direction, PolicyChange
from gates.metrics import is_greater_better
from gates.policy.policy import KEY, Policy
from gates.waivers.waivers import Waiver

WAIVERS = "waivers"  # how their keys begin, as those of limits begin with `gates`
Path = tuple[str, ...]

LOOSER_WHEN_GREATER = frozenset(
    {
        "margin", "worsening", "limit", "ceiling", "excess", "share", "tolerance", "notice",
        "min_rows", "max_auc", "purity", "unique_share", "correlation", "copies", "similarity",
        "reduction", "perfect", "largest_gain",
        "max_failed", "max_seconds", "serving_limit_ms",
        "unjudged", "relabelled", "regrouped", "removed", "changed", "growth", "distance", "spread",
        "apart", "random",
    }
)  # fmt: skip
LOOSER_WHEN_SMALLER = frozenset(
    {
        "least_rows", "least_share",
        "approvers", "serving_seconds", "differing", "gap", "floor", "ratio", "overall", "segments",
        "fairness", "other", "gain", "level", "rows", "predicates", "rarest", "bits",
    }
)  # fmt: skip
# Where none is given a gate takes its own: naming some may leave a stricter one out.
_USUAL = frozenset(
    {
        ("churn", "tolerance"), ("data_bias", "features"), ("group_disparity", "features"),
        ("human_baseline", "metrics"), ("label_agreement", "scale"), ("quick_baseline", "metrics"),
        ("rare_class", "classes"), ("suspicious_improvement", "metrics"),
        ("weak_segments", "columns"), ("weak_segments", "loss"), ("weak_segments", "margin"),
    }
)  # fmt: skip
_FLOORS = ("metric_floor", "segment_floor")
_LAX = {"mode": "guard", "required": False, "waivable": True}
_ROWS = "golden"
_PEOPLE = "level"  # of people, in a metric's own unit
_ABSENT = object()
_HARMLESS = frozenset({"subject", "reason", "author", "approved_by", "written"})
_Entry = tuple[str, str, int]  # gate, fingerprint, and which of several of the same finding


def policy_changes(base: Policy, candidate: Policy) -> tuple[PolicyChange, ...]:
    """Every difference, in the order of the base's policy, then what is new."""
    old, new = dict(_flatten(_effective(base), ())), dict(_flatten(_effective(candidate), ()))
    return tuple(
        _describe(
            path,
            old.get(path, _ABSENT),
            new.get(path, _ABSENT),
            was_usual=_was_usual(path[:2], old),
        )
        for path in dict.fromkeys([*old, *new])
        if old.get(path, _ABSENT) != new.get(path, _ABSENT) and _on_both_sides(path[:-1], old, new)
    )


def waiver_changes(base: Sequence[Waiver], candidate: Sequence[Waiver]) -> tuple[PolicyChange, ...]:
    """Every waiver that is new, gone or changed; none of it counts before it is in the base."""
    old, new = _by_finding(base), _by_finding(candidate)
    return tuple(
        change
        for key in dict.fromkeys([*old, *new])
        for change in _of_waiver(key, old.get(key), new.get(key))
    )


def _by_finding(waivers: Sequence[Waiver]) -> dict[_Entry, Waiver]:
    """By what they waive; of several for the same finding, each has its number."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[_Entry, Waiver] = {}
    for waiver in waivers:
        same = (waiver.gate, waiver.fingerprint)
        found[*same, seen[same]] = waiver
        seen[same] += 1
    return found


def _of_waiver(key: _Entry, old: Waiver | None, new: Waiver | None) -> Iterator[PolicyChange]:
    gate, fingerprint, number = key
    name = f"{WAIVERS}.{gate}.{fingerprint}" + (f".{number + 1}" if number else "")
    if old is None or new is None:
        yield PolicyChange(
            key=name,
            direction=Direction.TIGHTENED if new is None else Direction.LOOSENED,
            base=None if old is None else _in_brief(old),
            candidate=None if new is None else _in_brief(new),
        )
        return
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    for field in before:
        if before[field] != after[field]:
            yield PolicyChange(
                key=f"{name}.{field}",
                direction=_direction_of_waiver(field, old, new),
                base=_json(before[field]),
                candidate=_json(after[field]),
            )


def _direction_of_waiver(field: str, old: Waiver, new: Waiver) -> Direction:
    """Another bound may cover more; which way is worse, only the finding knows."""
    if field in _HARMLESS:
        return Direction.CHANGED
    shorter = field == "until" and new.until < old.until
    return Direction.TIGHTENED if shorter else Direction.LOOSENED


def _in_brief(waiver: Waiver) -> str:
    return _json(f"{waiver.subject} until {waiver.until}")


def _on_both_sides(parent: Path, old: dict[Path, Any], new: dict[Path, Any]) -> bool:
    """Whether a change below a path says more than that the path itself is gone or new."""
    return not parent or (parent in old and parent in new)


def _was_usual(path: Path, old: dict[Path, Any]) -> bool:
    """Whether the base left it to the gate what to take."""
    given = any(each[:2] == path and (len(each) > len(path)) for each in old)
    return path in _USUAL and old.get(path) in (None, "present") and not given


def _effective(policy: Policy) -> dict[str, Any]:
    """All values of a policy as plain data, defaults included."""
    own = policy.settings.custom  # of which the candidate's are not run, so that none is filled in
    gates = {
        name: (policy.demands(name) or {}) if name in own else msgspec.to_builtins(gate)
        for name, gate in policy.gates.items()
    }
    return {**msgspec.to_builtins(policy.settings), **gates}


def _flatten(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Leaves by path; a mapping or list is a leaf too, and a list's item is known by its text."""
    if isinstance(value, dict):
        if path:
            yield path, "present"
        for key, item in value.items():
            yield from _flatten(item, (*path, key))
    elif isinstance(value, list | tuple):
        yield path, "present"
        for item in value:
            yield (*path, _json(item)), item
    else:
        yield path, value


def _describe(path: Path, old: Any, new: Any, *, was_usual: bool) -> PolicyChange:
    return PolicyChange(
        key=".".join((KEY, *path)),
        direction=Direction.LOOSENED if was_usual else _direction(path, old, new),
        base=None if old is _ABSENT else _json(old),
        candidate=None if new is _ABSENT else _json(new),
    )


def _direction(path: Path, old: Any, new: Any) -> Direction:
    """Less is asked for where a limit is gone, switched to guard, or moved to its lax side."""
    name = path[-1]
    if new is _ABSENT or (new is None and old is not None):
        return Direction.LOOSENED
    if old is _ABSENT or (old is None and new is not None):
        return Direction.TIGHTENED
    if name in _LAX:
        return Direction.LOOSENED if new == _LAX[name] else Direction.TIGHTENED
    greater_is_looser = _greater_is_looser(path)
    if name == _ROWS or not (greater_is_looser is None or _are_numbers(old, new)):
        return Direction.LOOSENED  # other rows, or a list in place of all: some may be left out
    if greater_is_looser is None:
        return Direction.CHANGED
    return Direction.LOOSENED if (new > old) is greater_is_looser else Direction.TIGHTENED


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _greater_is_looser(path: Path) -> bool | None:
    if path[0] in _FLOORS and path[1] == "metrics":
        return not is_greater_better(path[-1])
    if path[-1] == _PEOPLE:
        return not is_greater_better(path[-2])
    if path[-1] in LOOSER_WHEN_GREATER:
        return True
    return False if path[-1] in LOOSER_WHEN_SMALLER else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
