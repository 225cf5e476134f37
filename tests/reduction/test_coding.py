from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.reduction.coding import Cut, numbers_of
from gates.tables.table import Table

COLUMNS = [
    pa.array(["b", "a", None, "b"]),
    pa.array(["b", "a", None, "b"], pa.large_string()),
    pa.array(["b", "a", None]).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), ["unused", "b"]),
    pa.array([10, 9, None]),
    pa.array([0.5, float("nan"), None, -0.0]),
    pa.array([True, False, None]),
    pa.array([None, None], pa.string()),
    pa.array([], pa.string()),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_codes_are_those_of_a_table_in_memory(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"column": column}), path)
    expected = Table(path).categories("column")
    found = Cut(column="t.column", levels=expected.levels).code(column)
    missing = len(expected.levels)
    assert found.tolist() == [missing if code < 0 else code for code in expected.codes.tolist()]


def test_a_dictionary_may_hold_a_level_twice() -> None:
    column = pa.DictionaryArray.from_arrays([0, 1, 2], ["a", "b", "a"])
    assert Cut(column="t.c", levels=("a", "b")).code(column).tolist() == [0, 1, 0]


def test_a_slice_is_coded_as_it_stands() -> None:
    column = pa.array(["a", "b", None, "a"]).dictionary_encode().slice(1, 3)
    assert Cut(column="t.c", levels=("a", "b")).code(column).tolist() == [1, 2, 0]


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.float32(), pa.float64()], ids=str)
def test_an_edge_belongs_to_the_band_above(kind: pa.DataType) -> None:
    cut = Cut(column="t.age", edges=(25.0, 45.0), levels=("below", "between", "above"))
    column = pa.array([24, 25, 44, 45, 90, None], kind)
    assert cut.code(column).tolist() == [0, 1, 1, 2, 2, 3]


def test_numbers_are_read_as_a_table_reads_them(tmp_path: Path) -> None:
    columns = {
        "number": pa.array([0.5, None, float("nan")]),
        "small": pa.array([-1, None, 3], pa.int8()),
        "truth": pa.array([True, None, False]),
        "day": pa.array([0, None, 1], pa.date32()),
        "time": pa.array([0, None, 1], pa.timestamp("ms")),
        "coded": pa.array([7, None, 7]).dictionary_encode(),
    }
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(columns), path)
    for name, column in columns.items():
        assert np.array_equal(numbers_of(column), Table(path).numbers(name), equal_nan=True)
