"""Gate `schema`: values obey the dictionary, and no column went dead."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gates.finding import Finding, Observation, Result, State
from gates.rules.schema import Schema
from gates.testing import Columns, case, evidence, items, outcome

YEAR: dict[str, Any] = {"year": "time integer"}


def entry(kind: str, **more: Any) -> dict[str, Any]:
    return {"role": "feature", "type": kind, "description": "x", **more}


def broken(found: list[Any]) -> list[str]:
    return [i.message for i in found if isinstance(i, Finding) and i.state is State.FAILED]


def shown(found: list[Any]) -> list[str]:
    return [item.message for item in found if isinstance(item, Observation)]


def labelled(values: Any) -> Columns:
    return {"x": values, "label": [at % 2 == 0 for at in range(len(values))]}


def test_a_level_that_is_not_listed_fails_with_count_and_example(tmp_path: Path) -> None:
    side = evidence(
        tmp_path / "a", {"x": entry("category", levels=["a", "b"])}, test=labelled(["a", "z", "z"])
    )
    assert broken(items(Schema(), case(side))) == [
        "'x': test.parquet has levels in 2 of 3 rows that the dictionary does not list: 'z'."
    ]


def test_a_listed_level_may_be_absent_and_a_missing_value_is_no_level(tmp_path: Path) -> None:
    side = evidence(
        tmp_path / "a", {"x": entry("category", levels=["a", "b"])}, test=labelled(["a", None])
    )
    assert outcome("schema", Schema(), case(side)).outcome is Result.PASSED


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 90], None),
        ([0, None], None),
        ([-1, 91, 30], "2 of 3 values outside [0, 90], from -1 to 91"),
        ([float("inf"), 1.0], "1 of 2 values outside [0, 90], from inf to inf"),
        ([float("nan"), 1.0], None),
    ],
)
def test_numbers_lie_in_their_range(tmp_path: Path, values: list[Any], message: str | None) -> None:
    side = evidence(tmp_path / "a", {"x": entry("number", range=[0, 90])}, test=labelled(values))
    expected = [] if message is None else [f"'x': test.parquet has {message}."]
    assert broken(items(Schema(), case(side))) == expected


@pytest.mark.parametrize(
    ("kind", "values", "fails"),
    [
        ("integer", [1.0, 2.0], False),
        ("integer", [1.0, 2.5], True),
        ("integer", [1.0, float("nan")], False),
        ("boolean", [0, 1], False),
        ("boolean", [0, 2], True),
        ("boolean", [0, None], False),
    ],
)
def test_whole_numbers_are_whole(tmp_path: Path, kind: str, values: list[Any], fails: bool) -> None:
    side = evidence(tmp_path / "a", {"x": entry(kind)}, test=labelled(values))
    assert bool(broken(items(Schema(), case(side)))) is fails


def batch(values_1995: list[Any]) -> Columns:
    """Forty rows of 1994 with two levels, then those of 1995."""
    values = ["Yes", "No"] * 20 + values_1995
    return {
        "x": pa.array(values, pa.string()),
        "year": [1994] * 40 + [1995] * len(values_1995),
        "label": [at % 2 == 0 for at in range(len(values))],
    }


@pytest.mark.parametrize(
    ("value", "text"), [(None, "every value is missing"), ("No", "every row holds 'No'")]
)
def test_a_column_dies_in_a_new_batch(tmp_path: Path, value: str | None, text: str) -> None:
    listed = {"x": entry("category"), **YEAR}
    old = evidence(tmp_path / "old", listed, test=batch([]))
    new = evidence(tmp_path / "new", listed, test=batch([value] * 40))
    assert broken(items(Schema(), case(new, old))) == [
        f"'x': in test.parquet where year = 1995 {text}; other rows have several values."
    ]


def test_a_column_that_was_dead_at_the_baseline_is_shown(tmp_path: Path) -> None:
    listed = {"x": entry("category"), **YEAR}
    old = evidence(tmp_path / "old", listed, test=batch(["No"] * 40))
    new = evidence(tmp_path / "new", listed, test=batch(["No"] * 41))
    found = items(Schema(), case(new, old))
    assert broken(found) == []
    assert shown(found) == [
        "'x': in test.parquet where year = 1995 every row holds 'No', as at the baseline."
    ]


@pytest.mark.parametrize("rows", [19, 20, 29])
def test_a_few_rows_with_one_value_are_chance(tmp_path: Path, rows: int) -> None:
    side = evidence(tmp_path / "a", {"x": entry("category"), **YEAR}, test=batch(["No"] * rows))
    assert broken(items(Schema(), case(side))) == []


def test_a_rare_value_may_be_absent_from_a_period(tmp_path: Path) -> None:
    # One row in a hundred is 1: a hundred rows without one are nothing strange.
    rows = {
        "x": [1] + [0] * 199,
        "year": [1994] * 100 + [1995] * 100,
        "label": [False, True] * 100,
    }
    side = evidence(tmp_path / "a", {"x": entry("integer"), **YEAR}, test=rows)
    assert broken(items(Schema(), case(side))) == []


def test_a_column_that_follows_from_the_year_is_left_alone(tmp_path: Path) -> None:
    rows = {
        "x": [2.5] * 40 + [2.7] * 40,
        "year": [1994] * 40 + [1995] * 40,
        "label": [False, True] * 40,
    }
    side = evidence(tmp_path / "a", {"x": entry("number"), **YEAR}, test=rows)
    found = items(Schema(), case(side))
    assert (broken(found), shown(found)) == ([], [])


def test_a_column_dies_as_a_whole(tmp_path: Path) -> None:
    listed = {"x": entry("number")}
    old = evidence(tmp_path / "old", listed, test=labelled([1.0, 2.0] * 20))
    new = evidence(tmp_path / "new", listed, test=labelled([float("nan")] * 40))
    assert broken(items(Schema(), case(new, old))) == [
        "'x': in test.parquet every value is missing; other rows have several values."
    ]
    alone = items(Schema(), case(new))
    assert broken(alone) == []
    assert shown(alone) == ["'x': in test.parquet every value is missing."]


def test_levels_that_nobody_listed_are_observed_as_they_come_and_go(tmp_path: Path) -> None:
    listed = {"x": entry("category")}
    old = evidence(tmp_path / "old", listed, test=labelled(["a", "b"]))
    new = evidence(tmp_path / "new", listed, test=labelled(["a", "c\n# @all"]))
    assert shown(items(Schema(), case(new, old))) == [
        "'x': new levels in test.parquet: 'c\\n# @all'.",
        "'x': levels gone from test.parquet: 'b'.",
    ]


def test_ignored_columns_are_not_judged_and_the_label_is(tmp_path: Path) -> None:
    listed = {"x": {**entry("number"), "role": "ignored", "range": [5, 6]}}
    side = evidence(tmp_path / "a", listed, test=labelled([1.0]))
    result = outcome("schema", Schema(), case(side))
    assert [finding.subject.column for finding in result.findings] == ["label"]
