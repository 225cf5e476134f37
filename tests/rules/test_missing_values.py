"""Gate `missing_values`: no more missing values than the dictionary accepts, in any period."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gates.finding import Finding, Observation, Result, State
from gates.rules.gate import Item, Measurement
from gates.rules.missing_values import MissingValues
from gates.testing import Columns, case, evidence, items, outcome

NAN = float("nan")


def entry(missing: Any = None, kind: str = "number") -> dict[str, Any]:
    return {"role": "feature", "type": kind, "description": "x", "missing": missing}


def labelled(values: Any) -> Columns:
    return {"x": values, "label": [at % 2 == 0 for at in range(len(values))]}


def of(found: list[Item], column: str) -> list[Item]:
    return [item for item in found if item.subject.column == column]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", [1.0, None, 2.0]),
        ("number", [1.0, NAN, 2.0]),
        ("integer", [1, None, 2]),
        ("boolean", [True, None, False]),
        ("category", ["a", None, "a"]),
        ("category", [1, None, 1]),
    ],
)
def test_where_none_is_accepted_one_is_too_many(
    tmp_path: Path, kind: str, values: list[Any]
) -> None:
    side = evidence(tmp_path / "a", {"x": entry(kind=kind)}, test=labelled(values))
    (finding,) = of(items(MissingValues(), case(side)), "x")
    assert isinstance(finding, Finding)
    assert (finding.state, finding.message) == (
        State.FAILED,
        "'x': 1 of 3 values (33.33%) are missing in test.parquet; the dictionary accepts none.",
    )


def test_no_missing_value_passes_with_the_rows_looked_at(tmp_path: Path) -> None:
    side = evidence(
        tmp_path / "a", {"x": entry()}, test=labelled([1.0]), train=labelled([1.0, 2.0])
    )
    (finding,) = of(items(MissingValues(), case(side)), "x")
    assert isinstance(finding, Finding)
    assert finding.message == "'x': no value is missing in 3 rows."


def by_year(in_1994: int, in_1995: int) -> Columns:
    """A thousand rows a year, the first so many of each without a value."""
    return {
        "x": pa.array([None] * in_1994 + [1.0] * 1000 + [None] * in_1995, pa.float64()),
        "year": [1994] * (in_1994 + 500) + [1995] * (500 + in_1995),
        "label": [at % 2 == 0 for at in range(in_1994 + 1000 + in_1995)],
    }


def test_one_period_cannot_hide_behind_the_others(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {"x": entry(), "year": "time integer"}, test=by_year(0, 3))
    (finding,) = of(items(MissingValues(), case(side)), "x")
    assert isinstance(finding, Finding)
    assert finding.message.startswith("'x': 3 of 503 values (0.60%) are missing in test.parquet ")
    assert "where year = 1995;" in finding.message


@pytest.mark.parametrize(
    ("missing", "state"),
    [
        (0, State.PASSED),
        (2, State.PASSED),  # at most 2 % are accepted: the interval ends well below
        (10, State.UNDECIDED),  # 10 of 510 is just below 2 %
        (12, State.UNDECIDED),  # a little above, as chance can be
        (40, State.FAILED),
    ],
)
def test_a_share_is_judged_with_its_uncertainty(tmp_path: Path, missing: int, state: State) -> None:
    side = evidence(
        tmp_path / "a",
        {"x": entry({"max_share": 0.02}), "year": "time integer"},
        test=by_year(0, missing),
    )
    result = outcome("missing_values", MissingValues(), case(side))
    (finding,) = [each for each in result.findings if each.subject.column == "x"]
    assert finding.state is state


def test_the_share_of_the_worst_place_is_corrected_for_the_number_of_places(
    tmp_path: Path,
) -> None:
    side = evidence(tmp_path / "a", {"x": entry({"max_share": 0.5})}, test=labelled([None, 1.0]))
    (item,) = of(items(MissingValues(), case(side)), "x")
    assert isinstance(item, Measurement)
    assert item.p_value == pytest.approx(0.75)  # P(at least 1 of 2 | one half)
    both = evidence(
        tmp_path / "b",
        {"x": entry({"max_share": 0.5})},
        test=labelled([None, 1.0]),
        train=labelled([1.0, 1.0]),
    )
    (item,) = of(items(MissingValues(), case(both)), "x")
    assert isinstance(item, Measurement)
    assert item.p_value == 1.0


def test_any_share_is_shown_where_it_is_accepted(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {"x": entry("allowed")}, test=labelled([None, 1.0]))
    (item,) = of(items(MissingValues(), case(side)), "x")
    assert isinstance(item, Observation)
    assert item.candidate == 0.5


def test_infinite_numbers_fail(tmp_path: Path) -> None:
    values = [1.0, float("inf"), float("-inf")]
    side = evidence(tmp_path / "a", {"x": entry("allowed")}, test=labelled(values))
    first, _ = of(items(MissingValues(), case(side)), "x")
    assert isinstance(first, Finding)
    assert first.message == "'x': 2 of 3 values in test.parquet are infinite."


def test_ignored_columns_are_not_judged_and_the_identifier_is(tmp_path: Path) -> None:
    listed = {"x": {**entry(), "role": "ignored"}}
    side = evidence(tmp_path / "a", listed, test=labelled(pa.array([None, None], pa.string())))
    result = outcome("missing_values", MissingValues(), case(side))
    assert result.outcome is Result.PASSED
    assert [finding.subject.column for finding in result.findings] == ["row_id", "label"]
