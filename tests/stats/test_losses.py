import math

import numpy as np
import pytest
from sklearn import metrics

from gates.stats.influence import log_losses, squared_errors
from gates.stats.losses import class_brier_scores, class_log_losses
from gates.stats.undefined import UndefinedError

LABELS = np.random.default_rng(0).integers(0, 4, 200)
SCORES = np.random.default_rng(1).dirichlet(np.ones(4), 200)


def test_losses_by_hand() -> None:
    scores = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    losses = class_log_losses(np.array([1, 1]), scores)
    assert losses.tolist() == pytest.approx([math.log(4), 0], abs=1e-12)
    # .5² + .75² + .25²
    assert class_brier_scores(np.array([1, 1]), scores).tolist() == [0.875, 0.0]


def test_losses_of_many_classes_are_scikit_learns() -> None:
    assert class_log_losses(LABELS, SCORES).mean() == pytest.approx(
        metrics.log_loss(LABELS, SCORES), abs=1e-12
    )
    for half in (False, True):
        assert class_brier_scores(LABELS, SCORES, scale_by_half=half).mean() == pytest.approx(
            metrics.brier_score_loss(LABELS, SCORES, scale_by_half=half), abs=1e-12
        )


def test_two_classes_are_the_binary_losses() -> None:
    scores = SCORES[:, 0]
    both = np.stack([1 - scores, scores], axis=1)
    labels = LABELS > 1
    assert class_log_losses(labels.astype(np.intp), both) == pytest.approx(
        log_losses(labels, scores), abs=1e-12
    )
    assert class_brier_scores(labels.astype(np.intp), both, scale_by_half=True) == pytest.approx(
        squared_errors(labels, scores), abs=1e-12
    )


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    assert class_log_losses(np.array([0]), np.array([[0.0, 1.0]]))[0] == pytest.approx(
        36.04, abs=0.01
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.5, math.nan], "outside"),
        ([1.5, -0.5], "outside"),
        ([math.inf, 0.0], "outside"),
        ([0.5, 0.4], r"sum to 0\.9, probabilities"),
    ],
)
def test_what_are_no_probabilities(row: list[float], message: str) -> None:
    for losses in (class_log_losses, class_brier_scores):
        with pytest.raises(UndefinedError, match=message):
            losses(np.array([0]), np.array([row]))


def test_single_precision_sums_to_one() -> None:
    scores = SCORES.astype(np.float32).astype(np.float64)
    assert class_log_losses(LABELS, scores).mean() == pytest.approx(
        class_log_losses(LABELS, SCORES).mean(), abs=1e-6
    )
