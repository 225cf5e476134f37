"""Column types as Spark has them, and the way back to the types that a file states.

Spark has no unsigned numbers, no nanoseconds and no dictionaries. It is asked for the nearest type
that holds every value, and what comes back is cast.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_MOST_DIGITS = 38  # of a decimal of Spark's
_SIMPLE = {
    pa.bool_(): "boolean",
    pa.int8(): "byte",
    pa.int16(): "short",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.uint8(): "short",
    pa.uint16(): "integer",
    pa.uint32(): "long",
    pa.uint64(): "decimal(20,0)",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.string_view(): "string",
    pa.date32(): "date",
    pa.date64(): "date",
    pa.null(): "integer",
}


def spark_type(kind: pa.DataType, stored: pq.ColumnSchema) -> str | None:
    """What to ask Spark for; `None` where it has no type for these values.

    Args:
        kind: the type that Arrow sees.
        stored: how Parquet stores it, which is not always as Arrow's own note in the file says.
    """
    kind = plain(kind)
    if (simple := _SIMPLE.get(kind)) is not None:
        return simple
    if pa.types.is_timestamp(kind):
        return _timestamp(kind, stored)
    if pa.types.is_duration(kind):
        return "long"
    if pa.types.is_decimal(kind) and kind.precision <= _MOST_DIGITS:
        return f"decimal({kind.precision},{kind.scale})"
    return "binary" if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) else None


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of a column's values, whether they are coded or not."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def restore(column: Any, kind: pa.DataType) -> Any:
    """An array of Spark's, or a chunked one, as the type that the file states."""
    kind = plain(kind)
    if column.type == kind:
        return column
    if pa.types.is_null(kind):
        nothing = pa.nulls(len(column))
        return pa.chunked_array([nothing]) if isinstance(column, pa.ChunkedArray) else nothing
    if pa.types.is_timestamp(kind) and pa.types.is_integer(column.type):
        column = pc.cast(column, pa.timestamp("ns", kind.tz))
    return pc.cast(column, kind)


def _timestamp(kind: pa.DataType, stored: pq.ColumnSchema) -> str:
    if stored.physical_type == "INT96":
        return "timestamp"
    if "nanoseconds" in str(stored.logical_type):
        return "long"
    return "timestamp" if kind.tz else "timestamp_ntz"
