from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gates.case.answers import Classified
from gates.metrics import METRICS, metrics_called
from gates.metrics.metric import Metric
from gates.stats.undefined import UndefinedError

CLASSES = ("cat", "dog", "eel")
EVERY: dict[str, Metric[Any]] = {
    **METRICS["multiclass"],
    **metrics_called("recall", "multiclass", CLASSES),
    **metrics_called("precision", "multiclass", CLASSES),
    **metrics_called("f1", "multiclass", CLASSES),
}


def classified(labels: NDArray[np.intp], scores: NDArray[np.float64]) -> Classified:
    return Classified(labels, scores, scores.argmax(axis=1))


@pytest.fixture(scope="module")
def pair() -> tuple[Classified, Classified]:
    draws = np.random.default_rng(7)
    labels = draws.choice(3, size=3000, p=[0.6, 0.3, 0.1])
    sides = []
    for skill in (1.2, 1.0):
        logs = draws.normal(size=(3000, 3)) + skill * (labels[:, None] == np.arange(3))
        scores = np.exp(logs)
        sides.append(classified(labels, scores / scores.sum(axis=1, keepdims=True)))
    return sides[0], sides[1]


def test_values_are_scikit_learns(pair: tuple[Classified, Classified]) -> None:
    from sklearn import metrics as sk

    of = pair[0]
    labels, decided = of.labels, of.predictions
    expected = {
        "log_loss": sk.log_loss(labels, of.scores),
        "brier_score_loss": sk.brier_score_loss(labels, of.scores),
        "roc_auc_ovr": sk.roc_auc_score(labels, of.scores, multi_class="ovr"),
        "accuracy": sk.accuracy_score(labels, decided),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, decided),
        "macro_f1": sk.f1_score(labels, decided, average="macro"),
        "matthews_corrcoef": sk.matthews_corrcoef(labels, decided),
        "cohen_kappa": sk.cohen_kappa_score(labels, decided),
    }
    for name, score in (
        ("recall", sk.recall_score),
        ("precision", sk.precision_score),
        ("f1", sk.f1_score),
    ):
        values = score(labels, decided, average=None)
        expected |= {f"{name}.{one}": value for one, value in zip(CLASSES, values, strict=True)}
    assert set(expected) == set(EVERY)
    for name, value in expected.items():
        assert EVERY[name].of(of, 0.95).value == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("name", EVERY)
def test_contributions_have_the_change_as_their_mean_and_turn_with_the_models(
    name: str, pair: tuple[Classified, Classified]
) -> None:
    there, back = EVERY[name].change(*pair, 0.95), EVERY[name].change(*pair[::-1], 0.95)
    moved = there.candidate - there.baseline
    assert there.contributions.mean() == pytest.approx(moved, abs=1e-12)
    assert there.interval.lower <= moved <= there.interval.upper
    assert np.allclose(there.contributions, -back.contributions, atol=1e-12)


def test_the_first_of_equal_scores_is_decided() -> None:
    scores = np.full((2, 3), 1 / 3)
    assert classified(np.array([0, 1]), scores).predictions.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "counts", "complaint"),
    [
        ("log_loss", [29, 0, 0], "29 rows; a mean loss"),
        ("roc_auc_ovr", [50, 50, 19], "the rarest class has 19 rows"),
        ("recall.eel", [50, 50, 0], "denominator"),
        ("precision.eel", [50, 50, 20], "denominator"),  # nobody decides for it
        ("matthews_corrcoef", [50, 50, 20], "every prediction is the same class"),
        ("accuracy", [0, 0, 0], "no row"),
    ],
)
def test_a_metric_without_data_has_no_value(name: str, counts: list[int], complaint: str) -> None:
    labels = np.repeat(np.arange(3), counts)
    of = classified(labels, np.tile([0.6, 0.2, 0.2], (len(labels), 1)))
    with pytest.raises(UndefinedError, match=complaint):
        EVERY[name].of(of, 0.95)
    with pytest.raises(UndefinedError, match=complaint):
        EVERY[name].change(of, of, 0.95)


def test_a_recall_is_a_share_of_its_class() -> None:
    labels = np.array([0, 1, 1, 2])
    shared = EVERY["recall.dog"].shared_rows(labels)
    assert shared is not None
    assert shared.tolist() == [False, True, True, False]
    assert EVERY["f1.dog"].shared_rows(labels) is None
