"""Sample rows of a test table as a service is sent them: JSON by the column dictionary."""

import datetime as dt
import decimal
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary, Type
from gates.tables.arrow import indices_of
from gates.tables.table import Table

SAMPLE_ROWS = 64
Row = Mapping[str, Any]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with their identifiers; each row holds the features and nothing else."""

    ids: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """Each row as the body of a request."""
        return tuple(msgspec.json.encode(row) for row in self.rows)


def draw_sample(path: Path, dictionary: ColumnDictionary, count: int = SAMPLE_ROWS) -> Sample:
    """Rows evenly spaced over a test table, so that no part of it is left out.

    Raises:
        EvidenceError: the table lacks a feature, or one of them cannot be sent as JSON.
    """
    table = Table(path)
    names = dictionary.features
    if missing := [name for name in (dictionary.id, *names) if name not in table]:
        raise EvidenceError(f"{path}: no column {missing[0]!r}. Write it, or mend the dictionary.")
    if images := [name for name in names if dictionary.columns[name].type is Type.IMAGE]:
        raise EvidenceError(f"{path}: {images[0]!r} is an image, which is not sent as JSON.")
    at = np.unique(np.linspace(0, table.rows - 1, min(count, table.rows)).astype(np.intp))
    places = indices_of(at)
    columns = [[_plain(v) for v in table.column(name).take(places).to_pylist()] for name in names]
    rows = tuple(dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
    ids = tuple(table.texts(dictionary.id).take(places).to_pylist())
    return Sample(ids=ids, rows=rows)


def _plain(value: Any) -> Any:
    """What JSON has: a missing number is null as any other missing value."""
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def answer_columns(task: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the numbers that a service answers each row with, as in a prediction table."""
    if task == "multiclass":
        return tuple(f"score_{name}" for name in classes)
    return ("prediction",) if task == "regression" else ("score",)
