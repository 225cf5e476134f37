"""Gate `metric_regression`: no metric is worse than at the merge base."""

import math
from pathlib import Path
from typing import Any

import pytest

from gates.case.case import Case
from gates.finding import Finding, Limit, Mode, Result, State, Support
from gates.rules.gate import Comparison, Correction
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.testing import case, evidence, items, outcome

ROWS = 400
LABELS = [True, False] * (ROWS // 2)
RIGHT = [0.9 if label else 0.1 for label in LABELS]


def change(tmp_path: Path, labels: list[bool], old: list[float], new: list[float]) -> Case:
    return case(
        evidence(tmp_path / "new", {}, test={"label": labels}, scores=new),
        evidence(tmp_path / "old", {}, test={"label": labels}, scores=old),
    )


def wrong_on(*rows: int) -> list[float]:
    return [1 - score if at in rows else score for at, score in enumerate(RIGHT)]


def gate(**margins: float) -> MetricRegression:
    named: Any = {name: MetricDemand(margin=margin) for name, margin in margins.items()}
    return MetricRegression(metrics=named)


def test_one_comparison_a_metric_in_the_order_of_the_policy(tmp_path: Path) -> None:
    """Four of 200 positives are newly missed: accuracy −4/400, recall −4/200, precision stays 1."""
    of = change(tmp_path, LABELS, RIGHT, wrong_on(0, 2, 4, 6))
    found = items(gate(precision=0.1, recall=0.1, accuracy=0.1), of)
    assert [item.subject.metric for item in found] == ["precision", "recall", "accuracy"]
    changes = [item.change for item in found if isinstance(item, Comparison)]
    assert changes == pytest.approx([0, -0.02, -0.01])
    for item in found:
        assert isinstance(item, Comparison)
        assert item.correction is Correction.OVERALL
        assert item.support == Support(rows=400, positives=200)
        assert item.limit == Limit(margin=0.1, mode=Mode.GUARD)


@pytest.mark.parametrize(
    ("missed", "state"),
    [(0, State.PASSED), (9, State.UNDECIDED), (10, State.FAILED), (40, State.FAILED)],
)
def test_a_proven_loss_fails_from_the_margin_on(tmp_path: Path, missed: int, state: State) -> None:
    """Of 200 positives: 10 missed are exactly the accepted 0.05, 9 are a trifle less."""
    of = change(tmp_path, LABELS, RIGHT, wrong_on(*range(0, 2 * missed, 2)))
    (finding,) = outcome("metric_regression", gate(recall=0.05), of).findings
    assert finding.state is state


def test_a_loss_is_a_rise_where_less_is_better(tmp_path: Path) -> None:
    """All scores go from 0.9 to 0.8 for the true class: log loss rises by ln(9/8) = 0.1178."""
    dull = [0.8 if label else 0.2 for label in LABELS]
    of = change(tmp_path, LABELS, RIGHT, dull)
    (worse,) = outcome("metric_regression", gate(log_loss=0.1), of).findings
    assert worse.change == pytest.approx(math.log(9 / 8))
    assert worse.state is State.FAILED


def test_a_gain_passes_any_margin(tmp_path: Path) -> None:
    of = change(tmp_path, LABELS, wrong_on(*range(40)), RIGHT)
    (finding,) = outcome("metric_regression", gate(accuracy=0.0), of).findings
    assert finding.change == pytest.approx(0.1)
    assert finding.state is State.PASSED


def test_what_wins_as_often_as_it_loses_is_no_loss(tmp_path: Path) -> None:
    of = change(tmp_path, LABELS, wrong_on(*range(40)), wrong_on(*range(40, 80)))
    (finding,) = outcome("metric_regression", gate(accuracy=0.1), of).findings
    assert (finding.change, finding.state) == (0.0, State.PASSED)


@pytest.mark.parametrize("metric", ["recall", "roc_auc", "f1"])
def test_without_positives_a_metric_blocks_whatever_its_mode(tmp_path: Path, metric: str) -> None:
    labels = [False] * 50
    of = change(tmp_path, labels, [0.1] * 50, [0.2] * 50)
    (finding,) = items(gate(**{metric: 0.9}), of)
    assert isinstance(finding, Finding)
    assert (finding.state, finding.limit.mode) == (State.UNDECIDED, Mode.STRICT)
    assert finding.candidate is None
    assert finding.support == Support(rows=50)


@pytest.mark.parametrize(
    ("new", "state"), [(0.9, State.PASSED), (0.7, State.UNDECIDED), (0.1, State.UNDECIDED)]
)
def test_one_row_proves_nothing_unless_it_is_the_same(
    tmp_path: Path, new: float, state: State
) -> None:
    of = change(tmp_path, [True], [0.9], [new])
    (finding,) = outcome("metric_regression", gate(accuracy=0.1), of).findings
    assert finding.state is state


def test_it_needs_a_baseline(tmp_path: Path) -> None:
    alone = case(evidence(tmp_path / "a", {}, test={"label": LABELS}, scores=RIGHT))
    result = outcome("metric_regression", gate(accuracy=0.1), alone)
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there is no baseline to compare with",
    )


@pytest.mark.parametrize(("positives", "state"), [(29, State.UNDECIDED), (30, State.FAILED)])
def test_a_ratio_of_few_positives_is_never_proven_worse(
    tmp_path: Path, positives: int, state: State
) -> None:
    """All positives were found; now twenty of them are missed. Recall needs no such care."""
    labels = [True] * positives + [False] * 200
    old = [0.9 if label else 0.1 for label in labels]
    of = change(tmp_path, labels, old, [0.1] * 20 + old[20:])
    assert outcome("metric_regression", gate(f1=0.1), of).findings[0].state is state
    assert outcome("metric_regression", gate(recall=0.1), of).findings[0].state is State.FAILED


def asking(gain: float, mode: Mode = Mode.GUARD) -> MetricRegression:
    demand = MetricDemand(margin=0.1, gain=gain, mode=mode)
    return MetricRegression(metrics={"accuracy": demand})


@pytest.mark.parametrize(
    ("mended", "state"),
    [(0, State.FAILED), (4, State.FAILED), (40, State.UNDECIDED), (100, State.PASSED)],
)
def test_a_gain_has_to_be_shown(tmp_path: Path, mended: int, state: State) -> None:
    """Of 400 rows 100 were wrong; what is asked is a tenth, which 40 of them are."""
    broken = [300] if not mended else []  # else the models are the same
    of = change(tmp_path, LABELS, wrong_on(*range(100)), wrong_on(*range(mended, 100), *broken))
    _, found = outcome("metric_regression", asking(0.1), of).findings
    assert found.subject.key == "accuracy gained over the baseline"
    assert found.limit.floor == 0.1
    assert found.state is state
    assert "a new model has to gain 0.1" in found.message
    assert bool(found.mend) is (state is not State.PASSED)


def test_an_undecided_gain_says_how_many_rows_would_tell_and_blocks_where_strict(
    tmp_path: Path,
) -> None:
    of = change(tmp_path, LABELS, wrong_on(*range(100)), wrong_on(*range(44, 100)))
    for mode in Mode:
        found = outcome("metric_regression", asking(0.1, mode), of)
        assert found.outcome is Result.UNDECIDED
        assert found.findings[1].state is State.UNDECIDED
        assert found.findings[1].rows_needed is not None
        assert found.findings[1].rows_needed > ROWS
        assert found.findings[1].blocks is (mode is Mode.STRICT)


def test_a_loss_that_is_less_is_a_gain(tmp_path: Path) -> None:
    """Log loss falls by ln(9/8) = 0.1178 on every row, so there is no doubt about it."""
    dull = [0.8 if label else 0.2 for label in LABELS]
    of = change(tmp_path, LABELS, dull, RIGHT)
    for gain, state in ((0.1, State.PASSED), (0.2, State.FAILED)):
        metrics: Any = {"log_loss": MetricDemand(margin=0.1, gain=gain)}
        _, found = outcome("metric_regression", MetricRegression(metrics=metrics), of).findings
        assert found.state is state
        assert found.candidate == pytest.approx(math.log(9 / 8))


def test_what_answers_every_row_as_before_owes_no_gain(tmp_path: Path) -> None:
    """Nobody could merge a mended comment otherwise."""
    of = change(tmp_path, LABELS, wrong_on(*range(100)), wrong_on(*range(100)))
    (found,) = outcome("metric_regression", asking(0.1), of).findings
    assert (found.limit.margin, found.state) == (0.1, State.PASSED)
