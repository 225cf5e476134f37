"""A table whose numbers with a fraction are coarser, so that a copy with noise is a copy still."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.arrow import valid_of, values_of
from gates.tables.table import Table

_DROPPED_BITS = 42  # of the 52 of a float's fraction: what is left tells a part in a thousand apart
_HALF_STEP = np.uint64(1 << (_DROPPED_BITS - 1))
_KEPT = np.uint64(~((1 << _DROPPED_BITS) - 1) & (2**64 - 1))


class RoundedTable:
    """The columns of a table as `Table` gives them, floats and decimals to a part in a thousand."""

    def __init__(self, table: Table) -> None:
        """See a table coarsely; nothing is read."""
        self._table = table
        self.rows = table.rows

    def column(self, name: str) -> pa.Array:
        """The whole column."""
        return _round(self._table.column(name))

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """The column bit by bit."""
        yield from map(_round, self._table.pieces(name))

    def stored_type(self, name: str) -> pa.DataType:
        """The type of `column` and `pieces`."""
        kind = self._table.stored_type(name)
        return pa.float64() if _has_fraction(kind) else kind

    def stored_bytes(self, name: str) -> int:
        """What the column takes in the file."""
        return self._table.stored_bytes(name)


def _has_fraction(kind: pa.DataType) -> bool:
    fraction: bool = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return fraction


def _round(array: pa.Array) -> pa.Array:
    if not _has_fraction(array.type):
        return array
    cast = pc.cast(array, pa.float64(), safe=False)
    values = values_of(cast, np.float64).astype(np.float64)  # a copy
    finite = np.isfinite(values)
    words = values.view(np.uint64)
    words[finite] = (words[finite] + _HALF_STEP) & _KEPT
    if cast.null_count:
        values[~valid_of(cast)] = np.nan
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])
