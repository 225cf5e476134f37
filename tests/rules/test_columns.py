"""Gate `columns`: tables and dictionary describe each other, and roles hold."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gates.finding import Finding, Observation, Result, State
from gates.rules.columns import Columns
from gates.testing import case, evidence, items, outcome

TEST = {"age": [30, 40], "label": [False, True]}


def failed(found: list[Any]) -> dict[tuple[str | None, str | None], str]:
    """Messages of what failed, by column and demand."""
    return {
        (item.subject.column, item.subject.key): item.message
        for item in found
        if isinstance(item, Finding) and item.state is State.FAILED
    }


def test_a_complete_dictionary_passes_with_a_finding_per_column(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {"age": "feature integer"}, test=TEST, train=TEST)
    result = outcome("columns", Columns(), case(side))
    assert result.outcome is Result.PASSED
    assert [finding.subject.column for finding in result.findings] == [
        None,
        "row_id",
        "label",
        "age",
    ]


def test_a_column_that_is_not_listed_fails(tmp_path: Path) -> None:
    side = evidence(
        tmp_path / "a", {"age": "feature integer"}, test={**TEST, "`</td>|@all": [1, 2]}, train=TEST
    )
    assert failed(items(Columns(), case(side))) == {
        ("`</td>|@all", "listed"): (
            "'`</td>|@all' stands in test.parquet, but not in the dictionary."
        )
    }


def test_a_listed_column_that_a_table_lacks_fails(tmp_path: Path) -> None:
    listed = {"age": "feature integer", "income": "feature number"}
    side = evidence(tmp_path / "a", listed, test={**TEST, "income": [1.0, 2.0]}, train=TEST)
    assert failed(items(Columns(), case(side))) == {
        ("income", "present"): "'income' is listed, but train.parquet has no such column."
    }


def test_an_empty_description_fails(tmp_path: Path) -> None:
    entry = {"role": "feature", "type": "integer", "description": "  "}
    side = evidence(tmp_path / "a", {"age": entry}, test=TEST)
    assert ("age", "described") in failed(items(Columns(), case(side)))


def test_a_dictionary_without_features_fails(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {"age": "ignored integer"}, test=TEST)
    result = outcome("columns", Columns(), case(side))
    assert result.outcome is Result.FAILED
    assert result.findings[0].subject.key == "features and label"


@pytest.mark.parametrize(
    ("listed", "stored", "fits"),
    [
        ("number", pa.array([1, 2]), True),
        ("number", pa.array([True, False]), False),
        ("integer", pa.array([1.0, None]), True),
        ("integer", pa.array(["1", "2"]), False),
        ("boolean", pa.array([0, 1]), True),
        ("boolean", pa.array([0.0, 1.0]), False),
        ("category", pa.array([1, 2]), True),
        ("category", pa.array([1.5, 2.0]), False),
        ("category", pa.array(["a", "b"]).dictionary_encode(), True),
        ("text", pa.array([1, 2]), False),
        ("datetime", pa.array([1, 2], pa.timestamp("s")), True),
        ("datetime", pa.array(["1994", "1995"]), False),
        ("image", pa.array(["a.png", "b.png"]), True),
    ],
)
def test_stored_types_agree_with_the_dictionary(
    tmp_path: Path, listed: str, stored: pa.Array, fits: bool
) -> None:
    side = evidence(tmp_path / "a", {"x": f"feature {listed}"}, test={"x": stored, "label": [0, 1]})
    assert (("x", "type") not in failed(items(Columns(), case(side)))) is fits


@pytest.mark.parametrize("role", ["weight", "group"])
def test_what_the_base_kept_from_the_model_may_not_become_a_feature(
    tmp_path: Path, role: str
) -> None:
    rows = {**TEST, "w": [707.9, 753.23]}
    base = {"age": "feature integer", "w": f"{role} number"}
    old = evidence(tmp_path / "old", base, test=rows)
    new = evidence(tmp_path / "new", {**base, "w": "feature number"}, test=rows)
    found = items(Columns(), case(new, old))
    assert f"but the base declares it {role}: " in failed(found)[("w", "role")]
    assert [item.message for item in found if isinstance(item, Observation)] == [
        f"'w': {role} → feature."
    ]


def test_the_bases_identifier_may_not_become_a_feature(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", {"age": "feature integer"}, test=TEST)
    listed = {"row_id": "feature text", "key": "id text", "age": "feature integer"}
    new = evidence(tmp_path / "new", listed, test={**TEST, "key": ["a", "b"]})
    assert list(failed(items(Columns(), case(new, old)))) == [("row_id", "role")]


def test_added_removed_and_changed_columns_are_observed(tmp_path: Path) -> None:
    old = evidence(
        tmp_path / "old",
        {"age": "feature integer", "gone": "ignored integer", "x": "ignored number"},
        test={**TEST, "gone": [1, 2], "x": [0.5, 1.5]},
    )
    new = evidence(
        tmp_path / "new",
        {"age": "ignored integer", "x": "feature number", "new": "feature number"},
        test={**TEST, "x": [0.5, 1.5], "new": [0.1, 0.2]},
    )
    found = items(Columns(), case(new, old))
    assert failed(found) == {}
    assert [item.message for item in found if isinstance(item, Observation)] == [
        "'age': feature → ignored.",
        "'gone': column taken out, it was ignored.",
        "'x': ignored → feature.",
        "'new': new column, feature.",
    ]


@pytest.mark.parametrize(
    ("entry", "values", "passes"),
    [
        ("feature category", [f"c{at}" for at in range(100)], False),
        ("feature category", [f"c{at % 95}" for at in range(100)], False),  # exactly at the share
        ("feature category", [f"c{at % 94}" for at in range(100)], True),
        ("feature category", [f"c{at}" for at in range(99)], True),  # too few rows to say
        ("feature text", [f"c{at}" for at in range(100)], False),
        ("feature text", [f"a note number {at}" for at in range(100)], True),
        ("feature integer", list(range(100)), False),
        ("feature integer", [0, *range(99)], True),
        ("feature number", [at + 0.5 for at in range(100)], True),
        ("ignored category", [f"c{at}" for at in range(100)], True),
        ("feature category", [None] * 100, True),
        (
            {"role": "feature", "type": "integer", "unit": "cents", "description": "wage"},
            list(range(100)),
            True,
        ),
    ],
)
def test_a_feature_with_a_value_per_row_looks_like_an_identifier(
    tmp_path: Path, entry: Any, values: list[Any], passes: bool
) -> None:
    column = pa.array(values, pa.string()) if values[0] is None else values
    rows = {"x": column, "label": [False] * len(values)}
    side = evidence(tmp_path / "a", {"x": entry}, test=rows)
    assert (("x", "not an identifier") not in failed(items(Columns(), case(side)))) is passes


def test_edits_of_the_dictionary_that_judges_the_data_are_shown(tmp_path: Path) -> None:
    before: dict[str, dict[str, Any]] = {
        "x": {"role": "feature", "type": "number", "range": [0, 90], "description": "age"},
        "c": {"role": "feature", "type": "category", "levels": ["a", "b"], "description": "c"},
        "d": {"role": "feature", "type": "category", "levels": ["a"], "description": "d"},
    }
    after: dict[str, dict[str, Any]] = {
        "x": {**before["x"], "range": [0, 120], "missing": "allowed", "unit": "years"},
        "c": {**before["c"], "levels": ["a", "PhD"]},
        "d": {"role": "feature", "type": "category", "description": "another text"},
    }
    rows = {"x": [1.0, 2.0], "c": ["a", "a"], "d": ["a", "a"], "label": [True, False]}
    old = evidence(tmp_path / "old", before, test=rows)
    new = evidence(tmp_path / "new", after, test=rows)
    shown = [
        one.message for one in items(Columns(), case(new, old)) if isinstance(one, Observation)
    ]
    assert shown == [
        "'x': unit none → 'years'; range [0.0,90.0] → [0.0,120.0]; missing none → 'allowed'.",
        "'c': levels now list 'PhD'; levels no longer list 'b'.",
        "'d': levels are no longer listed.",
    ]
