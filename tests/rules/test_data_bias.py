"""Gate `data_bias`: who is in the data, and what is said of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Observation, Result, State
from gates.policy.settings import Settings
from gates.rules.data_bias import DataBias
from gates.testing import case, evidence, items, outcome
from tests.build_tasks import multiclass, regression

SEX: dict[str, Any] = {
    "sex": {
        "role": "feature",
        "type": "category",
        "description": "sex",
        "sensitive": True,
        "segment": True,
    }
}
TEST = {"sex": ["f", "m"] * 500, "label": [True, True, False, False] * 250}
SHARE, GAP, GROUPS = "representation", "label gap", "groups"


def train(sizes: Mapping[str, int], rates: Mapping[str, float] | None = None) -> dict[str, Any]:
    """So many rows of each group, of which such a share is positive."""
    sex = [name for name, size in sizes.items() for _ in range(size)]
    share = {name: (rates or {}).get(name, 0.5) for name in sizes}
    labels = [at < share[name] * size for name, size in sizes.items() for at in range(size)]
    ids = [f"{name}{at}" for name, size in sizes.items() for at in range(size)]
    return {"row_id": ids, "sex": sex, "label": labels}


def side(
    folder: Path, sizes: Mapping[str, int], rates: Mapping[str, float] | None = None
) -> Evidence:
    return evidence(folder, SEX, test=TEST, train=train(sizes, rates))


def findings(new: Evidence, old: Evidence | None = None, **keys: Any) -> dict[str | None, Finding]:
    found = outcome("data_bias", DataBias(**keys), case(new, old)).findings
    return {each.subject.metric: each for each in found}


@pytest.mark.parametrize(
    ("women", "state"),
    [(1000, State.PASSED), (950, State.PASSED), (667, State.UNDECIDED), (400, State.FAILED)],
)
def test_a_group_may_not_shrink(tmp_path: Path, women: int, state: State) -> None:
    """1,000 of 2,000 at the baseline; 667 of 1,667 are exactly four fifths of a half."""
    old = side(tmp_path / "old", {"f": 1000, "m": 1000})
    found = findings(side(tmp_path / "new", {"f": women, "m": 1000}), old)[SHARE]
    assert found.state is state
    if state is State.FAILED:
        assert found.message == (
            "'f' is 28.57% of the train rows and was 50.00% of the baseline's: a ratio of 0.571; "
            "at least 0.8 is accepted."
        )


def test_a_group_that_is_gone_is_named(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"f": 1000, "m": 1000, "x": 60})
    found = findings(side(tmp_path / "new", {"f": 1000, "m": 1000}), old)
    assert found[SHARE].state is State.FAILED
    assert "'x' is gone from the train rows" in found[SHARE].message
    assert "'x' has 0 in train" in found[GROUPS].message


def test_a_small_group_that_is_gone_is_named_and_undecided(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"f": 1000, "m": 1000, "x": 3})
    found = findings(side(tmp_path / "new", {"f": 1000, "m": 1000}), old)
    assert found[SHARE].state is State.UNDECIDED
    assert "'x' is gone from the train rows" in found[SHARE].message


def test_small_groups_of_kept_rows_are_not_doubted(tmp_path: Path) -> None:
    """Forty rows that stay what they were, while one row of two thousand goes."""
    old = side(tmp_path / "old", {"f": 1000, "m": 1000, "x": 40})
    found = findings(side(tmp_path / "new", {"f": 1000, "m": 999, "x": 40}), old)
    assert {each.state for each in found.values()} == {State.PASSED}


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.5, State.PASSED), (0.62, State.UNDECIDED), (0.8, State.FAILED)],
)
def test_the_population_asks_no_baseline(tmp_path: Path, share: float, state: State) -> None:
    """Half of the rows are women."""
    made = side(tmp_path / "a", {"f": 500, "m": 500})
    found = findings(made, population={"sex": {"f": share}})[SHARE]
    assert found.state is state
    assert (found.rows_needed is not None) == (state is State.UNDECIDED)


def test_a_declared_group_without_a_row_fails(tmp_path: Path) -> None:
    made = side(tmp_path / "a", {"f": 500, "m": 500})
    found = findings(made, population={"sex": {"f": 0.5, "x": 0.05}})[SHARE]
    assert (found.state, found.candidate) == (State.FAILED, 0.0)


def test_shares_of_more_than_everybody_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to more than 1"):
        DataBias(population={"sex": {"f": 0.6, "m": 0.6}})


@pytest.mark.parametrize(
    ("rate", "state"),
    [(0.5, State.PASSED), (0.48, State.PASSED), (0.44, State.UNDECIDED), (0.3, State.FAILED)],
)
def test_labels_of_a_group_may_not_move_away(tmp_path: Path, rate: float, state: State) -> None:
    sizes = {"f": 2000, "m": 2000}
    old = side(tmp_path / "old", sizes, {"f": 0.5, "m": 0.5})
    found = findings(side(tmp_path / "new", sizes, {"f": rate, "m": 0.5}), old)[GAP]
    assert found.state is state
    if state is State.FAILED:
        assert found.message == (
            "rate of 'label' in train: 30.00% of 'f' and 50.00% of the others: 0.2000 apart, "
            "0.0000 at the baseline; up to 0.05 more is accepted."
        )


def test_a_gap_that_shrinks_or_stays_is_no_harm(tmp_path: Path) -> None:
    sizes = {"f": 2000, "m": 2000}
    old = side(tmp_path / "old", sizes, {"f": 0.2, "m": 0.5})
    found = findings(side(tmp_path / "new", sizes, {"f": 0.4, "m": 0.5}), old)
    assert found[GAP].state is State.PASSED
    assert findings(old, old)[GAP].state is State.PASSED


@pytest.mark.parametrize(
    ("limit", "state"), [(0.5, State.PASSED), (0.3, State.UNDECIDED), (0.1, State.FAILED)]
)
def test_a_limit_of_the_gap_itself(tmp_path: Path, limit: float, state: State) -> None:
    made = side(tmp_path / "a", {"f": 1000, "m": 1000}, {"f": 0.2, "m": 0.5})
    assert findings(made, limit=limit)["label gap at all"].state is state


def test_the_label_rates_are_shown(tmp_path: Path) -> None:
    made = evidence(tmp_path / "a", SEX, test={**TEST, "label": [False, True] * 500})
    (shown,) = [one for one in items(DataBias(), case(made, made)) if isinstance(one, Observation)]
    assert shown.message == "rate of 'label' in test by 'sex': from 0.00% of 'f' to 100.00% of 'm'."


def test_intersections(tmp_path: Path) -> None:
    listed = {**SEX, "race": {**SEX["sex"], "description": "race"}}
    rows: dict[str, list[Any]] = {
        "sex": ["f", "f", "m", "m"] * 250,
        "race": ["x", "y"] * 500,
        "label": [True, False] * 500,
    }
    made = []
    for name, dropped in (("old", 0), ("new", 180)):
        gone = list(range(0, 1000, 4))[:dropped]
        table = {
            column: [each for at, each in enumerate(values) if at not in gone]
            for column, values in rows.items()
        }
        made.append(evidence(tmp_path / name, listed, test=table))
    found = findings(made[1], made[0], features=(("sex", "race"),))[SHARE]
    assert found.state is State.FAILED
    assert "'f and x'" in found.message


def test_bands_that_a_pull_request_draws_anew_are_the_baselines(tmp_path: Path) -> None:
    """Most of the old are gone; one band for everybody would not show it."""

    def aged(folder: str, old: int, edges: tuple[float, ...]) -> Evidence:
        listed = {"age": {**SEX["sex"], "type": "integer", "segment": edges}}
        ages = [30] * 1000 + [70] * old
        test = {"age": ages, "label": [at % 2 == 0 for at in range(len(ages))]}
        return evidence(tmp_path / folder, listed, test=test)

    base = aged("old", 1000, (0, 65, 100))
    found = findings(aged("new", 300, (0, 100)), base)[SHARE]
    assert (found.state, "'[65, 100)'" in found.message) == (State.FAILED, True)


def test_a_sensitive_column_that_is_gone_is_named(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", SEX, test=TEST)
    new = evidence(tmp_path / "new", {}, test={"label": TEST["label"]})
    found = findings(new, old)[GROUPS]
    assert found.state is State.UNDECIDED
    assert "this test table has no such column" in found.message


@pytest.mark.parametrize("where", ["old", "new"])
def test_a_column_that_either_side_calls_sensitive_is_judged(tmp_path: Path, where: str) -> None:
    plain = {"sex": {**SEX["sex"], "sensitive": False}}
    sides = {
        name: evidence(tmp_path / name, SEX if name == where else plain, test=TEST)
        for name in ("old", "new")
    }
    assert findings(sides["new"], sides["old"])[SHARE].state is State.PASSED


def test_a_missing_value_is_a_group(tmp_path: Path) -> None:
    table = {"sex": ["f", None, "m", None] * 250, "label": [True, False] * 500}
    made = evidence(tmp_path / "a", SEX, test=table)
    found = findings(made, limit=0.1)["label gap at all"]
    assert (found.state, "'(missing)'" in found.message) == (State.FAILED, True)


def test_a_group_that_is_too_small_is_named(tmp_path: Path) -> None:
    made = side(tmp_path / "a", {"f": 100, "m": 100, "x": 29})
    found = findings(made, made)[GROUPS]
    assert found.state is State.UNDECIDED
    assert found.message == (
        "groups of sex: cannot be judged: 30 rows are needed; 'x' has 29 in train."
    )


def test_many_classes(tmp_path: Path) -> None:
    truth = ["cat", "dog", "eel", "dog"] * 500
    moved = ["eel" if at % 4 == 1 else label for at, label in enumerate(truth)]
    made = [
        multiclass(
            tmp_path / name,
            truth=labels,
            decided=labels,
            dictionary=SEX,
            columns={"sex": ["f", "f", "m", "m"] * 500},
        )
        for name, labels in (("old", truth), ("new", moved))
    ]
    found = findings(made[1], made[0])[GAP]
    assert found.state is State.FAILED
    assert found.message.startswith("rate of 'dog' in test: 0.00% of 'f' and 50.00% of the others")


def test_numbers_in_deviations_of_the_label(tmp_path: Path) -> None:
    truth = np.random.default_rng(3).normal(size=2000) * 1000
    moved = truth + np.where(np.arange(2000) % 2, 600, 0)
    made = [
        regression(
            tmp_path / name,
            truth=values.tolist(),
            predicted=values.tolist(),
            dictionary=SEX,
            columns={"sex": ["f", "m"] * 1000},
        )
        for name, values in (("old", truth), ("new", moved))
    ]
    found = findings(made[1], made[0])[GAP]
    assert found.state is State.FAILED
    assert found.change is not None
    assert 0.4 < found.change < 0.7


def test_a_training_table_without_the_sensitive_column_is_left_out(tmp_path: Path) -> None:
    made = evidence(tmp_path / "a", SEX, test=TEST, train={"label": [True]})
    assert {each.state for each in findings(made, made).values()} == {State.PASSED}


@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows_prove_nothing(tmp_path: Path, rows: int) -> None:
    test = {"sex": ["f", "m"][:rows], "label": [True, False][:rows]}
    made = evidence(tmp_path / "a", SEX, test=test)
    assert {each.state for each in findings(made, made, limit=0.1).values()} == {State.UNDECIDED}


def test_very_many_groups_are_none_of_people(tmp_path: Path) -> None:
    table = {"sex": [f"g{at}" for at in range(201)], "label": [True] * 201}
    made = evidence(tmp_path / "a", SEX, test=table)
    assert "201 groups; at most 200 are judged" in findings(made, made)[GROUPS].message


@pytest.mark.parametrize("listed", [{"sex": "feature category"}, SEX])
def test_where_nothing_is_asked_it_is_skipped(tmp_path: Path, listed: dict[str, Any]) -> None:
    made = evidence(tmp_path / "a", listed, test=TEST)
    old = made if listed is not SEX else None
    assert outcome("data_bias", DataBias(), case(made, old)).outcome is Result.SKIPPED


def test_hostile_groups_are_only_text(tmp_path: Path) -> None:
    name = "</td>\n| @all `x`" * 20
    made = evidence(tmp_path / "a", SEX, test={**TEST, "sex": [name, "m"] * 500})
    for found in findings(made, made).values():
        assert "\n" not in found.message
        assert len(found.message) < 300


def weighted(folder: Path, weights: list[float], **keys: Any) -> Finding:
    """A hundred women and a hundred men in test; the women's weights, those of men are 1."""
    listed = {**SEX, "weight": "weight number"}
    test = {
        "sex": ["f"] * 100 + ["m"] * 100,
        "label": [True, False] * 100,
        "weight": [*weights, *[1.0] * 100],
    }
    gate = DataBias(population={"sex": {"f": 0.5}}, **keys)
    side = evidence(folder, listed, test=test, settings=Settings(sample_weight="weight"))
    found = outcome("data_bias", gate, case(side)).findings
    return next(each for each in found if each.subject.metric == SHARE)


def test_a_share_is_one_of_weights(tmp_path: Path) -> None:
    """100 of 200 rows, and 25 of 125 by weight; the other 75 women weigh nothing."""
    found = weighted(tmp_path / "few", [1.0] * 25 + [0.0] * 75)
    assert (found.state, found.candidate) == (State.FAILED, 0.4)
    assert found.message.startswith(
        "'f' is 20.00% of the test rows by weight and 50.00% of the declared population: a ratio "
        "of 0.400;"
    )
    assert weighted(tmp_path / "alike", [1.0] * 100).candidate == 1.0


def test_rows_of_one_person_are_not_so_many_people(tmp_path: Path) -> None:
    """Seven women in twenty: in 400 rows that stand for themselves, or of 20 persons with 20."""
    listed = {**SEX, "person": "group text"}
    states = []
    for persons in (400, 20):
        rows = {
            "sex": ["f" if at * 20 // 400 < 7 else "m" for at in range(400)],
            "label": [True, False] * 200,
            "person": [f"p{at * persons // 400}" for at in range(400)],
        }
        side = evidence(tmp_path / str(persons), listed, test=rows)
        found = outcome("data_bias", DataBias(population={"sex": {"f": 0.55}}), case(side)).findings
        states.append(next(each.state for each in found if each.subject.metric == SHARE))
    assert states == [State.FAILED, State.UNDECIDED]
