"""What a test set of any size is known by, whatever the order of its rows, in bounded memory.

Every row's identifier, label and weight become 64 bits, and these four words that are added over
all rows. Two test sets that chance made have the same sums less than once in 2**60 cases. Who wants
to can construct them: so nothing but the ledger's page and the seed of the draws hangs on it alone.
Whether two test sets are the same is told by their files' SHA-256, or row by row.
"""

import hashlib

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.reduction.coding import encode_levels, numbers_of
from gates.reduction.scored_rows import read_labels
from gates.tables.identifiers import Hashes, hash_identifiers, mix_words

LANES = 4
_KEYS = mix_words(np.arange(1, LANES + 1, dtype=np.uint64))

Prints = npt.NDArray[np.uint64]  # (1 + LANES,): rows, then the sums


class RowPrints(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel, over the columns of one test table."""

    identifier: str
    label: str
    positive: str | None = None  # the level of a binary text label that is the positive one
    is_binary: bool = True  # else a label is a class or a number
    is_number: bool = False
    weight: str | None = None

    def start(self) -> Prints:
        """Of no row."""
        return np.zeros(1 + LANES, dtype=np.uint64)

    def take(self, value: Prints, batch: pa.RecordBatch) -> Prints:
        """With the rows of a batch."""
        if batch.num_rows == 0:
            return value
        rows = hash_identifiers(_texts(batch.column(self.identifier)))
        rows = mix_words(rows ^ self._label(batch.column(self.label)))
        if self.weight is not None:
            rows = mix_words(rows ^ _bits(numbers_of(batch.column(self.weight))))
        value[0] += np.uint64(batch.num_rows)
        for lane, key in enumerate(_KEYS, start=1):
            value[lane : lane + 1] += np.sum(mix_words(rows ^ key), keepdims=True)
        return value

    def merge(self, one: Prints, other: Prints) -> Prints:
        """Of the rows of both."""
        one += other
        return one

    def _label(self, array: pa.Array) -> Hashes:
        if self.is_number:
            return _bits(numbers_of(array))
        if self.is_binary:
            return read_labels(array, self.positive)[0].astype(np.uint64)
        indices, texts = encode_levels(array)
        return np.array([*map(_hash_text, texts), 0], dtype=np.uint64)[indices]


class LabelDifferences(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel that counts rows whose label is another, or missing, in either of two tables."""

    labels: tuple[str, str]
    positives: tuple[str | None, str | None]

    def start(self) -> int:
        """Of no row."""
        return 0

    def take(self, value: int, batch: pa.RecordBatch) -> int:
        """With the rows of a batch."""
        (one, *missing), (other, *more) = (
            read_labels(batch.column(name), positive)
            for name, positive in zip(self.labels, self.positives, strict=True)
        )
        return value + int(np.count_nonzero(one != other)) + sum(missing) + sum(more)

    def merge(self, one: int, other: int) -> int:
        """Of the rows of both."""
        return one + other


def digest_of(prints: Prints) -> str:
    """SHA-256 of the rows' number and sums."""
    words = prints.astype(prints.dtype.newbyteorder("<")).tobytes()
    return hashlib.sha256(b"rows" + words).hexdigest()


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return pc.cast(array, pa.large_string())


def _hash_text(text: str | None) -> int:
    return int.from_bytes(hashlib.sha256((text or "").encode()).digest()[:8], "little")


def _bits(values: npt.NDArray[np.float64]) -> Hashes:
    return mix_words((values + 0.0).view(np.uint64))  # no negative zero
