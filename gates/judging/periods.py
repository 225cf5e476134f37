"""The rows of a table by the value of its time column: what a new batch brings."""

from gates.case.segments import Rows, Segment, split_by
from gates.evidence.columns import ColumnDictionary, Role
from gates.tables.table import Table

MAX_PERIODS = 60  # a time column with more values has too few rows for each


def time_segments(table: Table, *dictionaries: ColumnDictionary) -> list[Segment]:
    """One segment per value of the time column; none without such a column of a few values.

    The first dictionary that names one decides: the base's, where there is one, so that no pull
    request takes the periods away by which a broken batch shows.
    """
    named = [name for each in dictionaries for name in each.with_role(Role.TIME)]
    names = [name for name in named if name in table]
    if not names or len(table.categories(names[0]).levels) > MAX_PERIODS:
        return []
    plain = ColumnDictionary(columns={})  # values as they are, not the bands of segments
    return list(split_by((names[0],), table, plain))


def periods_of(table: Table, *dictionaries: ColumnDictionary) -> dict[str, Rows]:
    """Rows of each period, called `year = 1995`."""
    return {
        " = ".join(*segment.name.items()): segment.rows
        for segment in time_segments(table, *dictionaries)
    }
