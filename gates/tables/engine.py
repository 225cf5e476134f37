"""What an engine promises: many tables, joined on their identifiers, become one small value.

An engine knows where rows lie and how they are joined; a kernel knows what is counted. A kernel's
value is made of integers that are added, of the largest and smallest of numbers, and of sets, so
that no engine, partitioning or order of rows can change a byte of it.
"""

from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import pyarrow as pa

R = TypeVar("R")
MAX_BATCH_ROWS = 1 << 17  # so that a kernel's arrays of one batch stay small


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One table: a Parquet file, or a folder of `*.parquet` files that are read in sorted order."""

    name: str
    location: Path
    id: str  # the column that names a row: present in every row, and in no two rows the same
    columns: tuple[str, ...]  # the columns that a kernel asks for


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """Tables of the same rows, joined on their identifiers; the first one says how errors count.

    A table that lacks an identifier of another, or has it twice or not at all, is an
    `EvidenceError`: the join never drops or invents a row.
    """

    sources: tuple[Source, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of every batch, such as `test.age`, in the order of the sources."""
        return tuple(f"{each.name}.{name}" for each in self.sources for name in each.columns)


class Kernel(Protocol[R]):
    """What is counted; a frozen struct that can be pickled, and so can its value.

    Bit by bit, `merge` is associative and commutative, `merge(start(), a) == a`, and taking two
    batches one after the other is merging what each gives alone.
    """

    def start(self) -> R:
        """The value of no row."""

    def take(self, value: R, batch: pa.RecordBatch) -> R:
        """The value with 0 to `MAX_BATCH_ROWS` more rows; it may use up the given one.

        A batch has one column per name in `Scan.columns`, in that order.

        A column has the type of its file or Spark's or Arrow's nearest: text may be `string`,
        `large_string` or a dictionary of them whose codes are valid. Missing is null or NaN.
        """

    def merge(self, one: R, other: R) -> R:
        """The value of both; it may use up either argument, so that no large one is copied."""


class Engine(Protocol):
    """Runs kernels; every implementation gives the same bytes."""

    def rows(self, scan: Scan) -> int:
        """How many rows the tables have.

        Raises:
            EvidenceError: a table cannot be read, or the tables differ in length.
        """

    def reduce(self, scan: Scan, kernel: Kernel[R]) -> R:
        """One pass over all rows, each of them in exactly one batch.

        The first pass over some tables verifies their identifiers as well.

        Raises:
            EvidenceError: a table cannot be read, lacks a column, has a nested one, or its
                identifiers are missing, repeated, or not those of the first table.
        """

    def share_identifiers(self, one: Source, other: Source) -> bool:
        """Whether any identifier of one table stands in the other; missing ones do not count.

        Raises:
            EvidenceError: a table cannot be read, or lacks the column.
        """
