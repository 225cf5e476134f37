"""Texts of one table that nearly equal a text of another: MinHash finds, shingles decide.

Texts that share most of their shingles agree in the least of many random orders of them. Three
such agreements make a band; texts with one band alike are compared by all their shingles, so that
none is believed. Source: Broder, SEQUENCES 1997; Leskovec, Rajaraman & Ullman, Mining of Massive
Datasets (2014), §3.4.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.tables.arrow import indices_of
from gates.tables.mixing import Words, may_be_shared, mix_words
from gates.tables.shingles import Counts, shingle_texts
from gates.tables.words import ColumnSource, Rows

Mask = npt.NDArray[np.bool_]
Pairs = tuple[Rows, Rows]

LEAST_SHINGLES = 6  # of a text of eight words; shorter ones are alike by chance
BANDS, ROWS_OF_BAND = 10, 3  # finds a pair of similarity .8 in 9,992 of 10,000 cases
MOST_PAIRS = 1 << 20
_TWINS_OF_BAND = 4  # candidates of a text in a band: those of one band are alike among themselves
_CHUNK_TEXTS = 1 << 12
_CHUNK_SHINGLES = 1 << 22
_ODD = np.uint64(1)


class NearTexts(msgspec.Struct, frozen=True, eq=False):
    """How many texts were long enough, which have a near copy, and one pair for a reader."""

    compared: int
    found: Mask  # of the rows that are asked about
    complete: bool  # else some candidates were left out, and there may be more
    example: tuple[int, int] | None  # places in both tables


def find_near_texts(
    name: str,
    asked: ColumnSource,
    pool: ColumnSource,
    *,
    similarity: float = 0.8,
    most_pairs: int = MOST_PAIRS,
) -> NearTexts:
    """Find the rows whose text has a near copy in the pool: Jaccard of their shingles.

    Args:
        name: of the column, text in both.
        asked: whose rows look for copies.
        pool: whose rows may be copies.
        similarity: share of all shingles of two texts that both have, at least.
        most_pairs: candidates that are compared.
    """
    (mine, long), (theirs, also_long) = _sign(name, asked), _sign(name, pool)
    pairs, complete = _join((mine, long), (theirs, also_long), most_pairs)
    alike = _compare(pairs, name, asked, pool) >= similarity
    rows, twins = pairs[0][alike], pairs[1][alike]
    found = np.zeros(asked.rows, dtype=np.bool_)
    found[rows] = True
    example = (int(rows[0]), int(twins[0])) if len(rows) else None
    return NearTexts(int(np.count_nonzero(long)), found, complete, example)


def _texts(name: str, table: ColumnSource) -> Iterator[pa.Array]:
    """The column in small arrays of text."""
    for piece in table.pieces(name):
        for start in range(0, len(piece), _CHUNK_TEXTS):
            part = piece.slice(start, _CHUNK_TEXTS)
            yield part.dictionary_decode() if pa.types.is_dictionary(part.type) else part


def _sign(name: str, table: ColumnSource) -> tuple[Words, Mask]:
    """A word per row and band, shape (bands, rows), and which rows have enough shingles."""
    bands = np.zeros((BANDS, table.rows), dtype=np.uint64)
    long = np.zeros(table.rows, dtype=np.bool_)
    start = 0
    for texts in _texts(name, table):
        shingles, counts = shingle_texts(texts)
        rows = slice(start, start + len(texts))
        enough = counts >= LEAST_SHINGLES
        long[rows] = enough
        if enough.any():
            bands[:, rows] = _band(shingles, counts)
        start += len(texts)
    return bands, long


def _band(shingles: Words, counts: Counts) -> Words:
    filled = np.flatnonzero(counts)
    firsts = np.concatenate([[0], np.cumsum(counts[filled])[:-1]])
    bands = np.zeros((BANDS, len(counts)), dtype=np.uint64)
    for place, factor in enumerate(_FACTORS):
        least = np.minimum.reduceat(shingles * factor, firsts)
        band = place // ROWS_OF_BAND
        bands[band, filled] = mix_words(bands[band, filled], least)
    return bands


def _join(
    asked: tuple[Words, Mask], pool: tuple[Words, Mask], most_pairs: int
) -> tuple[Pairs, bool]:
    """Pairs with one band alike at least, each once; and whether these are all."""
    rows, twins = np.flatnonzero(asked[1]), np.flatnonzero(pool[1])
    coded = np.empty(0, dtype=np.int64)
    complete = True
    for mine, theirs in zip(asked[0], pool[0], strict=True):
        both = np.concatenate([mine[rows], theirs[twins]])
        shared = may_be_shared(both) if len(both) > 1 else np.zeros(len(both), dtype=np.bool_)
        here, there = rows[shared[: len(rows)]], twins[shared[len(rows) :]]
        order = there[np.argsort(theirs[there], kind="stable")]
        known, looked = theirs[order], mine[here]
        first = np.searchsorted(known, looked)
        counts = np.searchsorted(known, looked, side="right") - first
        counts = np.minimum(counts, _TWINS_OF_BAND)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found = order[np.repeat(first, counts) + within]
        pairs = np.repeat(here, counts) * np.int64(max(1, len(pool[1]))) + found
        coded = np.unique(np.concatenate([coded, pairs]))
        if len(coded) > most_pairs:
            coded, complete = coded[:most_pairs], False
    return tuple(np.divmod(coded, max(1, len(pool[1])))), complete  # type: ignore[return-value]


def _compare(
    pairs: Pairs, name: str, asked: ColumnSource, pool: ColumnSource
) -> npt.NDArray[np.float64]:
    """Jaccard of each pair."""
    involved = [np.unique(side) for side in pairs]
    sets = [_pick(name, table, rows) for table, rows in zip((asked, pool), involved, strict=True)]
    mine, theirs = (np.searchsorted(rows, side) for rows, side in zip(involved, pairs, strict=True))
    (shingles, firsts), (others, other_firsts) = sets
    sizes, other_sizes = np.diff(firsts), np.diff(other_firsts)
    owners = np.repeat(np.arange(len(other_sizes)), other_sizes)
    known = np.sort(_key(owners, others))
    similar = np.zeros(len(mine))
    ends = np.cumsum(sizes[mine])
    start = 0
    while start < len(mine):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _CHUNK_SHINGLES, side="right")))
        left, right = mine[start:stop], theirs[start:stop]
        counts = sizes[left]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        keys = _key(np.repeat(right, counts), shingles[np.repeat(firsts[left], counts) + within])
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        shared = np.bincount(
            np.repeat(np.arange(len(left)), counts), weights=known[at] == keys, minlength=len(left)
        )
        similar[start:stop] = shared / (counts + other_sizes[right] - shared)
        start = stop
    return similar


def _pick(name: str, table: ColumnSource, rows: Rows) -> tuple[Words, Counts]:
    """The sets of shingles of some rows, one after the other, and where each begins."""
    parts, sizes, start = [np.empty(0, dtype=np.uint64)], [np.zeros(1, dtype=np.intp)], 0
    for texts in _texts(name, table):
        low, high = np.searchsorted(rows, (start, start + len(texts)))
        if high > low:
            shingles, counts = shingle_texts(texts.take(indices_of(rows[low:high] - start)))
            owners = np.repeat(np.arange(len(counts)), counts)
            order = np.lexsort((shingles, owners))
            owners, shingles = owners[order], shingles[order]
            new = np.ones(len(order), dtype=np.bool_)
            new[1:] = (owners[1:] != owners[:-1]) | (shingles[1:] != shingles[:-1])
            parts.append(shingles[new])
            sizes.append(np.bincount(owners[new], minlength=len(counts)))
        start += len(texts)
    return np.concatenate(parts), np.cumsum(np.concatenate(sizes))


def _key(owners: Rows, shingles: Words) -> Words:
    """A shingle of a text as one word."""
    return mix_words(owners.astype(np.uint64) * _FACTORS[0], shingles)


def _draw_factors() -> Words:
    """Odd numbers, each an order of the shingles by which the least is taken."""
    counts = np.arange(1, BANDS * ROWS_OF_BAND + 1, dtype=np.uint64)
    return mix_words(counts, np.full(len(counts), np.uint64(0xD6E8FEB86659FD93))) | _ODD


_FACTORS = _draw_factors()
