"""Parquet in and out: always whole, always the same bytes for the same rows."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.stage import StageError


def read_table(path: Path) -> pa.Table:
    """Reads a table; raises `StageError` where there is none."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise StageError(f"{path}: not a table that can be read: {error}") from error


def write_table(table: pa.Table, path: Path) -> None:
    """Writes a table under a temporary name first, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    pq.write_table(
        table.replace_schema_metadata(None).combine_chunks(),
        unfinished,
        compression="zstd",
        use_dictionary=True,
    )
    os.replace(unfinished, path)  # noqa: PTH105 - the rename that is atomic, said plainly


def write_text(text: str, path: Path) -> None:
    """Writes a small text file the same way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)  # noqa: PTH105 - as above
