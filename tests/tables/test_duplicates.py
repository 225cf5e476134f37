"""Equal rows of several tables: which values are one, and that no hash is believed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.tables.duplicates import Duplicates, find_duplicates
from gates.tables.mixing import Words, mix_words
from gates.tables.table import Table

NAN = float("nan")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BIG = 2**53


def stored(path: Path, **columns: Any) -> Table:
    arrays = {n: v if isinstance(v, pa.Array) else pa.array(v) for n, v in columns.items()}
    pq.write_table(pa.table(arrays), path, row_group_size=3)
    return Table(path)


def shared(tmp_path: Path, one: Any, other: Any) -> list[int]:
    """Places in `one` whose value stands in `other` too."""
    tables = [stored(tmp_path / "one", x=one), stored(tmp_path / "other", x=other)]
    return in_second(find_duplicates(["x"], tables))


def in_second(found: Duplicates) -> list[int]:
    return list(found.rows[0][np.isin(found.codes[0], found.codes[1])])


def coded(values: list[Any], index: pa.DataType | None = None) -> pa.Array:
    encoded = pa.array(values).dictionary_encode()
    return encoded.cast(pa.dictionary(index or pa.int32(), encoded.type.value_type))


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        pytest.param([1, 2], [1.0, 3.0], [0], id="integer and float"),
        pytest.param(pa.array([0.5, 0.1], pa.float32()), [0.5, 0.1], [0], id="float32 and float64"),
        pytest.param(pa.array([1, 2], pa.int8()), [1, 3], [0], id="widths of integers"),
        pytest.param([True, False], [1, 3], [0], id="boolean and integer"),
        pytest.param([True, False], [1.0, 3.0], [0], id="boolean and float"),
        pytest.param([0.0, 1.0], [-0.0, 2.0], [0], id="minus zero"),
        pytest.param([None, 1.0], [NAN, 2.0], [0], id="null and NaN"),
        pytest.param([None, 0], [None, 1], [0], id="null is not 0"),
        pytest.param([None, 5], [0, 6], [], id="null is not 0 elsewhere"),
        pytest.param([None, 5], [NAN, 6.0], [0], id="null integer and NaN"),
        pytest.param([BIG, 7], [BIG + 1, 8], [], id="identifiers above 2^53"),
        pytest.param([BIG + 1, BIG], [float(BIG), 7.0], [1], id="large integer and float"),
        pytest.param([-BIG - 1, -BIG], [-float(BIG), 7.0], [1], id="large negative and float"),
        pytest.param([2**60 + 256, 2**60], [2.0**60, 7.0], [1], id="2^60 and what rounds to it"),
        pytest.param(
            pa.array([2**64 - 1, 5], pa.uint64()), [-1, 5], [1], id="uint64 does not wrap"
        ),
        pytest.param(
            pa.array([2**64 - 1, 2**63], pa.uint64()), [2.0**63, 1.5], [1], id="uint64 and float"
        ),
        pytest.param(coded(["a", "b"]), ["a", "c"], [0], id="dictionary and text"),
        pytest.param(coded(["a", "b"], pa.int8()), ["a", "c"], [0], id="small dictionary"),
        pytest.param(
            pa.array(["a", "b"], pa.large_string()), ["a", "c"], [0], id="large and small text"
        ),
        pytest.param(coded([1, 2]), [1.0, 3.0], [0], id="dictionary of numbers"),
        pytest.param(["", "b"], [None, "c"], [], id="empty text is not null"),
        pytest.param([None, "b"], [None, "c"], [0], id="null text"),
        pytest.param(["a", "b"] * 3, ["b", "z", "y", "x"], [1, 3, 5], id="several row groups"),
        pytest.param(["1", "2"], [1, 3], [0], id="number and its text"),
        pytest.param(["é" * 90 + "x"], ["é" * 90 + "y"], [], id="long text"),
        pytest.param(
            pa.array([NOON, NOON + timedelta(1)], pa.timestamp("s", "UTC")),
            pa.array([NOON, NOON + timedelta(microseconds=1)], pa.timestamp("us", "UTC")),
            [0],
            id="units of timestamps",
        ),
        pytest.param(
            pa.array([-1, 0], pa.timestamp("us")),
            pa.array([-1000, 1], pa.timestamp("ns")),
            [0],
            id="before 1970",
        ),
        pytest.param(
            pa.array([2**62, 0], pa.timestamp("ms")),
            pa.array([0, 1], pa.timestamp("ns")),
            [1],
            id="an instant that nanoseconds cannot hold",
        ),
        pytest.param(
            [date(2026, 3, 1), date(2026, 3, 2)],
            pa.array([datetime(2026, 3, 1), NOON.replace(tzinfo=None)]),  # noqa: DTZ001
            [0],
            id="date and timestamp",
        ),
        pytest.param(
            [Decimal("1.10"), Decimal("2.00")],
            [Decimal("1.1"), Decimal("3.0")],
            [0],
            id="scales of decimals",
        ),
        pytest.param(
            [Decimal("12345678901234567890.1")],
            [Decimal("12345678901234567890.2")],
            [],
            id="decimals that one float holds",
        ),
        pytest.param([1.5, 2.5], [], [], id="empty"),
    ],
)
def test_which_values_are_one(tmp_path: Path, one: Any, other: Any, places: list[int]) -> None:
    other = pa.array([], pa.float64()) if isinstance(other, list) and not other else other
    assert shared(tmp_path, one, other) == places


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", a=[1, 2], b=["x", "y"])
    other = stored(tmp_path / "other", b=["y", "x"], a=[1, 1])
    assert in_second(find_duplicates(["a", "b"], [one, other])) == [0]


def test_a_swap_of_two_columns_makes_no_twin(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", a=[1, 2], b=[2, 5])
    other = stored(tmp_path / "other", a=[2, 2], b=[1, 5])
    assert in_second(find_duplicates(["a", "b"], [one, other])) == [1]


def test_a_row_without_a_twin_is_not_listed(tmp_path: Path) -> None:
    table = stored(tmp_path / "one", a=[1, 2, 1, 3, 2, 4, 1])
    found = find_duplicates(["a"], [table])
    assert found.rows[0].tolist() == [0, 1, 2, 4, 6]
    assert found.groups == 2
    codes = found.codes[0].tolist()
    assert codes[0] == codes[2] == codes[4] != codes[1] == codes[3]


def collide(hashes: Words, values: Words) -> Words:
    """A hash that tells hardly anything apart."""
    return mix_words(hashes, values & np.uint64(1)) & np.uint64(1)


VALUES = st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.5, None]), st.sampled_from("ab"))
ROWS = st.lists(VALUES, min_size=1, max_size=20)
NAMES = ("a", "b", "c")


@settings(max_examples=60, deadline=None)
@given(first=ROWS, second=ROWS, extra=st.integers(0, 5))
def test_rows_are_grouped_by_their_values_even_where_hashes_collide(
    first: list[tuple[Any, ...]], second: list[tuple[Any, ...]], extra: int
) -> None:
    rows = [*first, *second]
    names = [*NAMES, *(f"d{at}" for at in range(extra))]  # some of them after rows were let go
    with TemporaryDirectory() as folder:
        tables = []
        for name, part in (("first", first), ("second", second)):
            columns = dict(zip(NAMES, map(list, zip(*part, strict=True)), strict=True))
            more = {each: pa.array([row[0] for row in part]) for each in names[3:]}
            columns["b"] = pa.array(columns["b"], pa.float64())
            tables.append(stored(Path(folder) / name, **columns, **more))
        for mix in (mix_words, collide):
            found = find_duplicates(names, tables, mix)
            codes = np.full(len(rows), -1)
            codes[found.rows[0]] = found.codes[0]
            codes[len(first) + found.rows[1]] = found.codes[1]
            twins = [rows.count(row) > 1 for row in rows]
            assert (codes >= 0).tolist() == twins
            assert all(
                (codes[i] == codes[j]) == (rows[i] == rows[j])
                for i in range(len(rows))
                for j in range(len(rows))
                if twins[i] and twins[j]
            )
            assert found.groups == len({row for row in rows if rows.count(row) > 1})


def test_a_table_of_many_twins_is_grouped_too(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    values = random.integers(0, 3, (6, 500))
    names = [f"x{at}" for at in range(6)]
    table = stored(tmp_path / "one", **dict(zip(names, values, strict=True)))
    found = find_duplicates(names, [table])
    _, codes, sizes = np.unique(values, axis=1, return_inverse=True, return_counts=True)
    assert found.groups == np.count_nonzero(sizes > 1)
    assert found.rows[0].tolist() == np.flatnonzero(sizes[codes] > 1).tolist()
