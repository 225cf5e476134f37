from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.errors import EvidenceError
from gates.tables.table import Categories, Table


def categories(path: Path, column: pa.Array, row_group_size: int = 100) -> Categories:
    pq.write_table(pa.table({"column": column}), path, row_group_size=row_group_size)
    return Table(path).categories("column")


@pytest.mark.parametrize(
    ("column", "levels", "codes"),
    [
        (pa.array(["b", "a", None, "b"]), ("a", "b"), [1, 0, -1, 1]),
        (pa.array(["b", "a", None, "b"], pa.large_string()), ("a", "b"), [1, 0, -1, 1]),
        (pa.array(["b", "a", None, "b"], pa.string_view()), ("a", "b"), [1, 0, -1, 1]),
        (pa.array(["b", "a"]).dictionary_encode(), ("a", "b"), [1, 0]),
        (pa.DictionaryArray.from_arrays([1, None], ["unused", "b"]), ("b",), [0, -1]),
        (pa.array([10, 9, None]), ("10", "9"), [0, 1, -1]),
        (pa.array([0.5, float("nan"), None]), ("0.5",), [0, -1, -1]),
        (pa.array([True, False]), ("false", "true"), [1, 0]),
        (pa.array([None, None], pa.string()), (), [-1, -1]),
        (pa.array([], pa.string()), (), []),
        (pa.array(["ß", "z", "a😀"]), ("a😀", "z", "ß"), [2, 1, 0]),
    ],
    ids=[
        "text",
        "large text",
        "views of text",
        "a dictionary",
        "an unused level",
        "whole numbers",
        "NaN",
        "booleans",
        "all missing",
        "no row",
        "code points",
    ],
)
def test_a_column_is_codes_into_the_levels_that_occur(
    tmp_path: Path, column: pa.Array, levels: tuple[str, ...], codes: list[int]
) -> None:
    found = categories(tmp_path / "t.parquet", column)
    assert (found.levels, found.codes.tolist()) == (levels, codes)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_text_is_one_thing_however_it_is_stored(tmp_path: Path, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"column": pa.array(["b", None, "b"], kind)}), tmp_path / "t.parquet")
    table = Table(tmp_path / "t.parquet")
    pieces = pa.chunked_array(list(table.pieces("column")))
    for array in (table.column("column"), pieces.combine_chunks()):
        assert array.type == table.stored_type("column")
        assert array.to_pylist() == ["b", None, "b"]
    assert table.texts("column").to_pylist() == ["b", None, "b"]


def test_row_groups_with_dictionaries_of_their_own_have_the_same_levels(tmp_path: Path) -> None:
    rows = ["c", "b", "a", "b", "d", "c", None]
    found = categories(tmp_path / "t.parquet", pa.array(rows), row_group_size=2)
    assert found.levels == ("a", "b", "c", "d")
    assert found.codes.tolist() == [2, 1, 0, 1, 3, 2, -1]


def test_more_levels_than_a_dictionary_page_holds(tmp_path: Path) -> None:
    """Parquet then falls back to plain text in the middle of the column."""
    rows = [f"{at * 7919 % 100_003:012d}" for at in range(100_003)]
    found = categories(tmp_path / "t.parquet", pa.array(rows), row_group_size=200_000)
    assert found.levels == tuple(sorted(rows))
    assert np.array_equal(found.codes, [int(row) for row in rows])


def test_bytes_that_are_no_text_are_refused_by_the_name_of_their_column(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [b"\xff\xfe"]}), tmp_path / "labels.parquet")
    table = Table(tmp_path / "labels.parquet")
    for read in (table.categories, table.texts):
        with pytest.raises(EvidenceError, match=r"labels.parquet: column 'label' holds binary"):
            read("label")
