"""Synthetic tables of any size, the same for the same seed: written block by block, never whole.

Every figure of `benchmarks/` about large tables is taken on these, so that figures compare.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK_ROWS = 1 << 17  # of a row group
SEGMENT_LEVELS = {"region": 20, "plan": 4, "sex": 2, "channel": 6, "device": 3, "age_band": 8}
CATEGORY_LEVELS = {"country": 60, "shop": 900, "brand": 40, "payment": 5, "weekday": 7, "tier": 3}
COPIED, NEARLY_COPIED = 0.01, 0.005  # of the test rows: copies of training rows
CHANGED_IN_COPY = ("amount", "visits")  # one of these or both differ in a near copy
_CLASSES = 2
_EPOCH_US = 1_700_000_000_000_000

Block = Mapping[str, pa.Array]
Column = npt.NDArray[Any]


def write_evaluation(folder: Path, rows: int, seed: int = 0) -> Path:
    """Write `evaluation.parquet`: 13 columns about two models on the same rows.

    An id, a label, both models' scores and predicted labels, six segment columns of 2 to 20
    levels, and an age. The second model is worse in one region, and as good elsewhere.
    """
    path = folder / "evaluation.parquet"
    _write(path, (_evaluate(size, start, seed) for start, size in _blocks(rows)))
    return path


def write_train_and_test(
    folder: Path, rows: int, seed: int = 0, *, identifiers: bool = False
) -> tuple[Path, Path]:
    """Write `train.parquet` and `test.parquet`, `rows` each: 19 mixed features and a label.

    One test row in 100 is a copy of a training row, one in 200 a copy with one or two of
    `CHANGED_IN_COPY` changed; no other rows are alike.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "train.parquet", folder / "test.parquet"
    for path in paths:
        is_test = path is paths[1]
        blocks = (
            _mixed_rows(size, start, seed, is_test=is_test, identifiers=identifiers)
            for start, size in _blocks(rows)
        )
        _write(path, blocks)
    return paths


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    for start in range(0, rows, BLOCK_ROWS):
        yield start, min(BLOCK_ROWS, rows - start)


def _write(path: Path, blocks: Iterator[Block]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer: pq.ParquetWriter | None = None
    try:
        for block in blocks:
            table = pa.table(dict(block))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table, row_group_size=BLOCK_ROWS)
    finally:
        if writer is not None:
            writer.close()


def _evaluate(size: int, start: int, seed: int) -> Block:
    random = np.random.default_rng((seed, 1, start))
    segments = {name: random.integers(0, most, size) for name, most in SEGMENT_LEVELS.items()}
    age = np.clip(random.normal(42, 15, size), 16, 90).astype(np.int64)
    risk = (segments["region"] % 5 - 2) * 0.2 + (age - 42) * 0.01 + random.normal(-1, 1.2, size)
    label = random.random(size) < _logistic(risk)
    noise = np.where(segments["region"] == 0, 0.6, 0.25)
    old = _logistic(risk + random.normal(0, 0.25, size))
    new = _logistic(risk + random.normal(0, 1, size) * noise)
    return {
        "id": pa.array(np.arange(start, start + size)),
        "label": pa.array(label),
        "score_old": pa.array(old),
        "score_new": pa.array(new),
        "predicted_old": pa.array(old >= 1 / _CLASSES),
        "predicted_new": pa.array(new >= 1 / _CLASSES),
        **{name: _levels(name, codes) for name, codes in segments.items()},
        "age": pa.array(age),
    }


def _mixed_rows(size: int, start: int, seed: int, *, is_test: bool, identifiers: bool) -> Block:
    values = _draw_mixed(np.random.default_rng((seed, 2, start)), size)
    if is_test:
        random = np.random.default_rng((seed, 3, start))
        values = _copy_some(_draw_mixed(random, size), values, random)
    block = {
        name: _levels(name, column) if name in CATEGORY_LEVELS else _mixed_column(name, column)
        for name, column in values.items()
    }
    if not identifiers:
        return block
    side = "s" if is_test else "t"
    return {"row_id": pa.array([f"{side}{at:09d}" for at in range(start, start + size)]), **block}


def _draw_mixed(random: np.random.Generator, size: int) -> dict[str, Column]:
    income = np.round(random.lognormal(10, 0.6, size), 2)
    score = random.normal(0, 1, size)
    return {
        "income": income,
        "amount": np.round(random.gamma(2, 30, size), 2),
        "balance": np.where(random.random(size) < 0.05, np.nan, random.normal(0, 1e4, size)),
        "rating": np.where(random.random(size) < 0.02, np.nan, random.normal(3, 1, size)),
        "score": score,
        "distance": random.exponential(12, size),
        "height": random.normal(170, 10, size).astype(np.float32),
        "weight": np.round(random.normal(75, 12, size), 1).astype(np.float32),
        "age": random.integers(16, 91, size),
        "visits": random.poisson(6, size),
        "account": random.integers(1 << 53, 1 << 60, size),
        "year": random.integers(1990, 2026, size).astype(np.int32),
        "member": random.random(size) < 0.3,
        **{name: random.integers(0, most, size) for name, most in CATEGORY_LEVELS.items()},
        "label": random.random(size) < _logistic(score + 0.3 * np.log(income) - 4),
    }


def _copy_some(
    test: dict[str, Column], train: dict[str, Column], random: np.random.Generator
) -> dict[str, Column]:
    size = len(test["label"])
    copied, nearly = int(size * COPIED), int(size * NEARLY_COPIED)
    places = random.permutation(size)[: copied + nearly]
    sources = random.integers(0, size, copied + nearly)
    for name, column in test.items():
        column[places] = train[name][sources]
    if nearly:
        test[CHANGED_IN_COPY[0]][places[copied:]] += 0.25
        test[CHANGED_IN_COPY[1]][places[copied + nearly // 2 :]] += 1
    return test


def _mixed_column(name: str, values: Column) -> pa.Array:
    if name in ("balance", "rating"):  # the one with nulls, the other with NaN
        return pa.array(values, from_pandas=name == "balance")
    return pa.array(values)


def _levels(name: str, codes: Column) -> pa.Array:
    most = {**SEGMENT_LEVELS, **CATEGORY_LEVELS}[name]
    levels = pa.array([f"{name} {level}" for level in range(most)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), levels).cast(
        pa.string()
    )


def _logistic(values: Column) -> Column:
    return np.asarray(1 / (1 + np.exp(-values)))
