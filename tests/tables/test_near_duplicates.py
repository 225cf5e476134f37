"""Rows that are equal in all but a few columns: none missed, none invented, and a cap is said."""

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

from gates.tables.near_duplicates import NearDuplicates, find_near_duplicates
from gates.tables.table import Table

NAMES = ("a", "b", "c", "d")
Rows = list[tuple[Any, ...]]


def stored(folder: Path, name: str, rows: Rows) -> Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(NAMES)
    kinds = (pa.int64(), pa.float64(), pa.string(), pa.int64())
    arrays = [pa.array(list(each), kind) for each, kind in zip(columns, kinds, strict=True)]
    pq.write_table(pa.table(dict(zip(NAMES, arrays, strict=True))), folder / name, row_group_size=3)
    return Table(folder / name)


def search(folder: Path, asked: Rows, pool: Rows, **limits: int) -> NearDuplicates:
    tables = stored(folder, "asked", asked), stored(folder, "pool", pool)
    here = np.repeat([True, False], [len(asked), len(pool)])
    cut = [len(asked)]
    return find_near_duplicates(NAMES, tables, np.split(here, cut), np.split(~here, cut), **limits)


def pairs(found: NearDuplicates, asked: int) -> list[tuple[int, int, int]]:
    both = (found.rows, found.twins - asked, found.differing)
    return list(zip(*(each.tolist() for each in both), strict=True))


def test_which_rows_are_nearly_equal(tmp_path: Path) -> None:
    asked: Rows = [(1, 1.5, "x", 7), (2, None, "y", 8)]
    pool: Rows = [
        (1, 1.5, "x", 7),  # equal
        (1, 9.9, "x", 7),  # one column differs
        (0, 9.9, "x", 7),  # two
        (0, 9.9, "z", 7),  # three
        (2, None, None, 9),  # two: missing equals missing, and nothing else
    ]
    found = search(tmp_path, asked, pool)
    assert pairs(found, 2) == [(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 4, 2)]
    assert found.complete


VALUE = st.tuples(
    st.integers(0, 2),
    st.sampled_from([0.5, 1.5, None]),
    st.sampled_from(["x", "y", None]),
    st.integers(0, 2),
)
SOME = st.lists(VALUE, max_size=15)


@settings(max_examples=80, deadline=None)
@given(asked=SOME, pool=SOME, differing=st.integers(0, 3))
def test_none_is_missed_and_none_invented(asked: Rows, pool: Rows, differing: int) -> None:
    with TemporaryDirectory() as folder:
        found = search(Path(folder), asked, pool, differing=differing)
    truth = []
    for (at, row), (place, twin) in product(enumerate(asked), enumerate(pool)):
        unlike = sum(mine != other for mine, other in zip(row, twin, strict=True))
        if unlike <= differing:
            truth.append((at, place, unlike))
    assert pairs(found, len(asked)) == truth
    assert found.complete


@settings(max_examples=40, deadline=None)
@given(asked=SOME, pool=SOME, most_pairs=st.integers(1, 20))
def test_a_cap_is_said_and_what_is_found_is_true(asked: Rows, pool: Rows, most_pairs: int) -> None:
    with TemporaryDirectory() as folder:
        everything = search(Path(folder), asked, pool)
        found = search(Path(folder), asked, pool, most_pairs=most_pairs)
    assert set(pairs(found, len(asked))) <= set(pairs(everything, len(asked)))
    if found.complete:
        assert pairs(found, len(asked)) == pairs(everything, len(asked))


def test_too_many_candidates_are_not_called_none(tmp_path: Path) -> None:
    rows: Rows = [(0, 0.5, "x", at) for at in range(30)]
    found = search(tmp_path, rows, rows, most_pairs=10)
    assert not found.complete


def test_a_key_takes_more_columns_while_it_tells_too_little(tmp_path: Path) -> None:
    rows: Rows = [(at, at / 2, "x", 0) for at in range(40)]
    found = search(tmp_path, rows, rows, differing=0, most_pairs=50)
    assert found.complete
    assert pairs(found, 40) == [(at, at, 0) for at in range(40)]


def test_rows_of_one_table_are_compared_with_the_rest_of_it(tmp_path: Path) -> None:
    table = stored(tmp_path, "one", [(1, 1.5, "x", 7), (1, 1.5, "x", 8), (1, 1.5, "x", 9)])
    drawn = np.array([False, True, False])
    found = find_near_duplicates(NAMES, [table], [drawn], [~drawn], differing=1)
    assert list(zip(found.rows.tolist(), found.twins.tolist(), strict=True)) == [(1, 0), (1, 2)]


def test_more_columns_than_may_differ_are_needed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 columns; more than 4"):
        search(tmp_path, [(1, 1.5, "x", 7)], [], differing=4)
