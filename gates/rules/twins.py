"""Rows of several tables that have the same values in given columns, found by verified hashes."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.tables.table import Table

Words = npt.NDArray[np.uint64]
Mix = Callable[[Words, Words], Words]

_EXACT_BELOW = 2.0**53  # larger whole numbers are not told apart by a float
_STEP, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)


class Grouping(msgspec.Struct, frozen=True, eq=False):
    """A code per row of each table; two rows have one code exactly if their values are equal."""

    codes: tuple[npt.NDArray[np.intp], ...]
    groups: int


def pool_column(name: str, tables: Sequence[Table]) -> Words:
    """The values of all tables' rows as words: equal exactly where the values are.

    A whole number equals the same float, null equals NaN, and −0 equals 0.
    """
    if all(_is_exact_number(name, table) for table in tables):
        values = np.concatenate([table.numbers(name) for table in tables]) + 0.0  # −0 becomes 0
        values[np.isnan(values)] = np.nan  # one of the many bit patterns
        return values.view(np.uint64)
    columns = [table.categories(name) for table in tables]
    levels = dict.fromkeys(level for column in columns for level in column.levels)
    place = {level: at for at, level in enumerate(levels)}
    missing = len(place)  # where a code of −1 points, as the last of the list
    return np.concatenate(
        [
            np.array([*(place[level] for level in column.levels), missing], np.uint64)[column.codes]
            for column in columns
        ]
    )


def mix_words(hashes: Words, values: Words) -> Words:
    """Take one more value into each row's hash, in place; multiply and fold, as in splitmix64.

    Source: Steele, Lea & Flood, OOPSLA 2014. A collision is found and mended, never believed.
    """
    hashes ^= values
    hashes *= _STEP
    hashes ^= hashes >> _HALF
    hashes *= _SPREAD
    hashes ^= hashes >> _HALF
    return hashes


def group_rows(names: Sequence[str], tables: Sequence[Table], mix: Mix = mix_words) -> Grouping:
    """Group the rows of all tables by their values in the named columns."""
    rows = [table.rows for table in tables]
    hashes = np.full(sum(rows), _STEP)
    for name in names:
        hashes = mix(hashes, pool_column(name, tables))
    _, first, codes = np.unique(hashes, return_index=True, return_inverse=True)
    collided = np.zeros(len(codes), dtype=np.bool_)
    shared = np.flatnonzero((np.bincount(codes) > 1)[codes])
    for name in names:
        words = pool_column(name, tables)
        collided[shared] |= words[shared] != words[first[codes[shared]]]
    if collided.any():
        _separate(codes, collided, [pool_column(name, tables) for name in names])
    ends = np.cumsum(rows)[:-1]
    return Grouping(tuple(np.split(codes, ends)), int(codes.max(initial=-1)) + 1)


def _separate(
    codes: npt.NDArray[np.intp], collided: npt.NDArray[np.bool_], columns: Sequence[Words]
) -> None:
    """Give the rows of every group with a collision codes by their values themselves."""
    mixed = np.unique(codes[collided])
    at = np.flatnonzero(np.isin(codes, mixed))
    values = np.stack([column[at] for column in columns], axis=1)
    codes[at] = codes.max() + 1 + np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)


def draw_rows(rows: int, count: int, seed: str) -> npt.NDArray[np.bool_]:
    """Mark `count` of the rows, the same ones for the same seed on every machine."""
    start = np.uint64(int(seed[:16], 16))
    order = np.argsort(mix_words(np.arange(rows, dtype=np.uint64), np.full(rows, start)))
    drawn = np.zeros(rows, dtype=np.bool_)
    drawn[order[:count]] = True
    return drawn


def _is_exact_number(name: str, table: Table) -> bool:
    kind = table.types[name]
    if kind == "integer":
        values = table.numbers(name)
        return not (np.abs(values) >= _EXACT_BELOW).any()
    return kind in ("number", "boolean")
