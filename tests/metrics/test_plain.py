"""What a metrics file should say: scikit-learn's number, of few rows and of weighted ones too."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from gates.case.answers import Answers, answer
from gates.metrics import METRICS
from gates.metrics.plain import plain_value
from gates.stats.undefined import UndefinedError

ROWS = 12
WEIGHTS = np.random.default_rng(2).uniform(0.5, 3, ROWS)
DRAWS = np.random.default_rng(1)
POSITIVE = np.arange(ROWS) % 3 == 0
CODES = np.arange(ROWS) % 3
SHARES = DRAWS.dirichlet([1, 1, 1], ROWS)
NUMBERS = DRAWS.normal(size=ROWS)
SIDES: dict[str, tuple[Any, Any]] = {
    "binary": (POSITIVE, DRAWS.random(ROWS)),
    "multiclass": (CODES, SHARES),
    "regression": (NUMBERS, NUMBERS + DRAWS.normal(size=ROWS)),
}
THEIRS: dict[tuple[str, str], Callable[..., float]] = {
    ("binary", "log_loss"): sk.log_loss,
    ("binary", "brier_score_loss"): sk.brier_score_loss,
    ("binary", "roc_auc"): sk.roc_auc_score,
    ("binary", "average_precision"): sk.average_precision_score,
    ("multiclass", "log_loss"): sk.log_loss,
    ("multiclass", "brier_score_loss"): sk.brier_score_loss,
    ("multiclass", "roc_auc_ovr"): lambda truth, scores, sample_weight: sk.roc_auc_score(
        np.eye(3)[truth], scores, sample_weight=sample_weight
    ),
    ("regression", "mean_absolute_error"): sk.mean_absolute_error,
    ("regression", "mean_squared_error"): sk.mean_squared_error,
    ("regression", "root_mean_squared_error"): sk.root_mean_squared_error,
    ("regression", "r2"): sk.r2_score,
    ("regression", "mean_error"): lambda truth, said, sample_weight: float(
        np.average(said - truth, weights=sample_weight)
    ),
}


def made(task: Any, weights: Any = None) -> Answers:
    return answer(task, *SIDES[task], decision_threshold=0.5, weights=weights)


@pytest.mark.parametrize(("task", "name"), THEIRS)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_a_handful_of_rows_has_scikit_learns_value(task: Any, name: str, weights: Any) -> None:
    theirs = THEIRS[task, name](*SIDES[task], sample_weight=weights)
    ours = plain_value(name, METRICS[task][name], made(task, weights))
    assert ours == pytest.approx(theirs, abs=1e-12)


def counted() -> Iterator[tuple[Any, str]]:
    for task, known in METRICS.items():
        yield from ((task, name) for name in known if (task, name) not in THEIRS)


@pytest.mark.parametrize(("task", "name"), list(counted()))
def test_what_is_counted_is_the_metrics_own_value(task: Any, name: str) -> None:
    metric = METRICS[task][name]
    assert plain_value(name, metric, made(task)) == metric.of(made(task), 0.95).value


@pytest.mark.parametrize(
    ("task", "name"),
    [("binary", "roc_auc"), ("binary", "average_precision"), ("multiclass", "roc_auc_ovr")],
)
def test_a_ranking_of_one_class_has_no_value(task: Any, name: str) -> None:
    with pytest.raises(UndefinedError):
        plain_value(name, METRICS[task][name], made(task).take(np.array([0, 3, 6])))


def test_constant_labels_explain_nothing() -> None:
    flat = made("regression").take(np.array([1, 1, 1]))
    with pytest.raises(UndefinedError, match="R² needs labels that differ"):
        plain_value("r2", METRICS["regression"]["r2"], flat)
