import numpy as np
import pytest
from numpy.typing import NDArray

from gates.case.answers import Scored
from gates.metrics.binary import METRICS
from gates.stats.undefined import UndefinedError


def scored(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> Scored:
    return Scored(labels, scores, scores >= 0.5)


@pytest.fixture(scope="module")
def pair() -> tuple[Scored, Scored]:
    draws = np.random.default_rng(7)
    labels = draws.random(4000) < 0.3
    old = np.clip(0.5 * labels + draws.random(4000) * 0.7 - 0.1, 0, 1).round(3)
    new = np.clip(0.45 * labels + draws.random(4000) * 0.7 - 0.1, 0, 1).round(3)
    return scored(labels, old), scored(labels, new)


def test_values_are_scikit_learns_and_fairlearns(pair: tuple[Scored, Scored]) -> None:
    import fairlearn.metrics as fair
    from sklearn import metrics as sk

    of = pair[0]
    expected = {
        "log_loss": sk.log_loss(of.labels, of.scores),
        "brier_score_loss": sk.brier_score_loss(of.labels, of.scores),
        "roc_auc": sk.roc_auc_score(of.labels, of.scores),
        "accuracy": sk.accuracy_score(of.labels, of.predictions),
        "balanced_accuracy": sk.balanced_accuracy_score(of.labels, of.predictions),
        "average_precision": sk.average_precision_score(of.labels, of.scores),
        "macro_f1": sk.f1_score(of.labels, of.predictions, average="macro"),
        "matthews_corrcoef": sk.matthews_corrcoef(of.labels, of.predictions),
        "cohen_kappa": sk.cohen_kappa_score(of.labels, of.predictions),
        "precision": sk.precision_score(of.labels, of.predictions),
        "recall": sk.recall_score(of.labels, of.predictions),
        "f1": sk.f1_score(of.labels, of.predictions),
        "specificity": sk.recall_score(~of.labels, ~of.predictions),
        "true_positive_rate": fair.true_positive_rate(of.labels, of.predictions),
        "false_positive_rate": fair.false_positive_rate(of.labels, of.predictions),
        "false_negative_rate": fair.false_negative_rate(of.labels, of.predictions),
        "selection_rate": fair.selection_rate(of.labels, of.predictions),
    }
    assert set(expected) == set(METRICS)
    for name, value in expected.items():
        assert METRICS[name].of(of, 0.95).value == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("name", METRICS)
def test_contributions_have_the_change_as_their_mean(
    name: str, pair: tuple[Scored, Scored]
) -> None:
    change = METRICS[name].change(*pair, 0.95)
    assert change.contributions.mean() == pytest.approx(
        change.candidate - change.baseline, abs=1e-12
    )
    assert change.interval.lower <= change.candidate - change.baseline <= change.interval.upper


@pytest.mark.parametrize("name", METRICS)
def test_swapping_the_models_turns_the_change_around(
    name: str, pair: tuple[Scored, Scored]
) -> None:
    there, back = METRICS[name].change(*pair, 0.95), METRICS[name].change(*pair[::-1], 0.95)
    assert there.interval.lower == pytest.approx(-back.interval.upper, abs=1e-9)
    assert np.allclose(there.contributions, -back.contributions, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "labels", "complaint"),
    [
        ("roc_auc", [True] * 50, "50 positives and 0 negatives"),
        ("roc_auc", [True] * 19 + [False] * 50, "19 positives and 50 negatives"),
        ("log_loss", [True] * 29, "29 positives and 0 negatives; a mean loss"),
        ("recall", [False] * 50, "denominator"),
        ("precision", [True] * 5, "denominator"),
    ],
)
def test_a_metric_without_data_has_no_value(name: str, labels: list[bool], complaint: str) -> None:
    of = scored(np.array(labels), np.full(len(labels), 0.1))
    with pytest.raises(UndefinedError, match=complaint):
        METRICS[name].of(of, 0.95)
    with pytest.raises(UndefinedError, match=complaint):
        METRICS[name].change(of, of, 0.95)


@pytest.mark.parametrize("name", ["log_loss", "brier_score_loss"])
def test_a_mean_loss_is_judged_from_30_rows_of_each_class_on(name: str) -> None:
    def rows(positives: int, negatives: int) -> Scored:
        labels = np.array([True] * positives + [False] * negatives)
        return scored(labels, np.full(len(labels), 0.3))

    for few in (rows(29, 500), rows(500, 29)):
        with pytest.raises(UndefinedError, match="a mean loss is judged from 30 of each"):
            METRICS[name].of(few, 0.95)
    assert METRICS[name].of(rows(30, 30), 0.95).value > 0
