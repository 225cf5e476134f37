"""Small tables, engines that cut them up in any way, and what rows say without a reduction."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.reduction.coding import Cut
from gates.reduction.scored_rows import Columns
from gates.tables.engine import Kernel, Scan, Source

R = TypeVar("R")
COLUMNS = Columns(label="t.y", baseline="t.old", candidate="t.new", decision_threshold=0.5)
CUTS = (
    Cut(column="t.a"),
    Cut(column="t.b"),
    Cut(column="t.age", levels=("low", "high"), edges=(30.0,)),
)


class Rows(msgspec.Struct, frozen=True, eq=False):
    """What a table holds; `None` is missing."""

    labels: npt.NDArray[np.bool_]
    old: npt.NDArray[np.float64]
    new: npt.NDArray[np.float64]
    a: list[str | None]
    b: list[str | None]
    age: list[float | None]

    def batch(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_pydict(
            {
                "t.y": pa.array(self.labels.tolist(), pa.bool_()),
                "t.old": pa.array(self.old.tolist(), pa.float64()),
                "t.new": pa.array(self.new.tolist(), pa.float64()),
                "t.a": pa.array(self.a, pa.string()),
                "t.b": pa.array(self.b, pa.string()).dictionary_encode(),
                "t.age": pa.array(self.age, pa.float64()),
            }
        )


def draw_rows(rows: int, seed: int = 0, digits: int | None = None) -> Rows:
    random = np.random.default_rng(seed)
    labels = random.random(rows) < 0.4
    signal = random.normal(size=rows) + 1.5 * labels - 0.7
    old, new = (1 / (1 + np.exp(-signal - random.normal(0, 0.4, rows))) for _ in range(2))
    if digits is not None:
        old, new = old.round(digits), new.round(digits)
    return Rows(
        labels,
        old,
        new,
        [[None, "x", "y", "z"][at] for at in random.choice(4, rows, p=[0.1, 0.2, 0.3, 0.4])],
        [["p", "q"][at] for at in random.integers(0, 2, rows)],
        [[None, float("nan"), 20.0, 30.0, 44.0][at] for at in random.integers(0, 5, rows)],
    )


class CutUp:
    """An engine that reads one table in the given batches, each on its own, merged in an order."""

    def __init__(self, rows: Rows, starts: Sequence[int] = (0,), seed: int = 0) -> None:
        batch = rows.batch()
        ends = [*starts[1:], batch.num_rows]
        self.batches = [batch.slice(a, b - a) for a, b in zip(starts, ends, strict=True)]
        self.count: int = batch.num_rows
        self.random = np.random.default_rng(seed)

    def rows(self, scan: Scan) -> int:
        assert scan.sources
        return self.count

    def reduce(self, scan: Scan, kernel: Kernel[R]) -> R:
        assert scan.sources
        values = [kernel.take(kernel.start(), batch) for batch in self.batches] or [kernel.start()]
        while len(values) > 1:
            one, other = sorted(self.random.choice(len(values), 2, replace=False).tolist())
            last, first = values.pop(other), values.pop(one)
            values.append(
                kernel.merge(first, last)
                if self.random.random() < 0.5
                else kernel.merge(last, first)
            )
        return values[0]

    def share_identifiers(self, one: Source, other: Source) -> bool:
        return one.location == other.location


def scan_of() -> Scan:
    return Scan(sources=(Source(name="t", location=Path("t"), id="id", columns=()),))


def members(values: Sequence[str | None], level: str | None) -> npt.NDArray[np.intp]:
    return np.flatnonzero([value == level for value in values])
