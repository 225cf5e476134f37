"""Counts and sums over all combinations of levels of a few columns, from as few passes as possible.

Columns are joined as long as their combinations stay few; of such a joint table, those of fewer
columns are sums along its axes.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import prod

import msgspec
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
Codes = NDArray[np.integer]
Columns = tuple[int, ...]

_JOINT_CELLS = (
    1 << 16,
    1 << 20,
)  # of a joint table: always allowed, never exceeded for its own sake
_ROWS_A_CELL = 4  # on average, as long as there are more cells than always allowed


class Cells(msgspec.Struct, frozen=True, eq=False):
    """All combinations of some columns' levels; arrays have one axis per column."""

    columns: Columns
    rows: Counts
    sums: tuple[Values, ...]  # of each of the values


def count_cells(
    codes: Sequence[Codes], sizes: Sequence[int], values: Sequence[Values], most: int
) -> Iterator[Cells]:
    """The cells of every set of one to `most` columns, each set once.

    Args:
        codes: for each column one code per row, from 0 to its size − 1.
        sizes: of the columns, in levels.
        values: to sum, one per row each.
        most: columns of a set; at most as many as there are.
    """
    rows = len(codes[0]) if codes else 0
    seen: set[Columns] = set()
    for joint in cover(sizes, min(most, len(sizes)), rows):
        ordered = tuple(sorted(joint, key=lambda column: -sizes[column]))
        shape = [sizes[column] for column in ordered]
        packed = _pack([codes[column] for column in ordered], shape)
        tables = [np.bincount(packed, each, prod(shape)) for each in (None, *values)]
        table = np.stack(tables, dtype=np.float64)
        yield from _margins(table.reshape(-1, *shape), ordered, 0, most, seen)


def _margins(
    table: Values, columns: Columns, kept: int, most: int, seen: set[Columns]
) -> Iterator[Cells]:
    """A table, and those without some of its columns after the first `kept`, if not seen yet.

    Each comes from one that is hardly larger, with the largest axes summed away first: after
    Harinarayan, Rajaraman & Ullman, SIGMOD 1996, "Implementing data cubes efficiently".
    """
    name = tuple(sorted(columns))
    if len(columns) <= most and name not in seen:
        seen.add(name)
        turned = table.transpose(0, *(1 + columns.index(column) for column in name))
        yield Cells(name, turned[0].astype(np.int64), tuple(turned[1:]))
    for at in range(kept, min(len(columns), most + 1)):
        if len(columns) > 1:
            rest = columns[:at] + columns[at + 1 :]
            yield from _margins(table.sum(axis=1 + at), rest, at, most, seen)


def cover(sizes: Sequence[int], most: int, rows: int) -> list[Columns]:
    """Few sets of columns, each of few cells, that together hold every set of `most` columns."""
    least, largest = _JOINT_CELLS
    budget = max(least, min(largest, rows // _ROWS_A_CELL))
    open_sets = set(combinations(range(len(sizes)), most)) if most else set()
    joints = []
    while open_sets:
        joint = set(min(open_sets, key=lambda one: (-prod(sizes[c] for c in one), one)))
        while fitting := [
            column
            for column in range(len(sizes))
            if column not in joint and prod(sizes[c] for c in {*joint, column}) <= budget
        ]:
            joint.add(max(fitting, key=lambda c: (_gain(joint, c, open_sets), -sizes[c], -c)))
        joints.append(tuple(sorted(joint)))
        open_sets -= set(combinations(joints[-1], most))
    return joints


def _gain(joint: set[int], column: int, open_sets: set[Columns]) -> int:
    """How many open sets become held by the joint with one more column."""
    return sum(column in one and set(one) <= {*joint, column} for one in open_sets)


def _pack(codes: Sequence[Codes], shape: Sequence[int]) -> NDArray[np.intp]:
    """One code per row for all columns; fits 32 bits, which are quicker to work on."""
    packed = codes[0].astype(np.int32)
    for column, size in zip(codes[1:], shape[1:], strict=True):
        packed *= np.int32(size)
        packed += column
    return packed.astype(np.intp)
