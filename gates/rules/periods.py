"""The rows of a table by the value of its time column: what a new batch brings."""

from gates.columns import ColumnDictionary, Role
from gates.segments import Rows, split_by
from gates.tables.table import Table

MAX_PERIODS = 60  # a time column with more values has no rows enough for each


def periods_of(table: Table, dictionary: ColumnDictionary) -> dict[str, Rows]:
    """Rows of each period, named `year = 1995`; none without a time column of a few values."""
    names = [name for name in dictionary.with_role(Role.TIME) if name in table]
    if not names or len(table.categories(names[0]).levels) > MAX_PERIODS:
        return {}
    plain = ColumnDictionary(columns={})  # values as they are, not the bands of segments
    return {
        f"{names[0]} = {segment.name[names[0]]}": segment.rows
        for segment in split_by((names[0],), table, plain)
    }
