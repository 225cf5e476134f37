"""Gate `metric_floor`: no metric is beyond its absolute limit, whatever it was before."""

import math
from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Limit, Mode, Result, State
from gates.rules.gate import Measurement
from gates.rules.metric_floor import MetricFloor
from gates.testing import case, evidence, items, outcome

LABELS = [True, False] * 200


def right_on(rows: int) -> list[float]:
    """Scores of 400 rows, so many of them right."""
    return [0.9 if label is (at < rows) else 0.1 for at, label in enumerate(LABELS)]


def side(folder: Path, scores: list[float], labels: list[bool] | None = None) -> Evidence:
    return evidence(folder, {}, test={"label": labels or LABELS}, scores=scores)


def gate(**metrics: float) -> MetricFloor:
    bounds: Any = metrics
    return MetricFloor(metrics=bounds, mode=Mode.STRICT)


@pytest.mark.parametrize(
    ("floor", "state"),
    [
        (0.86, State.PASSED),
        (0.87, State.UNDECIDED),
        (0.90, State.UNDECIDED),  # exactly at the value: as likely below as above
        (0.92, State.UNDECIDED),
        (0.95, State.FAILED),
    ],
)
def test_a_floor_is_kept_by_the_whole_interval(tmp_path: Path, floor: float, state: State) -> None:
    """360 of 400 are right: 0.9, and Wilson's 95 % interval is 0.8667 to 0.9257."""
    of = case(side(tmp_path / "a", right_on(360)))
    (finding,) = outcome("metric_floor", gate(accuracy=floor), of).findings
    assert finding.candidate == 0.9
    assert finding.interval == pytest.approx((0.8667, 0.9257), abs=1e-4)
    assert finding.interval_of == "candidate"
    assert finding.state is state


@pytest.mark.parametrize(
    ("ceiling", "state"),
    [
        (math.log(2) + 1e-9, State.PASSED),
        (math.log(2), State.PASSED),
        (math.log(2) - 1e-3, State.FAILED),
    ],
)
def test_a_bound_is_a_ceiling_where_less_is_better(
    tmp_path: Path, ceiling: float, state: State
) -> None:
    """Every score is one half, so every row's loss is ln 2, without any doubt."""
    of = case(side(tmp_path / "a", [0.5] * 400))
    (finding,) = outcome("metric_floor", gate(log_loss=ceiling), of).findings
    assert finding.limit == Limit(ceiling=ceiling, mode=Mode.STRICT)
    assert finding.state is state


def test_metrics_come_in_the_order_of_the_policy(tmp_path: Path) -> None:
    of = case(side(tmp_path / "a", right_on(360)))
    found = items(gate(recall=0.1, accuracy=0.1, log_loss=9.0), of)
    assert [item.subject.metric for item in found] == ["recall", "accuracy", "log_loss"]


@pytest.mark.parametrize(
    ("labels", "metric", "reason"),
    [
        ([False] * 50, "roc_auc", "0 positives and 50 negatives"),
        ([False] * 50, "recall", "no "),
        ([True] * 29, "log_loss", "29 positives and 0 negatives"),
        ([True], "brier_score_loss", "1 positives and 0 negatives"),
    ],
)
def test_what_has_no_value_is_undecided_with_the_reason(
    tmp_path: Path, labels: list[bool], metric: str, reason: str
) -> None:
    of = case(side(tmp_path / "a", [0.4] * len(labels), labels))
    (finding,) = outcome("metric_floor", gate(**{metric: 0.5}), of).findings
    assert (finding.state, finding.limit.mode) == (State.UNDECIDED, Mode.STRICT)
    assert finding.candidate is None
    assert reason in finding.message


def test_the_baseline_stands_beside_it_on_the_same_rows_only(tmp_path: Path) -> None:
    new, old = side(tmp_path / "new", right_on(360)), side(tmp_path / "old", right_on(380))
    other = side(tmp_path / "other", right_on(380), [not label for label in LABELS])
    (beside,) = items(gate(accuracy=0.5), case(new, old))
    apart, on_base = items(gate(accuracy=0.5), case(new, other))
    assert isinstance(beside, Measurement)
    assert isinstance(apart, Measurement)
    assert isinstance(on_base, Measurement)
    assert (beside.value, beside.baseline) == (0.9, 0.95)
    assert (apart.value, apart.baseline) == (0.9, None)
    assert (on_base.value, on_base.baseline) == (0.1, 0.05)
    assert on_base.subject.text() == "accuracy on the baseline's rows"


def test_it_needs_no_baseline_and_blames_nobody(tmp_path: Path) -> None:
    made = side(tmp_path / "a", right_on(200))
    for of in (case(made), case(made, made)):
        assert outcome("metric_floor", gate(accuracy=0.9), of).outcome is Result.FAILED
