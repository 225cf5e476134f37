"""A table as a stream of record batches: row groups one by one, never a whole file in memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gates.errors import EvidenceError
from gates.tables.engine import Source
from gates.tables.parts import INT96, Part, common_schema, first_line, no_column, part_files

BATCH_ROWS = 1 << 15  # decoded at a time; 1 << 16 is 6 to 8 % quicker, and takes 10 MB more
_READ_BYTES = 1 << 20  # of a column chunk at a time, however large the writer made it
MAX_ROWS = 200_000_000  # so that sums on the lattice fit into 64 bits


class Stream:
    """The files of a source, with their footers checked; no column is read before it is asked."""

    def __init__(self, source: Source) -> None:
        """Open every footer once.

        Raises:
            EvidenceError: no file, not Parquet, a column that is missing, nested or called twice,
                or more rows than can be judged.
        """
        self.source = source
        self._paths = part_files(source.location)
        parts = [Part(path) for path in self._paths]
        self.schema = common_schema(parts)
        self._check()
        self.rows: int = sum(part.metadata.num_rows for part in parts)
        if self.rows > MAX_ROWS:
            raise EvidenceError(
                f"{source.location}: {self.rows:,} rows; at most {MAX_ROWS:,} are judged. Draw a "
                "sample of the rows."
            )

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, in that order; text as dictionaries with valid codes.

        Raises:
            EvidenceError: a column cannot be read.
        """
        for path in self._paths:
            file = _open(path, read_dictionary=self._texts(path, names))
            try:
                for batch in file.iter_batches(BATCH_ROWS, columns=[*names], use_threads=False):
                    if batch.num_rows:
                        yield _validated(batch.select([*names]))
            except (pa.ArrowException, OSError, UnicodeError) as fault:
                raise EvidenceError(
                    f"{path}: columns {', '.join(names)} cannot be read ({first_line(fault)}). "
                    "Write the file again, then collect the evidence again."
                ) from fault

    def _check(self) -> None:
        schema, where = self.schema, self.source.location
        for name in (self.source.id, *self.source.columns):
            found = schema.get_all_field_indices(name)
            if not found:
                raise no_column(str(where), name, schema.names)
            if len(found) > 1:
                raise EvidenceError(f"{where}: two columns are called {name!r}. Rename one.")
            if pa.types.is_nested(schema.field(name).type):
                raise EvidenceError(
                    f"{where}: column {name!r} is {schema.field(name).type}; columns hold one value"
                    " a row. Flatten it."
                )

    def _texts(self, path: Path, names: Sequence[str]) -> list[str]:
        """Columns of plain text, which Parquet holds coded; identifiers would only be slower."""
        schema = _open(path).schema_arrow
        return [
            name
            for name in names
            if name != self.source.id and pa.types.is_string(schema.field(name).type)
        ]


def step_together(streams: Sequence[Iterator[pa.RecordBatch]]) -> Iterator[list[pa.RecordBatch]]:
    """Batches of the same rows' places in every stream; ends with the shortest stream."""
    held = [next(stream, None) for stream in streams]
    while True:
        present = [batch for batch in held if batch is not None]
        if len(present) < len(held):
            return
        size = min(batch.num_rows for batch in present)
        yield [batch.slice(0, size) for batch in present]
        held = [
            batch.slice(size) if batch.num_rows > size else next(stream, None)
            for batch, stream in zip(present, streams, strict=True)
        ]


def _open(path: Path, read_dictionary: list[str] | None = None) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(
            path,
            pre_buffer=False,
            buffer_size=_READ_BYTES,
            read_dictionary=read_dictionary,
            **INT96,
        )
    except (pa.ArrowException, OSError, UnicodeError) as fault:
        raise EvidenceError(
            f"{path}: not readable as Parquet ({first_line(fault)}); it may be cut short. "
            "Write it again, then collect the evidence again."
        ) from fault


def _validated(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A file's codes may point beyond its dictionary, and its text may be no text."""
    for column in batch.columns:
        if not pa.types.is_primitive(column.type):
            column.validate(full=True)
    return batch
