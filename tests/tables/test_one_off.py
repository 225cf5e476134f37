"""Rows that differ in one column at most, whatever stands in it: none missed, none invented."""

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.tables.one_off import count_one_off, find_one_off
from gates.tables.rounded import RoundedTable
from gates.tables.table import Table

KINDS = {"a": pa.int64(), "b": pa.float64(), "c": pa.string(), "d": pa.decimal128(6, 2)}
Rows = list[tuple[Any, ...]]


def stored(folder: Path, name: str, rows: Rows) -> Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(KINDS)
    arrays = [
        pa.array(list(each), kind) for each, kind in zip(columns, KINDS.values(), strict=True)
    ]
    pq.write_table(pa.table(dict(zip(KINDS, arrays, strict=True))), folder / name, row_group_size=3)
    return Table(folder / name)


def search(folder: Path, asked: Rows, pool: Rows) -> list[bool]:
    tables = stored(folder, "asked", asked), stored(folder, "pool", pool)
    here = np.repeat([True, False], [len(asked), len(pool)])
    cut = [len(asked)]
    found = find_one_off(list(KINDS), tables, np.split(here, cut), np.split(~here, cut))
    assert not found[len(asked) :].any()
    return [bool(each) for each in found[: len(asked)]]


def test_which_rows_have_a_twin_but_for_one_column(tmp_path: Path) -> None:
    long = "the same beginning " * 5 + "{}" + " and the same end" * 5
    pool: Rows = [(1, 1.5, "x", 7), (None, None, None, None), (5, 5.5, long.format("p"), 5)]
    asked: Rows = [
        (1, 1.5, "x", 7),  # equal
        (2, 1.5, "x", 7),
        (1, 1.5, "y", 7),
        (2, 1.5, "y", 7),  # two columns differ
        (0, None, None, None),  # a null is no zero
        (0, 0.0, None, None),
        (5, 5.6, long.format("q"), 5),  # texts that differ in their midst
    ]
    assert search(tmp_path, asked, pool) == [True, True, True, False, True, False, False]


def test_how_many_twins_but_for_one_column_a_row_has(tmp_path: Path) -> None:
    pool: Rows = [(1, 1.5, "x", 7), (2, 1.5, "x", 7), (1, 1.5, "x", 8), (9, 9.5, "x", 7)]
    asked: Rows = [(3, 1.5, "x", 7), (3, 1.5, "x", 8), (9, 9.5, "x", 7)]
    tables = stored(tmp_path, "asked", asked), stored(tmp_path, "pool", pool)
    here = np.repeat([True, False], [3, 4])
    counts = count_one_off(list(KINDS), tables, np.split(here, [3]), np.split(~here, [3]))
    assert counts.tolist() == [2, 1, 4, 0, 0, 0, 0]  # the last is equal to one, in each column


VALUE = st.tuples(
    st.sampled_from([0, 1, None]),
    st.sampled_from([0.0, 1.5, None]),
    st.sampled_from(["x", "y", None]),
    st.sampled_from([0, 1, None]),
)
SOME = st.lists(VALUE, max_size=12)


@settings(max_examples=60, deadline=None)
@given(asked=SOME, pool=SOME)
def test_none_is_missed_and_none_invented(asked: Rows, pool: Rows) -> None:
    with TemporaryDirectory() as folder:
        found = search(Path(folder), asked, pool)
    unlike = {
        (mine, other): sum(a != b for a, b in zip(mine, other, strict=True))
        for mine, other in product(asked, pool)
    }
    assert found == [any(unlike[mine, other] <= 1 for other in pool) for mine in asked]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (100.0, 100.01, True),  # a part in ten thousand
        (100.0, 101.0, False),
        (-3.25e-9, -3.2501e-9, True),
        (1.0, -1.0, False),
        (0.0, -0.0, True),
        (float("inf"), float("inf"), True),
        (float("inf"), 1.7e308, False),
        (None, float("nan"), True),
    ],
)
def test_rounded_numbers(tmp_path: Path, one: Any, other: Any, same: bool) -> None:
    pq.write_table(pa.table({"x": pa.array([one, other], pa.float64())}), tmp_path / "t")
    table = RoundedTable(Table(tmp_path / "t"))
    rounded = next(piece.to_pylist() for piece in table.pieces("x"))
    first, second = (str(value) for value in rounded)
    assert (first.lstrip("-") == second.lstrip("-") if one == other else first == second) is same
    assert table.column("x").to_pylist()[0] in (rounded[0], pytest.approx(rounded[0], nan_ok=True))


def test_whole_numbers_are_not_rounded(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [100_000, 100_001]}), tmp_path / "t")
    assert RoundedTable(Table(tmp_path / "t")).column("x").to_pylist() == [100_000, 100_001]
