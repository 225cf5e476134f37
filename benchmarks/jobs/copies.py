"""Test rows with a near copy in train, by what the gate asks: one column off, texts, pictures."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.jobs import TEST, TRAIN
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import BLOCK_ROWS
from gates.tables.near_hashes import find_near_hashes, parse_hashes
from gates.tables.near_texts import find_near_texts
from gates.tables.one_off import find_one_off
from gates.tables.rounded import RoundedTable
from gates.tables.table import Table

COPIED = 0.01  # of the test rows
BITS_CHANGED = 4
_WORDS, _FEWEST, _MOST = 30_000, 20, 60  # in all, and of a text

Texts = npt.NDArray[np.int64]  # a word per place, of all texts one after the other


def one_off(folder: Path) -> Prepared:
    """Test rows equal to a training row in all of 20 columns but one, numbers rounded."""

    def measure() -> Mapping[str, float]:
        test, train = Table(folder / TEST), Table(folder / TRAIN)
        asked = np.ones(test.rows, np.bool_), np.zeros(train.rows, np.bool_)
        tables = RoundedTable(test), RoundedTable(train)
        found = find_one_off(test.names, tables, asked, tuple(~each for each in asked))
        return {"test rows with a near twin": int(np.count_nonzero(found))}

    return measure


def texts(folder: Path) -> Prepared:
    """Texts of 20 to 59 words; one of 100 is a copy with one word changed."""
    rows = Table(folder / TEST).rows
    copied = _write_texts(folder, rows)

    def measure() -> Mapping[str, float]:
        test, train = Table(folder / "texts_test.parquet"), Table(folder / "texts_train.parquet")
        near = find_near_texts("text", test, train, similarity=0.7)
        return {
            "test rows with a near copy": int(np.count_nonzero(near.found)),
            "recall": float(near.found[copied].mean()) if near.complete else 0.0,
        }

    return measure


def images(folder: Path) -> Prepared:
    """Perceptual hashes; one of 100 is a copy with four bits changed at most."""
    rows = Table(folder / TEST).rows
    random = np.random.default_rng(7)
    pool, asked = (random.integers(0, 1 << 64, rows, dtype=np.uint64) for _ in range(2))
    copied = random.choice(rows, max(1, int(rows * COPIED)), replace=False)
    changed = np.zeros(len(copied), np.uint64)
    for _ in range(BITS_CHANGED):
        changed |= np.uint64(1) << random.integers(0, 64, len(copied), dtype=np.uint64)
    asked[copied] = random.choice(pool, len(copied)) ^ changed
    written = [pa.array([f"{word:016x}" for word in words.tolist()]) for words in (asked, pool)]

    def measure() -> Mapping[str, float]:
        (mine, _), (theirs, _) = (parse_hashes(texts) for texts in written)
        near = find_near_hashes(mine, theirs, bits=BITS_CHANGED)
        return {
            "test rows with a near copy": int(np.count_nonzero(near.found)),
            "recall": float(near.found[copied].mean()) if near.complete else 0.0,
        }

    return measure


def _write_texts(folder: Path, rows: int) -> npt.NDArray[np.intp]:
    """Write both tables; the places of the copies in the test table."""
    writers = {
        side: pq.ParquetWriter(folder / f"texts_{side}.parquet", pa.schema({"text": pa.string()}))
        for side in ("train", "test")
    }
    copied = []
    for start, size in _blocks(rows):
        random = np.random.default_rng((8, start))
        (words, ends), (mine, my_ends) = _draw(random, size), _draw(random, size)
        places = np.sort(random.choice(size, max(1, int(size * COPIED)), replace=False))
        mine, my_ends = _copy(random, (words, ends), (mine, my_ends), places)
        for side, (drawn, stops) in {"train": (words, ends), "test": (mine, my_ends)}.items():
            table = pa.table({"text": _join(drawn, stops)})
            writers[side].write_table(table, row_group_size=BLOCK_ROWS)
        copied.append(start + places)
    for writer in writers.values():
        writer.close()
    return np.concatenate(copied)


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    for start in range(0, rows, BLOCK_ROWS):
        yield start, min(BLOCK_ROWS, rows - start)


def _draw(random: np.random.Generator, size: int) -> tuple[Texts, Texts]:
    """Words as frequent as words are, and where each text ends."""
    ends = np.cumsum(random.integers(_FEWEST, _MOST, size))
    rank = random.zipf(1.3, int(ends[-1])) + random.integers(0, 200, int(ends[-1]))
    return np.minimum(rank, _WORDS - 1), ends


def _copy(
    random: np.random.Generator,
    train: tuple[Texts, Texts],
    test: tuple[Texts, Texts],
    places: npt.NDArray[np.intp],
) -> tuple[Texts, Texts]:
    """The test texts, of which some are training texts with one word changed."""
    parts = np.split(test[0], test[1][:-1])
    theirs = np.split(train[0], train[1][:-1])
    for place in places.tolist():
        text = theirs[int(random.integers(len(theirs)))].copy()
        text[int(random.integers(len(text)))] = _WORDS
        parts[place] = text
    return np.concatenate(parts), np.cumsum([len(part) for part in parts])


def _join(words: Texts, ends: Texts) -> pa.Array:
    vocabulary = pa.array([f"w{word:x}" for word in range(_WORDS + 1)])
    each = vocabulary.take(pa.array(words))
    starts = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(starts, each), " ")


JOBS: Mapping[str, Job] = {"one off": one_off, "texts": texts, "images": images}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
