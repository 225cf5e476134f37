"""The engine for tables beyond one machine: Spark reads, joins and reduces; the bytes are the same.

The same kernel runs on every partition, and its values merge exactly, so that neither the
partitioning nor the order of rows shows. Tables that are brought here come in their files' order.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from gates.errors import EvidenceError
from gates.evidence.manifest import Manifest
from gates.tables.engine import Kernel, Scan, Source
from gates.tables.hadoop import HadoopFolder, translated
from gates.tables.parts import Part, no_column, part_files
from gates.tables.spark_columns import SparkColumns
from gates.tables.spark_partition import OUTPUT, Partial, Task
from gates.tables.spark_session import spark_session
from gates.tables.spark_types import plain
from gates.tables.stream import MAX_ROWS
from gates.tables.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

R = TypeVar("R")
Work = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
ROWS_A_PARTITION = 1 << 19  # of all tables of a join: what a worker holds at a time
_MERGED_AT_ONCE = 32


@contextmanager
def spark_engine() -> Iterator["SparkEngine"]:
    """An engine with a session that is stopped at the end, unless it ran before.

    Raises:
        UsageError: Spark cannot be had.
    """
    with spark_session() as session:
        engine = SparkEngine(session)
        try:
            yield engine
        finally:
            engine.release()


class SparkEngine:
    """Reads local tables, and those of folders elsewhere that were mounted."""

    def __init__(
        self, session: "SparkSession", *, rows_a_partition: int = ROWS_A_PARTITION
    ) -> None:
        """Run on a session.

        Args:
            session: with the settings of `spark_session`.
            rows_a_partition: about how many rows of all tables a worker joins at a time.
        """
        self.session = session
        self._rows_a_partition = rows_a_partition
        self._mounted: dict[Path, tuple[HadoopFolder, Manifest]] = {}
        self._opened: dict[Path, SparkColumns] = {}
        self._verified: set[tuple[tuple[str, str], ...]] = set()
        self._shuffled: dict[Scan, DataFrame] = {}

    def mount(self, folder: Path, elsewhere: HadoopFolder, manifest: Manifest) -> None:
        """Know a folder that lies elsewhere, whose manifest lists these tables."""
        self._mounted[folder] = elsewhere, manifest

    def open(self, path: Path) -> Table:
        """A table whose columns are brought here when they are asked for.

        Raises:
            EvidenceError: it cannot be read, or is larger than can be judged.
        """
        return Table(path, self._columns(path))

    def release(self) -> None:
        """Let go of what was kept on disk from one pass to the next."""
        for frame in self._shuffled.values():
            frame.unpersist()
        self._shuffled.clear()

    def rows(self, scan: Scan) -> int:
        """How many rows the tables have, by their footers.

        Raises:
            EvidenceError: a table cannot be read, or the tables differ in length.
        """
        return self._open_all(scan)[0].rows

    def reduce(self, scan: Scan, kernel: Kernel[R]) -> R:
        """One pass over all rows, joined on their identifiers whatever their order.

        Raises:
            EvidenceError: a table cannot be read, lacks a column, has a nested one, or its
                identifiers are missing, repeated, or not those of the first table.
        """
        tables = self._open_all(scan)
        task = Task(
            kernel=kernel,
            names=scan.columns,
            kinds=tuple(
                plain(table.schema.field(name).type)
                for source, table in zip(scan.sources, tables, strict=True)
                for name in source.columns
            ),
            widths=tuple(len(source.columns) for source in scan.sources),
        )
        about = tuple((str(each.location), each.id) for each in scan.sources)
        if len(tables) == 1 and about in self._verified:
            columns = [f"c{at}" for at in range(len(task.names))]
            frame = tables[0].frame(scan.sources[0].columns).select(*columns)
            partials = _map(frame, task.reduce_rows)
            partitions = frame.rdd.getNumPartitions()
        else:
            rows = max(1, tables[0].rows * len(tables))
            partitions = math.ceil(rows / self._rows_a_partition)
            partials = _map(self._shuffle(scan, tables, partitions), task.reduce_join)
        total = _merge(task, partials, partitions, str(scan.sources[0].location))
        _refuse_faults(scan, tables[0].rows, total)
        self._verified.add(about)
        return total.value

    def share_identifiers(self, one: Source, other: Source) -> bool:
        """Whether any identifier of one table stands in the other, by a join.

        Raises:
            EvidenceError: a table cannot be read, or lacks the column.
        """
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as everybody calls it

        tables = [self._columns(source.location) for source in (one, other)]
        for source, table in zip((one, other), tables, strict=True):
            _refuse_unfit(source, table)
        mine, theirs = (
            table.frame((source.id,)).select(F.col("c0").cast("string").alias("k"))
            for source, table in zip((one, other), tables, strict=True)
        )
        with translated(str(one.location)):
            return not mine.join(theirs, "k", "left_semi").isEmpty()

    def _shuffle(self, scan: Scan, tables: list[SparkColumns], partitions: int) -> "DataFrame":
        """All tables' rows, those of one identifier together; kept, as passes come in threes."""
        from pyspark import StorageLevel  # noqa: PLC0415 - slow to import, and only Spark has it

        if scan in self._shuffled:
            return self._shuffled[scan]
        frame = _union(scan.sources, tables).repartition(partitions, "k")
        if len(tables) > 1:  # one alone is read in place from its second pass on
            self._shuffled[scan] = frame.persist(StorageLevel.DISK_ONLY)
        return frame

    def _columns(self, path: Path) -> SparkColumns:
        if path not in self._opened:
            self._opened[path] = SparkColumns(self.session, *self._locate(path))
        return self._opened[path]

    def _locate(self, path: Path) -> tuple[list[str], list[Part]]:
        """Where Spark finds the files of a table, in sorted order, and their footers."""
        if path.parent not in self._mounted:
            files = part_files(path)
            return [f"file:{file.absolute()}" for file in files], [Part(file) for file in files]
        elsewhere, manifest = self._mounted[path.parent]
        listed = manifest.listed(path.name)
        places = [elsewhere.place_of(file.name) for file in listed]
        parts = []
        for file, place in zip(listed, places, strict=True):
            with elsewhere.open(file.name, file.bytes) as stream:
                parts.append(Part(place, stream))
        return places, parts

    def _open_all(self, scan: Scan) -> list[SparkColumns]:
        tables = [self._columns(source.location) for source in scan.sources]
        first = scan.sources[0].location
        for source, table in zip(scan.sources, tables, strict=True):
            _refuse_unfit(source, table)
            if table.rows != tables[0].rows:
                raise EvidenceError(
                    f"{source.location}: {table.rows:,} rows where {first} has "
                    f"{tables[0].rows:,}. Write one row for each of its rows."
                )
        return tables


def _union(sources: Sequence[Source], tables: Sequence[SparkColumns]) -> "DataFrame":
    """The rows of all tables: the table's number `s`, the identifier `k`, and all columns."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as everybody calls it

    kinds = {
        _text_like(table.schema.field(source.id).type)
        for source, table in zip(sources, tables, strict=True)
    }
    if len(kinds) > 1:
        raise EvidenceError(
            f"{sources[0].location}: identifiers are {' and '.join(sorted(kinds))} in different "
            "tables. Write them as text."
        )
    frames = [
        table.frame((source.id, *source.columns))
        for source, table in zip(sources, tables, strict=True)
    ]
    parts = []
    for number, frame in enumerate(frames):
        columns = [F.lit(number).cast("byte").alias("s"), F.col("c0").cast("string").alias("k")]
        for other, (source, theirs) in enumerate(zip(sources, frames, strict=True)):
            for at in range(1, 1 + len(source.columns)):
                kind = theirs.schema[f"c{at}"].dataType
                column = F.col(f"c{at}") if other == number else F.lit(None).cast(kind)
                columns.append(column.alias(f"c{other}_{at}"))
        parts.append(frame.select(*columns))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.union(part)
    return whole


def _map(frame: "DataFrame", work: Work) -> "DataFrame":
    """What the workers make of every partition; pandas, which PySpark warns of, has no part in it.

    Newer PySpark asks for an older pandas whenever Arrow batches are handed over.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        return frame.mapInArrow(work, OUTPUT)


def _merge(task: Task[R], partials: "DataFrame", partitions: int, where: str) -> Partial[R]:
    """The values of all partitions as one; many are merged by the workers first."""
    while partitions > _MERGED_AT_ONCE:
        partitions = math.ceil(partitions / _MERGED_AT_ONCE)
        partials = _map(partials.repartition(partitions), task.merge)
    with translated(where):
        values = partials.toArrow().column(0)
    return task.merge_all(values)


def _refuse_faults(scan: Scan, rows: int, total: Partial[R]) -> None:
    first = scan.sources[0].location
    for source, faults in zip(scan.sources, total.faults, strict=True):
        if faults.nameless:
            raise EvidenceError(
                f"{source.location}: {faults.nameless:,} of {rows:,} rows have no {source.id}. "
                "Give every row an identifier."
            )
    for source, faults in zip(scan.sources, total.faults, strict=True):
        if faults.absent:
            raise EvidenceError(
                f"{source.location}: no row for {faults.absent:,} or more rows of {first}, such as "
                f"{', '.join(map(repr, faults.lost))}. Write exactly one row for each of its rows."
            )
        if faults.repeated:
            raise EvidenceError(
                f"{source.location}: {faults.repeated:,} or more values of {source.id} stand more "
                f"than once, such as {', '.join(map(repr, faults.twice))}. Give every row its own."
            )
    if total.refused:
        raise EvidenceError(total.refused[0])
    if total.rows != rows:
        raise EvidenceError(
            f"{first}: Spark reads {total.rows:,} rows where the files' footers say {rows:,}. "
            "Write the table again."
        )


def _refuse_unfit(source: Source, table: SparkColumns) -> None:
    schema = table.schema
    if table.rows > MAX_ROWS:
        raise EvidenceError(
            f"{source.location}: {table.rows:,} rows; at most {MAX_ROWS:,} are judged. Draw a "
            "sample of the rows."
        )
    for name in (source.id, *source.columns):
        found = schema.get_all_field_indices(name)
        if not found:
            raise no_column(str(source.location), name, schema.names)
        if len(found) > 1:
            raise EvidenceError(f"{source.location}: two columns are called {name!r}. Rename one.")
        if pa.types.is_nested(schema.field(name).type):
            raise EvidenceError(
                f"{source.location}: column {name!r} is {schema.field(name).type}; columns hold "
                "one value a row. Flatten it."
            )


def _text_like(kind: pa.DataType) -> str:
    """Kinds of identifiers whose texts are the same in Spark as in Arrow, by one name."""
    kind = plain(kind)
    if pa.types.is_integer(kind) or kind in (pa.string(), pa.large_string(), pa.string_view()):
        return "text"
    return str(kind)
