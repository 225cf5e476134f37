"""Predictions and weights that do not fit the task are refused, with place, value and mend."""

import math
from pathlib import Path
from typing import Any

import pytest

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.policy.settings import Settings
from gates.testing import evidence
from tests.build_tasks import MULTICLASS, REGRESSION, WEIGHT, label_of, multiclass, regression

TRUTH = ["cat", "dog", "eel"]
THIRDS = {"score_cat": [0.2, 0.5, 1.0], "score_dog": [0.3, 0.5, 0.0], "score_eel": [0.5, 0.0, 0.0]}


def refusal(made: Evidence) -> str:
    try:
        _ = made.ids, made.labels, made.scores, made.weights, made.test_digest
    except EvidenceError as error:
        return str(error)
    raise AssertionError("it was read without complaint")


def test_classes_are_read_by_their_columns_names(tmp_path: Path) -> None:
    made = evidence(
        tmp_path / "e",
        {"label": label_of(["eel", "cat", "dog"])},
        test={"label": TRUTH},
        scores=THIRDS,
        settings=MULTICLASS,
    )
    assert made.classes == ("eel", "cat", "dog")
    assert made.labels.tolist() == [1, 2, 0]
    assert made.scores.tolist() == [[0.5, 0.2, 0.3], [0.0, 0.5, 0.5], [0.0, 1.0, 0.0]]


def test_numbers_are_read_as_they_are(tmp_path: Path) -> None:
    made = regression(tmp_path / "e", truth=[1, -2, 3.5], predicted=[1e6, -1.0, 0.0])
    assert made.labels.tolist() == [1.0, -2.0, 3.5]
    assert made.scores.tolist() == [1e6, -1.0, 0.0]


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [
        ({**THIRDS, "score_dog": [0.3, 0.5, 0.1]}, "add up to 1 in all but 1 of 3 rows"),
        ({**THIRDS, "score_dog": [0.3, 0.5, 0.0 + 9e-7]}, ""),
        ({**THIRDS, "score_dog": [1.3, 0.5, 0.0]}, "outside [0, 1], such as 1.3. Write the class"),
        ({**THIRDS, "score_dog": [math.inf, 0.5, 0.0]}, "1 of 3 scores are missing, NaN"),
        ({**THIRDS, "score_fox": [0.0, 0.0, 0.0]}, "'score_fox' is of no class"),
        ({"score_cat": [1.0, 1.0, 1.0]}, "no column 'score_dog', which a multiclass task needs"),
        ({"score": [1.0, 1.0, 1.0]}, "set `gates.task` to binary, whose columns it has"),
    ],
)
def test_probabilities_of_classes_that_are_none_are_refused(
    tmp_path: Path, scores: dict[str, list[float]], complaint: str
) -> None:
    made = evidence(
        tmp_path / "e",
        {"label": label_of(TRUTH)},
        test={"label": TRUTH},
        scores=scores,
        settings=MULTICLASS,
    )
    if complaint:
        assert complaint in refusal(made)
    else:
        assert len(made.scores) == 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e101, -1e300])
def test_predicted_numbers_are_finite(tmp_path: Path, bad: float) -> None:
    made = regression(tmp_path / "e", truth=[1.0, 2.0], predicted=[1.0, bad])
    assert "1 of 2 predictions are missing, NaN or infinite" in refusal(made)


@pytest.mark.parametrize(
    ("settings", "label", "values", "complaint"),
    [
        (Settings(), label_of(TRUTH), TRUTH, "has 3 levels, cat, dog, eel; a binary task has two"),
        (Settings(), "label number", [0.5, 1.0, 2.0], "or set `gates.task` to regression"),
        (MULTICLASS, "label boolean", [True, False, True], "the label's levels are not listed"),
        (MULTICLASS, label_of(["cat", "cat"]), ["cat"] * 3, "levels are cat, cat; a multiclass"),
        (MULTICLASS, label_of(["cat", "dog"]), TRUTH, "the label 'label' holds 'eel'; its levels"),
        (MULTICLASS, label_of(["1", "2"]), [1.0, 2.0, 1.5], "is stored as number; classes are"),
        (REGRESSION, label_of(TRUTH), TRUTH, "is stored as text; a regression predicts a number"),
        (REGRESSION, "label boolean", [True, False, True], "set `gates.task` to binary"),
        (REGRESSION, "label number", [1.0, math.inf, 2.0], "is infinite or beyond 1e+100 in 1 of"),
        (REGRESSION, "label number", [1.0, -1e200, 2.0], "is infinite or beyond 1e+100 in 1 of"),
        (REGRESSION, "label number", [1.0, None, 2.0], "is missing in 1 of 3 rows"),
    ],
)
def test_a_label_of_another_task_is_refused(
    tmp_path: Path, settings: Settings, label: Any, values: list[Any], complaint: str
) -> None:
    made = evidence(tmp_path / "e", {"label": label}, test={"label": values}, settings=settings)
    assert complaint in refusal(made)


def test_whole_numbers_can_be_classes(tmp_path: Path) -> None:
    made = evidence(
        tmp_path / "e", {"label": label_of(["7", "3"])}, test={"label": [3, 7]}, settings=MULTICLASS
    )
    assert made.labels.tolist() == [1, 0]


def weighed(folder: Path, weights: list[Any], entry: str = "weight number") -> Evidence:
    return evidence(
        folder,
        {"w": entry},
        test={"w": weights, "label": [True] * len(weights)},
        settings=Settings(sample_weight="w"),
    )


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ([1.0, -0.5, 2.0], "is negative in 1 of 3 rows, such as -0.5; a weight is 0 or more"),
        ([0.0, 0.0, 0.0], "is 0 in all 3 rows, so that nothing counts"),
        ([1.0, None, 2.0], "is missing, NaN or infinite in 1 of 3 rows"),
        ([1.0, math.inf, 2.0], "is missing, NaN or infinite in 1 of 3 rows"),
        (["1", "2", "3"], "is stored as text; weights are numbers"),
    ],
)
def test_weights_that_are_none_are_refused(
    tmp_path: Path, weights: list[Any], complaint: str
) -> None:
    assert complaint in refusal(weighed(tmp_path / "e", weights))


def test_a_weight_has_its_role(tmp_path: Path) -> None:
    wrong = weighed(tmp_path / "e", [1.0, 2.0], "feature number")
    assert "has the role feature in columns.yaml; a weight is no feature" in refusal(wrong)
    unlisted = evidence(
        tmp_path / "u", {}, test={"label": [True]}, settings=Settings(sample_weight="w")
    )
    assert "'w', which `gates.sample_weight` names, is not in columns.yaml" in refusal(unlisted)
    unwritten = evidence(
        tmp_path / "n", WEIGHT, test={"label": [True]}, settings=Settings(sample_weight="w")
    )
    assert "is not in the table. Write the column" in refusal(unwritten)


def test_the_test_digest_is_of_classes_numbers_and_weights(tmp_path: Path) -> None:
    turned = multiclass(tmp_path / "a", truth=["cat", "dog"], decided=["cat"] * 2)
    classes = ("dog", "eel", "cat")
    same = multiclass(tmp_path / "b", truth=["cat", "dog"], decided=["cat"] * 2, classes=classes)
    assert turned.test_digest == same.test_digest  # of names, whatever their order
    light, heavy = weighed(tmp_path / "c", [1.0, 2.0]), weighed(tmp_path / "d", [1.0, 3.0])
    assert light.test_digest != heavy.test_digest
