import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gates.errors import EvidenceError
from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import MAX_BATCH_ROWS, Scan, Source

IDS = ["c", "a", "b", "d"]


class Collect(msgspec.Struct, frozen=True):
    """All rows as tuples, as a bag."""

    def start(self) -> list[tuple[object, ...]]:
        return []

    def take(
        self, value: list[tuple[object, ...]], batch: pa.RecordBatch
    ) -> list[tuple[object, ...]]:
        assert 0 < batch.num_rows <= MAX_BATCH_ROWS
        return value + list(zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def merge(
        self, one: list[tuple[object, ...]], other: list[tuple[object, ...]]
    ) -> list[tuple[object, ...]]:
        return one + other


class Sample(msgspec.Struct, frozen=True):
    """Every seventh row by the number in its first column."""

    def start(self) -> list[tuple[int, str, float]]:
        return []

    def take(
        self, value: list[tuple[int, str, float]], batch: pa.RecordBatch
    ) -> list[tuple[int, str, float]]:
        kept = batch.filter(
            pc.equal(pc.subtract(batch[0], pc.multiply(pc.divide(batch[0], 7), 7)), 0)
        )
        return value + list(zip(*(column.to_pylist() for column in kept.columns), strict=True))

    def merge(
        self, one: list[tuple[int, str, float]], other: list[tuple[int, str, float]]
    ) -> list[tuple[int, str, float]]:
        return one + other


class Count(msgspec.Struct, frozen=True):
    """How many rows there are."""

    def start(self) -> int:
        return 0

    def take(self, value: int, batch: pa.RecordBatch) -> int:
        rows: int = batch.num_rows
        return value + rows

    def merge(self, one: int, other: int) -> int:
        return one + other


def write(
    path: Path, ids: Sequence[object], row_group_size: int = 100, **columns: object
) -> Source:
    table = pa.table({"row_id": ids, **columns})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)
    return Source(name=path.stem, location=path, id="row_id", columns=tuple(columns))


def test_tables_are_joined_row_by_row(tmp_path: Path) -> None:
    """Row groups of other sizes, and a folder of files in sorted order."""
    test = write(tmp_path / "test.parquet", IDS, 3, y=[1, 0, None, 1], s=["u", "v", "u", None])
    write(tmp_path / "new" / "part-1.parquet", IDS[1:], 2, score=[0.2, 0.3, 0.4])
    write(tmp_path / "new" / "part-0.parquet", IDS[:1], score=[0.1])
    new = Source(name="new", location=tmp_path / "new", id="row_id", columns=("score", "row_id"))
    scan = Scan(sources=(test, new))
    assert scan.columns == ("test.y", "test.s", "new.score", "new.row_id")
    engine = EmbeddedEngine()
    expected = [(1, "u", 0.1, "c"), (0, "v", 0.2, "a"), (None, "u", 0.3, "b"), (1, None, 0.4, "d")]
    assert engine.rows(scan) == 4
    assert engine.reduce(scan, Collect()) == expected
    assert engine.reduce(scan, Collect()) == expected
    scores = Scan(sources=(test, msgspec.structs.replace(new, columns=("score",))))
    others = [row[:3] for row in expected]  # of a scan that is not held, of verified tables
    assert engine.reduce(scores, Collect()) == others


def test_a_small_table_is_read_once_and_a_large_one_for_every_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "test.parquet", IDS, y=[1, 2, 3, 4])
    scan, small, large = Scan(sources=(source,)), EmbeddedEngine(), EmbeddedEngine()
    assert small.reduce(scan, Collect()) == [(1,), (2,), (3,), (4,)]
    monkeypatch.setattr("gates.tables.embedded._HELD_BYTES", 4 * 8 - 1)
    assert large.reduce(scan, Collect()) == [(1,), (2,), (3,), (4,)]
    source.location.unlink()
    assert small.reduce(scan, Collect()) == [(1,), (2,), (3,), (4,)]
    with pytest.raises(EvidenceError, match=r"test\.parquet"):
        large.reduce(scan, Collect())


def test_no_row(tmp_path: Path) -> None:
    scan = Scan(sources=(write(tmp_path / "test.parquet", [], y=[]),))
    assert EmbeddedEngine().reduce(scan, Count()) == 0


@pytest.mark.parametrize(
    ("test_ids", "ids", "says"),
    [
        (IDS, ["c", "a", "b"], "3 rows where .*test.parquet has 4"),
        (IDS, ["c", "a", "b", "e"], "no row for 1 or more rows of .*test.parquet, such as 'd'"),
        (IDS, ["c", "c", "b", "a"], "no row for 1 or more rows of .*, such as 'd'"),
        (["b", "b", "a"], ["b", "a", "b"], "test.parquet: 1 or more values .* such as 'b'"),
        (IDS, ["c", "a", "b", None], "1 of 4 rows from row 1 on have no row_id"),
        ([*IDS, None], [*IDS, "e"], "have no row_id"),
        ([*IDS, "a"], [*IDS, "a"], "1 or more values of row_id stand more than once, such as 'a'"),
        ([3, 1, 3], [3, 1, 3], "such as '3'"),
        ([1, 2, 2], ["1", "2", "2"], "such as '2'"),
    ],
    ids=[
        "too few",
        "another",
        "repeated",
        "repeated in both",
        "missing",
        "missing in the first",
        "twice",
        "a number",
        "mixed",
    ],
)
def test_identifiers_that_name_no_row_are_refused(
    tmp_path: Path, test_ids: list[object], ids: list[object], says: str
) -> None:
    test = write(tmp_path / "test.parquet", test_ids, y=[1] * len(test_ids))
    new = write(tmp_path / "new.parquet", ids, score=[0.5] * len(ids))
    with pytest.raises(EvidenceError, match=says):
        EmbeddedEngine().reduce(Scan(sources=(test, new)), Count())


def test_numbers_and_their_text_name_the_same_rows(tmp_path: Path) -> None:
    test = write(tmp_path / "test.parquet", [7, 5, 6], y=[1, 2, 3])
    new = write(tmp_path / "new.parquet", ["7", "5", "6"], score=[0.1, 0.2, 0.3])
    found = EmbeddedEngine().reduce(Scan(sources=(test, new)), Collect())
    assert found == [(1, 0.1), (2, 0.2), (3, 0.3)]


@pytest.mark.parametrize("rows", [7, 7_000], ids=["one part", "eight parts"])
def test_tables_in_different_orders_are_joined(
    tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gates.tables.join.PART_ROWS", 1_000)
    places = np.random.default_rng(0).permutation(rows).tolist()
    scores = [at / rows for at in places]
    test = write(
        tmp_path / "test.parquet",
        range(rows),
        rows,
        y=range(rows),
        s=["u", "v"] * (rows // 2) + ["u"] * (rows % 2),
    )
    new = write(tmp_path / "new.parquet", places, rows, score=scores)
    scan = Scan(sources=(test, new))
    engine = EmbeddedEngine()
    for _ in range(2):
        found = engine.reduce(scan, Sample())
        assert len(found) == -(-rows // 7)
        assert all((score, s) == (y / rows, "uv"[y % 2]) for y, s, score in found)
    folder = engine._folder
    assert [*folder.glob("*")]
    del engine
    assert not folder.exists()


def test_a_column_that_is_not_there_or_is_nested_is_refused(tmp_path: Path) -> None:
    test = write(tmp_path / "test.parquet", IDS, y=[[1]] * 4)
    with pytest.raises(EvidenceError, match=r"'y' is list<.*Flatten it"):
        EmbeddedEngine().reduce(Scan(sources=(test,)), Count())
    other = msgspec.structs.replace(test, columns=("z",))
    with pytest.raises(EvidenceError, match="no column 'z'; it has row_id, y"):
        EmbeddedEngine().rows(Scan(sources=(other,)))
    unnamed = msgspec.structs.replace(test, id="row_id", location=tmp_path / "predictions.parquet")
    pq.write_table(pa.table({"patient": ["a"], "y": [0.5]}), unnamed.location)
    with pytest.raises(EvidenceError, match="Call the column that identifies a row `row_id` there"):
        EmbeddedEngine().rows(Scan(sources=(unnamed,)))


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    test = write(tmp_path / "test.parquet", list(range(1_000)), y=list(range(1_000)))
    content = test.location.read_bytes()
    test.location.write_bytes(content[:-40])
    with pytest.raises(EvidenceError, match="not readable as Parquet"):
        EmbeddedEngine().rows(Scan(sources=(test,)))
    spoilt = bytearray(content)
    spoilt[4:2_000] = bytes(1_996)
    test.location.write_bytes(bytes(spoilt))
    with pytest.raises(EvidenceError, match=r"cannot be read"):
        EmbeddedEngine().reduce(Scan(sources=(test,)), Count())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    source = Source(name="t", location=tmp_path, id="row_id", columns=())
    with pytest.raises(EvidenceError, match="a folder without part files"):
        EmbeddedEngine().rows(Scan(sources=(source,)))


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    """Arrow's memory, not NumPy's: identifiers out of order are hashed to files."""
    rows = 400_000
    ids = (np.arange(rows) * 7_919 % rows).tolist()
    test = write(tmp_path / "test.parquet", ids, rows, y=np.zeros(rows))
    tracemalloc.start()
    assert EmbeddedEngine().reduce(Scan(sources=(test,)), Count()) == rows
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()
