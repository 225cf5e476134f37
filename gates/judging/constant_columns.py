"""Columns that hold one value only: over a whole table, or in one period of its time column."""

from collections.abc import Mapping

import msgspec
import numpy as np

from gates.case.segments import Rows
from gates.evidence.columns import Description, Type
from gates.quoting import quote
from gates.tables.table import Categories, Codes, Floats, Mask, Table

MIN_ROWS = 30  # fewer rows may share a value by chance
CHANCE = 1e-6  # below it, that all rows share a value is no chance
_LOOK = 64  # rows that show in most columns that there are several values

Values = Floats | Codes


class Constant(msgspec.Struct, frozen=True):
    """One value in all rows of a place: a file, or a period of one; `text` says it."""

    place: str
    period: str
    text: str


def find_constant(name: str, entry: Description, table: Table) -> Constant | None:
    """The one value of a whole table, from `MIN_ROWS` rows on."""
    values = values_of(name, entry, table)
    if len(values) < MIN_ROWS or not _same(values[:_LOOK], values[0]).all():
        return None
    if not _same(values, values[0]).all():
        return None
    return Constant(table.path.name, "", _say(name, entry, table, 0))


def could_be_chance(name: str, entry: Description, table: Table, other: Table) -> bool:
    """Whether the table's one value is so frequent in the other that it may hold it by chance."""
    value, values = values_of(name, entry, table)[0], values_of(name, entry, other)
    if value.dtype != values.dtype:
        return False
    if isinstance(value, np.integer):  # the codes of two tables differ
        value = np.int32(_code_in(other.categories(name), table.categories(name), int(value)))
    return _likely(_same(values, value), table.rows)


def find_period_constants(
    name: str, entry: Description, table: Table, periods: Mapping[str, Rows]
) -> list[Constant]:
    """Periods with one value where others have several, unless the value is frequent there too.

    A column that is constant in every period follows from the time, and is left alone.
    """
    values = values_of(name, entry, table)
    constant = constant_periods(name, entry, table, periods)
    if len(constant) == len(periods):
        return []
    found = []
    for period in constant:
        rows = periods[period]
        elsewhere = np.ones(len(values), dtype=np.bool_)
        elsewhere[rows] = False
        if not _likely(_same(values[elsewhere], values[rows[0]]), len(rows)):
            place = f"{table.path.name} where {period}"
            found.append(Constant(place, period, _say(name, entry, table, int(rows[0]))))
    return found


def constant_periods(
    name: str, entry: Description, table: Table, periods: Mapping[str, Rows]
) -> list[str]:
    """Periods of at least `MIN_ROWS` rows in which the column has one value."""
    values = values_of(name, entry, table)
    return [
        period
        for period, rows in periods.items()
        if len(rows) >= MIN_ROWS and _is_constant(values, rows)
    ]


def values_of(name: str, entry: Description, table: Table) -> Values:
    """A column as it is cheapest to compare: numbers where it is a quantity, else codes."""
    if is_quantity(entry) and table.types[name] != "text":
        return table.numbers(name)
    return table.categories(name).codes


def is_quantity(entry: Description) -> bool:
    """Whether values are numbers with a size, rather than names of something."""
    return entry.type in (Type.NUMBER, Type.INTEGER, Type.BOOLEAN, Type.DATETIME)


def _is_constant(values: Values, rows: Rows) -> bool:
    first = values[rows[0]]
    return bool(_same(values[rows[:_LOOK]], first).all()) and bool(_same(values[rows], first).all())


def _same(values: Values, value: np.generic) -> Mask:
    if value != value:  # noqa: PLR0124 - NaN is the missing value
        return np.isnan(values)
    return np.asarray(values == value)


def _code_in(other: Categories, own: Categories, code: int) -> int:
    """The other column's code of a level; -1 is missing, -2 a level that it has not."""
    if code < 0:
        return -1
    return other.levels.index(own.levels[code]) if own.levels[code] in other.levels else -2


def _likely(same: Mask, rows: int) -> bool:
    """Whether so many rows may all have a value that this share of other rows has."""
    return len(same) > 0 and float(same.mean()) ** rows >= CHANCE


def _say(name: str, entry: Description, table: Table, row: int) -> str:
    value = values_of(name, entry, table)[row]
    if isinstance(value, np.integer):
        text = table.categories(name).levels[value] if value >= 0 else None
    else:
        text = None if np.isnan(value) else f"{value:g}"
    return "every value is missing" if text is None else f"every row holds {quote(text)}"
