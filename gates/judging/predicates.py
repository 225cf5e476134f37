"""Columns that make segments nobody declared, and their levels, the same in every table."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.segments import MISSING, band_names, require_column
from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary, Description, Role, Type
from gates.judging.constant_columns import is_quantity
from gates.judging.periods import MAX_PERIODS
from gates.stats.slices import Slice
from gates.tables.table import Codes, Floats, Mask, Table

MOST_COLUMNS = 40  # that make segments of two predicates
DEEP_COLUMNS = 12  # of which the first make segments of three
_FEW_VALUES = 12  # of a number, which then are its levels
_QUARTERS = (0.25, 0.5, 0.75)
_NO_SEGMENT = (Role.LABEL, Role.ID, Role.WEIGHT, Role.GROUP)


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """A column and the levels by which it is searched; the last level is of the missing values."""

    name: str
    levels: tuple[str, ...]
    edges: tuple[float, ...] | None  # of a number's bands

    def codes(self, table: Table) -> Codes:
        """The level of each row; −1 for what is none of them."""
        if self.edges is not None:
            values = table.numbers(self.name)
            bands = np.searchsorted(np.asarray(self.edges), values, side="right")
            return np.where(np.isnan(values), len(self.levels) - 1, bands).astype(np.int32)
        found = table.categories(self.name)
        place = {level: at for at, level in enumerate(self.levels[:-1])}
        known = [place.get(level, -1) for level in found.levels]
        return np.array([*known, len(self.levels) - 1], dtype=np.int32)[found.codes]


def searched_columns(
    table: Table,
    dictionary: ColumnDictionary,
    declared: Sequence[str],
    named: Sequence[str] = (),
) -> list[Searched]:
    """Columns to search, the declared and sensitive first, then those that split the rows most.

    Which columns these are hangs on the table alone, never on what a model says, so that the
    search need not be paid for twice.

    Raises:
        EvidenceError: no segment can be made of a column that is named.
    """
    for name in named:
        _require_searchable(name, table, dictionary)
    names = named or [
        name
        for name, entry in dictionary.columns.items()
        if entry.role not in (*_NO_SEGMENT, Role.IGNORED) or entry.segment or entry.sensitive
    ]
    found: dict[str, tuple[int, Searched]] = {}
    for name in names:
        entry = dictionary.columns.get(name)
        if entry is not None and entry.role not in _NO_SEGMENT and name in table:
            column = _levels_of(name, entry, table)
            if column is not None:
                split = table.rows - int(np.bincount(column.codes(table) + 1).max(initial=0))
                found[name] = split, column
    first = dict.fromkeys([*declared, *dictionary.sensitive])
    ordered = sorted(found, key=lambda name: (name not in first, -found[name][0]))
    return [found[name][1] for name in ordered if found[name][0]][:MOST_COLUMNS]


def name_of(columns: Sequence[Searched], found: Slice) -> dict[str, str]:
    """What a slice is called: the levels of its columns."""
    return {columns[at].name: columns[at].levels[code] for at, code in found.predicates}


def rows_of(found: Slice, codes: Sequence[Codes]) -> Mask:
    """Which rows a slice holds."""
    inside = np.ones(len(codes[0]), dtype=np.bool_)
    for at, code in found.predicates:
        inside &= codes[at] == code
    return inside


def _require_searchable(name: str, table: Table, dictionary: ColumnDictionary) -> None:
    require_column(name, table)
    entry = dictionary.columns.get(name)
    if entry is None or entry.role in _NO_SEGMENT or _levels_of(name, entry, table) is None:
        what = (
            "is not in columns.yaml" if entry is None else f"is {entry.role} of type {entry.type}"
        )
        raise EvidenceError(
            f"gates.weak_segments.columns: {name!r} {what}, so that no segment is made of it. "
            "Take it out."
        )


def _levels_of(name: str, entry: Description, table: Table) -> Searched | None:
    if entry.role is Role.TIME:
        few = len(table.categories(name).levels) <= MAX_PERIODS
        return _by_value(name, table) if few else None
    if entry.type in (Type.TEXT, Type.IMAGE, Type.DATETIME):
        return None
    if not is_quantity(entry) or table.types[name] == "text":
        return _by_value(name, table)
    if isinstance(entry.segment, tuple):
        return _by_band(name, entry.segment)
    values = table.numbers(name)
    values = values[~np.isnan(values)]
    distinct = np.unique(values[:: max(1, len(values) // 10_000)])
    if len(distinct) <= _FEW_VALUES and len(np.unique(values)) <= _FEW_VALUES:
        return _by_value(name, table)
    return _by_band(name, _edges_of(values))


def _by_value(name: str, table: Table) -> Searched:
    return Searched(name=name, levels=(*table.categories(name).levels, MISSING), edges=None)


def _by_band(name: str, edges: tuple[float, ...]) -> Searched | None:
    if not edges:
        return None
    return Searched(name=name, levels=(*band_names(edges), MISSING), edges=edges)


def _edges_of(values: Floats) -> tuple[float, ...]:
    """Quarters of the rows; where half of them share a value, of those above it."""
    if not len(values):
        return ()
    edges: npt.NDArray[np.float64] = np.quantile(values, _QUARTERS, method="lower")
    middle = edges[1]
    if edges[0] == middle or edges[2] == middle:
        above = values[values > middle]
        parts = np.quantile(above, (0, *_QUARTERS), method="lower") if len(above) else edges[:0]
        below = [middle] if (values < middle).any() else []
        edges = np.array([*below, *parts])
    finite = np.unique(edges[np.isfinite(edges)])
    return tuple(float(edge) for edge in finite[finite > values.min()])
