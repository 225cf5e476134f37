"""One table of Parquet, read a column at a time as NumPy arrays.

Missing is one thing here: null and NaN are both `nan` in numbers and code -1 in categories.
pandas is never imported: it costs more time than the whole judging.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.errors import EvidenceError
from gates.tables.arrow import valid_of, values_of
from gates.tables.parts import CODED_TEXT, ParquetReader, Reader, first_line

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

MAX_ROWS = 200_000_000
MAX_CELLS = 4_000_000_000  # rows times columns: what fits a large machine, told by the footer


class Categories(msgspec.Struct, frozen=True):
    """A column as codes into its sorted levels; -1 is missing."""

    codes: Codes
    levels: tuple[str, ...]

    def counts(self) -> npt.NDArray[np.int64]:
        """Rows per level, and last the missing ones; shape (levels + 1,)."""
        return _count(self.codes.astype(np.intp), len(self.levels) + 1)


class Table:
    """The columns of a table; each is read once, when it is asked for."""

    def __init__(self, path: Path, reader: Reader | None = None) -> None:
        """Look at the footers; no column is read.

        Args:
            path: a Parquet file, or a folder of part files that are read as one.
            reader: reads the columns, where they do not lie at the path.

        Raises:
            EvidenceError: not Parquet, cut short, nested, with repeated column names, or larger
                than can be judged.
        """
        self.path = path
        self._reader: Reader = reader or ParquetReader(path)
        self._schema: pa.Schema = self._reader.schema
        self.names: tuple[str, ...] = tuple(self._schema.names)
        self.rows: int = self._reader.rows
        self._numbers: dict[str, Floats] = {}
        self._categories: dict[str, Categories] = {}
        self._refuse_unreadable()

    def _refuse_unreadable(self) -> None:
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise EvidenceError(f"{self.path}: two columns are called {twice!r}. Rename one.")
        if self.rows > MAX_ROWS or self.rows * len(self.names) > MAX_CELLS:
            raise EvidenceError(
                f"{self.path}: {self.rows:,} rows × {len(self.names):,} columns; at most "
                f"{MAX_ROWS:,} rows and {MAX_CELLS:,} cells are judged. Draw a sample of the rows."
            )
        for field in self._schema:
            if pa.types.is_nested(field.type):
                raise EvidenceError(
                    f"{self.path}: column {field.name!r} is {field.type}; columns hold one value "
                    "a row. Flatten it."
                )

    def __contains__(self, name: str) -> bool:
        return name in self.names

    @cached_property
    def types(self) -> dict[str, str]:
        """The kind of value per column: number, integer, boolean, text or datetime."""
        return {field.name: _kind(field.type) for field in self._schema}

    def numbers(self, name: str) -> Floats:
        """A column as float64, missing as NaN, not to be written to; shape (rows,).

        Raises:
            EvidenceError: it holds text that is no number.
        """
        if name not in self._numbers:
            self._numbers[name] = self._floats(self._decoded(name), name)
        return self._numbers[name]

    def categories(self, name: str) -> Categories:
        """A column as codes into sorted text levels; numbers become text as Arrow writes them.

        Raises:
            EvidenceError: it holds bytes that are no text.
        """
        if name not in self._categories:
            array = self._read(name, coded=True)
            try:
                self._categories[name] = encode(array)
            except pa.ArrowException as fault:
                raise self._no_text(name, array) from fault
        return self._categories[name]

    def missing(self, name: str) -> Mask:
        """Where a column has no value; shape (rows,)."""
        if self.types[name] in ("number", "integer", "boolean"):
            return np.isnan(self.numbers(name))
        mask: Mask = self.categories(name).codes < 0
        return mask

    def texts(self, name: str) -> pa.Array:
        """A column as an Arrow array of text: identifiers, which must not become numbers.

        Raises:
            EvidenceError: it holds bytes that are no text.
        """
        array = self._decoded(name)
        try:
            return pc.cast(array, pa.large_string())
        except pa.ArrowException as fault:
            raise self._no_text(name, array) from fault

    def column(self, name: str) -> pa.Array:
        """A column as the file holds it, not kept; text is coded, other dictionaries are not."""
        return _code_text(self._read(name, coded=True))

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """`column` bit by bit, in the order of its rows: quicker, and needs less memory."""
        yield from map(_code_text, self._reader.pieces(name))

    def stored_type(self, name: str) -> pa.DataType:
        """The type of `column` and `pieces`."""
        kind = self._schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        return CODED_TEXT if _is_text(kind) else kind

    def stored_bytes(self, name: str) -> int:
        """What a column takes in the file, compressed: a hint at how much it tells."""
        return self._reader.stored_bytes(name)

    def _no_text(self, name: str, array: pa.Array) -> EvidenceError:
        return EvidenceError(
            f"{self.path}: column {name!r} holds {array.type} that is no text. "
            "Write it as UTF-8 text."
        )

    def _decoded(self, name: str) -> pa.Array:
        array = self._read(name, coded=False)
        return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array

    def _read(self, name: str, *, coded: bool) -> pa.Array:
        column = self._reader.read(name, coded=coded)
        array = column.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # more text than offsets of 32 bits can tell apart
            array = pc.cast(column, pa.large_string()).combine_chunks()
        return array

    def _floats(self, array: pa.Array, name: str) -> Floats:
        if pa.types.is_temporal(array.type):
            array = pc.cast(pc.cast(array, pa.timestamp("us"), safe=False), pa.int64())
        elif pa.types.is_boolean(array.type):
            array = pc.cast(array, pa.uint8())
        try:
            array = pc.cast(array, pa.float64(), safe=False)
        except pa.ArrowException as fault:
            raise EvidenceError(
                f"{self.path}: column {name!r} holds {array.type}, where numbers are needed "
                f"({first_line(fault)}). Write it as numbers."
            ) from fault
        values: Floats = np.asarray(values_of(array, np.float64))
        return values if array.null_count == 0 else np.where(valid_of(array), values, np.nan)


def _code_text(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type) and not _is_coded_text(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string_view(array.type):  # which Arrow has few functions for
        array = pc.cast(array, pa.large_string())
    if _is_text(array.type):
        array = pc.cast(array.dictionary_encode(), CODED_TEXT)
    return array


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    return "datetime" if pa.types.is_temporal(kind) else "text"


def encode(array: pa.Array) -> Categories:
    """Levels that occur, each once, whatever the file's own dictionary holds besides."""
    encoded = array if _is_coded_text(array.type) else _dictionary_of(array)
    raw = encoded.dictionary.to_pylist()
    indices = values_of(encoded.indices, np.int32).astype(np.intp)
    if encoded.indices.null_count:
        indices[~valid_of(encoded.indices)] = -1
    occurs = _count(indices, len(raw) + 1)[:-1].tolist()
    levels = sorted({level for level, rows in zip(raw, occurs, strict=True) if rows})
    place = {level: at for at, level in enumerate(levels)}
    rank = np.array([*(place.get(level, -1) for level in raw), -1], dtype=np.int32)
    return Categories(rank.take(indices), tuple(levels))


def _count(codes: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.int64]:
    """Rows by code, −1 last; in .7 of the time of `bincount`."""
    counts = np.zeros(size, dtype=np.int64)
    np.add.at(counts, codes, 1)
    return counts


def _is_coded_text(kind: pa.DataType) -> bool:
    coded: bool = kind.equals(CODED_TEXT)
    return coded


def _dictionary_of(array: pa.Array) -> pa.DictionaryArray:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.nulls(len(array), array.type), array)
    encoded = array.dictionary_encode()  # first, so that levels are written and not every row
    levels = pc.cast(encoded.dictionary, pa.large_string())
    return pa.DictionaryArray.from_arrays(encoded.indices, levels)
