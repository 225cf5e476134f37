"""Identifiers that are present, agree between tables row by row, and name one row each.

Of identifiers in ascending order nothing is kept. Of others, 64-bit hashes go to temporary files,
parted so that each can be sorted in memory; what two rows share there is compared as it stands.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.errors import EvidenceError
from gates.tables.arrow import values_of
from gates.tables.engine import Source

Hashes = npt.NDArray[np.uint64]

PARTS = 64  # 25 MB each at 200 million rows
MOST_SUSPECTS = 1 << 20  # hashes that are looked at again; more are repeats, not collisions
_SHOWN = 3
_STEP, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_HALF, _TOP = np.uint64(32), np.uint64(64 - PARTS.bit_length() + 1)


class OrderDiffersError(Exception):
    """The tables hold their rows in different orders, so that they must be joined."""


class OrderCheck:
    """Takes the identifiers of all tables batch by batch; holds one of them."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Expect the identifiers of these tables, in this order."""
        self.ascending = True
        self._sources = sources
        self._last: pa.Scalar | None = None
        self._rows = 0

    def take(self, identifiers: Sequence[pa.Array]) -> None:
        """The next rows' identifiers, one array per table, at least one row.

        Raises:
            EvidenceError: an identifier is missing.
            OrderDiffersError: the tables' rows do not stand in the same order.
        """
        for source, array in zip(self._sources, identifiers, strict=True):
            if array.null_count:
                raise EvidenceError(
                    f"{source.location}: {array.null_count:,} of {len(array):,} rows from row "
                    f"{self._rows + 1:,} on have no {source.id}. Give every row an identifier."
                )
        first, *others = as_identifiers(identifiers)
        if any(not first.equals(other) for other in others):
            raise OrderDiffersError
        self.ascending = self.ascending and self._goes_on(first)
        self._rows += len(first)

    def _goes_on(self, array: pa.Array) -> bool:
        last, self._last = self._last, array[-1]
        if last is not None and not pc.less(last, array[0]).as_py():
            return False
        return bool(pc.all(pc.less(array[:-1], array[1:]), min_count=0).as_py())


def refuse_repeats(source: Source, read: Callable[[], Iterator[pa.Array]]) -> None:
    """Look at all identifiers of a table, and again at those that share a hash with another.

    Raises:
        EvidenceError: two rows have the same one.
    """
    suspects = _find_shared(hash_identifiers(array) for [array] in map(_alone, read()))
    rows: Counter[object] = Counter()
    for [array] in map(_alone, read()) if len(suspects) else ():
        at = np.flatnonzero(np.isin(hash_identifiers(array), suspects)).tolist()
        rows.update(array[place].as_py() for place in at)
    twice = sorted(str(value) for value, count in rows.items() if count > 1)
    if twice:
        more = sum(count - 1 for count in rows.values())
        raise EvidenceError(
            f"{source.location}: {more:,} or more values of {source.id} stand more than once, such "
            f"as {', '.join(map(repr, twice[:_SHOWN]))}. Give every row its own."
        )


def _alone(array: pa.Array) -> list[pa.Array]:
    return as_identifiers([array])


def _find_shared(batches: Iterator[Hashes]) -> Hashes:
    """Hashes that more than one row has, sorted."""
    with TemporaryDirectory(prefix="gatepost-") as folder:
        found = []
        for hashes in part_hashes(batches, Path(folder)):
            part = np.sort(hashes)
            found.append(np.unique(part[1:][part[1:] == part[:-1]]))
        return np.concatenate(found)[:MOST_SUSPECTS]


def part_hashes(batches: Iterator[Hashes], folder: Path) -> Iterator[Hashes]:
    """All hashes, by their highest bits, so that equal ones are in one part, and few in memory."""
    paths = [folder / str(part) for part in range(PARTS)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for hashes in batches:
            ordered = np.sort(hashes)
            ends = np.searchsorted(ordered >> _TOP, np.arange(PARTS + 1, dtype=np.uint64))
            for file, start, end in zip(files, ends, ends[1:], strict=False):
                file.write(ordered[start:end].tobytes())
    for path in paths:
        yield np.fromfile(path, dtype=np.uint64)
        path.unlink()


def as_identifiers(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    """Signed whole numbers as int64 where all arrays are such; else all as text."""
    plain = [
        array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        for array in arrays
    ]
    whole = all(pa.types.is_signed_integer(array.type) for array in plain)
    return [pc.cast(array, pa.int64() if whole else pa.large_string()) for array in plain]


def hash_identifiers(array: pa.Array) -> Hashes:
    """64 bits per identifier; equal ones have equal hashes."""
    if pa.types.is_int64(array.type):
        return mix_words(values_of(array, np.int64).view(np.uint64))
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)
    offsets = offsets[array.offset : array.offset + len(array) + 1]
    start, end = int(offsets[0]), int(offsets[-1])
    if start == end:  # all of them are the empty text
        return np.zeros(len(array), dtype=np.uint64)
    data = np.frombuffer(array.buffers()[2], dtype=np.uint8)[start:end].astype(np.uint64)
    lengths = np.diff(offsets)
    place = np.arange(end - start) - np.repeat(offsets[:-1] - start, lengths)
    spread = mix_words(mix_words(place.view(np.uint64)) ^ data)
    sums = np.concatenate(([np.uint64(0)], np.cumsum(spread)))
    return mix_words(
        sums[offsets[1:] - start] - sums[offsets[:-1] - start] + lengths.view(np.uint64)
    )


def mix_words(words: Hashes) -> Hashes:
    """Words of which every bit depends on every bit of the given one's.

    Source: the finaliser of splitmix64, Steele, Lea & Flood, OOPSLA 2014.
    """
    words = (words + _STEP) * _SPREAD
    words ^= words >> _HALF
    words *= _SPREAD
    words ^= words >> _HALF
    return words
