"""The rows' identifiers: each there, each once, and where it stands in another table."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.errors import EvidenceError
from gates.tables.arrow import places_in
from gates.tables.table import Table


def unique_ids(table: Table, name: str) -> pa.Array:
    """The identifiers of a table's rows, as text.

    Raises:
        EvidenceError: one is missing, or stands more than once.
    """
    ids = table.texts(name)
    if ids.null_count:
        raise EvidenceError(
            f"{table.path}: {ids.null_count:,} of {len(ids):,} rows have no {name}. "
            "Give every row an identifier."
        )
    if not _is_rising(ids) and (distinct := pc.count_distinct(ids).as_py()) < len(ids):
        counted = pc.value_counts(ids)
        twice = [entry["values"] for entry in counted.to_pylist() if entry["counts"] > 1][:3]
        raise EvidenceError(
            f"{table.path}: {len(ids) - distinct:,} of {len(ids):,} values of {name} stand "
            f"more than once, such as {', '.join(map(repr, twice))}. Give every row its own."
        )
    return ids


def places_of(ids: pa.Array, table: Table) -> npt.NDArray[np.intp] | slice:
    """Where the row of each identifier stands in a prediction table.

    Raises:
        EvidenceError: it has not exactly these rows, each once.
    """
    if ids.equals(table.texts("row_id")):
        return slice(None)
    found = unique_ids(table, "row_id")
    at = places_in(ids, found)
    missing = int(np.count_nonzero(at < 0))
    unknown = len(found) - (len(ids) - missing)
    if missing or unknown:
        raise EvidenceError(
            f"{table.path}: {missing:,} of {len(ids):,} test rows have no prediction, and "
            f"{unknown:,} predictions are of rows that are not in the test table. Predict "
            "exactly the test rows."
        )
    return at


def _is_rising(ids: pa.Array) -> bool:
    """Whether each identifier is greater than the one before: then none stands twice."""
    rises: bool = pc.all(pc.less(ids[:-1], ids[1:])).as_py()
    return rises
