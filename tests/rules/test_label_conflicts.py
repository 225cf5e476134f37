"""Gate `label_conflicts`: rows that are equal in all features have one label."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Observation, Result, State
from gates.rules.label_conflicts import LabelConflicts
from gates.testing import case, evidence, items, outcome
from tests.build_tasks import CLASSES, multiclass, regression

X = {"x": "feature integer"}
TRAIN, TEST = "twins with another label, train", "twins with another label, test"
ACROSS = "twins with another label, test against train"


def pairs(count: int, conflicts: int, start: int = 0) -> dict[str, list[Any]]:
    """So many pairs of equal rows; in the first few the labels differ."""
    values = [start + at // 2 for at in range(2 * count)]
    labels = [at // 2 % 2 == 0 or (at % 2 == 0 and at // 2 < conflicts) for at in range(2 * count)]
    for at in range(conflicts):
        labels[2 * at], labels[2 * at + 1] = True, False
    return {"x": values, "label": labels}


def side(folder: Path, train: dict[str, Any], test: dict[str, Any] | None = None) -> Evidence:
    alone: dict[str, list[Any]] = {"x": [-1, -2], "label": [True, False]}
    return evidence(folder, X, test=test or alone, train=train)


def findings(new: Evidence, old: Evidence | None, **keys: Any) -> dict[str | None, Finding]:
    found = outcome("label_conflicts", LabelConflicts(**keys), case(new, old)).findings
    return {each.subject.key: each for each in found}


@pytest.mark.parametrize(
    ("conflicts", "state"),
    [(30, State.PASSED), (50, State.UNDECIDED), (100, State.FAILED)],
)
def test_conflicts_may_not_grow(tmp_path: Path, conflicts: int, state: State) -> None:
    """30 of 500 pairs are in conflict at the baseline: 6 % of each row's twins."""
    old = side(tmp_path / "old", pairs(500, 30))
    found = findings(side(tmp_path / "new", pairs(500, conflicts)), old)[TRAIN]
    assert found.state is state
    assert found.baseline == pytest.approx(0.06)
    assert found.candidate == pytest.approx(conflicts / 500)
    assert "1,000 of 1,000 train rows have a twin, equal in all 1 features" in found.message


def test_natural_conflicts_in_a_larger_table_are_none(tmp_path: Path) -> None:
    """Three values and labels by lot: half of all twins differ, however many rows there are."""
    draws = np.random.default_rng(7)
    made = [
        side(
            tmp_path / str(rows),
            {"x": draws.integers(0, 3, rows), "label": (draws.random(rows) < 0.5).tolist()},
        )
        for rows in (1000, 3000)
    ]
    assert findings(made[1], made[0])[TRAIN].state is State.PASSED


def test_the_same_tables_pass_whatever_they_hold(tmp_path: Path) -> None:
    made = side(tmp_path / "a", pairs(2, 2), pairs(3, 3))
    found = findings(made, made, worsening=0.0)
    assert {each.state for each in found.values()} == {State.PASSED}


def test_test_rows_against_their_twins_in_train(tmp_path: Path) -> None:
    """Each value stands once in either table; the candidate's test labels are turned round."""
    train = {"x": list(range(400)), "label": [at % 2 == 0 for at in range(400)]}
    test: dict[str, list[Any]] = {
        "x": list(range(200)),
        "label": [at % 2 == 0 for at in range(200)],
    }
    turned = {**test, "label": [not label for label in test["label"]]}
    old, new = side(tmp_path / "old", train, test), side(tmp_path / "new", train, turned)
    found = findings(new, old)
    assert found[ACROSS].state is State.FAILED
    assert (found[ACROSS].baseline, found[ACROSS].candidate) == (0.0, 1.0)
    assert found[TEST].message == "No row of test has a twin, equal in all 1 features."


def test_new_copies_with_other_labels_fail_though_the_baseline_had_none(tmp_path: Path) -> None:
    alone: dict[str, list[Any]] = {"x": list(range(400)), "label": [True, False] * 200}
    copied = {"x": [*alone["x"], *range(40)], "label": [*alone["label"], *[False, True] * 20]}
    found = findings(side(tmp_path / "new", copied), side(tmp_path / "old", alone))[TRAIN]
    assert (found.state, found.candidate) == (State.FAILED, 1.0)
    assert "baseline: no twins" in found.message


@pytest.mark.parametrize("conflicts", [0, 1])
def test_a_few_twins_prove_nothing(tmp_path: Path, conflicts: int) -> None:
    alone: dict[str, list[Any]] = {"x": list(range(400)), "label": [True, False] * 200}
    found = findings(side(tmp_path / "new", pairs(2, conflicts)), side(tmp_path / "old", alone))[
        TRAIN
    ]
    assert found.state is State.UNDECIDED
    assert found.rows_needed is not None


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.05, State.FAILED), (0.10, State.UNDECIDED), (0.2, State.PASSED), (1.0, State.PASSED)],
)
def test_a_ceiling_asks_no_baseline(tmp_path: Path, share: float, state: State) -> None:
    made = side(tmp_path / "a", pairs(500, 50))
    assert findings(made, None, share=share)["rows in a conflict, train"].state is state


def test_the_bound_that_conflicts_set_is_shown(tmp_path: Path) -> None:
    made = side(tmp_path / "a", pairs(5, 0), pairs(10, 3))
    (shown,) = [
        each for each in items(LabelConflicts(), case(made, made)) if isinstance(each, Observation)
    ]
    assert shown.candidate == pytest.approx(3 / 20)
    assert shown.message.startswith("At least 3 of 20 test rows (15.00%) are answered wrongly")


def test_many_classes(tmp_path: Path) -> None:
    """A value in four rows with the labels cat, cat, cat, dog: a sixth and a half of the twins."""
    made = [
        multiclass(
            tmp_path / name,
            truth=[label for _ in range(200) for label in labels],
            decided=["cat"] * 800,
            dictionary=X,
            columns={"x": [at // 4 for at in range(800)]},
        )
        for name, labels in (("old", ["cat"] * 4), ("new", ["cat", "cat", "cat", "dog"]))
    ]
    found = findings(made[1], made[0])[TEST]
    assert found.candidate == pytest.approx((3 * (1 / 3) + 1) / 4)
    assert found.state is State.FAILED
    assert CLASSES[0] == "cat"


def test_numbers_conflict_when_they_lie_apart(tmp_path: Path) -> None:
    values = [float(at // 2) for at in range(400)]
    made = [
        regression(
            tmp_path / str(move),
            truth=[value + move * (at % 2) for at, value in enumerate(values)],
            predicted=values,
            dictionary=X,
            columns={"x": [int(value) for value in values]},
        )
        for move in (0.0, 1.0, 100.0)
    ]
    assert findings(made[1], made[0])[TEST].state is State.PASSED
    assert findings(made[2], made[0])[TEST].state is State.FAILED


def test_without_baseline_and_share_it_is_skipped(tmp_path: Path) -> None:
    result = outcome("label_conflicts", LabelConflicts(), case(side(tmp_path / "a", pairs(2, 0))))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there is no baseline to compare with, and no `share` is set",
    )


@pytest.mark.parametrize("listed", [{}, {"y": "feature integer"}])
def test_without_a_common_feature_it_is_skipped(tmp_path: Path, listed: dict[str, str]) -> None:
    old = evidence(tmp_path / "old", X, test={"x": [1], "label": [True]})
    test: dict[str, Sequence[Any]] = {"y": [1], "label": [True]}
    new = evidence(tmp_path / "new", {"y": "ignored integer", **listed}, test=test)
    assert outcome("label_conflicts", LabelConflicts(), case(new, old)).outcome is Result.SKIPPED


def test_without_training_rows_the_test_rows_are_judged(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", X, test=pairs(200, 0))
    new = evidence(tmp_path / "new", X, test=pairs(200, 100))
    found = findings(new, old)
    assert set(found) == {TEST}
    assert found[TEST].state is State.FAILED


@pytest.mark.parametrize("rows", [1, 2])
def test_one_row_and_one_class(tmp_path: Path, rows: int) -> None:
    old = evidence(tmp_path / "old", X, test={"x": [3] * rows, "label": [True] * rows})
    new = evidence(tmp_path / "new", X, test={"x": [None] * rows, "label": [True] * rows})
    assert findings(new, old)[TEST].state in (State.PASSED, State.UNDECIDED)
