"""Rows with twins that differ in one column at most: no pair is listed, so none is too many.

A row's hash is the sum of its columns' hashes. Less one column's it is the hash of all the others,
so two rows that differ in that column alone have it in common. Before each column is tried, only
rows are kept that share one of two halves of the columns with another row, as such a pair must.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.arrow import valid_of
from gates.tables.duplicates import most_telling_first
from gates.tables.mixing import Words, may_be_shared, mix_in, start_hashes
from gates.tables.words import ColumnSource, Rows, hash_values, read_words

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

_SHORT = 128  # bytes of a text, all of which a single word tells
_NULL = np.uint64(0xA0761D6478BD642F)


def find_one_off(
    names: Sequence[str],
    tables: Sequence[ColumnSource],
    asked: Sequence[Mask],
    pool: Sequence[Mask],
) -> Mask:
    """Which rows that are asked about differ in at most one column from a row of the pool.

    Hashes of 64 bits are believed: none is missed, and one row in a hundred thousand tables of a
    million rows is found for nothing.

    Args:
        names: the columns that count, two or more.
        tables: that have them.
        asked: which rows of each table look for twins.
        pool: which rows of each table may be twins; none that is asked about.

    Returns:
        A mask over all rows of all tables in their order.
    """
    return np.asarray(count_one_off(names, tables, asked, pool) > 0)


def count_one_off(
    names: Sequence[str],
    tables: Sequence[ColumnSource],
    asked: Sequence[Mask],
    pool: Sequence[Mask],
) -> Counts:
    """How many rows of the pool differ in one column from a row that is asked about.

    A row of the pool that is equal counts once a column. As `find_one_off`, of rows for a mask.
    """
    ordered = most_telling_first(names, tables)
    halves = [ordered[::2], ordered[1::2]]
    sums = [_add_up(half, tables) for half in halves]
    search, others = np.concatenate(asked), np.concatenate(pool)
    whole, counts = sums[0] + sums[1], np.zeros(len(search), dtype=np.int64)
    for changed, same in ((halves[0], sums[1]), (halves[1], sums[0])):
        kept = np.flatnonzero((search | others) & may_be_shared(same))
        for name in changed:
            less = whole[kept] - _hash_column(name, tables)[kept]
            rows, found = _count_in_both(less, search[kept], others[kept])
            counts[kept[rows]] += found
    return counts


def _add_up(names: Sequence[str], tables: Sequence[ColumnSource]) -> Words:
    total = np.zeros(sum(table.rows for table in tables), dtype=np.uint64)
    for name in names:
        total += _hash_column(name, tables)
    return total


def _hash_column(name: str, tables: Sequence[ColumnSource]) -> Words:
    """A word per row, mixed with the column's name, so that no column stands for another."""
    hashes = start_hashes(sum(table.rows for table in tables))
    hashes ^= np.uint64(zlib.crc32(name.encode()))
    kinds, start = [table.stored_type(name) for table in tables], 0
    for table in tables:
        for piece in table.pieces(name):
            words = None if _is_long(piece) else hash_values(piece, kinds)
            if words is None:
                return _hash_parts(name, tables)
            if piece.null_count and not _has_nan(piece, kinds):  # else a null would be a zero
                words = np.where(valid_of(piece), words, _NULL)
            mix_in(hashes[start : start + len(piece)], words)
            start += len(piece)
    return hashes


def _hash_parts(name: str, tables: Sequence[ColumnSource]) -> Words:
    """The same of values that no single word holds."""
    hashes = start_hashes(sum(table.rows for table in tables))
    hashes ^= np.uint64(zlib.crc32(name.encode()))
    for part in read_words(name, tables):
        mix_in(hashes, np.concatenate(part))
    return hashes


def _is_text(piece: pa.Array) -> bool:
    text: bool = pa.types.is_dictionary(piece.type)
    return text


def _has_nan(piece: pa.Array, kinds: Sequence[pa.DataType]) -> bool:
    """Whether its words tell a null already: by a word of text, or as NaN."""
    return _is_text(piece) or any(map(pa.types.is_floating, kinds))


def _is_long(piece: pa.Array) -> bool:
    """Whether it holds texts of which a single word would say too little."""
    return _is_text(piece) and (pc.max(pc.binary_length(piece.dictionary)).as_py() or 0) > _SHORT


def _count_in_both(hashes: Words, asked: Mask, pool: Mask) -> tuple[Rows, Counts]:
    """Places of the asked, and how many of the pool have the hash of each."""
    rows = np.flatnonzero(asked)
    known = np.sort(hashes[pool])
    first, last = (np.searchsorted(known, hashes[rows], side=side) for side in ("left", "right"))
    return rows, (last - first).astype(np.int64)
