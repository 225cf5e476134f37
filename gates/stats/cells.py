"""Counts and sums over all combinations of levels of a few columns, from as few passes as possible.

Columns are joined as long as their combinations stay few; of such a joint table, those of fewer
columns are sums along its axes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import prod

import msgspec
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
Codes = NDArray[np.integer]
Columns = tuple[int, ...]

PAIR = 2
_LEAST_CELLS, _MOST_CELLS = 1 << 12, 1 << 18  # of a joint table, which has about as many as rows


class Cells(msgspec.Struct, frozen=True, eq=False):
    """All combinations of some columns' levels; arrays have one axis per column."""

    columns: Columns
    rows: Counts
    sums: tuple[Values, ...]  # of each of the values


def all_sets(columns: int, most: int, deep: int | None = None) -> set[Columns]:
    """Every set of one to `most` columns; beyond two columns, of the first `deep` ones."""
    return {
        one
        for size in range(1, most + 1)
        for one in combinations(
            range(columns if size <= PAIR else min(columns, deep or columns)), size
        )
    }


def count_cells(
    codes: Sequence[Codes], sizes: Sequence[int], values: Sequence[Values], wanted: set[Columns]
) -> Iterator[Cells]:
    """The cells of every wanted set of columns, each set once.

    Args:
        codes: for each column one code per row, from 0 to its size − 1.
        sizes: of the columns, in levels.
        values: to sum, one per row each.
        wanted: sets of one or more columns, each in rising order.
    """
    rows, given = len(codes[0]) if codes else 0, set[int]()
    by_bits = {_bits(one): one for one in wanted}
    for joint in cover(sizes, wanted, rows):
        ordered = tuple(sorted(joint, key=lambda column: -sizes[column]))
        shape = [sizes[column] for column in ordered]
        packed = _pack([codes[column] for column in ordered], shape)
        tables = [np.bincount(packed, each, prod(shape)) for each in (None, *values)]
        table = np.stack(tables, dtype=np.float64).reshape(-1, *shape)
        held = _bits(joint)
        left = {bits for bits in by_bits if not bits & ~held} - given
        given |= left
        for columns, part in _margins(table, ordered, 0, left):
            name = tuple(sorted(columns))
            turned = part.transpose(0, *(1 + columns.index(column) for column in name))
            yield Cells(name, turned[0].astype(np.int64), tuple(turned[1:]))


def _margins(
    table: Values, columns: Columns, kept: int, left: set[int]
) -> Iterator[tuple[Columns, Values]]:
    """What is wanted of a table, and of those without some columns after the first `kept`.

    Each comes from one that is hardly larger, with the largest axes summed away first: after
    Agarwal et al., VLDB 1996, "On the computation of multidimensional aggregates".
    """
    if _bits(columns) in left:
        yield columns, table
    for at in range(kept, len(columns)):
        always, rest = _bits(columns[:at]), columns[:at] + columns[at + 1 :]
        possible = _bits(rest)
        if any(not always & ~bits and not bits & ~possible for bits in left):
            yield from _margins(table.sum(axis=1 + at), rest, at, left)


def _bits(columns: Iterable[int]) -> int:
    """A set of columns as one number."""
    return sum(1 << column for column in columns)


def cover(sizes: Sequence[int], wanted: Iterable[Columns], rows: int) -> list[Columns]:
    """Few sets of columns, each of few cells, that together hold every wanted set."""
    budget = max(_LEAST_CELLS, min(rows, _MOST_CELLS))
    largest_first = sorted(wanted, key=lambda one: (-prod(sizes[c] for c in one), one))
    left, joints = set(map(_bits, largest_first)), []
    lengths = {len(one) for one in largest_first}
    for one in largest_first:
        if _bits(one) in left:
            joint = _grow(one, sizes, budget, left, lengths)
            joints.append(tuple(sorted(joint)))
            left -= {_bits(part) for length in lengths for part in combinations(joint, length)}
    return joints


def _grow(
    joint: Columns, sizes: Sequence[int], budget: int, left: set[int], lengths: set[int]
) -> Columns:
    """The joint with those columns that let it hold most of what is left, while it is small."""
    cells = prod(sizes[column] for column in joint)
    while True:
        parts = [_bits(each) for length in lengths for each in combinations(joint, length - 1)]
        gains = {
            column: sum(part | 1 << column in left for part in parts)
            for column, size in enumerate(sizes)
            if column not in joint and cells * size <= budget
        }
        best = max(gains, key=lambda c: (gains[c], -sizes[c], -c), default=None)
        if best is None or not gains[best]:
            return joint
        joint = (*joint, best)
        cells *= sizes[best]


def _pack(codes: Sequence[Codes], shape: Sequence[int]) -> NDArray[np.intp]:
    """One code per row for all columns; fits 32 bits, which are quicker to work on."""
    packed = codes[0].astype(np.int32)
    for column, size in zip(codes[1:], shape[1:], strict=True):
        packed *= np.int32(size)
        packed += column
    return packed.astype(np.intp)
