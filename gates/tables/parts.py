"""The columns of a table as Arrow arrays: from a Parquet file, or a folder of part files.

A folder reads like the one file that its parts make in sorted order.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from gates.errors import EvidenceError

CODED_TEXT = pa.dictionary(pa.int32(), pa.string())
INT96 = {"coerce_int96_timestamp_unit": "us"}  # as Spark writes times; years beyond 2262 fit
ROW_ID = "row_id"  # what prediction tables and repeats call the identifier of a row
_SHOWN_COLUMNS = 8
_WIDE = 100  # columns from which a file stays open: opening it takes as long as it has columns
_SHORT = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}


class Reader(Protocol):
    """Whence a table has its columns; an engine that reads elsewhere brings its own."""

    schema: pa.Schema
    rows: int

    def read(self, name: str, *, coded: bool) -> pa.ChunkedArray:
        """A column in the order of its rows; plain text as a dictionary where `coded`.

        Raises:
            EvidenceError: it cannot be read.
        """

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """The same, coded, piece by piece in the order of the rows."""

    def stored_bytes(self, name: str) -> int:
        """What a column takes in its files, compressed."""


class Part:
    """One Parquet file by its footer; no column is read."""

    def __init__(
        self, path: Path | str, stream: BinaryIO | None = None, *, alone: bool = False
    ) -> None:
        """Read the footer.

        Args:
            path: the file, or what it is called where a stream is given.
            stream: its content, if it is no local file.
            alone: whether it is its whole table; of many files none can stay open.

        Raises:
            EvidenceError: not Parquet, or cut short.
        """
        self.path = path
        try:
            with pq.ParquetFile(stream or path, pre_buffer=False, **INT96) as file:
                self.metadata: pq.FileMetaData = file.metadata
                self.schema: pa.Schema = file.schema_arrow
            self._stays_open = alone and len(self.schema) >= _WIDE
        except (pa.ArrowException, OSError, UnicodeError) as fault:
            raise EvidenceError(
                f"{path}: not readable as Parquet ({first_line(fault)}); it may be cut short. "
                "Write it again, then collect the evidence again."
            ) from fault

    def read(self, name: str, *, coded: bool) -> pa.ChunkedArray:
        """A column of this part."""
        with self._open(name, coded=coded) as file:
            column = file.read(columns=[name], use_threads=False).column(0)
            _validate(column)
        return column

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """The column, coded, by row group: whose memory is used again for the next one."""
        with self._open(name, coded=True) as file:
            for group in range(self.metadata.num_row_groups):
                column = file.read_row_group(group, columns=[name], use_threads=False).column(0)
                _validate(column)
                yield from column.chunks

    @contextmanager
    def _open(self, name: str, *, coded: bool) -> Iterator[pq.ParquetFile]:
        as_codes = coded and pa.types.is_string(self.schema.field(name).type)
        try:
            if self._stays_open:
                yield self._coded if as_codes else self._plain
            else:
                with self._opened([name] if as_codes else None) as file:
                    yield file
        except (pa.ArrowException, OSError, UnicodeError) as fault:
            raise EvidenceError(
                f"{self.path}: column {name!r} cannot be read ({first_line(fault)}). "
                "Write the file again, then collect the evidence again."
            ) from fault

    @cached_property
    def _plain(self) -> pq.ParquetFile:
        return self._opened(None)

    @cached_property
    def _coded(self) -> pq.ParquetFile:
        schema = self.schema
        return self._opened([each.name for each in schema if pa.types.is_string(each.type)])

    def _opened(self, texts: list[str] | None) -> pq.ParquetFile:
        return pq.ParquetFile(
            self.path, metadata=self.metadata, pre_buffer=False, read_dictionary=texts, **INT96
        )

    def stored_bytes(self, name: str) -> int:
        """What a column takes in this part, compressed."""
        at = self.schema.names.index(name)
        groups = range(self.metadata.num_row_groups)
        return sum(self.metadata.row_group(g).column(at).total_compressed_size for g in groups)


def _validate(column: pa.ChunkedArray) -> None:
    """A file's codes may point beyond its dictionary, and its text may be no text."""
    if not pa.types.is_primitive(column.type):
        column.validate(full=True)


class ParquetReader:
    """The columns of a local Parquet file, or of a local folder of part files."""

    def __init__(self, path: Path) -> None:
        """Read the footers.

        Raises:
            EvidenceError: a part is no Parquet file, or differs from the others; or there is none.
        """
        files = part_files(path)
        self._parts = [Part(each, alone=len(files) == 1) for each in files]
        self.schema = common_schema(self._parts)
        self.rows = sum(part.metadata.num_rows for part in self._parts)

    def read(self, name: str, *, coded: bool) -> pa.ChunkedArray:
        """A column of all parts, in their order."""
        columns = [part.read(name, coded=coded) for part in self._parts]
        if len(columns) == 1:
            return columns[0]
        kind = self.schema.field(name).type
        wanted = CODED_TEXT if coded and pa.types.is_string(kind) else kind
        chunks = [_cast(chunk, wanted) for column in columns for chunk in column.chunks]
        return pa.chunked_array(chunks, wanted)

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """A column of all parts, row group by row group."""
        if len(self._parts) > 1:
            yield from self.read(name, coded=True).chunks
        else:
            yield from self._parts[0].pieces(name)

    def stored_bytes(self, name: str) -> int:
        """What a column takes in all parts, compressed."""
        return sum(part.stored_bytes(name) for part in self._parts)


def part_files(path: Path) -> list[Path]:
    """A file itself, or the part files of a folder in sorted order.

    Raises:
        EvidenceError: a folder without part files.
    """
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.parquet"))
    if not found:
        raise EvidenceError(f"{path}: a folder without part files. Write the table again.")
    return found


def common_schema(parts: Sequence[Part]) -> pa.Schema:
    """The schema of one part as it is; of several, which must agree, without how text is coded.

    Raises:
        EvidenceError: a part lacks a column, has one more, or has one of another type.
    """
    first = parts[0]
    if len(parts) == 1:
        return first.schema
    kinds = {field.name: _plain(field.type) for field in first.schema}
    for part in parts[1:]:
        theirs = {field.name: _plain(field.type) for field in part.schema}
        if len(theirs) < len(part.schema):
            raise EvidenceError(f"{part.path}: two columns have one name. Rename one.")
        for name in {**kinds, **theirs}:
            if kinds.get(name) != theirs.get(name):
                raise EvidenceError(
                    f"{part.path}: column {name!r} is {theirs.get(name, 'not there')}, and in "
                    f"{Path(first.path).name} {kinds.get(name, 'not there')}; the parts of a table "
                    "have the same columns. Write all parts with one schema."
                )
    return pa.schema([(field.name, _plain(field.type)) for field in first.schema])


def first_line(fault: BaseException) -> str:
    """What a library says is wrong, short enough for a message."""
    return (str(fault).splitlines() or [type(fault).__name__])[0][:200]


def no_column(where: str, name: str, names: Sequence[str]) -> EvidenceError:
    """A table lacks a column; predictions name rows by `row_id`, whatever the test table does."""
    known = ", ".join(names[:_SHOWN_COLUMNS])
    more = max(0, len(names) - _SHOWN_COLUMNS)
    mend = (
        "Call the column that identifies a row `row_id` there, also where the test table does not."
        if name == ROW_ID
        else "Write the column, or mend the dictionary."
    )
    return EvidenceError(
        f"{where}: no column {name!r}; it has {known}{f' and {more} more' * (more > 0)}. {mend}"
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    """A column's type whatever the width of its offsets and codes."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return _SHORT.get(kind, kind)


def _cast(chunk: pa.Array, wanted: pa.DataType) -> pa.Array:
    if chunk.type == wanted:
        return chunk
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    if pa.types.is_dictionary(wanted):
        return chunk.cast(wanted.value_type).dictionary_encode()
    return chunk.cast(wanted)
