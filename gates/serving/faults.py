"""Rows that are wrong in one feature, and what an answer to one is called; pure."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

import msgspec

from gates.evidence.columns import ColumnDictionary, Description, Type
from gates.serving.client import Reply
from gates.serving.measured import Fault, Kind, Outcome
from gates.serving.rows import Row

KINDS: tuple[Kind, ...] = get_args(Kind)
UNKNOWN_LEVEL = "gatepost: a level that nobody has seen"
_QUANTITIES = (Type.NUMBER, Type.INTEGER)
_OK, _CLIENT, _SERVER = 200, 400, 500
_SHOWN_CHARACTERS = 160


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is wrong in one feature."""

    feature: str
    kind: Kind
    row: Row


def break_row(row: Row, dictionary: ColumnDictionary) -> Iterator[Broken]:
    """The row once for each feature and each way in which that feature can be wrong.

    All features suffer one kind of fault before the next, so that what time cuts off is told.
    """
    for kind in KINDS:
        for name in dictionary.features:
            value = _broken_value(kind, dictionary.columns[name])
            if kind == "missing":
                rest = {other: held for other, held in row.items() if other != name}
                yield Broken(feature=name, kind=kind, row=rest)
            elif value is not _NO_SUCH:
                yield Broken(feature=name, kind=kind, row={**row, name: value})


_NO_SUCH = object()


def _broken_value(kind: Kind, column: Description) -> Any:
    if kind == "null":
        return None
    if kind == "unknown level":
        return UNKNOWN_LEVEL if column.type is Type.CATEGORY else _NO_SUCH
    if kind == "out of range":
        return _beyond(column) if column.type in _QUANTITIES else _NO_SUCH
    if kind == "wrong type":
        return [1] if column.type in (Type.TEXT, Type.CATEGORY) else "not of this type"
    return _NO_SUCH


def _beyond(column: Description) -> float | int:
    """Above the range, by its own width; without a range beyond what 32 bits hold."""
    if column.range is None:
        return -(2**40) if column.type is Type.INTEGER else -1e40
    low, high = column.range
    beyond = high + max(high - low, 1.0)
    return int(beyond) if column.type is Type.INTEGER else beyond


def numbers_in(value: Any, columns: Sequence[str], *, shares: bool) -> tuple[float, ...] | None:
    """The numbers of one row's answer; `None` unless each is there, finite, and a share if due."""
    if not isinstance(value, dict):
        return None
    numbers = [value.get(name) for name in columns]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
        return None
    floats = tuple(float(one) for one in numbers if one is not None)
    low, high = (0.0, 1.0) if shares else (float("-inf"), float("inf"))
    fine = all(low <= one <= high and abs(one) < float("inf") for one in floats)
    return floats if fine else None


def read_answers(
    reply: Reply, count: int | None, columns: Sequence[str], *, shares: bool
) -> tuple[tuple[float, ...] | None, ...]:
    """What one answer says of `count` rows sent as a list, or of the one row sent alone."""
    due = 1 if count is None else count
    value = _parsed(reply) if reply.status == _OK else None
    values = value if count is not None else [value]
    if not isinstance(values, list) or len(values) != due:
        return (None,) * due
    return tuple(numbers_in(one, columns, shares=shares) for one in values)


def _parsed(reply: Reply) -> Any:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def name_outcome(broken: Broken, reply: Reply, columns: Sequence[str], *, shares: bool) -> Fault:
    """What became of a broken row that got any answer at all."""
    text = reply.body.decode("utf-8", "replace")
    outcome: Outcome = "error"
    if reply.status == _OK:
        (numbers,) = read_answers(reply, None, columns, shares=shares)
        outcome = "answered" if numbers is not None else "invalid"
    elif _CLIENT <= reply.status < _SERVER:
        outcome = "refused" if broken.feature in text else "unclear"
    return fault_of(broken, outcome, reply.status, "" if outcome == "answered" else text)


def fault_of(broken: Broken, outcome: Outcome, status: int | None = None, said: str = "") -> Fault:
    """One line about a broken row, of bounded length."""
    return Fault(
        feature=broken.feature[:_SHOWN_CHARACTERS],
        kind=broken.kind,
        outcome=outcome,
        status=status,
        said=" ".join(said.split())[:_SHOWN_CHARACTERS],
    )
