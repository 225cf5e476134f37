"""Few slices that account for many: overlapping ones are one story, and are told once."""

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.cells import Cells, Codes, Columns, Counts, Values, count_cells

MIN_ROWS = 50  # of a slice that is looked at
_ROUNDING = 1e-9  # of a sum: what taking rows out of it may leave of nothing

Key = tuple[Columns, tuple[int, ...]]
Strength = Callable[[Cells], Values]


class Grid(msgspec.Struct, frozen=True):
    """Columns of frequent levels, coded from 0 on; the last code of each is what is left out."""

    codes: tuple[Codes, ...]
    levels: tuple[NDArray[np.integer], ...]  # the caller's codes
    left_out: int

    @property
    def sizes(self) -> list[int]:
        """How many codes each column has."""
        return [len(levels) + 1 for levels in self.levels]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A slice that is stronger than `needed`."""

    rows: int
    sums: tuple[float, ...]
    strength: float
    needed: float = 0.0


class _Rest(msgspec.Struct, frozen=True, eq=False):
    """What hits hold on the rows that are not accounted for; changed in place."""

    rows: Counts
    sums: Values  # shape (values, hits)
    noise: Values  # below it a sum is nothing


def describe(
    hits: Mapping[Key, Hit],
    grid: Grid,
    values: Sequence[Values],
    strength: Strength,
    *,
    most: int,
) -> tuple[list[Key], bool]:
    """Few hits that account for all: the strongest for its length, then the same of what is left.

    The length of a slice is what it takes to name its predicates among all. Source: Rissanen,
    Automatica 14 (1978), minimum description length.

    Returns:
        The hits, strongest first, and whether they leave no other hit strong.
    """
    nats = math.log(max(2, sum(map(len, grid.levels))))
    keys, bars = list(hits), np.array([hit.needed for hit in hits.values()])
    rest = _whole(list(hits.values()), len(values))
    left = {at: hit.strength for at, hit in enumerate(hits.values())}
    uncovered = np.ones(len(grid.codes[0]) if grid.codes else 0, dtype=np.bool_)
    chosen: list[Key] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda at: (left[at] - nats * len(keys[at][0]), keys[at]))
        del left[best]
        chosen.append(keys[best])
        if left:
            covered = _take_rows(uncovered, grid, keys[best])
            others = {at: keys[at] for at in left}
            _subtract(rest, _sum_over(others, keys[best], grid, values, covered))
            strengths = strength(Cells((), rest.rows, tuple(rest.sums)))
            strong = (strengths >= bars) & (rest.rows >= MIN_ROWS)
            left = {at: float(strengths[at]) for at in left if strong[at]}
    return chosen, not left


def _whole(hits: Sequence[Hit], values: int) -> _Rest:
    sums = np.array([hit.sums for hit in hits], dtype=np.float64).reshape(len(hits), values).T
    rows = np.array([hit.rows for hit in hits], dtype=np.int64)
    return _Rest(rows, sums.copy(), _ROUNDING * np.abs(sums))


def _take_rows(uncovered: NDArray[np.bool_], grid: Grid, key: Key) -> NDArray[np.intp]:
    """The places of a slice's rows among the uncovered, which are covered from now on."""
    covered = uncovered.copy()
    for column, code in zip(*key, strict=True):
        covered &= grid.codes[column] == code
    uncovered ^= covered
    return np.flatnonzero(covered)


def _sum_over(
    keys: Mapping[int, Key],
    within: Key,
    grid: Grid,
    values: Sequence[Values],
    at: NDArray[np.intp],
) -> dict[int, tuple[int, list[float]]]:
    """Rows and sums of slices over some rows of one of them, by the slices' numbers.

    The columns of that one have one level there, so that there are few cells.
    """
    fixed = dict(zip(*within, strict=True))
    wanted: dict[Columns, list[tuple[int, tuple[int, ...]]]] = {}
    for index, (columns, levels) in keys.items():
        pairs = list(zip(columns, levels, strict=True))
        if all(fixed.get(column, level) == level for column, level in pairs):
            free = tuple(column for column in columns if column not in fixed)
            cell = tuple(level for column, level in pairs if column not in fixed)
            wanted.setdefault(free, []).append((index, cell))
    within_rows = [each[at] for each in values]
    whole = Cells((), np.array(len(at)), tuple(np.array(each.sum()) for each in within_rows))
    used = {column for free in wanted for column in free}
    nothing = np.zeros(0, dtype=np.uint8)
    codes = [each[at] if column in used else nothing for column, each in enumerate(grid.codes)]
    tables = count_cells(codes, grid.sizes, within_rows, set(wanted) - {()})
    return {
        index: (int(cells.rows[cell]), [float(each[cell]) for each in cells.sums])
        for cells in (whole, *tables)
        for index, cell in wanted.get(cells.columns, ())
    }


def _subtract(rest: _Rest, taken: Mapping[int, tuple[int, list[float]]]) -> None:
    for index, (rows, sums) in taken.items():
        rest.rows[index] -= rows
        rest.sums[:, index] -= sums
    rest.sums[np.abs(rest.sums) <= rest.noise] = 0.0
