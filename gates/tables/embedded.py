"""The engine that needs nothing but this process: Parquet files, streamed in lockstep."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TypeVar
from weakref import finalize

import numpy as np
import pyarrow as pa

from gates.errors import EvidenceError
from gates.tables.engine import Kernel, Scan, Source
from gates.tables.identifiers import OrderCheck, OrderDiffersError, refuse_repeats
from gates.tables.join import join_to_files, read_joined
from gates.tables.overlap import share_identifiers
from gates.tables.stream import Stream, step_together

R = TypeVar("R")
T = TypeVar("T")
_KEPT_BYTES = 1 << 22
_Verified = tuple[tuple[str, str], ...]


class EmbeddedEngine:
    """Reads tables row by row in lockstep, some 65,000 rows at a time.

    It remembers which tables it has verified, so that only the first pass reads identifiers. Where
    the rows stand in different orders it joins them once, in a temporary folder that is deleted
    with the engine.
    """

    def __init__(self) -> None:
        self._verified: set[_Verified] = set()
        self._joined: dict[Scan, list[Path]] = {}

    def rows(self, scan: Scan) -> int:
        """How many rows the tables have, by their footers.

        Raises:
            EvidenceError: a table cannot be read, or the tables differ in length.
        """
        return _open_all(scan)[0].rows

    def reduce(self, scan: Scan, kernel: Kernel[R]) -> R:
        """One pass over all rows; decoding runs ahead in a thread.

        Raises:
            EvidenceError: a table cannot be read, lacks a column, has a nested one, or its
                identifiers are missing, repeated, or not those of the first table.
        """
        _keep_freed_memory()
        if scan in self._joined:
            return _fold(kernel, read_joined(self._joined[scan]))
        streams = _open_all(scan)
        about = tuple((str(each.location), each.id) for each in scan.sources)
        if about in self._verified:
            batches = _read(streams, identified=False)
            return _fold(kernel, (_join(scan, each) for each in batches))
        try:
            value = _reduce_verified(scan, streams, kernel)
        except OrderDiffersError:
            self._joined[scan] = join_to_files(scan, streams, self._folder)
            return _fold(kernel, read_joined(self._joined[scan]))
        self._verified.add(about)
        return value

    def share_identifiers(self, one: Source, other: Source) -> bool:
        """Whether any identifier of one table stands in the other, by hashes in temporary files.

        Raises:
            EvidenceError: a table cannot be read, or lacks the column.
        """
        return share_identifiers(Stream(one), Stream(other))

    @cached_property
    def _folder(self) -> Path:
        folder = mkdtemp(prefix="gatepost-")
        finalize(self, rmtree, folder, ignore_errors=True)
        return Path(folder)


def _keep_freed_memory() -> None:
    """Have a kernel's arrays use the same memory from batch to batch.

    glibc gives freed arrays back to the system until it has seen a larger one freed; a page fault
    for every page of every array of every batch is a third of a pass.
    """
    block = np.empty(_KEPT_BYTES, dtype=np.uint8)  # never touched, so it takes no memory
    del block


def _fold(kernel: Kernel[R], batches: Iterator[pa.RecordBatch]) -> R:
    value = kernel.start()
    for batch in _ahead(batches):
        value = kernel.take(value, batch)
    return value


def _reduce_verified(scan: Scan, streams: list[Stream], kernel: Kernel[R]) -> R:
    value = kernel.start()
    check = OrderCheck(scan.sources)
    for batches in _ahead(_read(streams, identified=True)):
        check.take([batch.column(0) for batch in batches])
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
