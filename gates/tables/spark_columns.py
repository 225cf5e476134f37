"""Columns of Parquet files as Spark reads them: as a data frame, and whole, in their order."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gates.errors import EvidenceError
from gates.tables.arrow import values_of
from gates.tables.hadoop import escape, translated
from gates.tables.parts import CODED_TEXT, Part, common_schema
from gates.tables.spark_types import restore, spark_type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MAX_CELLS_AT_ONCE = 20_000_000  # a smaller table is brought whole, by one job of Spark's


class SparkColumns:
    """The columns of a table, which lies in one or more files; a `Reader` by Spark."""

    def __init__(
        self, session: "SparkSession", places: Sequence[str], parts: Sequence[Part]
    ) -> None:
        """Read from these places in this order, whose footers are these.

        Raises:
            EvidenceError: a part differs from the others.
        """
        self._session = session
        self._places = [*places]
        self._parts = [*parts]
        self._brought: dict[str, pa.ChunkedArray] = {}
        self.schema: pa.Schema = common_schema(parts)
        self.rows: int = sum(part.metadata.num_rows for part in parts)

    def read(self, name: str, *, coded: bool) -> pa.ChunkedArray:
        """A column in the order of the files and of the rows in each."""
        if name not in self._brought:
            small = self.rows * len(self.schema) <= MAX_CELLS_AT_ONCE
            self._brought = self._bring({*self._types, name} if small else {name})
        column = self._brought[name]
        if coded and pa.types.is_string(column.type):
            return column.dictionary_encode().cast(CODED_TEXT)
        return column

    def pieces(self, name: str) -> Iterator[pa.Array]:
        """The column, coded, piece by piece in the order of the rows."""
        yield from self.read(name, coded=True).chunks

    def stored_bytes(self, name: str) -> int:
        """What a column takes in all files, compressed."""
        return sum(part.stored_bytes(name) for part in self._parts)

    def frame(self, names: Sequence[str]) -> "DataFrame":
        """The named columns as `c0`, `c1` …, and what Spark knows of a row's place.

        Raises:
            EvidenceError: Spark has no type for a column, or cannot read the files.
        """
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as everybody calls it
        from pyspark.sql.types import StructType  # noqa: PLC0415

        wanted = StructType()
        for name in dict.fromkeys(names):
            if name not in self._types:
                raise self._refusal(name)
            wanted = wanted.add(name, self._types[name])
        read = self._session.read.schema(wanted).options(
            datetimeRebaseMode="CORRECTED", int96RebaseMode="CORRECTED", recursiveFileLookup=True
        )
        with translated(self._places[0]):
            rows = read.parquet(*map(escape, self._places))
        chosen = [F.col(_quote(name)).alias(f"c{at}") for at, name in enumerate(names)]
        place = F.col("_metadata.file_name"), F.col("_metadata.row_index")
        return rows.select(*chosen, *place)

    @cached_property
    def _types(self) -> dict[str, str]:
        stored = {field.name: at for at, field in enumerate(self._parts[0].schema)}
        columns = self._parts[0].metadata.schema
        found = {
            field.name: spark_type(field.type, columns.column(stored[field.name]))
            for field in self.schema
        }
        return {name: kind for name, kind in found.items() if kind is not None}

    def _bring(self, names: set[str]) -> dict[str, pa.ChunkedArray]:
        ordered = [name for name in self.schema.names if name in names]
        frame = self.frame(ordered)
        with translated(self._places[0]):
            table = frame.toArrow()
        table = table.take(self._order(table))
        return {
            name: restore(table.column(at), self.schema.field(name).type)
            for at, name in enumerate(ordered)
        }

    def _order(self, table: pa.Table) -> pa.Array:
        """Where each row of the files stands in what Spark brought, in any order."""
        counts = [part.metadata.num_rows for part in self._parts]
        names = [place.rsplit("/", 1)[-1] for place in self._places]
        first = dict(zip(names, np.cumsum([0, *counts[:-1]]), strict=True))
        files = table.column("file_name").combine_chunks().dictionary_encode()
        offsets = np.array([first[name] for name in files.dictionary.to_pylist()], dtype=np.int64)
        inside = values_of(table.column("row_index").combine_chunks(), np.int64)
        places = offsets[values_of(files.indices, np.int32)] + inside if len(table) else inside
        order = np.full(self.rows, -1)
        order[places] = np.arange(len(places))
        if len(places) != self.rows or (order < 0).any():
            raise EvidenceError(
                f"{self._places[0]}: Spark reads {len(table):,} rows where the files' footers say "
                f"{self.rows:,}. Write the table again."
            )
        return pa.array(order)

    def _refusal(self, name: str) -> EvidenceError:
        return EvidenceError(
            f"{self._places[0]}: column {name!r} is {self.schema.field(name).type}, which Spark "
            "does not read. Write it as a number, a text or a timestamp, or judge without "
            "--engine spark."
        )


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
