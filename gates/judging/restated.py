"""Whether a value of one column says no more than another column said before."""

import numpy as np

from gates.case.segments import Rows
from gates.evidence.columns import Description
from gates.judging.constant_columns import is_quantity
from gates.stats.leakage import FEW_ROWS
from gates.tables.table import Codes, Floats, Table


def restates(rows: Rows, name: str, entry: Description, table: Table) -> bool:
    """Whether these rows, and no others, hold a range of a column's numbers, or some of its levels.

    A level counts from `FEW_ROWS` rows on: names that hardly repeat can be chosen to fit any rows.

    Args:
        rows: places in the table, shape (n,), at least one.
        name: the column that may have said it before.
        entry: what the dictionary says of it.
        table: whose rows they are.
    """
    if is_quantity(entry) and table.types[name] != "text":
        return _is_a_range(rows, table.numbers(name))
    return _are_levels(rows, table.categories(name).codes)


def _is_a_range(rows: Rows, values: Floats) -> bool:
    held, missing = values[rows], np.isnan(values)
    if missing[rows].all():
        return int(np.count_nonzero(missing)) == len(rows)
    if missing[rows].any():
        return False
    inside = (values >= held.min()) & (values <= held.max())
    return int(np.count_nonzero(inside)) == len(rows)


def _are_levels(rows: Rows, codes: Codes) -> bool:
    held, counts = np.unique(codes[rows], return_counts=True)
    if int(counts.min()) < FEW_ROWS:
        return False
    return int(np.count_nonzero(np.isin(codes, held))) == len(rows)
