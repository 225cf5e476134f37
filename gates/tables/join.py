"""Tables whose rows stand in different orders, brought together in bounded memory.

Every table is parted by a hash of its identifiers into temporary files, so that a part of each fits
into memory; part by part the rows are joined, and the joined rows kept for further passes.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

from gates.errors import EvidenceError
from gates.tables.engine import MAX_BATCH_ROWS, Scan, Source
from gates.tables.identifiers import hash_identifiers
from gates.tables.stream import Stream

PART_ROWS = 1 << 18  # that are joined in memory
MOST_PARTS = 256  # files that are open at the same time
_ID = "identifier"
_SHOWN = 3


def join_to_files(scan: Scan, streams: Sequence[Stream], folder: Path) -> list[Path]:
    """Files of joined batches with the columns of a scan, in an order of their own.

    Raises:
        EvidenceError: an identifier is missing or repeated, or a table lacks one of another.
    """
    parts = min(MOST_PARTS, 1 << (streams[0].rows // PART_ROWS).bit_length())
    for place, stream in enumerate(streams):
        _part(stream, [folder / f"{part}-{place}" for part in range(parts)])
    paths = []
    for part in range(parts):
        sides = [_read_whole(folder / f"{part}-{place}") for place in range(len(streams))]
        joined = _join(scan, sides)
        paths.append(folder / f"{part}-joined")
        with ipc.new_stream(str(paths[-1]), joined.schema) as writer:
            writer.write_table(joined, max_chunksize=MAX_BATCH_ROWS)
        for place in range(len(streams)):
            (folder / f"{part}-{place}").unlink()
    return paths


def read_joined(paths: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """The batches of all files."""
    for path in paths:
        with ipc.open_stream(str(path)) as reader:
            yield from reader


def _part(stream: Stream, paths: Sequence[Path]) -> None:
    source = stream.source
    names = [_ID, *source.columns]
    shift = np.uint64(64 - (len(paths) - 1).bit_length())
    with ExitStack() as stack:
        writers: list[ipc.RecordBatchStreamWriter] = []
        schema: pa.Schema | None = None
        for batch in stream.batches((source.id, *source.columns)):
            ids, *columns = (_plain(column) for column in batch.columns)
            if ids.null_count:
                raise EvidenceError(
                    f"{source.location}: {ids.null_count:,} of {len(ids):,} rows have no "
                    f"{source.id}. Give every row an identifier."
                )
            ids = pc.cast(ids, pa.large_string())
            plain = pa.RecordBatch.from_arrays([ids, *columns], names=names)
            if writers:
                plain = plain.cast(schema)  # files of one folder may differ in width
            else:
                schema = plain.schema
                writers = [stack.enter_context(ipc.new_stream(str(p), plain.schema)) for p in paths]
            parts = hash_identifiers(ids) >> shift if len(paths) > 1 else np.zeros(len(ids))
            order = np.argsort(parts, kind="stable").astype(np.int64)
            ends = np.searchsorted(parts[order], np.arange(len(paths) + 1))
            ordered = plain.take(_int64(order))
            for writer, start, end in zip(writers, ends, ends[1:], strict=False):
                if end > start:
                    writer.write_batch(ordered.slice(start, end - start))


def _join(scan: Scan, sides: list[pa.Table]) -> pa.Table:
    source = scan.sources[0]
    first = sides[0].column(0)
    _refuse_repeats(source, first)
    columns = list(sides[0].columns[1:])
    for other, side in zip(scan.sources[1:], sides[1:], strict=True):
        ids = side.column(0)
        at = pc.index_in(first, value_set=ids)
        if at.null_count:
            raise EvidenceError(
                f"{other.location}: no row for {at.null_count:,} or more rows of "
                f"{source.location}, such as {_show(first.filter(pc.is_null(at)))}. Write exactly "
                "one row for each of its rows."
            )
        _refuse_repeats(other, ids)
        if len(ids) > len(first):
            unknown = ids.filter(pc.is_null(pc.index_in(ids, value_set=first)))
            raise EvidenceError(
                f"{other.location}: rows that {source.location} does not have, such as "
                f"{_show(unknown)}. Take them out."
            )
        columns += side.take(at).columns[1:]
    return pa.Table.from_arrays(columns, names=list(scan.columns))


def _refuse_repeats(source: Source, ids: pa.ChunkedArray) -> None:
    more = len(ids) - pc.count_distinct(ids).as_py()
    if more:
        counted = pc.value_counts(ids)
        twice = counted.field(0).filter(pc.greater(counted.field(1), 1))
        raise EvidenceError(
            f"{source.location}: {more:,} or more values of {source.id} stand more than once, such "
            f"as {_show(twice)}. Give every row its own."
        )


def _show(ids: pa.Array) -> str:
    return ", ".join(map(repr, ids[:_SHOWN].to_pylist()))


def _read_whole(path: Path) -> pa.Table:
    with ipc.open_stream(str(path)) as reader:
        return reader.read_all().combine_chunks()


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _int64(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    """Without `pa.array`, which would import pandas."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
