"""How much one column alone says about the label."""

from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.segments import MISSING, Rows
from gates.evidence.columns import Description
from gates.evidence.folder import Evidence
from gates.judging.constant_columns import is_quantity
from gates.quoting import quote
from gates.stats.interval import Interval, confidence_of
from gates.stats.leakage import auc_interval, find_pure_values
from gates.stats.undefined import UndefinedError
from gates.tables.mixing import mix_words
from gates.tables.table import Floats, Mask

Counts = npt.NDArray[np.int64]

ALPHA = 0.05  # one-sided, of each limit: statistics.md §7.2
_FEW_VALUES = 64  # of a number, up to which each value is tried as a level too
_PRIOR_ROWS = 1.0  # that pull the rate of a rare level to the average


class Pure(msgspec.Struct, frozen=True, eq=False):
    """A value that gives the label away: in words with its rows and hits, and where it stands."""

    text: str
    rows: Rows


class Telling(msgspec.Struct, frozen=True, eq=False):
    """A column's own AUC with its limits, and its values that give the label away."""

    auc: float
    interval: Interval
    pure_values: tuple[Pure, ...]


class _Levels(msgspec.Struct, frozen=True):
    """The distinct values of a column, the last for missing; `codes` unless there are many."""

    values: Floats | tuple[str, ...]  # without the missing one
    hits: Counts
    misses: Counts
    codes: npt.NDArray[np.intp] | None

    def name(self, code: int) -> str:
        """What a reader calls the value of a code."""
        if code == len(self.values):
            return MISSING
        value = self.values[code]
        return value if isinstance(value, str) else f"{value:g}"


def measure_column(
    name: str,
    entry: Description,
    evidence: Evidence,
    purity: float,
    *,
    labels: Mask | None = None,
    alpha: float = ALPHA,
) -> Telling:
    """The AUC of a column on the test rows, whichever way round, and its pure values.

    The levels of a category are ranked by their rates on the other half of the rows, so that many
    rare levels cannot look telling by their mere number.

    Args:
        name: the column.
        entry: what the dictionary says of it.
        evidence: whose test rows.
        purity: the share of one class from which on a value is pure.
        labels: what it is to tell of each row; the binary label where left out.
        alpha: one-sided level of each limit.

    Raises:
        UndefinedError: the test rows are of one class.
    """
    labels = evidence.labels if labels is None else labels
    levels = _count_levels(name, entry, evidence, labels)
    positives, negatives = int(levels.hits.sum()), int(levels.misses.sum())
    if min(positives, negatives) == 0:
        raise UndefinedError(f"{positives} positives and {negatives} negatives")
    auc = 0.5
    if isinstance(levels.values, np.ndarray):
        auc = _ordered_auc(levels.hits, levels.misses)
    if levels.codes is not None:
        auc = max(auc, _level_auc(levels.codes, len(levels.hits), labels))
    pure = find_pure_values(levels.hits, levels.misses, purity, alpha)
    return Telling(
        auc=auc,
        interval=auc_interval(auc, positives, negatives, confidence_of(alpha)),
        pure_values=tuple(
            Pure(
                f"{quote(levels.name(value.code))} ({value.hits:,} of {value.rows:,} rows)",
                _rows_of(value.code, levels, name, evidence),
            )
            for value in pure
        ),
    )


def _rows_of(code: int, levels: _Levels, name: str, evidence: Evidence) -> Rows:
    """Places of one value in the test table; of numbers with many values codes are not kept."""
    if levels.codes is not None:
        return np.flatnonzero(levels.codes == code)
    values = evidence.test.numbers(name)
    if code == len(levels.values):
        return np.flatnonzero(np.isnan(values))
    return np.flatnonzero(values == levels.values[code])


def _count_levels(name: str, entry: Description, evidence: Evidence, labels: Mask) -> _Levels:
    table = evidence.test
    if is_quantity(entry) and table.types[name] != "text":
        return _count_numbers(table.numbers(name), labels)
    column = table.categories(name)
    size = len(column.levels) + 1
    codes = np.where(column.codes < 0, size - 1, column.codes).astype(np.intp)
    hits = np.bincount(codes[labels], minlength=size)
    return _Levels(column.levels, hits, np.bincount(codes, minlength=size) - hits, codes)


def _count_numbers(values: Floats, labels: npt.NDArray[np.bool_]) -> _Levels:
    order = np.argsort(values)  # NaN comes last
    filled = len(values) - int(np.count_nonzero(np.isnan(values)))
    ordered = values[order[:filled]]
    starts = np.ones(filled, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    first = np.flatnonzero(starts)
    groups = first if filled == len(values) else np.append(first, filled)  # the last is missing's
    hits, rows = np.zeros((2, len(first) + 1), dtype=np.int64)
    hits[: len(groups)] = np.add.reduceat(labels[order].view(np.uint8), groups, dtype=np.int64)
    rows[: len(groups)] = np.diff(groups, append=len(values))
    codes = None
    if len(first) < _FEW_VALUES:
        codes = np.empty(len(values), dtype=np.intp)
        codes[order] = np.repeat(np.arange(len(first) + 1), rows)
    return _Levels(ordered[first], hits, rows - hits, codes)


def _ordered_auc(hits: Counts, misses: Counts) -> float:
    """Of values in their order, with the missing ones at whichever end says more."""
    ends = [(hits, misses), (np.roll(hits, 1), np.roll(misses, 1))]
    return max(max(auc, 1 - auc) for auc in (_auc(*end) for end in ends))


def _level_auc(codes: npt.NDArray[np.intp], size: int, labels: npt.NDArray[np.bool_]) -> float:
    """Of levels ranked by the rate that they have on the other half; the mean of both halves."""
    cells = codes * 4 + halve(len(labels)) * 2 + labels
    by_cell = np.bincount(cells, minlength=4 * size).reshape(size, 2, 2)
    counts = [[by_cell[:, side, 1], by_cell[:, side, 0]] for side in (1, 0)]
    pairs = [float(hits.sum() * misses.sum()) for hits, misses in counts]
    if sum(pairs) == 0:
        return 0.5
    aucs = [
        _auc_by_rank(_rates(other), hits, misses) if weight else 0.0
        for other, (hits, misses), weight in zip(counts[::-1], counts, pairs, strict=True)
    ]
    auc = float(np.average(aucs, weights=pairs))
    return max(auc, 1 - auc)


@lru_cache(maxsize=1)
def halve(rows: int) -> npt.NDArray[np.uint8]:
    """1 for one row in two, but not for every other row."""
    places = np.arange(rows, dtype=np.uint64)
    return (mix_words(places, np.zeros_like(places)) & np.uint64(1)).astype(np.uint8)


def _rates(counts: list[Counts]) -> Floats:
    """Share of positives by level, pulled to the average where rows are few."""
    hits, misses = counts
    average = (hits.sum() + 0.5) / (hits.sum() + misses.sum() + 1)
    return np.asarray((hits + average * _PRIOR_ROWS) / (hits + misses + _PRIOR_ROWS))


def _auc_by_rank(ranks: Floats, hits: Counts, misses: Counts) -> float:
    """Of levels with the given scores; levels of equal score are tied."""
    tied = np.unique(ranks, return_inverse=True)[1]
    return _auc(np.bincount(tied, weights=hits), np.bincount(tied, weights=misses))


def _auc(hits: npt.NDArray[np.generic], misses: npt.NDArray[np.generic]) -> float:
    """From counts by value, in rising order; ties count one half."""
    up, down = hits.astype(np.float64), misses.astype(np.float64)
    below = np.cumsum(down) - down / 2
    return float(up @ below / (up.sum() * down.sum()))
