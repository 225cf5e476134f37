"""Segments of a test table: which rows they hold, and what they are called."""

import difflib
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary
from gates.tables.table import Categories, Table

MISSING = "(missing)"
_SHORT = 1 << 16  # codes below it are sorted by counting, not by comparing

Rows = npt.NDArray[np.intp]


class Segment(msgspec.Struct, frozen=True):
    """Rows of a table that share the values of one or more columns."""

    name: dict[str, str]
    rows: Rows


def split_by(
    columns: tuple[str, ...], table: Table, dictionary: ColumnDictionary
) -> Iterator[Segment]:
    """Every row of the table in exactly one segment, in the order of the columns' levels.

    A missing value is a segment of its own, so the segments' rows add up to the table's. A number
    is cut into the bands of its dictionary entry; `[25, 45)` holds 25 and not 45.

    Raises:
        EvidenceError: a column is not in the table.
    """
    parts = [_categories(name, table, dictionary) for name in columns]
    codes, most = np.zeros(table.rows, dtype=np.int64), 1
    for part in parts:
        codes = codes * (len(part.levels) + 1) + np.where(
            part.codes < 0, len(part.levels), part.codes
        )
        most *= len(part.levels) + 1
    short = codes.astype(np.uint16) if most <= _SHORT else codes
    order = np.argsort(short, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    for code, rows in zip(ordered[starts], np.split(order, starts)[1:], strict=True):
        yield Segment(_name(int(code), columns, parts), rows)


def _name(code: int, columns: tuple[str, ...], parts: list[Categories]) -> dict[str, str]:
    values: list[str] = []
    for part in reversed(parts):
        code, at = divmod(code, len(part.levels) + 1)
        values.append(part.levels[at] if at < len(part.levels) else MISSING)
    return dict(zip(columns, reversed(values), strict=True))


def require_column(name: str, table: Table) -> None:
    """Refuse a column that segments cannot be made by.

    Raises:
        EvidenceError: it is not in the table.
    """
    if name not in table:
        close = difflib.get_close_matches(name, table.names, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise EvidenceError(
            f"{table.path}: no column {name!r}, which the policy names as a segment.{meant} "
            "Write the column into the test table, or take it out of the policy."
        )


def band_names(edges: tuple[float, ...]) -> tuple[str, ...]:
    """What the bands between edges are called, and those below and above them."""
    inner = [f"[{low:g}, {high:g})" for low, high in pairwise(edges)]
    return (f"below {edges[0]:g}", *inner, f"{edges[-1]:g} or more")


def _categories(name: str, table: Table, dictionary: ColumnDictionary) -> Categories:
    require_column(name, table)
    entry = dictionary.columns.get(name)
    if entry is None or not isinstance(entry.segment, tuple):
        return table.categories(name)
    return _bands(table, name, entry.segment)


def _bands(table: Table, name: str, edges: tuple[float, ...]) -> Categories:
    values = table.numbers(name)
    bands = np.searchsorted(np.asarray(edges), values, side="right").astype(np.int32)
    bands[np.isnan(values)] = -1
    return Categories(bands, band_names(edges))
