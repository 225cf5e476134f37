"""Rows of several tables that have the same values in given columns: a hash join, then verified.

The columns that tell most come first. After the first few of them nearly every row of most tables
is already unlike all others and is let go, so that of the other columns only the rest is hashed.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.tables.mixing import Mix, Words, may_be_shared, mix_in, mix_words, start_hashes
from gates.tables.words import Bits, ColumnSource, Rows, hash_values, read_words

Codes = npt.NDArray[np.intp]

_LOOKS = (2, 5)  # after so many columns, unique rows are let go
_WORTH = 0.5  # share of rows up to which letting the others go pays
_KEPT_BYTES = 1 << 28  # of values that are kept, so that they need not be read again


class Duplicates(msgspec.Struct, frozen=True, eq=False):
    """The rows that have a twin, in any of the tables, and a code of their group.

    `rows[t]` are ascending places in table t, `codes[t]` the groups (0 to `groups` − 1) of those
    rows; two rows have one code exactly if they are equal. A row that is not listed has no twin.
    """

    rows: tuple[Rows, ...]
    codes: tuple[Codes, ...]
    groups: int


class _Search(msgspec.Struct):
    """Which rows are still in question, by table, and their hashes; what was read of them."""

    tables: Sequence[ColumnSource]
    mix: Mix
    rows: list[Rows] | None  # none is let go yet
    hashes: Words
    kept: dict[str, tuple[Bits, ...]]


def find_duplicates(
    names: Sequence[str], tables: Sequence[ColumnSource], mix: Mix = mix_words
) -> Duplicates:
    """Find the rows of all tables that are equal to another in every named column."""
    search = _Search(tables, mix, None, start_hashes(sum(table.rows for table in tables)), {})
    for count, name in enumerate(most_telling_first(names, tables), start=1):
        if search.rows is None:
            hash_column(search.hashes, name, tables, mix)
        else:
            _take_in_the_rest(search, name)
        if count in _LOOKS:
            _let_go(search, may_be_shared(search.hashes))
        if not len(search.hashes):
            break
    _let_go(search, may_be_shared(search.hashes), worth=1.0)
    return _gather(search, _verify(search, names))


def most_telling_first(names: Sequence[str], tables: Sequence[ColumnSource]) -> list[str]:
    """By the bytes that they take in the files, compressed: a guess, but only time hangs on it."""
    return sorted(names, key=lambda name: -sum(table.stored_bytes(name) for table in tables))


def hash_column(
    hashes: Words, name: str, tables: Sequence[ColumnSource], mix: Mix = mix_words
) -> None:
    """Take a column into the hashes of all rows of all tables; equal values change them alike."""
    kinds, start = [table.stored_type(name) for table in tables], 0
    for table in tables:
        for piece in table.pieces(name):
            words = hash_values(piece, kinds)
            if words is not None:
                mix_in(hashes[start : start + len(piece)], words, mix)
            start += len(piece)


def _take_in_the_rest(search: _Search, name: str) -> None:
    parts = _read(search, name)
    for part in parts:
        mix_in(search.hashes, part, search.mix)
    if len(search.hashes) * 8 * (len(search.kept) + 1) <= _KEPT_BYTES:
        search.kept[name] = parts


def _read(search: _Search, name: str) -> tuple[Bits, ...]:
    """The parts of a column's words, of the rows in question."""
    return tuple(np.concatenate(part) for part in read_words(name, search.tables, search.rows))


def _let_go(search: _Search, shared: npt.NDArray[np.bool_], worth: float = _WORTH) -> None:
    if np.count_nonzero(shared) > worth * len(shared):
        return
    search.rows = _split(search, shared)
    search.hashes = search.hashes[shared]
    search.kept = {name: tuple(v[shared] for v in parts) for name, parts in search.kept.items()}


def _split(search: _Search, chosen: npt.NDArray[np.bool_]) -> list[Rows]:
    """The chosen of the rows in question, by table."""
    sizes = [table.rows for table in search.tables]
    if search.rows is not None:
        sizes = [len(rows) for rows in search.rows]
    parts = np.split(chosen, np.cumsum(sizes)[:-1])
    if search.rows is None:
        return [np.flatnonzero(part) for part in parts]
    return [rows[part] for rows, part in zip(search.rows, parts, strict=True)]


def _verify(search: _Search, names: Sequence[str]) -> Codes:
    """Codes of the rows in question by their hashes; by their values where a hash collided."""
    codes, first = _group(search.hashes)
    if not len(codes):
        return codes
    collided = np.zeros(len(codes), dtype=np.bool_)
    for name in names:
        for values in _known(search, name):
            collided |= values != values[first[codes]]
    if collided.any():
        at = np.flatnonzero(np.isin(codes, np.unique(codes[collided])))
        columns = [
            values[at].astype(np.uint64) for name in names for values in _known(search, name)
        ]
        numbers = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1]
        codes[at] = codes.max() + 1 + numbers.reshape(-1)
    return codes


def _known(search: _Search, name: str) -> tuple[Bits, ...]:
    return search.kept.get(name) or _read(search, name)


def _group(hashes: Words) -> tuple[Codes, Rows]:
    """A code per hash, and a row of each code."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    new = np.ones(len(order), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    codes = np.empty(len(order), dtype=np.intp)
    codes[order] = np.cumsum(new) - 1
    return codes, order[new]


def _gather(search: _Search, codes: Codes) -> Duplicates:
    shared = np.bincount(codes) > 1
    numbers = np.cumsum(shared) - 1
    kept = shared[codes]
    rows = _split(search, kept)
    ends = np.cumsum([len(each) for each in rows])[:-1]
    return Duplicates(
        rows=tuple(rows),
        codes=tuple(np.split(numbers[codes[kept]], ends)),
        groups=int(np.count_nonzero(shared)),
    )
