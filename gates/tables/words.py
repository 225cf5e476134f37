"""A column of several tables as words that are equal exactly where the values are.

Whole numbers of any width, floats of either width and booleans compare as numbers; text whether it
is coded or not; times as instants, whatever their unit. Null equals NaN, and −0 equals 0. What one
word cannot hold (a whole number beyond 2⁵³ beside floats, a decimal, a null among whole numbers)
takes more.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.arrow import indices_of, valid_of, values_of
from gates.tables.instants import are_times, time_words
from gates.tables.mixing import Words, mix_words, start_hashes
from gates.tables.parts import CODED_TEXT
from gates.tables.table import encode

Rows = npt.NDArray[np.intp]
Bits = npt.NDArray[np.unsignedinteger]
Part = tuple[Bits, ...]  # one array per table
Kinds = Sequence[pa.DataType]

_EXACT_BELOW = 2.0**53  # larger whole numbers are not told apart by a float
_LOW_BITS = 1 << 12  # of a whole number, that tell apart what rounds to one float
_DECIMAL_DIGITS = 38
_WORD_BYTES = 8
_HASHED_BYTES = 64  # of a long text, at either end


class ColumnSource(Protocol):
    """A table, or what shows its columns otherwise than the file holds them."""

    rows: int

    def column(self, name: str) -> pa.Array:
        """A column whole; text is coded."""

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """The same bit by bit."""

    def stored_type(self, name: str) -> pa.DataType:
        """The type of both."""

    def stored_bytes(self, name: str) -> int:
        """What it takes in the file, compressed."""


def read_words(
    name: str, tables: Sequence[ColumnSource], rows: Sequence[Rows] | None = None
) -> tuple[Part, ...]:
    """The values of a column in all tables; rows are equal where all parts are.

    Args:
        name: of the column.
        tables: that have it.
        rows: ascending places of the rows that are wanted, for each table; by default all.
    """
    if rows is None:
        return tuple(words_of([table.column(name) for table in tables]))
    arrays = [_pick(table, name, wanted) for table, wanted in zip(tables, rows, strict=True)]
    return tuple(words_of(arrays, [table.stored_type(name) for table in tables]))


def _pick(table: ColumnSource, name: str, rows: Rows) -> pa.Array:
    picked, start = [], 0
    for piece in table.pieces(name):
        first, last = np.searchsorted(rows, (start, start + len(piece)))
        if last > first:
            picked.append(piece.take(indices_of(rows[first:last] - start)))
        start += len(piece)
    kind = table.stored_type(name)
    return pa.chunked_array(picked, kind).combine_chunks() if picked else pa.nulls(0, kind)


def words_of(arrays: Sequence[pa.Array], kinds: Kinds | None = None) -> Iterator[Part]:
    """The values of arrays as words, part by part; rows are equal where all parts are.

    Args:
        arrays: as `Table.column` or `Table.pieces` give them.
        kinds: the types of everything that the words are compared with; of `arrays` by default.
    """
    kinds = kinds or [array.type for array in arrays]
    if _are_whole(kinds):
        return _whole_words(arrays, kinds)
    if _are_decimals(kinds):
        return _decimal_words(arrays, kinds)
    if all(map(_is_number, kinds)):
        return _number_words(arrays, kinds)
    if are_times(kinds):
        return time_words(arrays, kinds)
    return _text_words(arrays)


def hash_values(piece: pa.Array, kinds: Kinds) -> Words | None:
    """One word per value, the same for equal values, whatever piece or table they stand in.

    None where there is no cheap one.
    """
    if all(kind.equals(CODED_TEXT) for kind in kinds):
        levels = np.append(_hash_texts(piece.dictionary), np.uint64(0))  # the last is missing's
        levels[:-1][~valid_of(piece.dictionary)] = 0
        return np.asarray(levels[_codes(piece).view(np.int32)])
    if _are_whole(kinds) or all(map(_is_number, kinds)) or are_times(kinds):
        return next(iter(words_of([piece], kinds)))[0].astype(np.uint64, copy=False)
    return None


def _gaps_of(arrays: Sequence[pa.Array]) -> Iterator[Part]:
    """A part that tells null from 0, where there are nulls."""
    if any(array.null_count for array in arrays):
        yield tuple(valid_of(array).view(np.uint8) for array in arrays)


def _are_whole(kinds: Kinds) -> bool:
    return all(pa.types.is_integer(kind) or pa.types.is_boolean(kind) for kind in kinds)


def _whole_words(arrays: Sequence[pa.Array], kinds: Kinds) -> Iterator[Part]:
    values = [_integers(array) for array in arrays]
    yield tuple(each.view(np.uint64) for each in values)
    if any(map(pa.types.is_uint64, kinds)):  # of which 2⁶⁴ − 1 is not −1
        yield tuple((each < 0).view(np.uint8) for each in values)
    yield from _gaps_of(arrays)


def _is_number(kind: pa.DataType) -> bool:
    number: bool = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return number or _are_whole([kind])


def _number_words(arrays: Sequence[pa.Array], kinds: Kinds) -> Iterator[Part]:
    if all(map(pa.types.is_float32, kinds)):
        yield tuple(_floats(array, np.float32).view(np.uint32) for array in arrays)
        return
    values = [_floats(array, np.float64) for array in arrays]
    yield tuple(each.view(np.uint64) for each in values)
    if any(pa.types.is_integer(kind) and kind.bit_width == 64 for kind in kinds):  # noqa: PLR2004
        yield tuple(_low_bits(*each) for each in zip(arrays, values, strict=True))


def _low_bits(array: pa.Array, values: npt.NDArray[np.floating]) -> Bits:
    """What a float drops of a whole number beyond 2⁵³; of a float itself the same bits."""
    large = np.isfinite(values) & (np.abs(values) >= _EXACT_BELOW)
    low = np.zeros(len(values), dtype=np.uint16)
    if pa.types.is_integer(array.type):
        low[large] = (_integers(array)[large].view(np.uint64) % _LOW_BITS).astype(np.uint16)
    else:
        low[large] = np.mod(values[large], _LOW_BITS).astype(np.uint16)
    return low


def _are_decimals(kinds: Kinds) -> bool:
    return all(map(pa.types.is_decimal128, kinds)) and _common_decimal(kinds) is not None


def _common_decimal(kinds: Kinds) -> pa.DataType | None:
    scale = max(kind.scale for kind in kinds)
    digits = max(kind.precision - kind.scale for kind in kinds) + scale
    return pa.decimal128(digits, scale) if digits <= _DECIMAL_DIGITS else None


def _decimal_words(arrays: Sequence[pa.Array], kinds: Kinds) -> Iterator[Part]:
    halves = [_decimal_halves(pc.cast(array, _common_decimal(kinds))) for array in arrays]
    yield tuple(each[:, 0] for each in halves)
    yield tuple(each[:, 1] for each in halves)
    yield from _gaps_of(arrays)


def _decimal_halves(array: pa.Array) -> Words:
    if len(array) == 0:
        return np.empty((0, 2), dtype=np.uint64)
    words = np.frombuffer(array.buffers()[1], dtype=np.uint64).reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)].copy()
    words[~valid_of(array)] = 0
    return words


def _text_words(arrays: Sequence[pa.Array]) -> Iterator[Part]:
    """Codes into one dictionary; columns not all of one kind are compared as Arrow writes them."""
    if not all(array.type.equals(CODED_TEXT) for array in arrays):
        yield _written_words(arrays)
        return
    coded = pa.chunked_array([*arrays])
    if any(array.dictionary.null_count for array in arrays):
        coded = _encode_anew(coded)
    coded = coded.unify_dictionaries()
    levels = coded.chunk(0).dictionary
    if len(pc.unique(levels)) < len(levels):  # a file's own dictionary may hold a level twice
        coded = _encode_anew(coded).unify_dictionaries()
    yield tuple(_codes(chunk) for chunk in coded.chunks)


def _encode_anew(coded: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(
        [chunk.dictionary_decode().dictionary_encode() for chunk in coded.chunks]
    )


def _written_words(arrays: Sequence[pa.Array]) -> Part:
    columns = [encode(array) for array in arrays]
    levels = dict.fromkeys(level for column in columns for level in column.levels)
    place = {level: at for at, level in enumerate(levels)}
    missing = len(place)  # where a code of −1 points, as the last of the list
    return tuple(
        np.array([*(place[level] for level in column.levels), missing], np.uint32)[column.codes]
        for column in columns
    )


def _codes(chunk: pa.DictionaryArray) -> Bits:
    codes = values_of(chunk.indices, np.int32)
    if chunk.indices.null_count:
        codes = np.where(valid_of(chunk.indices), codes, np.int32(-1))
    bits: Bits = codes.view(np.uint32)
    return bits


def _hash_texts(texts: pa.Array) -> Words:
    """Of bytes, eight at a time; of long texts only both ends, and of all the length."""
    if len(texts) == 0:
        return np.empty(0, dtype=np.uint64)
    ends = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset :][: len(texts) + 1]
    ends = ends.astype(np.int64)
    sizes = np.diff(ends)
    content = np.concatenate(
        [np.frombuffer(texts.buffers()[2] or b"", np.uint8), np.zeros(_WORD_BYTES, np.uint8)]
    )
    words = np.ndarray((len(content) - _WORD_BYTES + 1,), "<u8", content, strides=(1,))
    hashes = mix_words(start_hashes(len(texts)), sizes.astype(np.uint64))
    for at in range(0, min(int(sizes.max()), _HASHED_BYTES), _WORD_BYTES):
        here = np.flatnonzero(sizes > at)
        for first, left in (
            (ends[:-1][here] + at, sizes[here] - at),
            (np.maximum(ends[:-1][here], ends[1:][here] - at - _WORD_BYTES), sizes[here]),
        ):
            unused = np.uint64(8) * (_WORD_BYTES - np.minimum(left, _WORD_BYTES)).astype(np.uint64)
            hashes[here] = mix_words(hashes[here], words[first] << unused)
    return hashes


def _integers(array: pa.Array) -> npt.NDArray[np.int64] | Words:
    """As int64, or as uint64 where the file holds that; null as 0."""
    if pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.uint8())
    width = np.dtype(str(array.type))
    values = values_of(array, width.type)
    if array.null_count:
        values = np.where(valid_of(array), values, width.type(0))
    if width == np.uint64:
        return values.view(np.uint64)
    return values.astype(np.int64, copy=False)


def _floats(array: pa.Array, width: type[np.floating]) -> npt.NDArray[np.floating]:
    """With one NaN for all that is missing, and one zero."""
    if pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.uint8())
    cast = pc.cast(array, pa.float32() if width is np.float32 else pa.float64(), safe=False)
    values: npt.NDArray[np.floating] = np.add(values_of(cast, width), width(0))  # −0 becomes 0
    missing = np.isnan(values)
    if cast.null_count:
        missing |= ~valid_of(cast)
    if missing.any():
        values[missing] = np.nan  # one of the many bit patterns
    return values
