from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.plan.second_model import (
    choose_second,
    churn_between,
    imagine_class_scores,
    imagine_scores,
    usual_churn,
)
from gates.testing import evidence
from tests.build_tasks import multiclass, regression

SCORES = np.random.default_rng(3).beta(1, 9, size=4_000)
LABELS = [True, False] * 10
HALVES = {"label": LABELS}


@given(st.floats(0.001, 0.2), st.floats(0.1, 0.9))
def test_exactly_the_asked_share_of_answers_changes(churn: float, threshold: float) -> None:
    second = imagine_scores(SCORES, threshold, churn)
    assert churn_between(SCORES, second, threshold) == pytest.approx(churn, abs=0.51 / len(SCORES))
    assert np.isfinite(second).all()
    assert ((second >= 0) & (second <= 1)).all()


def test_it_is_the_rows_near_the_threshold_that_change() -> None:
    second = imagine_scores(SCORES, 0.2, 0.02)
    changed = (SCORES >= 0.2) != (second >= 0.2)
    assert np.abs(SCORES[changed] - 0.2).max() < np.abs(SCORES - 0.2).max() / 2


def test_the_same_scores_give_the_same_second_model() -> None:
    one, other = (imagine_scores(SCORES, 0.5, 0.03) for _ in range(2))
    assert one.tolist() == other.tolist()


@pytest.mark.parametrize("scores", [[0.0, 1.0] * 50, [0.5] * 100, [1.0] * 100])
def test_scores_without_odds_and_ties_change_as_well(scores: list[float]) -> None:
    second = imagine_scores(np.array(scores), 0.5, 0.1)
    assert churn_between(np.array(scores), second, 0.5) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("positive", "churn"),
    [(0.5, 0.06), (0.12, 0.06), (0.04, 0.02), (0.98, 0.01), (0.0, 0.06)],
)
def test_no_model_changes_its_mind_more_often_than_half_of_its_rarer_answer(
    positive: float, churn: float
) -> None:
    scores = np.where(np.arange(100) < 100 * positive, 0.9, 0.1)
    assert usual_churn(scores, 0.5) == pytest.approx(churn)


def test_two_models_at_hand_are_measured(tmp_path: Path) -> None:
    one = evidence(tmp_path / "one", {}, test=HALVES, scores=[0.9] * 20, revision="1111111")
    two = evidence(
        tmp_path / "two", {}, test=HALVES, scores=[0.1] * 3 + [0.9] * 17, revision="2222222"
    )
    scores, churn = choose_second(0.5, one, two, None)
    assert scores.tolist() == two.scores.tolist()
    assert (churn.share, churn.source, churn.between) == (0.15, "measured", "1111111 and 2222222")


def test_a_folder_that_holds_both_models_is_measured(tmp_path: Path) -> None:
    ids = [f"r{at}" for at in range(20)]
    both = {"baseline_predictions.parquet": (ids, [0.1] + [0.9] * 19)}
    one = evidence(tmp_path / "one", {}, test=HALVES, scores=[0.9] * 20, other_scores=both)
    _, churn = choose_second(0.5, one, None, None)
    assert (churn.share, churn.source) == (0.05, "measured")


def test_what_is_given_counts_before_what_is_measured(tmp_path: Path) -> None:
    one = evidence(tmp_path / "one", {}, test=HALVES, scores=[0.9, 0.1] * 10)
    two = evidence(tmp_path / "two", {}, test=HALVES, scores=[0.1, 0.9] * 10)
    scores, churn = choose_second(0.5, one, two, 0.1)
    assert (churn.share, churn.source) == (0.1, "given")
    assert churn_between(one.scores, scores, 0.5) == pytest.approx(0.1)


def test_models_that_never_differ_measure_nothing(tmp_path: Path) -> None:
    one = evidence(tmp_path / "one", {}, test=HALVES, scores=[0.9, 0.1] * 10)
    _, churn = choose_second(0.5, one, one, None)
    assert (churn.share, churn.source) == (0.06, "assumed")


def test_a_second_of_other_rows_is_refused(tmp_path: Path) -> None:
    one = evidence(tmp_path / "one", {}, test=HALVES)
    two = evidence(tmp_path / "two", {}, test={"label": LABELS[:10]})
    with pytest.raises(EvidenceError, match="10 of 20 test rows have no prediction"):
        choose_second(0.5, one, two, None)


TRUTH = ["cat", "dog", "eel"] * 200
PREDICTED = np.random.default_rng(4).normal(10, 2, 600)


def class_scores(seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).random((4_000, 3)) ** 3
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("churn", [0.001, 0.03, 0.2])
def test_exactly_the_asked_share_of_classes_changes(churn: float) -> None:
    scores = class_scores(3)
    second = imagine_class_scores(scores, churn)
    changed = float(np.mean(scores.argmax(axis=1) != second.argmax(axis=1)))
    assert changed == pytest.approx(churn, abs=1.01 / len(scores))
    assert np.allclose(second.sum(axis=1), 1)
    assert ((second >= 0) & (second <= 1)).all()


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
def test_classes_without_doubt_and_ties_change_as_well(row: list[float]) -> None:
    second = imagine_class_scores(np.tile(row, (100, 1)), 0.1)
    assert np.isfinite(second).all()
    assert (second.argmax(axis=1) != 0).any()


def test_two_models_of_classes_are_measured(tmp_path: Path) -> None:
    other = ["dog", *TRUTH[1:]]
    one = multiclass(tmp_path / "one", truth=TRUTH, decided=TRUTH, revision="1111111")
    two = multiclass(tmp_path / "two", truth=TRUTH, decided=other, revision="2222222")
    scores, churn = choose_second(0.5, one, two, None)
    assert scores.tolist() == two.scores.tolist()
    assert (churn.share, churn.of) == (1 / 600, "answers")
    _, churn = choose_second(0.5, one, one, None)
    assert (churn.share, churn.source) == (0.06, "assumed")


def test_the_churn_of_numbers_is_the_size_of_their_change(tmp_path: Path) -> None:
    one = regression(tmp_path / "one", truth=PREDICTED.tolist(), predicted=PREDICTED.tolist())
    deviation = float(np.std(PREDICTED))
    moved = (PREDICTED + 0.5 * deviation).tolist()
    two = regression(tmp_path / "two", truth=PREDICTED.tolist(), predicted=moved)
    _, churn = choose_second(0.5, one, two, None)
    assert churn.share == pytest.approx(0.5)
    assert (churn.of, churn.source) == ("spread", "measured")
    scores, churn = choose_second(0.5, one, None, 0.2)
    assert float(np.std(scores - PREDICTED)) == pytest.approx(0.2 * deviation, rel=0.1)
    assert churn.source == "given"


def test_constant_numbers_have_no_size_to_move_by(tmp_path: Path) -> None:
    flat = regression(tmp_path / "e", truth=[3.0] * 50, predicted=[3.0] * 50)
    scores, churn = choose_second(0.5, flat, flat, None)
    assert scores.tolist() == [3.0] * 50
    assert churn.source == "assumed"
