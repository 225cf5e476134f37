from pathlib import Path

import numpy as np
import pytest

from gates.case.arena import NotComparableError
from gates.case.effect import measure_effect
from gates.errors import EvidenceError
from gates.metrics.binary import METRICS
from gates.stats.undefined import UndefinedError
from gates.testing import case, evidence

ACCURACY = METRICS["accuracy"]


def test_the_same_rows_in_another_order_are_paired_by_their_identifier(tmp_path: Path) -> None:
    old = evidence(
        tmp_path / "old", {}, test={"row_id": ["a", "b"], "label": [1, 0]}, scores=[0.9, 0.2]
    )
    new = evidence(
        tmp_path / "new", {}, test={"row_id": ["b", "a"], "label": [0, 1]}, scores=[0.2, 0.9]
    )
    of = case(new, old)
    assert not of.test_set.changed
    effect = measure_effect(ACCURACY, of)
    assert effect.same
    assert effect.change == 0


def test_a_changed_test_set_is_judged_by_both_models_on_both(tmp_path: Path) -> None:
    """Old rows a b, new rows b c; the new model is right on b where the old was wrong.

    On the old rows accuracy goes 1/2 → 1, on the new rows 1/2 → 1 as well, so the model's part
    is +0.5; the naive difference of the two reports would be the same here by accident, so the
    test set's part is checked with the third row below.
    """
    old = evidence(
        tmp_path / "old", {}, test={"row_id": ["a", "b"], "label": [1, 1]}, scores=[0.9, 0.1]
    )
    new = evidence(
        tmp_path / "new",
        {},
        test={"row_id": ["b", "c"], "label": [1, 0]},
        scores=[0.9, 0.1],
        other_scores={
            "baseline_predictions.parquet": (["b", "c"], [0.1, 0.1]),
            "predictions_on_baseline_test.parquet": (["a", "b"], [0.9, 0.9]),
        },
    )
    of = case(new, old)
    assert (of.test_set.changed, of.test_set.added, of.test_set.removed) == (True, 1, 1)
    effect = measure_effect(ACCURACY, of)
    assert (effect.baseline, effect.candidate) == (0.5, 1.0)
    # Row b is in both test sets: it is one row of the union, and counts for both.
    assert dict(zip(effect.rows.tolist(), effect.contributions.tolist(), strict=True)) == {0: 0.5}


def test_easy_new_rows_are_no_progress(tmp_path: Path) -> None:
    """The model is the same; only the test set got easier. The naive difference is +25 points."""
    old = evidence(
        tmp_path / "old", {}, test={"row_id": ["a", "b"], "label": [1, 1]}, scores=[0.9, 0.1]
    )
    rows, labels, scores = ["a", "b", "c", "d"], [1, 1, 0, 0], [0.9, 0.1, 0.1, 0.1]
    new = evidence(
        tmp_path / "new",
        {},
        test={"row_id": rows, "label": labels},
        scores=scores,
        other_scores={
            "baseline_predictions.parquet": (rows, scores),
            "predictions_on_baseline_test.parquet": (["a", "b"], [0.9, 0.1]),
        },
    )
    effect = measure_effect(ACCURACY, case(new, old))
    assert effect.same
    assert effect.change == 0


def test_without_cross_predictions_the_kept_rows_are_compared(tmp_path: Path) -> None:
    old = evidence(
        tmp_path / "old", {}, test={"row_id": ["a", "b"], "label": [1, 1]}, scores=[0.9, 0.1]
    )
    new = evidence(
        tmp_path / "new", {}, test={"row_id": ["b", "c"], "label": [1, 0]}, scores=[0.8, 0.9]
    )
    of = case(new, old)
    (arena,) = of.arenas
    assert arena.baseline.scores.tolist() == [0.1]
    assert arena.candidate.scores.tolist() == [0.8]
    assert of.test_set.unpredicted == 1  # of row a the candidate's model says nothing


def test_a_relabelled_row_is_another_row(tmp_path: Path) -> None:
    old = evidence(
        tmp_path / "old", {}, test={"row_id": ["a", "b"], "label": [1, 1]}, scores=[0.9, 0.1]
    )
    new = evidence(
        tmp_path / "new", {}, test={"row_id": ["a", "b"], "label": [1, 0]}, scores=[0.9, 0.1]
    )
    of = case(new, old)
    assert (of.test_set.added, of.test_set.removed, of.test_set.relabelled) == (1, 1, 1)


def test_nothing_in_common_cannot_be_compared(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", {}, test={"row_id": ["a"], "label": [1]})
    new = evidence(tmp_path / "new", {}, test={"row_id": ["b"], "label": [1]})
    with pytest.raises(NotComparableError, match="the test sets share no row"):
        _ = case(new, old).arenas


def test_another_label_column_is_refused(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", {}, test={"label": [1, 0]})
    income = {"label": "feature integer", "income": "label boolean"}
    new = evidence(tmp_path / "new", income, test={"label": [1, 0], "income": [1, 0]})
    with pytest.raises(EvidenceError, match=r"the label is 'income', the baseline's is 'label'"):
        case(new, old)


def test_segments_hold_every_row_once_with_bands_and_missing_values(tmp_path: Path) -> None:
    age = {"role": "feature", "type": "integer", "segment": [0, 25, 45]}
    made = evidence(
        tmp_path / "e",
        {"age": age, "sex": "feature category"},
        test={
            "age": [25, 24, None, 99, -1],
            "sex": ["f", None, "f", "m", "m"],
            "label": [1, 0, 1, 0, 1],
        },
    )
    found = {
        tuple(segment.values()): rows.tolist()
        for segment, rows in case(made).candidate_segments(("age", "sex"))
        if isinstance(rows, np.ndarray)
    }
    assert found == {
        ("below 0", "m"): [4],
        ("[0, 25)", "(missing)"): [1],
        ("[25, 45)", "f"): [0],
        ("45 or more", "m"): [3],
        ("(missing)", "f"): [2],
    }


def test_a_missing_segment_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {"sex": "feature category"}, test={"sex": ["f"], "label": [1]})
    with pytest.raises(EvidenceError, match=r"no column 'sexx', .* Did you mean 'sex'\?"):
        case(made).candidate_segments(("sexx",))


def test_rows_that_a_model_was_trained_on_are_no_ground_for_comparison(tmp_path: Path) -> None:
    """The candidate has learnt row b by heart; only a and c are compared."""
    test = {"row_id": ["a", "b", "c"], "label": [1, 0, 1]}
    old = evidence(tmp_path / "old", {}, test=test, train={"row_id": ["x"], "label": [1]})
    new = evidence(
        tmp_path / "new",
        {},
        test=test,
        train={"row_id": ["b", "x"], "label": [0, 1]},
        scores=[0.9, 0.1, 0.9],
    )
    of = case(new, old)
    assert of.test_set.seen == 1
    assert of.arenas[0].rows.tolist() == [0, 2]
    assert measure_effect(ACCURACY, of).support.rows == 2


def test_rows_of_one_person_count_as_one(tmp_path: Path) -> None:
    """Each of 40 people stands in ten rows; the new model is wrong on all ten rows of five."""
    people = [f"p{at // 10}" for at in range(400)]
    test = {"person": people, "label": [1] * 400}
    wrong = [0.1 if at < 50 else 0.9 for at in range(400)]
    plain = {"person": "ignored text"}
    grouped = {"person": "group text"}
    widths = []
    for name, dictionary in (("plain", plain), ("grouped", grouped)):
        old = evidence(tmp_path / name / "old", dictionary, test=test, scores=[0.9] * 400)
        new = evidence(tmp_path / name / "new", dictionary, test=test, scores=wrong)
        effect = measure_effect(ACCURACY, case(new, old))
        assert effect.change == pytest.approx(-0.125)
        widths.append(effect.interval[1] - effect.interval[0])
    assert widths[1] / widths[0] == pytest.approx(10**0.5, rel=0.1)


@pytest.mark.parametrize("role", ["group", "ignored", "feature"])
def test_the_bases_groups_count_whatever_the_pull_request_calls_them(
    tmp_path: Path, role: str
) -> None:
    test = {"person": [f"p{at // 2}" for at in range(80)], "label": [True] * 80}
    new, old = (
        evidence(tmp_path / name, {"person": f"{of} text"}, test=test)
        for name, of in (("new", role), ("old", "group"))
    )
    of = case(new, old)
    assert of.groups is not None
    assert of.candidate_groups is not None
    assert len(set(of.groups.tolist())) == len(set(of.candidate_groups.tolist())) == 40


def test_few_groups_of_rows_decide_nothing(tmp_path: Path) -> None:
    test = {"person": ["a", "b"] * 50, "label": [1] * 100}
    made = evidence(tmp_path / "e", {"person": "group text"}, test=test, scores=[0.9] * 100)
    with pytest.raises(UndefinedError, match="2 groups of rows"):
        measure_effect(ACCURACY, case(made, made))


@pytest.mark.parametrize(
    ("metric", "enough"), [("roc_auc", False), ("log_loss", False), ("f1", False), ("recall", True)]
)
def test_few_groups_with_a_positive_row_decide_no_more(
    tmp_path: Path, metric: str, enough: bool
) -> None:
    """Forty patients of ten rows each; the forty positive rows are those of ten patients."""
    rows = np.arange(400)
    labels = (rows % 40 < 10) & (rows % 10 < 4)
    test = {"label": labels.tolist(), "person": [f"p{row // 10}" for row in rows.tolist()]}
    made = evidence(
        tmp_path / "e",
        {"person": "group text"},
        test=test,
        scores=(0.3 + 0.4 * labels + 0.01 * (rows % 7)).tolist(),
    )
    if enough:
        assert measure_effect(METRICS[metric], case(made, made)).change == 0
        return
    with pytest.raises(UndefinedError, match="10 groups of rows of the rarer class"):
        measure_effect(METRICS[metric], case(made, made))


def test_a_row_without_a_group_stands_for_itself(tmp_path: Path) -> None:
    test = {"person": ["a", None, "a", None], "label": [1] * 4}
    made = evidence(tmp_path / "e", {"person": "group text"}, test=test)
    groups = case(made, made).groups
    assert groups is not None
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3


def test_groups_without_a_change_are_no_proof_of_none(tmp_path: Path) -> None:
    """No answer changes, so the spread over people is zero; 400 rows still prove little."""
    test = {"person": [f"p{at // 10}" for at in range(400)], "label": [1] * 400}
    dictionary = {"person": "group text"}
    old = evidence(tmp_path / "old", dictionary, test=test, scores=[0.9] * 400)
    new = evidence(tmp_path / "new", dictionary, test=test, scores=[0.8] * 400)
    low, high = measure_effect(ACCURACY, case(new, old)).interval
    assert high == pytest.approx(1.96**2 / (400 + 1.96**2), rel=1e-3)  # Tango without discordance
    assert low == pytest.approx(-high)


def test_two_test_sets_without_a_change_are_no_proof_of_none(tmp_path: Path) -> None:
    rows, more = [f"r{at}" for at in range(50)], [f"s{at}" for at in range(50)]
    old = evidence(
        tmp_path / "old", {}, test={"row_id": rows, "label": [1] * 50}, scores=[0.9] * 50
    )
    new = evidence(
        tmp_path / "new",
        {},
        test={"row_id": more, "label": [1] * 50},
        scores=[0.8] * 50,
        other_scores={
            "baseline_predictions.parquet": (more, [0.9] * 50),
            "predictions_on_baseline_test.parquet": (rows, [0.8] * 50),
        },
    )
    low, high = measure_effect(ACCURACY, case(new, old)).interval
    each = 1.96**2 / (50 + 1.96**2)
    assert high == pytest.approx(each / 2**0.5, rel=1e-3)
    assert low == pytest.approx(-high)
