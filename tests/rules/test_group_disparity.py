"""Gate `group_disparity`: no group falls behind the others further than it was."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pytest

from gates.case.case import Case
from gates.finding import Finding, Mode, Observation, Result, State
from gates.metrics.group import GroupMetric
from gates.rules.gate import Comparison
from gates.rules.group_disparity import Demand, GroupDisparity
from gates.testing import case, evidence, items, outcome

LISTED: dict[str, Any] = {
    "sex": {
        "role": "feature",
        "type": "category",
        "description": "sex",
        "sensitive": True,
        "segment": True,
    }
}


def rows_of(sizes: Mapping[str, int]) -> dict[str, Any]:
    groups = [name for name, size in sizes.items() for _ in range(size)]
    return {"sex": groups, "label": [True] * len(groups)}


def scores_of(sizes: Mapping[str, int], selected: Mapping[str, int]) -> list[float]:
    return [
        0.9 if at < selected[name] else 0.1 for name, size in sizes.items() for at in range(size)
    ]


def change(
    tmp_path: Path,
    sizes: Mapping[str, int],
    before: Mapping[str, int],
    after: Mapping[str, int],
) -> Case:
    """All rows are positive; so many of each group are selected by either model."""
    rows = rows_of(sizes)
    old = evidence(tmp_path / "old", LISTED, test=rows, scores=scores_of(sizes, before))
    new = evidence(tmp_path / "new", LISTED, test=rows, scores=scores_of(sizes, after))
    return case(new, old)


def gate(**demand: Any) -> GroupDisparity:
    metrics: dict[GroupMetric, Demand] = {"true_positive_rate": Demand(**demand)}
    return GroupDisparity(metrics=metrics)


TWO = {"Female": 1000, "Male": 1000}


@pytest.mark.parametrize(
    ("after", "state"),
    [
        ({"Female": 500, "Male": 600}, State.PASSED),  # nothing changed
        ({"Female": 400, "Male": 500}, State.PASSED),  # both fell alike: no gap grew
        ({"Female": 550, "Male": 600}, State.PASSED),  # the gap halved
        ({"Female": 440, "Male": 600}, State.FAILED),
    ],
)
def test_a_gap_may_not_grow(tmp_path: Path, after: Mapping[str, int], state: State) -> None:
    of = change(tmp_path, TWO, {"Female": 500, "Male": 600}, after)
    (finding,) = outcome("group_disparity", gate(worsening=0.05), of).findings
    assert finding.state is state
    assert finding.baseline == pytest.approx(0.1)
    assert finding.candidate == pytest.approx((after["Male"] - after["Female"]) / 1000)


def test_contributions_add_up_to_the_growth_of_the_gap(tmp_path: Path) -> None:
    three = {"a": 100, "b": 200, "c": 300}
    of = change(tmp_path, three, {"a": 50, "b": 90, "c": 80}, {"a": 70, "b": 80, "c": 75})
    found = [item for item in items(gate(worsening=0.05), of) if isinstance(item, Comparison)]
    assert [item.subject.segment["sex"] for item in found] == ["a", "b", "c"]
    for item in found:
        assert float(item.contributions.sum()) == pytest.approx(-item.change)
    assert found[0].baseline == pytest.approx(50 / 100 - 170 / 500)
    assert found[0].candidate == pytest.approx(70 / 100 - 155 / 500)


def test_a_group_that_is_too_small_is_named(tmp_path: Path) -> None:
    sizes = {**TWO, "Other": 29}
    counts = {"Female": 500, "Male": 600, "Other": 0}
    found = outcome(
        "group_disparity", gate(worsening=0.05), change(tmp_path, sizes, counts, counts)
    )
    assert [finding.state for finding in found.findings] == [
        State.UNDECIDED,
        State.PASSED,
        State.PASSED,
    ]
    assert "Other has 29" in found.findings[0].message


def test_of_many_small_groups_a_few_are_named(tmp_path: Path) -> None:
    sizes = {**TWO, **{f"g{at}": 2 for at in range(9)}}
    counts = {**dict.fromkeys(sizes, 0), "Female": 500, "Male": 600}
    of = change(tmp_path, sizes, counts, counts)
    found = outcome("group_disparity", gate(worsening=0.05, limit=0.9), of).findings
    named = [each.message for each in found if "g0" in each.message]
    assert len(named) == 2
    assert all(message.rstrip(".").endswith("and 4 more") for message in named)


def test_the_largest_gap_is_shown_with_both_groups(tmp_path: Path) -> None:
    of = change(tmp_path, TWO, {"Female": 500, "Male": 600}, {"Female": 550, "Male": 600})
    found = items(gate(worsening=0.9), of)
    (shown,) = [item for item in found if isinstance(item, Observation)]
    assert shown.message.endswith("between Female (0.550) and Male (0.600).")
    assert shown.baseline == pytest.approx(0.1)
    assert shown.candidate == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("demand", "state"),
    [
        ({"limit": 0.2}, State.PASSED),
        ({"limit": 0.1}, State.UNDECIDED),  # exactly at the limit
        ({"limit": 0.01}, State.FAILED),
        ({"ratio": 0.7}, State.PASSED),
        ({"ratio": 0.95}, State.FAILED),
    ],
)
def test_levels_need_no_baseline(tmp_path: Path, demand: dict[str, float], state: State) -> None:
    selected = {"Female": 500, "Male": 600}
    made = evidence(tmp_path / "a", LISTED, test=rows_of(TWO), scores=scores_of(TWO, selected))
    (finding,) = outcome("group_disparity", gate(**demand), case(made)).findings
    assert finding.state is state


MORE: dict[GroupMetric, Demand] = {
    "true_positive_rate": Demand(limit=0.9, ratio=0.1),
    "accuracy": Demand(limit=0.9),
}


@pytest.mark.parametrize(("more", "state"), [({}, State.FAILED), (MORE, State.UNDECIDED)])
def test_levels_share_what_chance_is_allowed(
    tmp_path: Path, more: dict[GroupMetric, Demand], state: State
) -> None:
    """60 and 130 of 400: beyond .1 at the level of 1 %, and not at a quarter of it."""
    sizes = {"Female": 400, "Male": 400}
    scores = scores_of(sizes, {"Female": 60, "Male": 130})
    made = evidence(tmp_path / "e", LISTED, test=rows_of(sizes), scores=scores)
    judging = GroupDisparity(metrics={"selection_rate": Demand(limit=0.1), **more})
    found = outcome("group_disparity", judging, case(made)).findings
    assert [f.state for f in found if f.subject.metric == "selection_rate_difference"] == [state]


def test_a_change_needs_a_baseline(tmp_path: Path) -> None:
    made = evidence(tmp_path / "a", LISTED, test=rows_of(TWO))
    result = outcome("group_disparity", GroupDisparity(), case(made))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there is no baseline to compare with",
    )


def test_without_a_sensitive_column_it_is_skipped(tmp_path: Path) -> None:
    listed = {"sex": "feature category"}
    made = evidence(tmp_path / "a", listed, test=rows_of(TWO))
    result = outcome("group_disparity", GroupDisparity(), case(made, made))
    assert result.outcome is Result.SKIPPED


def test_hostile_names_of_groups_are_only_text(tmp_path: Path) -> None:
    name = "</td>\n| @all `x`"
    sizes = {name: 100, "b": 100}
    counts = {name: 50, "b": 60}
    found = items(gate(limit=0.5), change(tmp_path, sizes, counts, counts))
    (finding,) = [item for item in found if isinstance(item, Finding)]
    assert finding.state is State.PASSED


def test_a_gap_that_changes_sides_grows_by_less_than_it_moves(tmp_path: Path) -> None:
    """Female 10 points behind, then 16 ahead: the distance grows by 6, and moves by 26."""
    of = change(tmp_path, TWO, {"Female": 500, "Male": 600}, {"Female": 660, "Male": 500})
    (found,) = [item for item in items(gate(worsening=0.05), of) if isinstance(item, Comparison)]
    assert found.change == pytest.approx(0.06)
    assert float(found.contributions.sum()) == pytest.approx(-0.06)
    assert found.interval[0] < 0.06 < found.interval[1]


def test_a_gate_that_would_only_show_is_refused() -> None:
    with pytest.raises(ValueError, match="no rate has a limit"):
        gate()


def test_intersections_are_groups_too(tmp_path: Path) -> None:
    rows = {
        "sex": ["f", "f", "m", "m"] * 50,
        "race": ["x", "y"] * 100,
        "label": [True] * 200,
    }
    race = {"race": "feature category"}
    old = evidence(tmp_path / "old", {**LISTED, **race}, test=rows, scores=[0.9] * 200)
    worse = [0.1 if at % 4 == 0 else 0.9 for at in range(200)]  # all of f and x
    new = evidence(tmp_path / "new", {**LISTED, **race}, test=rows, scores=worse)
    demand: dict[GroupMetric, Demand] = {"true_positive_rate": Demand(worsening=0.05)}
    both = GroupDisparity(features=(("sex", "race"),), metrics=demand)
    found = outcome("group_disparity", both, case(new, old))
    states = {tuple(finding.subject.segment.values()): finding.state for finding in found.findings}
    assert states["f", "x"] is State.FAILED
    assert len(states) == 4


def test_a_small_group_without_a_change_is_no_proof_of_none(tmp_path: Path) -> None:
    """No answer of 40 women changes: that does not rule out that one in twenty is lost."""
    sizes = {"Female": 40, "Male": 4000}
    before = {"Female": 20, "Male": 2400}
    of = change(tmp_path, sizes, before, {"Female": 20, "Male": 2399})
    (finding,) = outcome("group_disparity", gate(worsening=0.05), of).findings
    assert finding.state is State.UNDECIDED


def lots(rows: int = 3000, seed: int = 3) -> tuple[dict[str, Any], list[float]]:
    """Rows by lot: a sex, a race, labels and scores that hang on both."""
    draws = np.random.default_rng(seed)
    sex, race = draws.integers(0, 2, rows), draws.integers(0, 3, rows)
    labels = draws.random(rows) < 0.3 + 0.15 * sex
    scores = np.clip(0.25 + 0.3 * labels + 0.08 * race + draws.normal(0, 0.2, rows), 0, 1)
    columns = {
        "sex": [("f", "m")[at] for at in sex],
        "race": [("x", "y", "z")[at] for at in race],
        "label": labels.tolist(),
    }
    return columns, scores.tolist()


ASKED: dict[GroupMetric, Demand] = {
    "selection_rate": Demand(limit=1.0, ratio=0.0),
    "true_positive_rate": Demand(limit=1.0, ratio=0.0),
    "false_positive_rate": Demand(limit=1.0, ratio=0.0),
}


@pytest.mark.parametrize("by", ["sex", "race", ("sex", "race")])
def test_levels_are_fairlearns(tmp_path: Path, by: Any) -> None:
    columns, scores = lots()
    race = {"race": "feature category"}
    made = evidence(tmp_path / "a", {**LISTED, **race}, test=columns, scores=scores)
    judging = GroupDisparity(features=(by,), metrics=ASKED)
    found = {
        f.subject.metric: f.candidate
        for f in outcome("group_disparity", judging, case(made)).findings
    }
    said = np.array(scores) >= 0.5
    names = [by] if isinstance(by, str) else list(by)
    features = np.array([columns[name] for name in names]).T
    truth = np.array(columns["label"])
    given = {"y_true": truth, "y_pred": said, "sensitive_features": features}
    assert found["selection_rate_difference"] == pytest.approx(
        fairlearn.demographic_parity_difference(**given)
    )
    assert found["selection_rate_ratio"] == pytest.approx(
        fairlearn.demographic_parity_ratio(**given)
    )
    assert found["true_positive_rate_difference"] == pytest.approx(
        fairlearn.equal_opportunity_difference(**given)
    )
    assert max(
        found["true_positive_rate_difference"] or 0, found["false_positive_rate_difference"] or 0
    ) == pytest.approx(fairlearn.equalized_odds_difference(**given))


def test_the_mean_error_of_scores_is_that_of_each_group(tmp_path: Path) -> None:
    columns, scores = lots()
    made = evidence(
        tmp_path / "a", LISTED | {"race": "ignored category"}, test=columns, scores=scores
    )
    demand: dict[GroupMetric, Demand] = {"calibration_error": Demand(limit=0.01)}
    (found,) = outcome("group_disparity", GroupDisparity(metrics=demand), case(made)).findings
    frame = fairlearn.MetricFrame(
        metrics=lambda truth, said: float(np.mean(said - truth)),
        y_true=np.array(columns["label"], float),
        y_pred=np.array(scores),
        sensitive_features=columns["sex"],
    )
    assert found.candidate == pytest.approx(frame.difference())
    assert found.state is State.FAILED
    assert found.subject.metric == "calibration_error_difference"


def calibrated(tmp_path: Path, female: float, male: float) -> Case:
    """Half of all are positive; the scores are .6 for all, and then as given."""
    sizes = {"Female": 1000, "Male": 1000}
    rows = rows_of(sizes)
    rows["label"] = [at % 2 == 0 for at in range(2000)]
    old = evidence(tmp_path / "old", LISTED, test=rows, scores=[0.6] * 2000)
    new = evidence(tmp_path / "new", LISTED, test=rows, scores=[female] * 1000 + [male] * 1000)
    return case(new, old)


@pytest.mark.parametrize(
    ("female", "male", "state"),
    [
        (0.6, 0.6, State.PASSED),
        (0.7, 0.7, State.PASSED),  # worse, and for both alike
        (0.62, 0.6, State.PASSED),
        (0.7, 0.6, State.FAILED),  # no decision changes
    ],
)
def test_scores_may_not_err_for_one_group_alone(
    tmp_path: Path, female: float, male: float, state: State
) -> None:
    demand: dict[GroupMetric, Demand] = {"calibration_error": Demand(worsening=0.05)}
    of = calibrated(tmp_path, female, male)
    (found,) = outcome("group_disparity", GroupDisparity(metrics=demand), of).findings
    assert found.state is state


def test_a_ratio_of_errors_is_refused() -> None:
    with pytest.raises(ValueError, match="a ratio is of rates"):
        GroupDisparity(metrics={"calibration_error": Demand(ratio=0.8)})


def test_a_group_that_vanished_is_named(tmp_path: Path) -> None:
    three = {"a": 100, "b": 100, "c": 40}
    counts = {"a": 50, "b": 50, "c": 20}
    old = evidence(tmp_path / "old", LISTED, test=rows_of(three), scores=scores_of(three, counts))
    two = {"a": 100, "b": 100}
    new = evidence(tmp_path / "new", LISTED, test=rows_of(two), scores=scores_of(two, counts))
    found = outcome("group_disparity", gate(worsening=0.5), case(new, old)).findings
    (gone,) = [each for each in found if each.subject.metric == "groups"]
    assert (gone.state, gone.limit.mode) == (State.UNDECIDED, Mode.GUARD)
    assert "c had 40 rows" in gone.message
    strict = outcome("group_disparity", gate(worsening=0.5, mode=Mode.STRICT), case(new, old))
    assert [each.blocks for each in strict.findings if each.subject.metric == "groups"] == [True]


def test_a_column_that_is_sensitive_no_more_is_judged_all_the_same(tmp_path: Path) -> None:
    rows, even = rows_of(TWO), {"Female": 500, "Male": 500}
    old = evidence(tmp_path / "old", LISTED, test=rows, scores=scores_of(TWO, even))
    scores = scores_of(TWO, {"Female": 300, "Male": 500})
    new = evidence(tmp_path / "new", {"sex": "feature category"}, test=rows, scores=scores)
    found = outcome("group_disparity", gate(worsening=0.05), case(new, old)).findings
    assert {each.state for each in found} == {State.FAILED}


@pytest.mark.parametrize("listed", [{}, {"sex": "feature text"}], ids=["gone", "no category"])
def test_a_sensitive_column_without_groups_is_named(tmp_path: Path, listed: dict[str, Any]) -> None:
    rows = rows_of(TWO)
    old = evidence(tmp_path / "old", LISTED, test=rows)
    test = rows if listed else {"label": rows["label"]}
    new = evidence(tmp_path / "new", listed, test=test)
    (found,) = outcome("group_disparity", gate(worsening=0.5), case(new, old)).findings
    assert (found.state, found.subject.column) == (State.UNDECIDED, "sex")
    assert "calls it sensitive" in found.message


def test_a_missing_group_is_a_group_of_its_own(tmp_path: Path) -> None:
    rows = {"sex": [None, "f", "m"] * 200, "label": [True] * 600}
    old = evidence(tmp_path / "old", LISTED, test=rows, scores=[0.9] * 600)
    worse = [0.1 if at % 3 == 0 else 0.9 for at in range(600)]
    new = evidence(tmp_path / "new", LISTED, test=rows, scores=worse)
    found = outcome("group_disparity", gate(worsening=0.05), case(new, old)).findings
    states = {each.subject.segment["sex"]: each.state for each in found}
    assert states["(missing)"] is State.FAILED
    assert set(states) == {"(missing)", "f", "m"}


def test_a_rate_without_a_denominator_is_no_number(tmp_path: Path) -> None:
    """No woman is positive, so her true positive rate is neither 0 nor 1."""
    sizes = {"Female": 100, "Male": 100}
    rows = {**rows_of(sizes), "label": [False] * 100 + [True] * 100}
    made = evidence(tmp_path / "a", LISTED, test=rows, scores=[0.9] * 200)
    (found,) = outcome("group_disparity", gate(limit=0.1), case(made)).findings
    assert (found.state, found.candidate) == (State.UNDECIDED, None)
    assert "Female: 0" in found.message


def test_a_sensitive_column_that_is_new_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    """Where the pull request changes the test rows as well."""
    labels = [True] * 2000
    old = evidence(tmp_path / "old", {}, test={"label": labels})
    new = evidence(
        tmp_path / "new",
        LISTED,
        test={**rows_of(TWO), "row_id": [f"n{at}" for at in range(2000)]},
        other_scores={
            name: (ids, [0.5] * 2000)
            for name, ids in {
                "predictions_on_baseline_test.parquet": [f"r{at}" for at in range(2000)],
                "baseline_predictions.parquet": [f"n{at}" for at in range(2000)],
            }.items()
        },
    )
    both = gate(worsening=0.05, limit=0.1)
    change, level = outcome("group_disparity", both, case(new, old)).findings
    assert (change.state, level.state) == (State.UNDECIDED, State.PASSED)
    assert "the baseline's test table has no such column" in change.message
    assert "up to 0.1 is accepted" in level.message
