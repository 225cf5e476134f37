"""Perceptual hashes of 64 bits that nearly equal one of another table: few bits apart.

Cut into two blocks more than bits may differ, two hashes have two blocks alike at least. So they
are joined on each two of the blocks, and each pair's bits are counted: none is missed.
Source: Norouzi, Punjani & Fleet, Fast search in Hamming space with multi-index hashing (2012).
"""

from itertools import combinations, pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.mixing import Words

Mask = npt.NDArray[np.bool_]

BITS, DIGITS = 64, 16
MOST_BITS = 8  # that may differ; the keys of more would tell too little apart
MOST_PAIRS = 1 << 24  # of a key, that are compared
_CHUNK_PAIRS = 1 << 20


class NearHashes(msgspec.Struct, frozen=True, eq=False):
    """Which of the asked hashes have a near one in the pool, and where that stands, else −1."""

    twins: npt.NDArray[np.int64]
    complete: bool  # else some candidates were left out, and there may be more

    @property
    def found(self) -> Mask:
        """Of the asked."""
        return self.twins >= 0


def parse_hashes(texts: pa.Array) -> tuple[Words, Mask]:
    """Words of 16 hexadecimal digits, and which of the values are none."""
    good = pc.match_substring_regex(texts, f"^[0-9a-fA-F]{{{DIGITS}}}$")
    valid = np.array(pc.fill_null(good, False).to_pylist(), dtype=np.bool_)
    digits = "".join(pc.filter(texts, pa.array(valid.tolist(), pa.bool_())).to_pylist())
    words = np.zeros(len(texts), dtype=np.uint64)
    if digits:
        words[valid] = np.frombuffer(bytes.fromhex(digits), dtype=">u8")
    return words, ~valid


def find_near_hashes(
    asked: Words, pool: Words, *, bits: int = 4, most_pairs: int = MOST_PAIRS
) -> NearHashes:
    """Find for each hash one of the pool that differs in at most so many bits.

    Args:
        asked: that look for near ones.
        pool: that may be near.
        bits: that may differ, at most `MOST_BITS`.
        most_pairs: candidates of each key that are compared.
    """
    words, again = np.unique(asked, return_inverse=True)
    known, places = np.unique(pool, return_index=True)
    search = _Search(words, known, bits, most_pairs)
    edges = np.linspace(0, BITS, bits + 3).astype(int)
    blocks = [((1 << int(high - low)) - 1) << int(low) for low, high in pairwise(edges)]
    for one, other in combinations(blocks, 2):
        search.look(np.uint64(one | other))
    twins = np.where(search.twins < 0, -1, places[search.twins] if len(places) else -1)
    return NearHashes(twins[again.reshape(-1)], search.complete)


class _Search:
    """Different hashes, and the twins of those that have any so far."""

    def __init__(self, asked: Words, pool: Words, bits: int, most_pairs: int) -> None:
        self.twins = np.full(len(asked), -1, dtype=np.int64)
        self.complete = True
        self._asked, self._pool = asked, pool
        self._bits, self._most_pairs = bits, most_pairs

    def look(self, key: np.uint64) -> None:
        """Fill in twins of those that have none yet, from what agrees in the key's bits."""
        asked, pool = self._asked & key, self._pool & key
        rows = np.flatnonzero(self.twins < 0)
        rows = rows[np.argsort(asked[rows], kind="stable")]
        order = np.argsort(pool, kind="stable")
        first = np.searchsorted(pool[order], asked[rows])
        counts = np.searchsorted(pool[order], asked[rows], side="right") - first
        ends = np.cumsum(counts)
        stop_at = int(np.searchsorted(ends, self._most_pairs, side="right"))
        start = 0
        while start < stop_at:
            done = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + _CHUNK_PAIRS, side="right")))
            part = slice(start, min(stop, stop_at))
            some = counts[part]
            within = np.arange(some.sum()) - np.repeat(np.cumsum(some) - some, some)
            here = np.repeat(rows[part], some)
            there = order[np.repeat(first[part], some) + within]
            apart = np.bitwise_count(self._asked[here] ^ self._pool[there])
            near = apart <= self._bits
            self.twins[here[near]] = there[near]
            start = part.stop
        self.complete &= stop_at == len(rows)
