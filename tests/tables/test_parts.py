"""A folder of part files reads like the one file that its parts make."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.errors import EvidenceError
from gates.tables.parts import ParquetReader
from gates.tables.table import Table

ROWS = {
    "text": ["b", "a", None, "c", "b"],
    "number": [0.5, float("nan"), None, 2.0, 0.5],
    "whole": [3, None, 1, 2, 2],
    "flag": [True, None, False, True, True],
}


def whole(path: Path) -> Table:
    pq.write_table(pa.table(ROWS), path)
    return Table(path)


def folder(path: Path, *parts: pa.Table) -> Table:
    path.mkdir()
    for at, part in enumerate(parts):
        pq.write_table(part, path / f"part-{at}.parquet")
    return Table(path)


def same(one: Table, other: Table) -> None:
    assert (one.names, one.rows, one.types) == (other.names, other.rows, other.types)
    for name in one.names:
        ours, theirs = one.categories(name), other.categories(name)
        assert (ours.levels, ours.codes.tolist()) == (theirs.levels, theirs.codes.tolist())
        assert one.missing(name).tolist() == other.missing(name).tolist()
        assert one.texts(name).equals(other.texts(name))
    for name in ("number", "whole", "flag"):
        assert one.numbers(name).tobytes() == other.numbers(name).tobytes()


@pytest.mark.parametrize("cut", [0, 1, 3, 5])
def test_parts_in_their_order_are_one_table(tmp_path: Path, cut: int) -> None:
    rows = pa.table(ROWS)
    parts = folder(tmp_path / "parts", rows[:cut], rows[cut:])
    same(parts, whole(tmp_path / "whole.parquet"))


def test_parts_may_code_text_each_in_its_way(tmp_path: Path) -> None:
    rows = pa.table(ROWS)
    text = rows["text"]
    coded = text[2:4].cast(pa.dictionary(pa.int8(), pa.string()))
    parts = folder(
        tmp_path / "parts",
        rows[:2].set_column(0, "text", text[:2].cast(pa.large_string())),
        rows[2:4].set_column(0, "text", coded),
        rows[4:],
    )
    same(parts, whole(tmp_path / "whole.parquet"))


def test_the_order_of_columns_may_differ(tmp_path: Path) -> None:
    rows = pa.table(ROWS)
    parts = folder(tmp_path / "parts", rows[:2], rows[2:].select(rows.column_names[::-1]))
    same(parts, whole(tmp_path / "whole.parquet"))


def test_a_folder_takes_the_bytes_of_its_parts(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, 2, 3]})
    table = folder(tmp_path / "parts", rows, rows)
    single = Table(tmp_path / "parts" / "part-0.parquet")
    assert table.stored_bytes("a") == 2 * single.stored_bytes("a")


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        (
            {"a": [1.5], "b": ["x"]},
            "part-1.parquet: column 'a' is double, and in part-0.parquet int64;",
        ),
        ({"a": [1]}, "column 'b' is not there, and in part-0.parquet string;"),
        (
            {"a": [1], "b": ["x"], "c": [1]},
            "column 'c' is int64, and in part-0.parquet not there;",
        ),
    ],
    ids=["another type", "one less", "one more"],
)
def test_parts_that_differ_are_named(
    tmp_path: Path, second: dict[str, list[object]], complaint: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        folder(tmp_path / "parts", pa.table({"a": [1], "b": ["x"]}), pa.table(second))
    assert complaint in str(caught.value)


def test_an_empty_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="parts: a folder without part files"):
        folder(tmp_path / "parts")


def test_a_part_that_is_cut_short_is_named(tmp_path: Path) -> None:
    folder(tmp_path / "parts", pa.table({"a": [1]}), pa.table({"a": [2]}))
    part = tmp_path / "parts" / "part-1.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(EvidenceError, match=r"part-1\.parquet: not readable as Parquet"):
        Table(tmp_path / "parts")


@pytest.mark.parametrize("coded", [True, False], ids=["coded", "plain"])
def test_text_that_is_none_is_refused_wherever_it_stands(tmp_path: Path, coded: bool) -> None:
    """Parquet checks nothing; whoever decodes such a value later would fall over it."""
    offsets = pa.array([0, 1, 2, 3], pa.int32()).buffers()[1]
    text = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"a\xb9b"))
    pq.write_table(pa.table({"text": text}), tmp_path / "t.parquet")
    table = Table(tmp_path / "t.parquet")
    with pytest.raises(EvidenceError, match=r"column 'text' cannot be read .*UTF"):
        _ = table.categories("text") if coded else table.texts("text")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"name": [1]}), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content.replace(b"name", b"n\xdfme"))
    with pytest.raises(EvidenceError, match="not readable as Parquet"):
        Table(tmp_path / "t.parquet")


@pytest.mark.parametrize("columns", [99, 100])
def test_a_wide_table_reads_as_a_narrow_one(tmp_path: Path, columns: int) -> None:
    """Its file stays open: to open it anew for each column takes the square of their number."""
    path = tmp_path / "t.parquet"
    texts = pa.table({f"c{at}": ["b", None, f"a{at}"] for at in range(columns - 1)})
    pq.write_table(texts.append_column("n", pa.array([3, 1, 2])), path)
    reader = ParquetReader(path)
    for _again in range(2):
        assert reader.read("c7", coded=False).to_pylist() == ["b", None, "a7"]
        coded = reader.read("c7", coded=True)
        assert pa.types.is_dictionary(coded.type)
        assert coded.to_pylist() == ["b", None, "a7"]
        assert [v for piece in reader.pieces("c8") for v in piece.to_pylist()] == ["b", None, "a8"]
        assert reader.read("n", coded=True).to_pylist() == [3, 1, 2]


def test_a_table_cut_or_flipped_anywhere_is_values_or_one_error(tmp_path: Path) -> None:
    """Cut at every 4 KiB it is refused; of 500 flipped bits each is noticed or is another value."""
    path, seed = tmp_path / "t.parquet", random.Random(7)  # noqa: S311
    texts = [f"row {seed.random()}" for _ in range(4_000)]
    pq.write_table(pa.table({"t": texts, "n": [seed.random() for _ in texts]}), path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 4096):
        path.write_bytes(whole[:at])
        with pytest.raises(EvidenceError, match="cut short"):
            ParquetReader(path)
    refused = 0
    for _ in range(500):
        spoiled = bytearray(whole)
        spoiled[seed.randrange(len(whole))] ^= 1 << seed.randrange(8)
        path.write_bytes(spoiled)
        try:
            reader = ParquetReader(path)
            for name in reader.schema.names:
                reader.read(name, coded=True)
        except EvidenceError:
            refused += 1
    assert refused > 0
