"""Gate `unit_change`: numbers that came in another unit, by rows and by distribution."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gates.evidence.folder import Evidence
from gates.finding import Finding, Observation, Result, State
from gates.rules.unit_change import UnitChange
from gates.testing import Columns, Entry, case, evidence, items, outcome
from tests.build_tasks import regression

NUMBER: dict[str, Entry] = {"x": "feature number"}
Floats = NDArray[np.float64]


def prices(rows: int, seed: int = 0) -> Floats:
    """All between 10 and 99, so that a hundredfold is far away."""
    return np.round(np.random.default_rng(seed).uniform(10, 99, rows), 2)


def table(values: Any, **more: Any) -> Columns:
    labels = [at % 2 == 0 for at in range(len(values))]
    return {"x": list(values), "label": labels, **more}


def in_cents(values: Floats, count: int) -> Floats:
    return np.concatenate([100 * values[:count], values[count:]])


def side(folder: Path, test: Any, train: Any = None, entry: Entry = "feature number") -> Evidence:
    given = table(prices(2000, 9)) if train is None else table(train)
    return evidence(folder, {"x": entry}, test=table(test), train=given)


def finding_of(of: Any, gate: UnitChange | None = None) -> Finding:
    (found,) = outcome("unit_change", gate or UnitChange(), of).findings
    return found


@pytest.mark.parametrize(
    ("cents", "state"),
    [(0, State.PASSED), (10, State.PASSED), (11, State.FAILED), (1000, State.FAILED)],
)
def test_rows_that_the_baseline_has_are_compared_value_by_value(
    tmp_path: Path, cents: int, state: State
) -> None:
    values = prices(1000)
    old, new = side(tmp_path / "old", values), side(tmp_path / "new", in_cents(values, cents))
    assert finding_of(case(new, old)).state is state


def test_the_message_says_how_many_values_and_what_they_are_now(tmp_path: Path) -> None:
    values = prices(1000)
    old, new = side(tmp_path / "old", values), side(tmp_path / "new", in_cents(values, 30))
    finding = finding_of(case(new, old))
    assert finding.message == (
        "'x': 30 of 1,000 values (3.00%) of test are 100 times what they were; 1.00% are accepted."
    )
    assert finding.candidate == 0.03
    assert "columns.yaml" in finding.mend


def test_a_few_rows_of_many_changed_are_undecided(tmp_path: Path) -> None:
    values = prices(100)
    old, new = side(tmp_path / "old", values), side(tmp_path / "new", in_cents(values, 2))
    finding = finding_of(case(new, old))
    assert (finding.state, finding.rows_needed) == (State.UNDECIDED, 500)


def test_the_repair_of_a_unit_is_shown_and_no_fault(tmp_path: Path) -> None:
    values = prices(1000)
    old, new = side(tmp_path / "old", in_cents(values, 30)), side(tmp_path / "new", values)
    assert finding_of(case(new, old)).state is State.PASSED
    shown = [item for item in items(UnitChange(), case(new, old)) if isinstance(item, Observation)]
    assert "1/100 of what they were, and nearer to the others" in shown[0].message


def test_a_whole_column_may_change_with_its_unit_in_the_dictionary(tmp_path: Path) -> None:
    values = prices(1000)
    euros, cents = (
        {"role": "feature", "type": "number", "unit": unit, "description": "price"}
        for unit in ("euros", "cents")
    )
    old = side(tmp_path / "old", values, values, euros)
    said = side(tmp_path / "said", 100 * values, 100 * values, cents)
    silent = side(tmp_path / "silent", 100 * values, 100 * values, euros)
    part = side(tmp_path / "part", in_cents(values, 100), values, cents)
    assert finding_of(case(said, old)).state is State.PASSED
    assert finding_of(case(silent, old)).state is State.FAILED
    assert finding_of(case(part, old)).state is State.FAILED


def test_new_values_that_follow_no_factor_are_left_to_drift(tmp_path: Path) -> None:
    values = prices(1000)
    turned = side(tmp_path / "new", 109 - values)
    assert finding_of(case(turned, side(tmp_path / "old", values))).state is State.PASSED


def test_new_rows_by_their_distribution(tmp_path: Path) -> None:
    old = side(tmp_path / "old", prices(2000))
    more = np.concatenate([prices(2000), in_cents(prices(2000, 1), 200)])
    new = side(tmp_path / "new", more)
    finding = finding_of(case(new, old))
    assert finding.state is State.FAILED
    assert finding.message.startswith("'x': 10.1% of 2,000 values of the new rows of test beside ")
    assert "look as if they were 100 times what they should be" in finding.message


def test_few_new_rows_are_undecided_unless_they_are_few_of_many(tmp_path: Path) -> None:
    old = side(tmp_path / "old", prices(100))
    few = side(tmp_path / "few", np.concatenate([prices(100), prices(20, 1)]))
    finding = finding_of(case(few, old))
    assert (finding.state, finding.rows_needed) == (State.UNDECIDED, 30)
    assert finding.message == (
        "'x': 20 values are too few to compare the new rows of test beside the baseline's."
    )
    many = side(tmp_path / "many", prices(4000))
    one = side(tmp_path / "one", np.append(prices(4000), 50))
    assert finding_of(case(one, many)).state is State.PASSED


def test_a_test_set_in_another_unit_than_train(tmp_path: Path) -> None:
    new = side(tmp_path / "new", 100 * prices(500), prices(2000, 1))
    finding = finding_of(case(new))
    assert finding.state is State.FAILED
    assert "test beside train" in finding.message


def test_what_the_baseline_has_too_is_shown(tmp_path: Path) -> None:
    old = side(tmp_path / "old", 100 * prices(500), prices(2000, 1))
    new = side(tmp_path / "new", np.append(100 * prices(500), 5000), prices(2000, 1))
    assert finding_of(case(new, old)).state is State.PASSED


@pytest.mark.parametrize("cents", [0, 2000])
def test_a_period_in_another_unit_than_the_others(tmp_path: Path, cents: int) -> None:
    train = in_cents(prices(4000), cents)
    years = [1995] * 2000 + [1994] * 2000
    dictionary: dict[str, Entry] = {**NUMBER, "year": "time integer"}
    new = evidence(
        tmp_path / "new",
        dictionary,
        test=table(prices(100, 1), year=[1994] * 100),
        train=table(train, year=years),
    )
    finding = finding_of(case(new))
    assert finding.state is (State.FAILED if cents else State.PASSED)
    assert ("train where year = 199" in finding.message) is bool(cents)


def test_zeros_and_missing_values_say_nothing(tmp_path: Path) -> None:
    values = [0.0] * 500 + [None] * 500
    old, new = side(tmp_path / "old", values), side(tmp_path / "new", values[::-1])
    assert finding_of(case(new, old)).state is State.PASSED


@pytest.mark.parametrize("rows", [1, 2])
def test_one_row_is_undecided(tmp_path: Path, rows: int) -> None:
    values = prices(rows)
    old, new = side(tmp_path / "old", values), side(tmp_path / "new", 100 * values)
    assert finding_of(case(new, old)).state is State.UNDECIDED


def test_unchanged_tables_pass(tmp_path: Path) -> None:
    old, new = side(tmp_path / "old", prices(10)), side(tmp_path / "new", prices(10))
    assert finding_of(case(new, old)).state is State.PASSED


def test_a_column_that_became_text_cannot_be_judged(tmp_path: Path) -> None:
    old, new = side(tmp_path / "old", [1.0, 2.0]), side(tmp_path / "new", ["100", "200"])
    found = finding_of(case(new, old))
    assert found.state is State.UNDECIDED
    assert found.message == "x: cannot be judged: test holds it as text, where it was a number."


def test_without_a_number_or_a_second_table_it_is_skipped(tmp_path: Path) -> None:
    levels = evidence(tmp_path / "a", {"x": "feature category"}, test=table(["a", "b"]))
    alone = evidence(tmp_path / "b", NUMBER, test=table([1.0, 2.0]))
    reasons = []
    for one in (levels, alone):
        result = outcome("unit_change", UnitChange(), case(one))
        assert result.outcome is Result.SKIPPED
        reasons.append(result.reason)
    assert reasons == [
        "no feature and no label is a number",
        "there is neither a training table nor a baseline",
    ]


def test_a_regressions_label_is_a_number_too(tmp_path: Path) -> None:
    truth = prices(200).tolist()
    old = regression(tmp_path / "old", truth=truth, predicted=truth)
    new = regression(tmp_path / "new", truth=[100 * value for value in truth], predicted=truth)
    (finding,) = outcome("unit_change", UnitChange(), case(new, old)).findings
    assert (finding.subject.column, finding.state) == ("label", State.FAILED)
