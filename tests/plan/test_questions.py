from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.custom import Unloaded
from gates.evidence.folder import Evidence
from gates.finding import Mode
from gates.judging.margin import Margin
from gates.plan.plan import Question
from gates.plan.questions import Asked, ask, counts_of
from gates.plan.second_model import SecondModelCase, choose_second
from gates.policy.policy import Policy, read_policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.rules.calibration import CalibrationGate
from gates.rules.drift import Drift
from gates.rules.gate import Gate
from gates.rules.group_disparity import Demand, GroupDisparity
from gates.rules.metric_floor import MetricFloor
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.rules.schema import Schema
from gates.rules.segment_regression import Critical, SegmentRegression
from gates.stats.sizing import Calibration, Distance, Level, PairedMean, PairedShare
from gates.testing import case, evidence
from tests import build_tasks

# 400 rows, a quarter of them positive, half in either of two groups; the model is always right.
LABELS = [True, False, False, False] * 100
GROUPS = (["a"] * 4 + ["b"] * 4) * 50
RIGHT = [0.9 if label else 0.1 for label in LABELS]
LISTED: dict[str, Any] = {
    "group": {
        "role": "feature",
        "type": "category",
        "description": "a group",
        "segment": True,
        "sensitive": True,
    }
}


def wrong_on(*rows: int) -> list[float]:
    """The second model: right but for these rows."""
    return [1 - score if at in rows else score for at, score in enumerate(RIGHT)]


@pytest.fixture
def at_hand(tmp_path: Path) -> Evidence:
    test = {"label": LABELS, "group": GROUPS}
    return evidence(tmp_path / "e", LISTED, test=test, train=test, scores=RIGHT)


def asked(at_hand: Evidence, second: list[float], **gates: Gate) -> Asked:
    settings = Settings(segments=("group",))
    policy = Policy(settings, gates, Document("params.yaml", {}, {}))
    return ask(policy, SecondModelCase(settings, at_hand, np.array(second)))


def only(found: Asked) -> Question:
    (question,) = found.questions
    return question


def regression(**margins: float) -> MetricRegression:
    metrics: Any = {name: MetricDemand(margin=margin) for name, margin in margins.items()}
    return MetricRegression(metrics=metrics)


@pytest.mark.parametrize(
    ("metric", "counts", "counted", "discordance"),
    [
        ("accuracy", "rows", 400, 8 / 400),  # 4 positives and 4 negatives are answered otherwise
        ("recall", "positives", 100, 4 / 100),
        ("specificity", "negatives", 300, 4 / 300),
    ],
)
def test_a_share_is_of_the_rows_that_it_counts(
    at_hand: Evidence, metric: str, counts: str, counted: int, discordance: float
) -> None:
    second = wrong_on(0, 4, 8, 12, 1, 5, 9, 13)
    question = only(asked(at_hand, second, metric_regression=regression(**{metric: 0.1})))
    assert (question.counts, question.counted) == (counts, counted)
    assert isinstance(question.kind, PairedShare)
    assert question.kind.discordance == pytest.approx(discordance)


def test_a_mean_has_the_spread_of_the_rows_differences(at_hand: Evidence) -> None:
    question = only(asked(at_hand, wrong_on(0), metric_regression=regression(brier_score_loss=0.1)))
    # One row's error falls from 0.81 to 0.01.
    assert isinstance(question.kind, PairedMean)
    assert question.kind.spread == pytest.approx((0.8**2 / 400) ** 0.5)


def test_a_segment_where_nothing_changed_is_not_one_where_nothing_can(at_hand: Evidence) -> None:
    gate = SegmentRegression(metrics={"accuracy": Margin(margin=0.1)})
    found = asked(at_hand, wrong_on(0, 1, 2, 3), segment_regression=gate)
    quiet = next(q for q in found.questions if q.subject.segment == {"group": "b"})
    assert isinstance(quiet.kind, PairedShare)
    # No change in its 200 rows, and the whole test set's 1 % for 100 rows more.
    assert quiet.kind.discordance == pytest.approx(0.01 * 100 / 300)


def test_families_are_those_of_the_judge(at_hand: Evidence) -> None:
    found = asked(
        at_hand,
        wrong_on(0, 1),
        metric_regression=regression(accuracy=0.1, recall=0.1, f1=0.1),
        segment_regression=SegmentRegression(
            metrics={"accuracy": Margin(margin=0.1)},
            critical=(Critical(segment={"group": "a"}, margin=0.05, mode=Mode.STRICT),),
        ),
        metric_floor=MetricFloor(metrics={"accuracy": 0.9}),
        calibration=CalibrationGate(),
    )
    families = {one.name: (one.alpha, one.comparisons) for one in found.families}
    assert families == {
        "overall": (0.01, 3),
        "critical": (pytest.approx(0.016), 1),
        "segments": (pytest.approx(0.004), 1),
        "floors and ceilings": (0.01, 2),
    }
    assert {q.family for q in found.questions} == set(families)
    assert {q.gate for q in found.questions} == {
        "metric_regression",
        "segment_regression",
        "metric_floor",
        "calibration",
    }


def test_a_gap_is_as_sure_as_its_smaller_side(tmp_path: Path) -> None:
    groups = ["a"] * 40 + ["b"] * 360
    one = evidence(tmp_path / "e", LISTED, test={"label": LABELS, "group": groups}, scores=RIGHT)
    gate = GroupDisparity(metrics={"selection_rate": Demand(worsening=0.05)})
    question = only(asked(one, wrong_on(*range(100, 108)), group_disparity=gate))
    assert question.counted == 40
    assert isinstance(question.kind, PairedMean)
    # Nothing among the 40; 2 % of all rows, for either side, weigh as much as 100 of the 40.
    pooled = 0.02 * (1 + 40 / 360)
    own = 40 * 8 / 360**2
    assert question.kind.spread**2 == pytest.approx((40 * own + 100 * pooled) / 140)


def test_floors_calibration_and_drift_ask_in_their_own_way(at_hand: Evidence) -> None:
    found = asked(
        at_hand,
        wrong_on(0),
        metric_floor=MetricFloor(metrics={"accuracy": 0.9, "log_loss": 0.5}),
        calibration=CalibrationGate(),
        drift=Drift(),
    )
    kinds = [type(question.kind) for question in found.questions]
    assert kinds == [Level, Level, Calibration, Distance]
    floor, ceiling, *_ = (question.kind for question in found.questions)
    assert isinstance(floor, Level)
    assert isinstance(ceiling, Level)
    assert (floor.is_floor, ceiling.is_floor) == (True, False)
    assert ceiling.value == pytest.approx(-np.log(0.9))


def test_what_cannot_be_judged_at_all_says_why(tmp_path: Path) -> None:
    few = evidence(tmp_path / "e", {}, test={"label": [True, False] * 10}, scores=[0.9, 0.1] * 10)
    policy = Policy(Settings(), {"m": regression(roc_auc=0.01)}, Document("params.yaml", {}, {}))
    question = only(ask(policy, SecondModelCase(Settings(), few, few.scores)))
    assert question.kind is None
    assert question.limit.mode is Mode.STRICT  # an unjudged metric never passes
    assert question.reason.startswith("10 positives and 10 negatives")


def test_a_gate_of_the_repositorys_own_that_is_not_loaded_asks_nothing(at_hand: Evidence) -> None:
    found = asked(at_hand, RIGHT, of_age=Unloaded())
    assert [one.gate for one in found.skipped] == ["of_age"]


def test_gates_without_a_size_are_named(at_hand: Evidence) -> None:
    found = asked(at_hand, RIGHT, schema=Schema(), metric_regression=regression(accuracy=0.1))
    assert [one.gate for one in found.skipped] == ["schema"]


@pytest.mark.parametrize(
    ("metric", "counts"),
    [
        ("true_positive_rate", "positives"),
        ("false_positive_rate", "negatives"),
        ("accuracy", "rows"),
        ("f1", "rows"),
        ("log_loss", "rows"),
        ("what nobody knows", "rows"),
    ],
)
def test_every_metric_says_which_rows_it_counts(
    at_hand: Evidence, metric: str, counts: str
) -> None:
    assert counts_of(metric, case(at_hand)) == counts


def plan_of(made: Evidence, text: str) -> Asked:
    policy = read_policy(text.encode(), "params.yaml")
    second, _ = choose_second(0.5, made, None, 0.05)
    return ask(policy, SecondModelCase(policy.settings, made, second))


def test_classes_ask_for_rows_of_each(tmp_path: Path) -> None:
    truth = ["cat", "cat", "dog", "eel"] * 100
    made = build_tasks.multiclass(
        tmp_path / "e",
        truth=truth,
        decided=truth,
        dictionary=LISTED,
        columns={"group": GROUPS},
    )
    found = plan_of(
        made,
        """
gates:
  task: multiclass
  segments: [group]
  metric_regression: {metrics: {recall: {margin: 0.1}, log_loss: {margin: 0.1}}}
  segment_regression: {metrics: {accuracy: {margin: 0.1}}}
  metric_floor: {metrics: {macro_f1: 0.5}}
  group_disparity: {metrics: {selection_rate: {worsening: 0.1}}}
  calibration: {}
""",
    )
    counted = {q.subject.text(): q.counted for q in found.questions}
    assert counted["recall.cat"] == 200
    assert counted["recall.eel"] == 100
    assert counted["accuracy for group = a"] == 200
    assert {q.counts for q in found.questions} == {"rows"}
    kinds = {q.subject.text(): type(q.kind) for q in found.questions}
    assert kinds["recall.dog"] is PairedShare
    assert kinds["log_loss"] is PairedMean
    assert kinds["selection_rate.cat_difference of group"] is PairedMean
    assert kinds["calibration_error"] is Calibration


def test_numbers_ask_by_the_spread_of_their_changes(tmp_path: Path) -> None:
    truth = [float(at % 7) for at in range(400)]
    made = build_tasks.regression(
        tmp_path / "e",
        truth=truth,
        predicted=[one + 0.5 for one in truth],
        dictionary=LISTED,
        columns={"group": GROUPS},
    )
    found = plan_of(
        made,
        """
gates:
  task: regression
  segments: [group]
  metric_regression: {metrics: {mean_absolute_error: {margin: 0.1}, r2: {margin: 0.1}}}
  segment_floor: {metrics: {mean_absolute_error: 3.0}}
  group_disparity: {metrics: {mean_error: {worsening: 0.1}}}
  calibration: {}
""",
    )
    assert [one.gate for one in found.skipped] == ["calibration"]
    kinds = {type(question.kind) for question in found.questions}
    assert kinds == {PairedMean, Level}
    (error, *_) = found.questions
    assert isinstance(error.kind, PairedMean)
    # Noise of 0.05 deviations of the labels, of 2 each, nearly always on one side of the truth;
    # it is drawn for 400 rows.
    assert error.kind.spread == pytest.approx(0.05 * 2, rel=0.15)
