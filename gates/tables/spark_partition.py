"""What runs in Spark's Python workers: one partition's rows become one partial value.

A partition of a join holds whole rows: all that share an identifier are in one partition, so that
missing, repeated and unmatched identifiers are counted there as well. Nothing here needs PySpark.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from gates.errors import GatesError
from gates.tables.arrow import places_in
from gates.tables.engine import MAX_BATCH_ROWS, Kernel
from gates.tables.spark_types import restore

R = TypeVar("R")
OUTPUT = "value binary"
_SHOWN = 3


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the identifiers of one table."""

    nameless: int = 0  # rows
    repeated: int = 0  # rows beyond the first of each identifier
    twice: tuple[str, ...] = ()  # the first of the repeated identifiers, sorted
    absent: int = 0  # rows of the first table that have none here
    lost: tuple[str, ...] = ()  # the first of their identifiers, sorted
    unknown: int = 0  # rows here that the first table does not have

    def __add__(self, other: "Faults") -> "Faults":
        """Of both partitions."""
        return Faults(
            nameless=self.nameless + other.nameless,
            repeated=self.repeated + other.repeated,
            twice=tuple(sorted({*self.twice, *other.twice})[:_SHOWN]),
            absent=self.absent + other.absent,
            lost=tuple(sorted({*self.lost, *other.lost})[:_SHOWN]),
            unknown=self.unknown + other.unknown,
        )


class Partial(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What one partition, or several merged ones, came to."""

    value: R
    rows: int = 0  # of the first table
    faults: tuple[Faults, ...]  # one per table
    refused: tuple[str, ...] = ()  # what the kernel said of values that it cannot take


class Task(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What every worker is told."""

    kernel: Kernel[R]
    names: tuple[str, ...]  # of the columns that the kernel takes
    kinds: tuple[pa.DataType, ...]  # their types in the files
    widths: tuple[int, ...]  # how many of them each table has

    def reduce_rows(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of one table whose identifiers are known to be sound; columns as in `names`."""
        yield encode(self._take(batches, self._no_faults))

    def reduce_join(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of all tables: the table's number, the identifier, and the columns of all."""
        tables = _part_by_table([*batches], len(self.widths))
        if not tables:
            return
        faults = tuple(_find_faults(tables[0], table) for table in tables)
        if any(each != Faults() for each in faults):
            yield encode(Partial(value=self.kernel.start(), faults=faults))
        else:
            yield encode(self._take(self._join(tables).to_batches(), faults))

    def merge(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Partial values of several partitions."""
        yield encode(self.merge_all(value for batch in batches for value in batch.column(0)))

    def merge_all(self, encoded: Iterable[pa.Scalar]) -> Partial[R]:
        """One value of all partitions, in whatever order they come."""
        total = Partial(value=self.kernel.start(), faults=self._no_faults)
        for one in encoded:
            # Written a moment ago by `encode`, in a worker of ours.
            part: Partial[R] = pickle.loads(one.as_py())  # noqa: S301
            total = Partial(
                value=self.kernel.merge(total.value, part.value),
                rows=total.rows + part.rows,
                faults=tuple(map(Faults.__add__, total.faults, part.faults)),
                refused=tuple(sorted({*total.refused, *part.refused})),
            )
        return total

    @property
    def _no_faults(self) -> tuple[Faults, ...]:
        return (Faults(),) * len(self.widths)

    def _take(self, batches: Iterable[pa.RecordBatch], faults: tuple[Faults, ...]) -> Partial[R]:
        value, taken_rows = self.kernel.start(), 0
        try:
            for batch in batches:
                taken_rows += batch.num_rows
                for start in range(0, batch.num_rows, MAX_BATCH_ROWS):
                    rows = batch.slice(start, MAX_BATCH_ROWS)
                    columns = map(restore, rows.columns, self.kinds)
                    taken = pa.RecordBatch.from_arrays([*columns], names=[*self.names])
                    value = self.kernel.take(value, taken)
        except GatesError as error:
            return Partial(value=self.kernel.start(), faults=faults, refused=(str(error),))
        return Partial(value=value, rows=taken_rows, faults=faults)

    def _join(self, tables: Sequence[pa.Table]) -> pa.Table:
        """Columns of all tables, in the order of the first one's rows."""
        first = tables[0].column(0)
        columns: list[pa.ChunkedArray] = []
        for number, table in enumerate(tables):
            start = 1 + sum(self.widths[:number])
            own = table.select(range(start, start + self.widths[number]))
            if number:
                own = own.take(pc.index_in(first, value_set=table.column(0).combine_chunks()))
            columns.extend(own.columns)
        names = [str(at) for at in range(len(columns))]
        return pa.table(columns, names=names).combine_chunks()


def encode(partial: Partial[R]) -> pa.RecordBatch:
    """One row that Spark can carry."""
    return pa.record_batch({"value": pa.array([pickle.dumps(partial)], pa.binary())})


def _part_by_table(batches: Sequence[pa.RecordBatch], tables: int) -> list[pa.Table]:
    """The rows of each table without its number; nothing where there is no row at all."""
    if not batches:
        return []
    whole = pa.Table.from_batches(batches)
    numbers, rest = whole.column(0), whole.select(range(1, whole.num_columns))
    return [rest.filter(pc.equal(numbers, number)) for number in range(tables)]


def _find_faults(first: pa.Table, table: pa.Table) -> Faults:
    ids = table.column(0).drop_null().combine_chunks()
    counted = pc.value_counts(ids)
    counts, values = counted.field("counts"), counted.field("values")
    twice = values.filter(pc.greater(counts, 1)).to_pylist() if len(values) < len(ids) else []
    expected = first.column(0).drop_null().combine_chunks()
    absent = expected.filter(pc.is_null(pc.index_in(expected, value_set=ids)))
    return Faults(
        nameless=len(table) - len(ids),
        repeated=len(ids) - len(values),
        twice=tuple(sorted(twice)[:_SHOWN]),
        absent=len(absent),
        lost=tuple(sorted(absent.to_pylist())[:_SHOWN]),
        unknown=0 if table is first else int((places_in(ids, expected) < 0).sum()),
    )
