"""A weight is how often a row counts: repeating the row says the same, weight 0 leaves it out."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from gates.case.answers import Answers, Task, answer
from gates.metrics import METRICS, metrics_called
from gates.metrics.metric import Metric
from gates.stats.undefined import UndefinedError

ROWS = 400
TIMES = np.random.default_rng(1).integers(1, 4, ROWS)


def every() -> Iterator[tuple[Task, str, Metric[Any]]]:
    for task, known in METRICS.items():
        yield from ((task, name, metric) for name, metric in known.items())
    for name in ("recall", "precision", "f1"):
        for shown, metric in metrics_called(name, "multiclass", ("a", "b", "c")).items():
            yield "multiclass", shown, metric


def made(task: Task, seed: int) -> Answers:
    draws, labels = np.random.default_rng(seed), np.random.default_rng(0)
    if task == "regression":
        truth = labels.normal(10, 3, ROWS)
        return answer(task, truth, truth + draws.normal(0, 1, ROWS), decision_threshold=0.5)
    if task == "binary":
        positive = labels.random(ROWS) < 0.4
        scores = np.clip(0.3 * positive + draws.random(ROWS) * 0.7, 0, 1)
        return answer(task, positive, scores, decision_threshold=0.5)
    codes = labels.choice(3, ROWS)
    raw = draws.random((ROWS, 3)) + (codes[:, None] == np.arange(3))
    scores = raw / raw.sum(axis=1, keepdims=True)
    return answer(task, codes, scores, decision_threshold=0.5)


def weighed(of: Answers, weights: Any) -> Answers:
    return msgspec.structs.replace(of, weights=np.asarray(weights, dtype=np.float64))


CASES = [pytest.param(task, metric, id=f"{task}-{name}") for task, name, metric in every()]


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_a_weight_is_a_repetition(task: Task, metric: Metric[Any]) -> None:
    old, new = made(task, 2), made(task, 3)
    repeated = np.repeat(np.arange(ROWS), TIMES)
    often = metric.change(old.take(repeated), new.take(repeated), 0.95)
    heavy = metric.change(weighed(old, TIMES), weighed(new, TIMES), 0.95)
    assert heavy.baseline == pytest.approx(often.baseline, abs=1e-12)
    assert heavy.candidate == pytest.approx(often.candidate, abs=1e-12)
    moved = heavy.candidate - heavy.baseline
    assert heavy.contributions.mean() == pytest.approx(moved, abs=1e-12)
    value = metric.of(weighed(new, TIMES), 0.95)
    assert value.value == pytest.approx(heavy.candidate, abs=1e-12)
    assert value.values.mean() == pytest.approx(value.value, abs=1e-12)
    assert value.interval.lower <= value.value <= value.interval.upper


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_only_the_ratio_of_weights_matters(task: Task, metric: Metric[Any]) -> None:
    old, new = made(task, 2), made(task, 3)
    one = metric.change(weighed(old, TIMES), weighed(new, TIMES), 0.95)
    other = metric.change(weighed(old, 1e6 * TIMES), weighed(new, 1e6 * TIMES), 0.95)
    assert other.interval.lower == pytest.approx(one.interval.lower, abs=1e-12)
    assert other.interval.upper == pytest.approx(one.interval.upper, abs=1e-12)


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_equal_weights_change_no_value(task: Task, metric: Metric[Any]) -> None:
    old, new = made(task, 2), made(task, 3)
    plain = metric.change(old, new, 0.95)
    equal = metric.change(weighed(old, np.ones(ROWS)), weighed(new, np.ones(ROWS)), 0.95)
    assert equal.candidate == pytest.approx(plain.candidate, abs=1e-12)
    width = plain.interval.upper - plain.interval.lower
    assert equal.interval.upper - equal.interval.lower == pytest.approx(width, rel=0.02)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("task", "metric"), CASES)
@pytest.mark.parametrize("rows", [0, 1, 2])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_hardly_any_row_is_a_value_or_a_reason(
    task: Task, metric: Metric[Any], rows: int, *, is_weighted: bool
) -> None:
    old, new = made(task, 2).take(slice(0, rows)), made(task, 3).take(slice(0, rows))
    if is_weighted:
        old, new = weighed(old, TIMES[:rows]), weighed(new, TIMES[:rows])
    try:
        change, value = metric.change(old, new, 0.95), metric.of(new, 0.95)
    except UndefinedError as error:
        assert str(error)
        return
    assert np.isfinite([change.baseline, change.candidate, value.value]).all()
    assert np.isfinite([*msgspec.structs.astuple(change.interval)]).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("task", "metric"), CASES)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_constant_answers_are_a_value_or_a_reason(
    task: Task, metric: Metric[Any], *, is_weighted: bool
) -> None:
    """The same score for every row: ties everywhere, and one class decided."""
    like = made(task, 2)
    scores = np.broadcast_to(like.scores[0], like.scores.shape)
    flat = answer(task, like.labels, scores, decision_threshold=0.5)
    if is_weighted:
        flat = weighed(flat, TIMES)
    try:
        change, value = metric.change(flat, flat, 0.95), metric.of(flat, 0.95)
    except UndefinedError as error:
        assert str(error)
        return
    assert change.baseline == change.candidate == pytest.approx(value.value)
    assert not change.contributions.any()
