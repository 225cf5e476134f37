"""The value alone is the value beside an interval, to the bit."""

from typing import Any

import numpy as np
import pytest

from gates.case.answers import answer
from gates.metrics.binary import METRICS
from gates.metrics.metric import Metric
from gates.metrics.values import value_of
from gates.stats.undefined import UndefinedError

RANDOM = np.random.default_rng(4)
LABELS, SCORES = RANDOM.random(500) < 0.3, RANDOM.random(500)
WEIGHTS = RANDOM.integers(1, 9, 500).astype(float)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_it_is_what_the_metric_gives(name: str, weights: Any) -> None:
    metric: Metric[Any] = METRICS[name]
    answers = answer("binary", LABELS, SCORES, decision_threshold=0.5, weights=weights)
    assert value_of(metric, answers) == metric.of(answers, 0.95).value


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "recall"])
def test_it_refuses_what_the_metric_refuses(name: str) -> None:
    metric: Metric[Any] = METRICS[name]
    none = answer("binary", np.zeros(500, dtype=np.bool_), SCORES, decision_threshold=0.5)
    with pytest.raises(UndefinedError) as said:
        metric.of(none, 0.95)
    with pytest.raises(UndefinedError, match=str(said.value)):
        value_of(metric, none)
