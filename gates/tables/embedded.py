"""The engine that needs nothing but this process: Parquet files, streamed in lockstep."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from gates.errors import EvidenceError
from gates.tables.engine import Kernel, Scan, Source
from gates.tables.identifiers import OrderCheck, OrderDiffersError, refuse_repeats
from gates.tables.stream import Stream, step_together

R = TypeVar("R")
T = TypeVar("T")
_Verified = tuple[tuple[str, str], ...]


class EmbeddedEngine:
    """Reads tables whose rows stand in the same order, some 65,000 rows at a time.

    It remembers which tables it has verified, so that only the first pass reads identifiers.
    """

    def __init__(self) -> None:
        self._verified: set[_Verified] = set()

    def rows(self, scan: Scan) -> int:
        """How many rows the tables have, by their footers.

        Raises:
            EvidenceError: a table cannot be read, or the tables differ in length.
        """
        return _open_all(scan)[0].rows

    def reduce(self, scan: Scan, kernel: Kernel[R]) -> R:
        """One pass over all rows; decoding runs ahead in a thread.

        Raises:
            EvidenceError: a table cannot be read, lacks a column, has a nested one, its
                identifiers are missing, repeated, or not those of the first table, or its rows
                stand in another order.
        """
        streams = _open_all(scan)
        about = tuple((str(each.location), each.id) for each in scan.sources)
        if about not in self._verified:
            value = _reduce_verified(scan, streams, kernel)
            self._verified.add(about)
            return value
        value = kernel.start()
        for batches in _ahead(_read(streams, identified=False)):
            value = kernel.take(value, _join(scan, batches))
        return value


def _reduce_verified(scan: Scan, streams: list[Stream], kernel: Kernel[R]) -> R:
    value = kernel.start()
    check = OrderCheck(scan.sources)
    for batches in _ahead(_read(streams, identified=True)):
        try:
            check.take([batch.column(0) for batch in batches])
        except OrderDiffersError:
            raise _other_order(scan.sources) from None
        parts = [batch.select(range(1, batch.num_columns)) for batch in batches]
        value = kernel.take(value, _join(scan, parts))
    if not check.ascending:
        first = streams[0]
        names = (first.source.id,)
        refuse_repeats(first.source, lambda: (each.column(0) for each in first.batches(names)))
    return value


def _open_all(scan: Scan) -> list[Stream]:
    streams = [Stream(source) for source in scan.sources]
    first = streams[0]
    for stream in streams[1:]:
        if stream.rows != first.rows:
            raise EvidenceError(
                f"{stream.source.location}: {stream.rows:,} rows where {first.source.location} has "
                f"{first.rows:,}. Write one row for each of its rows."
            )
    return streams


def _read(streams: list[Stream], *, identified: bool) -> Iterator[list[pa.RecordBatch]]:
    return step_together(
        [
            stream.batches(((stream.source.id,) if identified else ()) + stream.source.columns)
            for stream in streams
        ]
    )


def _join(scan: Scan, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [column for batch in batches for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=list(scan.columns))


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, the next one being made while one is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item


def _other_order(sources: tuple[Source, ...]) -> EvidenceError:
    first, *others = sources
    where = " and ".join(str(other.location) for other in others)
    return EvidenceError(
        f"{where}: the rows do not stand in the order of {first.location}, or are not the same; "
        f"tables beyond memory are compared row by row. Sort all by {first.id}."
    )
