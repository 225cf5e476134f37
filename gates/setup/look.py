"""What the columns of a Parquet table hold, told from its footers and a bounded sample of rows."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gates.errors import EvidenceError
from gates.evidence.columns import Type

SAMPLE_ROWS = 20_000
LEVELS_MAX = 50
_BATCH_ROWS = 4_096
_FEW = 20


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column as the sample has it; `levels` is empty where there are more than a few."""

    name: str
    type: Type | None  # `None` for what no table of evidence may hold
    rows: int
    missing: int
    distinct: int
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    spread: float | None = None  # one standard deviation

    @property
    def is_unique(self) -> bool:
        """Whether no two rows share a value, and every row has one."""
        return 1 < self.rows == self.distinct


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A table: all its rows by the footers, and its columns by the first of them."""

    path: str
    rows: int
    sampled: int
    columns: dict[str, Column]

    @property
    def is_whole(self) -> bool:
        """Whether the sample is the table."""
        return self.sampled == self.rows


def column_names(path: Path) -> tuple[str, ...]:
    """The columns of a table; none where it is not here, or is no Parquet."""
    try:
        return tuple(pq.ParquetFile(_files(path)[0]).schema_arrow.names)
    except (pa.ArrowException, OSError, IndexError):
        return ()


def look_at(path: Path, rows_max: int = SAMPLE_ROWS) -> Look:
    """Footers of every part, and the first rows of the first parts.

    Raises:
        EvidenceError: it is no Parquet, or has no rows.
    """
    rows, sample = _sample(path, rows_max)
    columns = {
        name: _column_of(name, sample.column(at)) for at, name in enumerate(sample.column_names)
    }
    return Look(path=str(path), rows=rows, sampled=sample.num_rows, columns=columns)


def find_same_ids(predictions: Path, test: Path, name: str) -> str | None:
    """The column of the test table that holds what the first predictions call their rows."""
    if name not in column_names(predictions):
        return None
    wanted = set(_sample(predictions, _FEW)[1][name].cast(pa.string()).to_pylist())
    sample = _sample(test, SAMPLE_ROWS)[1]
    for at, found in enumerate(sample.column_names):
        values = sample.column(at)
        if _may_name_rows(values.type) and wanted <= {*values.cast(pa.string()).to_pylist()}:
            return str(found)
    return None


def _may_name_rows(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind))


def _sample(path: Path, rows_max: int) -> tuple[int, pa.Table]:
    """How many rows there are, and the first of them."""
    try:
        files = [pq.ParquetFile(each) for each in _files(path)]
        batches: list[pa.RecordBatch] = []
        for file in files:
            if (lacking := rows_max - sum(batch.num_rows for batch in batches)) > 0:
                batches += _first_batches(file, lacking)
        sample = pa.Table.from_batches(batches, files[0].schema_arrow)
    except (pa.ArrowException, OSError, IndexError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EvidenceError(f"{path}: not readable as Parquet: {said}. Write it again.") from error
    return sum(file.metadata.num_rows for file in files), sample.slice(0, rows_max)


def _first_batches(file: pq.ParquetFile, rows: int) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = []
    for batch in file.iter_batches(min(rows, _BATCH_ROWS), use_threads=False):
        batches.append(batch)
        if (rows := rows - batch.num_rows) <= 0:
            break
    return batches


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def _column_of(name: str, values: pa.ChunkedArray) -> Column:
    """What a column holds; of a kind that Arrow cannot count, only that it is there."""
    try:
        return _look_at_column(name, values)
    except (pa.ArrowException, TypeError):
        return Column(name=name, type=None, rows=len(values), missing=0, distinct=0)


def _look_at_column(name: str, values: pa.ChunkedArray) -> Column:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_nested(kind) or pa.types.is_null(kind) or pa.types.is_binary(kind):
        missing = values.null_count
        return Column(name=name, type=None, rows=len(values), missing=missing, distinct=0)
    rows = len(values)
    values = values.filter(pc.is_finite(values)) if pa.types.is_floating(kind) else values
    distinct: int = pc.count_distinct(values, mode="only_valid").as_py()
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    bounds = pc.min_max(values).as_py() if is_number else {"min": None, "max": None}
    return Column(
        name=name,
        type=_type_of(kind, distinct, rows),
        rows=rows,
        missing=rows - len(values) + values.null_count,
        distinct=distinct,
        levels=_levels(values) if distinct <= LEVELS_MAX else (),
        low=bounds["min"],
        high=bounds["max"],
        spread=pc.stddev(values).as_py() if is_number else None,
    )


def _levels(values: pa.ChunkedArray) -> tuple[str, ...]:
    if pa.types.is_floating(values.type) or pa.types.is_temporal(values.type):
        return ()
    found = pc.unique(values).cast(pa.string()).to_pylist()
    return tuple(sorted(level for level in found if level is not None))


def _type_of(kind: pa.DataType, distinct: int, rows: int) -> Type | None:
    if pa.types.is_boolean(kind):
        return Type.BOOLEAN
    if pa.types.is_integer(kind):
        return Type.INTEGER
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Type.NUMBER
    if pa.types.is_temporal(kind):
        return Type.DATETIME
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        repeats = distinct <= LEVELS_MAX and 2 * distinct <= rows
        return Type.CATEGORY if repeats else Type.TEXT
    return None
