"""Rows that are equal to a row of another part in all but a few columns.

Two rows that differ in at most k columns are equal in one at least of any k + 1 disjoint sets of
columns. So the rows are joined on k + 1 such keys, and each pair is then compared column by column:
none is missed, and none is believed. A key takes as few columns as tell enough apart; the files'
compressed sizes say how much a column tells.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.tables.duplicates import hash_column, most_telling_first
from gates.tables.mixing import Words, may_be_shared, start_hashes
from gates.tables.words import ColumnSource, Rows, read_words

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

MOST_PAIRS = 1 << 20  # of a key, that are compared
_BITS_TO_SPARE = 4.0  # of a key, because columns hang together


class NearDuplicates(msgspec.Struct, frozen=True, eq=False):
    """Pairs of rows that differ in at most so many columns, as places in the joined tables.

    Each pair is listed once, in the order of `rows`, then of `twins`. Where `complete` is false
    there were more candidates than are compared: then what is found is a lower bound, and a row
    without a twin here may have one.
    """

    rows: Rows
    twins: Rows
    differing: Counts  # columns; 0 where the rows are equal
    complete: bool
    keys: tuple[tuple[str, ...], ...]  # the columns of each join


class _Search(msgspec.Struct, frozen=True):
    tables: Sequence[ColumnSource]
    asked: Mask  # over all tables
    pool: Mask
    most_pairs: int


class _Pairs(msgspec.Struct, frozen=True):
    """Rows that may have twins; of each, where its candidates begin in `twins` and how many."""

    rows: Rows
    twins: Rows
    first: Rows
    counts: Counts


def find_near_duplicates(
    names: Sequence[str],
    tables: Sequence[ColumnSource],
    asked: Sequence[Mask],
    pool: Sequence[Mask],
    *,
    differing: int = 2,
    most_pairs: int = MOST_PAIRS,
) -> NearDuplicates:
    """Find for the rows that are asked about the rows of the pool that are nearly equal.

    Args:
        names: the columns that count, more than `differing`.
        tables: that have them; a place in them is counted over all tables in their order.
        asked: which rows of each table look for twins.
        pool: which rows of each table may be twins; none that is asked about.
        differing: columns in which twins may differ at most.
        most_pairs: candidates of each key that are compared.
    """
    if len(names) <= differing:
        raise ValueError(f"{len(names)} columns; more than {differing} are needed to be alike")
    search = _Search(tables, np.concatenate(asked), np.concatenate(pool), most_pairs)
    in_all = float(np.count_nonzero(search.asked)) * float(np.count_nonzero(search.pool))
    needed_bits = np.log2(max(1.0, in_all / most_pairs)) + _BITS_TO_SPARE
    keys, left = _choose_keys(names, tables, differing + 1, needed_bits)
    joined = [_join(search, key, left) for key in keys]
    candidates = np.unique(np.concatenate([_list(pairs, search) for pairs in joined]))
    rows, twins, counts = _compare(candidates, names, tables, differing)
    return NearDuplicates(
        rows=rows,
        twins=twins,
        differing=counts,
        complete=all(pairs.counts.sum() <= most_pairs for pairs in joined),
        keys=tuple(map(tuple, keys)),
    )


def _choose_keys(
    names: Sequence[str], tables: Sequence[ColumnSource], count: int, needed_bits: float
) -> tuple[list[list[str]], list[str]]:
    """Columns dealt out to the keys, the next to the poorest, until each tells enough."""
    left = most_telling_first(names, tables)
    keys: list[list[str]] = [[left.pop(0)] for _ in range(count)]
    rows = max(1, sum(table.rows for table in tables))
    while left:
        bits = [sum(_bits_of(name, tables, rows) for name in key) for key in keys]
        if min(bits) >= needed_bits:
            break
        keys[bits.index(min(bits))].append(left.pop(0))
    return keys, left


def _bits_of(name: str, tables: Sequence[ColumnSource], rows: int) -> float:
    return 8 * sum(table.stored_bytes(name) for table in tables) / rows


def _join(search: _Search, key: list[str], left: list[str]) -> _Pairs:
    """Pairs of equal hash; the key takes more columns while there are too many."""
    hashes = start_hashes(len(search.asked))
    for name in key:
        hash_column(hashes, name, search.tables)
    pairs = _match(hashes, search)
    while left and pairs.counts.sum() > search.most_pairs:
        key.append(left.pop(0))
        hash_column(hashes, key[-1], search.tables)
        pairs = _match(hashes, search)
    return pairs


def _match(hashes: Words, search: _Search) -> _Pairs:
    shared = may_be_shared(hashes)
    rows, twins = (
        places[np.argsort(hashes[places], kind="stable")]
        for places in (np.flatnonzero(shared & side) for side in (search.asked, search.pool))
    )
    asked, pool = hashes[rows], hashes[twins]
    first = np.searchsorted(pool, asked)
    return _Pairs(rows, twins, first, np.searchsorted(pool, asked, side="right") - first)


def _list(pairs: _Pairs, search: _Search) -> Rows:
    """The candidates, each as one number; of some of the rows only where there are too many."""
    kept = np.searchsorted(np.cumsum(pairs.counts), search.most_pairs, side="right")
    counts = pairs.counts[:kept]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    twins = pairs.twins[np.repeat(pairs.first[:kept], counts) + within]
    return np.asarray(np.repeat(pairs.rows[:kept], counts) * len(search.asked) + twins)


def _compare(
    pairs: Rows, names: Sequence[str], tables: Sequence[ColumnSource], differing: int
) -> tuple[Rows, Rows, Counts]:
    """The pairs that differ in few enough columns, which are counted."""
    starts = np.cumsum([0, *(table.rows for table in tables)])
    both = np.divmod(pairs, max(1, int(starts[-1])))
    involved = np.unique(np.concatenate(both))
    bounds = np.searchsorted(involved, starts)
    spans = zip(bounds, bounds[1:], starts, strict=False)
    wanted = [involved[low:high] - start for low, high, start in spans]
    one, other = (np.searchsorted(involved, side) for side in both)
    counts = np.zeros(len(pairs), dtype=np.int64)
    for name in most_telling_first(names, tables):
        unlike = np.zeros(len(one), dtype=np.bool_)
        for part in read_words(name, tables, wanted):
            values = np.concatenate(part)
            unlike |= values[one] != values[other]
        counts += unlike
        kept = counts <= differing
        one, other, counts = one[kept], other[kept], counts[kept]
    return involved[one], involved[other], counts
