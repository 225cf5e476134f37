"""The engine that needs nothing but this process: Parquet files, streamed in lockstep."""

import math
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
_HELD_BYTES = 1 << 26  # of decoded columns that the next pass need not read again
_CODE_BYTES = 4  # of a text, which is read as a code
_Verified = tuple[tuple[str, str], ...]


class EmbeddedEngine:
    """Reads tables row by row in lockstep, some 32,000 rows at a time.

    It remembers which tables it has verified, so that only the first pass reads identifiers, and
    holds the columns of the last scan if they are small. Where the rows stand in different orders
    it joins them once, in a temporary folder that is deleted with the engine.
    """

    def __init__(self) -> None:
        self._verified: set[_Verified] = set()
        self._joined: dict[Scan, list[Path]] = {}
        self._held: tuple[Scan, list[pa.RecordBatch]] | None = None

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
        try:
            return _fold(kernel, self._batches(scan))
        except OrderDiffersError:
            self._joined[scan] = join_to_files(scan, _open_all(scan), self._folder)
            return _fold(kernel, self._batches(scan))

    def share_identifiers(self, one: Source, other: Source) -> bool:
        """Whether any identifier of one table stands in the other, by hashes in temporary files.

        Raises:
            EvidenceError: a table cannot be read, or lacks the column.
        """
        return share_identifiers(Stream(one), Stream(other))

    def _batches(self, scan: Scan) -> Iterator[pa.RecordBatch]:
        if scan in self._joined:
            return _ahead(read_joined(self._joined[scan]))
        if self._held is not None and self._held[0] == scan:
            return iter(self._held[1])
        self._held = None
        streams = _open_all(scan)
        batches = self._read(scan, streams)
        return self._hold(scan, batches) if _decoded_bytes(streams) <= _HELD_BYTES else batches

    def _hold(self, scan: Scan, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """By groups of a million rows two passes take .7 of the time of reading them twice."""
        held = []
        for batch in batches:
            held.append(batch)
            yield batch
        self._held = (scan, held)

    def _read(self, scan: Scan, streams: list[Stream]) -> Iterator[pa.RecordBatch]:
        about = tuple((str(each.location), each.id) for each in scan.sources)
        if about in self._verified:
            for batches in _ahead(_step(streams, identified=False)):
                yield _join(scan, batches)
        else:
            yield from _read_verified(scan, streams)
            self._verified.add(about)

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
    for batch in batches:
        value = kernel.take(value, batch)
    return value


def _read_verified(scan: Scan, streams: list[Stream]) -> Iterator[pa.RecordBatch]:
    check = OrderCheck(scan.sources)
    for batches in _ahead(_step(streams, identified=True)):
        check.take([batch.column(0) for batch in batches])
        yield _join(scan, [batch.select(range(1, batch.num_columns)) for batch in batches])
    if not check.ascending:
        first = streams[0]
        names = (first.source.id,)
        refuse_repeats(first.source, lambda: (each.column(0) for each in first.batches(names)))


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


def _decoded_bytes(streams: list[Stream]) -> float:
    """What the columns take in memory beside the levels of texts; infinite where none can say."""
    kinds = [(s.rows, s.schema.field(name).type) for s in streams for name in s.source.columns]
    return sum(rows * _width(kind) for rows, kind in kinds)


def _width(kind: pa.DataType) -> float:
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return _CODE_BYTES
    return kind.bit_width / 8 if pa.types.is_primitive(kind) else math.inf


def _step(streams: list[Stream], *, identified: bool) -> Iterator[list[pa.RecordBatch]]:
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
