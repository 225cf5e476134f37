"""Texts as hashes of their words, three at a time, all texts of an array at once."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.mixing import Words, mix_words, start_hashes

Counts = npt.NDArray[np.intp]

LENGTH = 3  # words of a shingle
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_ASCII = 128


def shingle_texts(texts: pa.Array) -> tuple[Words, Counts]:
    """Shingles of all texts in their order, and how many each has: none of fewer than three words.

    A word is a run of letters, digits and bytes beyond ASCII; case does not count.
    """
    texts = pc.utf8_lower(pc.fill_null(pc.cast(texts, pa.large_string()), ""))
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    first = int(ends[0]) if len(ends) else 0
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[first : int(ends[-1])]
    words, owners = _hash_words(content, ends - first)
    whole = np.flatnonzero(owners[LENGTH - 1 :] == owners[: len(owners) - LENGTH + 1])
    shingles = start_hashes(len(whole))
    for place in range(LENGTH):
        shingles = mix_words(shingles, words[whole + place])
    return shingles, np.bincount(owners[whole], minlength=len(texts))


def _hash_words(
    content: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]
) -> tuple[Words, Counts]:
    """A hash per word, and the text that it stands in."""
    inside = _IN_WORD[content]
    before = np.zeros(len(content) + 1, dtype=np.bool_)
    before[1:] = inside
    starts_text = ends[:-1][ends[:-1] < len(content)]
    fresh = inside & ~before[:-1]
    fresh[starts_text] = inside[starts_text]
    stops = inside.copy()
    stops[:-1] &= ~inside[1:]
    cut = starts_text[starts_text > 0] - 1
    stops[cut] = inside[cut]
    begin, end = np.flatnonzero(fresh), np.flatnonzero(stops) + 1
    powers = np.cumprod(np.full(len(content) + 1, _BASE), dtype=np.uint64)
    sums = np.zeros(len(content) + 1, dtype=np.uint64)
    np.cumsum((content + np.uint64(1)) * powers[:-1], out=sums[1:])
    inverses = np.cumprod(np.full(len(content) + 1, _INVERSE), dtype=np.uint64)
    hashes = (sums[end] - sums[begin]) * inverses[begin]
    hashes = mix_words(hashes, (end - begin).astype(np.uint64))
    return hashes, np.searchsorted(ends, begin, side="right") - 1


def _make_table() -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[_ASCII:] = True
    table[[code for code in range(_ASCII) if chr(code).isalnum()]] = True
    return table


_IN_WORD = _make_table()
