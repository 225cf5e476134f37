"""Both models' answers on the same rows, for every task and by weight."""

from pathlib import Path

import numpy as np
import pytest

from gates.case.answers import Classified, Predicted, Scored, answer
from gates.case.arena import NotComparableError
from gates.case.effect import measure_effect
from gates.evidence.folder import Evidence
from gates.policy.settings import Settings
from gates.testing import case, evidence
from tests.build_tasks import WEIGHT, multiclass, regression, scores_of

WEIGHTED = Settings(sample_weight="w")


def test_each_task_decides_by_its_rule() -> None:
    scores = np.array([0.3, 0.7])
    binary = answer("binary", np.array([True, False]), scores, decision_threshold=0.7)
    assert isinstance(binary, Scored)
    assert binary.predictions.tolist() == [False, True]
    assert binary.support.positives == 1
    shares = np.array([[0.2, 0.4, 0.4], [0.5, 0.3, 0.2]])
    classes = answer("multiclass", np.array([2, 0]), shares, decision_threshold=0.7)
    assert isinstance(classes, Classified)
    assert (classes.predictions.tolist(), classes.classes) == ([1, 0], 3)
    assert classes.support.positives is None
    numbers = answer("regression", np.array([1.0, 2.0]), scores, decision_threshold=0.7)
    assert isinstance(numbers, Predicted)
    assert numbers.take(np.array([1])).predictions.tolist() == [0.7]


def test_a_changed_test_set_of_numbers_is_judged_by_both_models_on_both(tmp_path: Path) -> None:
    """Errors of 2 become 1 on the old rows and on the new ones; the 15 rows in both count once."""
    old_rows, new_rows = ([f"r{at}" for at in range(start, start + 30)] for start in (0, 15))
    zeros, ones, twos = ([float(value)] * 30 for value in range(3))
    old = regression(tmp_path / "old", truth=zeros, predicted=twos, columns={"row_id": old_rows})
    new = regression(
        tmp_path / "new",
        truth=zeros,
        predicted=ones,
        columns={"row_id": new_rows},
        other_scores={
            "baseline_predictions.parquet": (new_rows, {"prediction": twos}),
            "predictions_on_baseline_test.parquet": (old_rows, {"prediction": ones}),
        },
    )
    of = case(new, old)
    assert (of.test_set.added, of.test_set.removed) == (15, 15)
    assert len(of.arenas) == 2
    (error,) = of.metrics("mean_absolute_error").values()
    effect = measure_effect(error, of)
    assert (effect.baseline, effect.candidate) == (2.0, 1.0)
    assert effect.contributions.sum() == pytest.approx(-1.0)
    assert len(effect.rows) == 45


def test_classes_are_paired_by_their_rows_and_read_by_their_names(tmp_path: Path) -> None:
    old = multiclass(
        tmp_path / "old", truth=["cat", "dog"], decided=["cat", "cat"], columns={"row_id": [*"ab"]}
    )
    new = multiclass(
        tmp_path / "new", truth=["dog", "cat"], decided=["dog", "cat"], columns={"row_id": [*"ba"]}
    )
    of = case(new, old)
    assert not of.test_set.changed
    (arena,) = of.arenas
    assert arena.baseline.predictions.tolist() == [0, 0]
    assert arena.candidate.predictions.tolist() == [1, 0]
    recall = of.metrics("recall")["recall.dog"]
    effect = measure_effect(recall, of)
    assert (effect.baseline, effect.candidate, effect.counted) == (0.0, 1.0, 1)


def test_a_relabelled_class_is_another_row(tmp_path: Path) -> None:
    old = multiclass(tmp_path / "old", truth=["cat", "dog"], decided=["cat", "cat"])
    new = multiclass(tmp_path / "new", truth=["cat", "eel"], decided=["cat", "cat"])
    of = case(new, old)
    assert (of.test_set.added, of.test_set.removed) == (1, 1)


def weighed(folder: Path, weights: list[float], scores: list[float], **more: str) -> Evidence:
    rows = len(weights)
    columns = {name: [f"p{at // 2}" for at in range(rows)] for name in more}
    return evidence(
        folder,
        {**WEIGHT, **more},
        test={**columns, "w": weights, "label": [True] * rows},
        scores=scores,
        settings=WEIGHTED,
    )


def test_rows_of_weight_0_are_in_no_arena(tmp_path: Path) -> None:
    old = weighed(tmp_path / "old", [1.0, 0.0, 3.0], [0.9, 0.9, 0.9])
    new = weighed(tmp_path / "new", [1.0, 0.0, 3.0], [0.1, 0.1, 0.9])
    of = case(new, old)
    assert of.arenas[0].rows.tolist() == [0, 2]
    assert of.scored.rows == 2
    assert of.positions(np.array([1, 2])).tolist() == [1]
    (accuracy,) = of.metrics("accuracy").values()
    effect = measure_effect(accuracy, of)
    assert (effect.baseline, effect.candidate) == (1.0, 0.75)
    assert effect.support.rows == 2


def test_all_weight_on_rows_that_a_model_knows_compares_nothing(tmp_path: Path) -> None:
    test = {"row_id": ["a", "b"], "w": [0.0, 1.0], "label": [True, True]}
    train = {"row_id": ["b"], "w": [1.0], "label": [True]}
    made = evidence(tmp_path / "e", WEIGHT, test=test, train=train, settings=WEIGHTED)
    with pytest.raises(NotComparableError):
        _ = case(made, made).arenas


def test_weighted_rows_of_one_person_count_together(tmp_path: Path) -> None:
    """Pairs that change together are half as many independent rows, whatever their weight."""
    weights = [float(1 + at % 2) for at in range(400)]
    before, after = [0.9] * 400, [0.1 if at < 40 else 0.9 for at in range(400)]
    widths = []
    for role in ("ignored text", "group text"):
        folder = tmp_path / role[:5]
        old = weighed(folder / "old", weights, before, person=role)
        new = weighed(folder / "new", weights, after, person=role)
        of = case(new, old)
        (accuracy,) = of.metrics("accuracy").values()
        low, high = measure_effect(accuracy, of).interval
        widths.append(high - low)
    assert widths[1] / widths[0] == pytest.approx(2**0.5, rel=0.15)


def test_scores_are_named_by_their_class() -> None:
    assert list(scores_of(["cat"])) == ["score_cat", "score_dog", "score_eel"]
