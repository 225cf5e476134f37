"""A hash of 64 bits per row, made of one word after the other."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Mix = Callable[[Words, Words], Words]

_STEP, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_CHUNK_ROWS = 1 << 14  # whose hashes stay in the processor's cache
_FILTER_BITS = (16, 24)  # of the smallest and the largest table of marks


def start_hashes(rows: int) -> Words:
    """The hash of no value, for each row."""
    return np.full(rows, _STEP)


def mix_words(hashes: Words, values: Words) -> Words:
    """Take one more value into each row's hash, in place; multiply and fold, as in splitmix64.

    Source: Steele, Lea & Flood, OOPSLA 2014. A collision is found and mended, never believed.
    """
    hashes ^= values
    hashes *= _STEP
    hashes ^= hashes >> _HALF
    hashes *= _SPREAD
    hashes ^= hashes >> _HALF
    return hashes


def mix_in(hashes: Words, values: npt.NDArray[np.unsignedinteger], mix: Mix = mix_words) -> None:
    """`mix_words` for any number of rows and words of any width."""
    for start in range(0, len(hashes), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        hashes[chunk] = mix(hashes[chunk], values[chunk].astype(np.uint64, copy=False))


def may_be_shared(hashes: Words) -> npt.NDArray[np.bool_]:
    """Where another row has the same hash; a few others too, but none of those is missed."""
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    del ordered
    least, most = _FILTER_BITS
    bits = min(most, max(least, (8 * len(repeated)).bit_length()))
    marks = np.zeros(1 << bits, dtype=np.bool_)
    marks[repeated >> np.uint64(64 - bits)] = True
    shared = np.empty(len(hashes), dtype=np.bool_)
    for start in range(0, len(hashes), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        shared[chunk] = marks[hashes[chunk] >> np.uint64(64 - bits)]
    # Most of the few others differ in the other bits.
    rows = np.flatnonzero(shared)
    marks[:] = False
    marks[repeated & np.uint64((1 << bits) - 1)] = True
    shared[rows] = marks[hashes[rows] & np.uint64((1 << bits) - 1)]
    return shared
