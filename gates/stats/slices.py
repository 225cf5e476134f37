"""Slices that nobody declared: where a model is weak, or got worse, among all of a few predicates.

A predicate is one level of one column; a slice holds the rows for which one to three of them are
true. All slices are looked at, so the level is corrected for all of them, by bounds that hold for
slices of any size and losses of any shape:

- *Worse*: the paired differences of a slice that is not worse change sign at random (as in
  `signflip`). Then P(Σd / √Σd² ≥ t) ≤ 3.178 · P(N ≥ t). Source: Bentkus & Dzindzalieta, Bernoulli
  21 (2015) 1231.
- *Weak*: the rows of a slice that is not weak are drawn from all rows at random. Then
  P(mean ≥ x) ≤ exp(−n · sup(λx − log mean exp(λ · loss))). Source: Hoeffding, JASA 58 (1963), §6: a
  sum drawn without replacement is no more spread out than one drawn with it.

Slices of one, two and three predicates share the level evenly, then by their number (Bonferroni).
Don't slice by the model's score: it is not known apart from the loss, and always tops the list.
"""

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.cells import Cells, Codes, Columns, Values, count_cells
from gates.stats.law import normal_cdf, normal_quantile

MIN_ROWS = 50  # of a slice that is looked at
MOST_LEVELS = 64  # of a column that are looked at, the most frequent ones
MOST_SHOWN = 10
_TIGHT = 3.178  # 1 / (4 P(N ≥ √2))
_BINS = 4_096  # of the losses
_SLOPES = 256  # λ that are tried

Key = tuple[Columns, tuple[int, ...]]


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What a slice is, and what was seen of it; `p_value` is corrected for all slices."""

    predicates: tuple[tuple[int, int], ...]  # column and code, in the order of the columns
    rows: int
    mean: float  # of the differences, or of the losses
    p_value: float


class SliceSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The shortest description of what was found, strongest first.

    `significant` of `searched` slices were. Those that are not shown overlap those that are, and
    show nothing on the rows besides them; or `MOST_SHOWN` are shown already, and `complete` is
    false. `left_out` levels of a column with very many were not looked at.
    """

    shown: tuple[Slice, ...]
    significant: int
    searched: int
    left_out: int
    complete: bool


class _Law(msgspec.Struct, frozen=True):
    """How surprising a slice is, in nats, and which p-value that stands for."""

    values: tuple[Values, ...]  # what is summed by cell
    strength: Callable[[Cells], Values]
    needed: Callable[[float], float]  # the strength at a p-value
    p_value: Callable[[float], float]


class _Grid(msgspec.Struct, frozen=True):
    """Columns of frequent levels, coded from 0 on; the last code of each is what is left out."""

    codes: tuple[Codes, ...]
    levels: tuple[NDArray[np.integer], ...]  # the caller's codes
    left_out: int

    @property
    def sizes(self) -> list[int]:
        return [len(levels) + 1 for levels in self.levels]


class _Hit(msgspec.Struct, frozen=True):
    rows: int
    total: float
    strength: float
    tests: int  # slices among which it was found


def find_worse_slices(
    codes: Sequence[Codes],
    differences: Values,
    *,
    alpha: float,
    margin: float = 0.0,
    predicates: int = 3,
) -> SliceSearch:
    """Find slices whose mean difference (new − old loss of the same row) exceeds a margin.

    Args:
        codes: a code from 0 on per row, for each column; −1 is in no slice.
        differences: finite, one per row; the rows are independent.
        alpha: chance of any false find, where differences are symmetric around the margin.
        margin: loss that is accepted.
        predicates: of a slice at most.
    """
    excess = differences - margin
    law = _Law(
        values=(excess, excess * excess),
        strength=_flip_strength,
        needed=lambda p_value: normal_quantile(min(0.5, p_value / _TIGHT)) ** 2 / 2,
        p_value=lambda strength: min(1.0, _TIGHT * normal_cdf(-math.sqrt(2 * strength))),
    )
    return _search(_keep_frequent(codes), law, alpha, margin, predicates)


def find_weak_slices(
    codes: Sequence[Codes], losses: Values, *, alpha: float, predicates: int = 3
) -> SliceSearch:
    """Find slices whose mean loss exceeds that of all rows.

    Args:
        codes: a code from 0 on per row, for each column; −1 is in no slice.
        losses: finite, one per row; the rows are independent.
        alpha: chance of any false find, where losses have nothing to do with the columns.
        predicates: of a slice at most.
    """
    average = float(losses.mean()) if len(losses) else 0.0
    excess = losses - average
    rate = _rate_function(excess)
    law = _Law(
        values=(excess,),
        strength=lambda cells: cells.rows * rate(cells.sums[0] / np.maximum(cells.rows, 1)),
        needed=lambda p_value: -math.log(p_value),
        p_value=lambda strength: math.exp(-strength),
    )
    return _search(_keep_frequent(codes), law, alpha, average, predicates)


def _flip_strength(cells: Cells) -> Values:
    total, squares = cells.sums
    least = np.finfo(np.float64).tiny
    return np.asarray(np.maximum(total, 0.0) ** 2 / np.maximum(squares, least) / 2)


def _rate_function(values: Values) -> Callable[[Values], Values]:
    """A lower bound of sup over λ of λx − log mean exp(λv): values are rounded up to their bins."""
    span = float(np.ptp(values)) if len(values) else 0.0
    if span == 0:
        return np.zeros_like
    low = float(values.min())
    bins = np.ceil((values - low) * ((_BINS - 1) / span)).astype(np.intp)
    shares = np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS) / len(values)
    points = low + span * np.arange(_BINS) / (_BINS - 1)
    spread = math.sqrt(float(np.mean(values**2)))
    slopes = np.geomspace(1e-3 / spread, 40 / span + 4 / spread, _SLOPES)
    used = np.flatnonzero(shares)
    grown = np.exp(slopes[:, None] * (points[used] - points[-1])) * shares[used]
    sums = grown.sum(axis=1)
    cumulant = np.log(sums) + slopes * points[-1]
    means = grown @ points[used] / sums  # where each slope is the best one

    def rate(x: Values) -> Values:
        at = np.minimum(np.searchsorted(means, x), _SLOPES - 1)
        return np.asarray(np.maximum(0.0, slopes[at] * x - cumulant[at]))

    return rate


def _keep_frequent(codes: Sequence[Codes]) -> _Grid:
    columns, levels, left_out = [], [], 0
    for column in codes:
        rows = np.bincount(column[column >= 0]) if len(column) else np.zeros(0, dtype=np.int64)
        frequent = np.flatnonzero(rows >= MIN_ROWS)
        kept = np.sort(frequent[np.argsort(-rows[frequent], kind="stable")][:MOST_LEVELS])
        left_out += len(frequent) - len(kept)
        place = np.full(len(rows) + 1, len(kept), dtype=np.uint8)  # the last, where −1 points
        place[kept] = np.arange(len(kept))
        columns.append(place[column])
        levels.append(kept)
    return _Grid(tuple(columns), tuple(levels), left_out)


def _search(grid: _Grid, law: _Law, alpha: float, around: float, predicates: int) -> SliceSearch:
    predicates = max(1, min(predicates, len(grid.codes)))
    tables = list(count_cells(grid.codes, grid.sizes, law.values, predicates))
    tables = [_without_left_out(cells) for cells in tables]
    tests = [0] * (predicates + 1)
    for cells in tables:
        tests[len(cells.columns)] += int(np.count_nonzero(cells.rows >= MIN_ROWS))
    needed = [law.needed(min(1.0, alpha / predicates / max(1, count))) for count in tests]
    hits = {
        key: hit
        for cells in tables
        for key, hit in _hits(cells, law, needed[len(cells.columns)], tests[len(cells.columns)])
    }
    chosen, complete = _describe(hits, grid, law, needed)
    shown = tuple(
        Slice(
            predicates=tuple(
                (column, int(grid.levels[column][code])) for column, code in zip(*key, strict=True)
            ),
            rows=hits[key].rows,
            mean=around + hits[key].total / hits[key].rows,
            p_value=min(1.0, predicates * hits[key].tests * law.p_value(hits[key].strength)),
        )
        for key in chosen
    )
    return SliceSearch(
        shown=shown,
        significant=len(hits),
        searched=sum(tests),
        left_out=grid.left_out,
        complete=complete,
    )


def _without_left_out(cells: Cells) -> Cells:
    inner = (slice(-1),) * len(cells.columns)
    return Cells(cells.columns, cells.rows[inner], tuple(each[inner] for each in cells.sums))


def _hits(cells: Cells, law: _Law, needed: float, tests: int) -> list[tuple[Key, _Hit]]:
    strength = law.strength(cells)
    found = np.argwhere((strength >= needed) & (cells.rows >= MIN_ROWS))
    return [
        (
            (cells.columns, at),
            _Hit(int(cells.rows[at]), float(cells.sums[0][at]), float(strength[at]), tests),
        )
        for at in map(tuple, found.tolist())
    ]


def _describe(
    hits: dict[Key, _Hit], grid: _Grid, law: _Law, needed: Sequence[float]
) -> tuple[list[Key], bool]:
    """Few slices that account for all hits: the strongest for its length, then what is left.

    The length of a slice is what it takes to name its predicates among all. Source: Rissanen,
    Automatica 14 (1978), minimum description length.
    """
    nats = math.log(max(2, sum(map(len, grid.levels))))
    left = {key: hit.strength for key, hit in hits.items()}
    uncovered = np.ones(len(grid.codes[0]) if grid.codes else 0, dtype=np.bool_)
    chosen: list[Key] = []
    while left and len(chosen) < MOST_SHOWN:
        best = max(left, key=lambda key: (left[key] - nats * len(key[0]), key))
        chosen.append(best)
        covered = uncovered.copy()
        for column, code in zip(*best, strict=True):
            covered &= grid.codes[column] == code
        uncovered &= ~covered
        left = _weigh_again(left, grid, law, uncovered, needed)
        left.pop(best, None)
    return chosen, not left


def _weigh_again(
    keys: dict[Key, float],
    grid: _Grid,
    law: _Law,
    rows: NDArray[np.bool_],
    needed: Sequence[float],
) -> dict[Key, float]:
    """The hits that are still strong on the rows that are not accounted for."""
    left: dict[Key, float] = {}
    if len(keys) < 2:  # noqa: PLR2004 - only what was chosen
        return left
    codes = [column[rows] for column in grid.codes]
    values = [each[rows] for each in law.values]
    wanted = {columns for columns, _ in keys}
    for cells in count_cells(codes, grid.sizes, values, max(map(len, wanted))):
        if cells.columns not in wanted:
            continue
        strength = law.strength(cells)
        for key in keys:
            if key[0] == cells.columns and strength[key[1]] >= needed[len(key[0])]:
                left[key] = float(strength[key[1]])
    return left
