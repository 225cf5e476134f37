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

from gates.stats.cells import Cells, Codes, Columns, Values, all_sets, count_cells
from gates.stats.covering import MIN_ROWS, Grid, Hit, Key, Strength, describe
from gates.stats.law import normal_cdf, normal_quantile

MOST_LEVELS = 64  # of a column that are looked at, the most frequent ones
MOST_SHOWN = 10
POWER = 0.8  # of the number of rows that is asked for
_MOST_SPREADS = 1e6  # of a margin, so that the number of rows stays one
_TIGHT = 3.178  # 1 / (4 P(N ≥ √2))
_BINS = 4_096  # of the losses
_SLOPES = 256  # λ that are tried


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
    strength: Strength
    needed: Callable[[float], float]  # the strength at a p-value
    p_value: Callable[[float], float]
    around: float  # of what is shown, where sums are 0
    scale: float  # that sums are in, so that tiny and huge losses have squares


def find_worse_slices(
    codes: Sequence[Codes],
    differences: Values,
    *,
    alpha: float,
    margin: float = 0.0,
    predicates: int = 3,
    deep: int | None = None,
) -> SliceSearch:
    """Find slices whose mean difference (new − old loss of the same row) exceeds a margin.

    Args:
        codes: a code from 0 on per row, for each column; −1 is in no slice.
        differences: finite, one per row; the rows are independent.
        alpha: chance of any false find, where differences are symmetric around the margin.
        margin: loss that is accepted.
        predicates: of a slice at most.
        deep: how many of the columns, from the first on, make slices of three predicates.
    """
    excess, scale = _scale(differences - margin)
    law = _Law(
        values=(excess, excess * excess),
        strength=_flip_strength,
        needed=lambda p_value: normal_quantile(min(0.5, p_value / _TIGHT)) ** 2 / 2,
        p_value=lambda strength: min(1.0, _TIGHT * normal_cdf(-math.sqrt(2 * strength))),
        around=margin,
        scale=scale,
    )
    return _search(_keep_frequent(codes), law, alpha, (predicates, deep))


def find_weak_slices(
    codes: Sequence[Codes],
    losses: Values,
    *,
    alpha: float,
    margin: float = 0.0,
    predicates: int = 3,
    deep: int | None = None,
) -> SliceSearch:
    """Find slices whose mean loss exceeds that of all rows by more than a margin.

    Args:
        codes: a code from 0 on per row, for each column; −1 is in no slice.
        losses: finite, one per row; the rows are independent.
        alpha: chance of any false find, where losses have nothing to do with the columns, but
            for the margin.
        margin: excess that is accepted.
        predicates: of a slice at most.
        deep: how many of the columns, from the first on, make slices of three predicates.
    """
    average = float(losses.mean()) if len(losses) else 0.0
    excess, scale = _scale(losses - average)
    rate, accepted = _rate_function(excess), margin / scale
    law = _Law(
        values=(excess,),
        strength=lambda cells: (
            cells.rows * rate(cells.sums[0] / np.maximum(cells.rows, 1) - accepted)
        ),
        needed=lambda p_value: -math.log(p_value),
        p_value=lambda strength: math.exp(-strength),
        around=average,
        scale=scale,
    )
    return _search(_keep_frequent(codes), law, alpha, (predicates, deep))


def _scale(values: Values) -> tuple[Values, float]:
    """Values of at most 1, and what they were divided by."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    return values / largest, largest


def rows_to_prove(spread: float, margin: float, searched: int, alpha: float) -> int:
    """Rows of a slice that loses twice the margin, from which on the search finds it.

    Source: the statistic's mean, √n · μ / √(spread² + μ²) with μ the excess over the margin, and
    its standard deviation of about 1; a power of 80 %.
    """
    level = min(0.5, alpha / max(1, searched) / 3 / _TIGHT)
    reach = -normal_quantile(level) - normal_quantile(1 - POWER)
    return math.ceil(reach**2 * (1 + min(spread / margin, _MOST_SPREADS) ** 2))


def _flip_strength(cells: Cells) -> Values:
    total, squares = cells.sums
    ratio = np.zeros_like(total)
    np.divide(np.maximum(total, 0.0) ** 2, 2 * squares, out=ratio, where=squares > 0)
    return ratio


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


def _keep_frequent(codes: Sequence[Codes]) -> Grid:
    columns, levels, left_out = [], [], 0
    for column in codes:
        whole = len(column) == 0 or column.min() >= 0
        rows = np.bincount(column if whole else column[column >= 0])
        frequent = np.flatnonzero(rows >= MIN_ROWS)
        kept = np.sort(frequent[np.argsort(-rows[frequent], kind="stable")][:MOST_LEVELS])
        left_out += len(frequent) - len(kept)
        place = np.full(len(rows) + 1, len(kept), dtype=np.uint8)  # the last, where −1 points
        place[kept] = np.arange(len(kept))
        columns.append(place[column])
        levels.append(kept)
    return Grid(tuple(columns), tuple(levels), left_out)


def _search(grid: Grid, law: _Law, alpha: float, depth: tuple[int, int | None]) -> SliceSearch:
    predicates = max(1, min(depth[0], len(grid.codes)))
    wanted = all_sets(len(grid.codes), predicates, depth[1])
    tests, hits = _count_and_hit(grid, law, alpha / predicates, wanted)
    chosen, complete = describe(hits, grid, law.values, law.strength, most=MOST_SHOWN)
    shown = tuple(
        Slice(
            predicates=tuple(
                (column, int(grid.levels[column][code])) for column, code in zip(*key, strict=True)
            ),
            rows=hits[key].rows,
            mean=law.around + law.scale * hits[key].sums[0] / hits[key].rows,
            p_value=min(1.0, predicates * tests[len(key[0])] * law.p_value(hits[key].strength)),
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


def _count_and_hit(
    grid: Grid, law: _Law, alpha: float, wanted: set[Columns]
) -> tuple[list[int], dict[Key, Hit]]:
    """Slices by their number of predicates, and those that are stronger than chance explains.

    No table is kept: what could be a hit among one slice alone is held until all are counted.
    """
    tests, least = [0] * (1 + max(map(len, wanted), default=0)), law.needed(alpha)
    held: dict[Key, Hit] = {}
    for cells in count_cells(grid.codes, grid.sizes, law.values, wanted):
        inner = (slice(-1),) * len(cells.columns)
        rows, sums = cells.rows[inner], tuple(each[inner] for each in cells.sums)
        strength = law.strength(Cells(cells.columns, rows, sums))
        tests[len(cells.columns)] += int(np.count_nonzero(rows >= MIN_ROWS))
        for at in map(tuple, np.argwhere((strength >= least) & (rows >= MIN_ROWS)).tolist()):
            held[cells.columns, at] = Hit(
                rows=int(rows[at]),
                sums=tuple(float(each[at]) for each in sums),
                strength=float(strength[at]),
            )
    needed = [law.needed(min(1.0, alpha / max(1, count))) for count in tests]
    hits = {
        key: msgspec.structs.replace(hit, needed=needed[len(key[0])])
        for key, hit in held.items()
        if hit.strength >= needed[len(key[0])]
    }
    return tests, hits
