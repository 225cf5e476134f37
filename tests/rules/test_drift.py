"""Gate `drift`: columns stay distributed as they were where the model learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gates.finding import Finding, Observation, Result, State
from gates.rules.drift import Drift
from gates.testing import Columns, case, evidence, items, outcome

CATEGORY = {"x": "feature category"}
NUMBER = {"x": "feature number"}


def labelled(values: list[Any]) -> Columns:
    return {"x": values, "label": [at % 2 == 0 for at in range(len(values))]}


def levels(first: int, second: int) -> Columns:
    return labelled(["a"] * first + ["b"] * second)


def finding_of(gate: Drift, of: Any, column: str = "x") -> Finding:
    (found,) = [
        each for each in outcome("drift", gate, of).findings if each.subject.column == column
    ]
    return found


@pytest.mark.parametrize(
    ("test", "state"),
    [
        ((1000, 1000), State.PASSED),
        ((1100, 900), State.PASSED),  # 5 % moved
        ((1200, 800), State.UNDECIDED),  # exactly at the tolerance
        ((1300, 700), State.FAILED),
    ],
)
def test_categories_by_the_share_of_rows_that_moved(
    tmp_path: Path, test: tuple[int, int], state: State
) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=levels(*test), train=levels(1000, 1000))
    assert finding_of(Drift(), case(side)).state is state


def test_the_message_names_tables_and_the_level_that_moved_most(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=levels(1500, 500), train=levels(1000, 1000))
    assert finding_of(Drift(), case(side)).message == (
        "total variation of 'x': 0.2500 test against train; most moved 'a', 50.0% → 75.0%; "
        "up to 0.1 is accepted."
    )


def test_numbers_by_the_largest_gap_of_cumulative_shares(tmp_path: Path) -> None:
    train = [float(at) for at in range(2000)]
    side = evidence(
        tmp_path / "a", NUMBER, test=labelled([at + 500 for at in train]), train=labelled(train)
    )
    finding = finding_of(Drift(), case(side))
    assert finding.state is State.FAILED
    assert finding.message == (
        "Kolmogorov distance of 'x': 0.2500 test against train; up to 499 lie 25.0% → 0.0%; "
        "up to 0.1 is accepted."
    )


@pytest.mark.parametrize("dictionary", [CATEGORY, NUMBER])
def test_missing_values_count(tmp_path: Path, dictionary: dict[str, str]) -> None:
    value: Any = "a" if dictionary is CATEGORY else 1.0
    full, half = [value] * 1000, [value, None] * 500
    side = evidence(tmp_path / "a", dictionary, test=labelled(half), train=labelled(full))
    finding = finding_of(Drift(), case(side))
    assert (finding.state, finding.candidate) == (State.FAILED, 0.5)
    moved = "most moved 'a', 100.0% → 50.0%;" if value == "a" else "missing 0.0% → 50.0%;"
    assert moved in finding.message


def test_the_baselines_tables_are_compared_where_they_differ(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", CATEGORY, test=levels(50, 50), train=levels(1000, 1000))
    new = evidence(tmp_path / "new", CATEGORY, test=levels(50, 50), train=levels(1500, 500))
    message = finding_of(Drift(), case(new, old)).message
    assert "0.2500 train against baseline" in message
    assert "test against baseline" not in message  # the same file


def test_the_labels_share_is_judged_too(tmp_path: Path) -> None:
    train = {"x": ["a"] * 2000, "label": [True, False] * 1000}
    test = {"x": ["a"] * 2000, "label": [True] * 500 + [False] * 1500}
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=train)
    assert finding_of(Drift(), case(side), "label").state is State.FAILED


def test_a_small_drift_is_shown(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=levels(11400, 8600), train=levels(10000, 10000))
    found = items(Drift(), case(side))
    (shown,) = [item for item in found if isinstance(item, Observation)]
    assert shown.subject.column == "x"
    assert shown.candidate == pytest.approx(0.07)
    assert finding_of(Drift(), case(side)).state is State.PASSED


@pytest.mark.parametrize("role", ["ignored", "weight", "time", "group"])
def test_what_the_model_does_not_read_is_not_judged(tmp_path: Path, role: str) -> None:
    side = evidence(
        tmp_path / "a", {"x": f"{role} category"}, test=levels(10, 0), train=levels(0, 10)
    )
    found = items(Drift(), case(side))
    assert [item.subject.column for item in found] == ["label"]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_few_rows_prove_no_drift(tmp_path: Path, rows: int) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=levels(rows, 0), train=levels(0, rows))
    assert finding_of(Drift(), case(side)).state is State.UNDECIDED


def test_fifty_rows_do_not_cry_wolf(tmp_path: Path) -> None:
    """Twenty columns of two tables of fifty rows: one of them is far off by chance."""
    draws = np.random.default_rng(0)
    dictionary = {f"x{at}": "feature number" for at in range(20)}

    def drawn() -> Columns:
        values = {name: draws.normal(size=50) for name in dictionary}
        return {**values, "label": draws.random(50) < 0.5}

    side = evidence(tmp_path / "a", dictionary, test=drawn(), train=drawn())
    found = outcome("drift", Drift(), case(side)).findings
    assert max(finding.candidate or 0 for finding in found) > 0.2
    assert {finding.state for finding in found} == {State.UNDECIDED}
    assert sum(finding.rows_needed or 0 for finding in found) > 20 * 50


def test_a_million_rows_make_no_dust_significant(tmp_path: Path) -> None:
    """A shift of a fiftieth of a standard deviation is certain, and nobody's concern."""
    train = np.linspace(-1, 1, 300_000)
    side = evidence(
        tmp_path / "a", NUMBER, test=labelled(list(train + 0.02)), train=labelled(list(train))
    )
    finding = finding_of(Drift(), case(side))
    assert finding.state is State.PASSED
    assert finding.interval is not None
    assert finding.interval[0] > 0  # any test of "no shift at all" alarms


def test_a_small_table_beside_a_large_one_that_passes_is_undecided(tmp_path: Path) -> None:
    """Train kept its 2,000 rows' distribution, test has 20 rows: those decide nothing."""
    old = evidence(tmp_path / "old", CATEGORY, test=levels(10, 10), train=levels(1000, 1000))
    new = evidence(tmp_path / "new", CATEGORY, test=levels(11, 10), train=levels(1001, 1000))
    assert finding_of(Drift(), case(new, old)).state is State.UNDECIDED


def test_a_column_that_became_text_is_left_to_the_gate_columns(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", NUMBER, test=labelled(["1", "2"]), train=labelled([1.0, 2.0]))
    assert [item.subject.column for item in items(Drift(), case(side))] == ["label"]


def test_an_empty_training_table_leaves_nothing_to_compare(tmp_path: Path) -> None:
    nothing = {"x": pa.array([], pa.string()), "label": pa.array([], pa.bool_())}
    side = evidence(tmp_path / "a", CATEGORY, test=levels(1, 1), train=nothing)
    assert outcome("drift", Drift(), case(side)).outcome is Result.SKIPPED


def test_without_train_and_baseline_it_is_skipped(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=levels(1, 1))
    result = outcome("drift", Drift(), case(side))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there is neither a training table nor a baseline",
    )
