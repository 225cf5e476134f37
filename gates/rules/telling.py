"""How much one column alone says about the label."""

import msgspec
import numpy as np
import numpy.typing as npt

from gates.columns import Description
from gates.evidence import Evidence
from gates.rules.constants import is_quantity
from gates.rules.sides import quote
from gates.segments import MISSING
from gates.stats.interval import Interval, confidence_of
from gates.stats.leakage import auc_interval, find_pure_values
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats
from gates.tables.words import mix_words

ALPHA = 0.05  # one-sided, of each limit: statistics.md §7.2
_FEW_VALUES = 64  # of a number, up to which each value is tried as a level too
_PRIOR_ROWS = 1.0  # that pull the rate of a rare level to the average


class Telling(msgspec.Struct, frozen=True):
    """A column's own AUC with its limits, and its values that give the label away."""

    auc: float
    interval: Interval
    pure_values: tuple[str, ...]  # each with its rows and hits, as text


class _Coded(msgspec.Struct, frozen=True):
    """A column as codes from 0 on, the last for missing; `names` in the order of the codes."""

    codes: npt.NDArray[np.intp]
    names: tuple[str, ...]
    ordered: bool


def measure_column(name: str, entry: Description, evidence: Evidence, purity: float) -> Telling:
    """The AUC of a column on the test rows, whichever way round, and its pure values.

    The levels of a category are ranked by their rates on the other half of the rows, so that many
    rare levels cannot look telling by their mere number.

    Raises:
        UndefinedError: the test rows are of one class.
    """
    labels = evidence.labels
    coded = _code(name, entry, evidence)
    hits = np.bincount(coded.codes[labels], minlength=len(coded.names))
    misses = np.bincount(coded.codes[~labels], minlength=len(coded.names))
    positives, negatives = int(hits.sum()), int(misses.sum())
    if min(positives, negatives) == 0:
        raise UndefinedError(f"{positives} positives and {negatives} negatives")
    auc = 0.5
    if coded.ordered:
        auc = _ordered_auc(hits, misses)
    if not coded.ordered or len(coded.names) <= _FEW_VALUES:
        auc = max(auc, _level_auc(coded, labels))
    pure = find_pure_values(labels, coded.codes, purity, ALPHA)
    return Telling(
        auc=auc,
        interval=auc_interval(auc, positives, negatives, confidence_of(ALPHA)),
        pure_values=tuple(
            f"{quote(coded.names[value.code])} ({value.hits:,} of {value.rows:,} rows)"
            for value in pure
        ),
    )


def _code(name: str, entry: Description, evidence: Evidence) -> _Coded:
    table = evidence.test
    if is_quantity(entry) and table.types[name] != "text":
        values = table.numbers(name)
        levels, codes = np.unique(values, return_inverse=True)  # NaN is one value, the last
        names = [f"{level:g}" for level in levels]
        if len(levels) and np.isnan(levels[-1]):
            names[-1] = MISSING
        else:
            names.append(MISSING)
        return _Coded(codes, tuple(names), ordered=True)
    column = table.categories(name)
    last = len(column.levels)
    codes = np.where(column.codes < 0, last, column.codes).astype(np.intp)
    return _Coded(codes, (*column.levels, MISSING), ordered=False)


def _ordered_auc(hits: npt.NDArray[np.int64], misses: npt.NDArray[np.int64]) -> float:
    """Of values in their order, with the missing ones at whichever end says more."""
    ends = [(hits, misses), (np.roll(hits, 1), np.roll(misses, 1))]
    return max(max(auc, 1 - auc) for auc in (_auc(*end) for end in ends))


def _level_auc(coded: _Coded, labels: npt.NDArray[np.bool_]) -> float:
    """Of levels ranked by the rate that they have on the other half; the mean of both halves."""
    rows = np.arange(len(labels), dtype=np.uint64)
    half = mix_words(rows, np.zeros_like(rows)) & np.uint64(1) == 1  # not every other row
    size = len(coded.names)
    counts = [
        [np.bincount(coded.codes[side & part], minlength=size) for part in (labels, ~labels)]
        for side in (half, ~half)
    ]
    pairs = [float(hits.sum() * misses.sum()) for hits, misses in counts]
    if sum(pairs) == 0:
        return 0.5
    aucs = [
        _auc_by_rank(_rates(other), hits, misses) if weight else 0.0
        for other, (hits, misses), weight in zip(counts[::-1], counts, pairs, strict=True)
    ]
    auc = float(np.average(aucs, weights=pairs))
    return max(auc, 1 - auc)


def _rates(counts: list[npt.NDArray[np.int64]]) -> Floats:
    """Share of positives by level, pulled to the average where rows are few."""
    hits, misses = counts
    average = (hits.sum() + 0.5) / (hits.sum() + misses.sum() + 1)
    return np.asarray((hits + average * _PRIOR_ROWS) / (hits + misses + _PRIOR_ROWS))


def _auc_by_rank(
    ranks: Floats, hits: npt.NDArray[np.int64], misses: npt.NDArray[np.int64]
) -> float:
    """Of levels with the given scores; levels of equal score are tied."""
    tied = np.unique(ranks, return_inverse=True)[1]
    return _auc(np.bincount(tied, weights=hits), np.bincount(tied, weights=misses))


def _auc(hits: npt.NDArray[np.generic], misses: npt.NDArray[np.generic]) -> float:
    """From counts by value, in rising order; ties count one half."""
    up, down = hits.astype(np.float64), misses.astype(np.float64)
    below = np.cumsum(down) - down / 2
    return float(up @ below / (up.sum() * down.sum()))
