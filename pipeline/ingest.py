"""Stage `ingest`: the raw yearly batches become one table of people, each row with its id."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dictionary import Dictionary, read_dictionary
from pipeline.stage import OUT, StageError, read_params, run
from pipeline.tables import read_table, write_table

RAW = Path("data/raw")
MISSING = "?"
LABEL = "income_gt_50k"
LABELS = {"50000+.": True, "- 50000.": False}
YOUNGEST_WORKER_YEARS = 16
ARROW_TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
}


class IngestParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which survey years are read, and which people of them."""

    batches: tuple[int, ...]
    population: Literal["workers", "all"]


def make_row_ids(batch: pa.Table) -> pa.Array:
    """Hashes each raw row together with its position in its own batch.

    So an id depends on no other batch, and two people who answered alike have two ids.

    Returns:
        16 hexadecimal digits a row (BLAKE2b, 8 bytes).
    """
    texts = [column.cast(pa.string()).combine_chunks() for column in batch.columns]
    position = pa.array(range(batch.num_rows), pa.int64()).cast(pa.string())
    rows = pc.binary_join_element_wise(*texts, position, "\x1f")
    digests = (hashlib.blake2b(row.encode(), digest_size=8).hexdigest() for row in rows.to_pylist())
    return pa.array(digests, pa.string())


def read_label(raw: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turns the publisher's two texts into a boolean; raises on any third."""
    unknown = set(pc.unique(raw).to_pylist()) - set(LABELS)
    if unknown:
        raise StageError(f"{LABEL}: unknown value {min(map(str, unknown))!r}; known: {LABELS}")
    return pc.equal(raw, next(text for text, value in LABELS.items() if value))


def mark_missing(raw: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turns the literal question mark into a real missing value; "NA" is an answer and stays."""
    return pc.if_else(pc.equal(raw, MISSING), pa.scalar(None, raw.type), raw)


def convert_column(raw: pa.ChunkedArray, name: str, kind: str) -> pa.ChunkedArray:
    """Gives one raw column the type that the dictionary promises."""
    if name == LABEL:
        return read_label(raw)
    if name == "year":
        raw = pc.add(raw, 1900)
    target = ARROW_TYPES[kind]
    values = raw.cast(target)
    return mark_missing(values) if pa.types.is_string(target) else values


def ingest_batch(batch: pa.Table, year: int, dictionary: Dictionary) -> pa.Table:
    """Types one raw batch and gives it row ids; raises where it isn't what its name says."""
    expected = set(dictionary.columns) - {dictionary.only("id")}
    if set(batch.column_names) != expected:
        unlike = ", ".join(sorted(expected ^ set(batch.column_names)))
        raise StageError(f"batch {year}: columns differ from the dictionary: {unlike}")
    years = pc.unique(batch["year"]).to_pylist()
    if years != [year - 1900]:
        raise StageError(f"batch {year}: holds rows of the years {years}; one year a batch")
    columns = {dictionary.only("id"): make_row_ids(batch)}
    for name, column in dictionary.columns.items():
        if column.role != "id":
            columns[name] = convert_column(batch[name], name, column.type)
    return pa.table({name: columns[name] for name in dictionary.columns})


def select_workers(people: pa.Table) -> pa.Table:
    """Keeps who is 16 or older and worked at least a week of the year before."""
    grown_up = pc.greater_equal(people["age"], YOUNGEST_WORKER_YEARS)
    return people.filter(pc.and_(grown_up, pc.greater(people["weeks_worked"], 0)))


def ingest(batches: Sequence[pa.Table], params: IngestParams, dictionary: Dictionary) -> pa.Table:
    """Makes one table of all batches, in their order; raises when two rows share an id."""
    years = zip(batches, params.batches, strict=True)
    people = pa.concat_tables([ingest_batch(batch, year, dictionary) for batch, year in years])
    ids = people[dictionary.only("id")]
    if pc.count_distinct(ids).as_py() != people.num_rows:
        raise StageError("row ids are not unique; ingest.batches may name a batch twice")
    return select_workers(people) if params.population == "workers" else people


def main() -> None:
    """Runs the stage on the files of the repository."""
    params = read_params("ingest", IngestParams)
    batches = [read_table(RAW / f"census_{year}.parquet") for year in params.batches]
    write_table(ingest(batches, params, read_dictionary()), OUT / "workers.parquet")


if __name__ == "__main__":
    run(main)
