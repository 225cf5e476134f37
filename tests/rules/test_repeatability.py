from pathlib import Path

import numpy as np
import pytest

from gates.case.case import Case
from gates.finding import Outcome, Result, State
from gates.policy.settings import Settings
from gates.rules.group_disparity import Demand, GroupDisparity
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.rules.repeatability import Repeatability
from gates.testing import case, evidence, outcome
from tests.repeats import repeated_evidence, with_repeats

LABELS = [0, 1] * 50
SCORES = [0.2, 0.8] * 50


def judged(tmp_path: Path, gate: Repeatability, repeats: dict[str, list[float]]) -> Outcome:
    made = repeated_evidence(tmp_path / "e", LABELS, SCORES, repeats)
    return outcome("repeatability", gate, case(made))


def test_the_same_again_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, Repeatability(), {"again.score": SCORES})
    assert found.outcome is Result.PASSED
    assert "exactly the same of every row" in found.findings[0].message


@pytest.mark.parametrize(
    ("moved", "state"), [(1e-12, State.PASSED), (1e-9, State.PASSED), (1e-6, State.FAILED)]
)
def test_the_largest_difference_of_any_row_decides(
    tmp_path: Path, moved: float, state: State
) -> None:
    again = [0.2 + moved, *SCORES[1:]]
    found = judged(tmp_path, Repeatability(tolerance=1.0001e-9), {"again.score": again})
    assert found.findings[0].state is state
    assert "of 1 of 100 rows" in found.findings[0].message


def test_scores_written_with_32_bits_are_as_close_as_such_numbers_get(tmp_path: Path) -> None:
    """The 32 bits of .2 are 3e-9 from its 64, which is more than the tolerance."""
    short = [float(np.float32(score)) for score in SCORES]
    found = judged(tmp_path, Repeatability(), {"again.score": short})
    assert found.findings[0].state is State.PASSED
    assert found.findings[0].limit.rule == "within 9.53674e-07 for every test row"


def test_answers_that_differ_are_counted(tmp_path: Path) -> None:
    again = [0.7, 0.7, *SCORES[2:]]
    found = judged(tmp_path, Repeatability(tolerance=0.1), {"again.score": again})
    assert found.findings[0].state is State.FAILED
    assert "2 of 100 rows, by at most 0.5; 1 answers differ" in found.findings[0].message


def test_without_a_repeat_there_is_nothing_to_judge(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS}, scores=SCORES)
    found = outcome("repeatability", Repeatability(), case(made))
    assert found.outcome is Result.SKIPPED
    assert "training was not repeated" in found.reason


def test_other_seeds_alone_do_not_show_that_it_repeats(tmp_path: Path) -> None:
    found = judged(tmp_path, Repeatability(), {"seed_1.score": SCORES})
    assert found.findings[0].state is State.UNDECIDED
    assert "`again`" in found.findings[0].message


def test_the_spread_over_seeds_is_shown_by_hand(tmp_path: Path) -> None:
    """Of 100 answers 100, 98 and 96 are right: a standard deviation of .02."""
    seeds = {
        f"seed_{wrong}.score": [1 - score for score in SCORES[:wrong]] + SCORES[wrong:]
        for wrong in (2, 4)
    }
    gate = Repeatability(metrics=("accuracy",))
    found = judged(tmp_path, gate, {"again.score": SCORES, **seeds})
    (shown,) = found.observations
    assert shown.candidate == pytest.approx(0.02)
    assert "3 trainings); a margin below 0.08485" in shown.message


def test_a_repeat_of_other_rows_is_refused(tmp_path: Path) -> None:
    made = repeated_evidence(tmp_path / "e", LABELS, SCORES, {"again.score": SCORES}, rows="x")
    found = outcome("repeatability", Repeatability(), case(made))
    assert found.outcome is Result.ERRORED
    assert "100 of 100 test rows have no prediction" in found.reason


def lucky(tmp_path: Path, deviation: float) -> Case:
    """A baseline that is right for 60 more of 2,000 rows, and whose seeds move it so far."""
    draws = np.random.default_rng(3)
    labels = np.arange(2000) % 2
    right = np.where(labels, 0.9, 0.1)

    def wrong(count: int) -> list[float]:
        scores = right.copy()
        at = draws.choice(2000, count, replace=False)
        scores[at] = 1 - scores[at]
        return [float(score) for score in scores]

    steps = int(2000 * deviation)
    repeats = {f"seed_{at}.score": wrong(200 + at * steps) for at in (-2, -1, 1, 2)}
    settings = Settings(decision_threshold=0.5)
    old = repeated_evidence(tmp_path / "old", labels.tolist(), wrong(200), repeats)
    new = evidence(tmp_path / "new", {}, test={"label": labels.tolist()}, scores=wrong(260))
    return case(new, old, settings)


@pytest.mark.parametrize(("deviation", "state"), [(0.0005, State.FAILED), (0.02, State.UNDECIDED)])
def test_a_drop_that_seeds_explain_is_not_proven(
    tmp_path: Path, deviation: float, state: State
) -> None:
    gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=0.01)})
    found = outcome("metric_regression", gate, lucky(tmp_path, deviation)).findings[0]
    assert found.state is state
    assert found.seed_spread is not None
    assert f"seeds alone move it by {found.seed_spread:.4f}" in found.message


def test_no_number_of_rows_decides_what_seeds_move(tmp_path: Path) -> None:
    gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=0.01)})
    found = outcome("metric_regression", gate, lucky(tmp_path, 0.02)).findings[0]
    assert found.rows_needed is None
    assert "are within what seeds alone move" in found.message


def test_a_gap_knows_what_seeds_move(tmp_path: Path) -> None:
    """Of 50 women 20, 22 and 18 are selected, of 50 men always 40: gaps of .4, .36 and .44."""
    listed = {"sex": "feature category"}
    sex = ["f"] * 50 + ["m"] * 50

    def selected(women: int) -> list[float]:
        return [0.9 if at % 50 < (women if at < 50 else 40) else 0.1 for at in range(100)]

    made = evidence(tmp_path / "e", listed, test={"label": LABELS, "sex": sex}, scores=selected(20))
    seeds = {"seed_1.score": selected(22), "seed_2.score": selected(18)}
    both = with_repeats(made, seeds)
    gate = GroupDisparity(features=("sex",), metrics={"selection_rate": Demand(worsening=0.1)})
    found = outcome("group_disparity", gate, case(both, both)).findings[0]
    assert found.seed_spread == pytest.approx(0.04)


def test_a_pull_request_does_not_widen_its_own_intervals(tmp_path: Path) -> None:
    """Its repeats claim that seeds move everything; the baseline has none, so nothing is known."""
    gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=0.1)})
    old = evidence(tmp_path / "old", {}, test={"label": LABELS}, scores=SCORES)
    spoilt = [1 - score for score in SCORES[:40]] + SCORES[40:]
    new = evidence(tmp_path / "new", {}, test={"label": LABELS}, scores=spoilt)
    wild = with_repeats(new, {"seed_1.score": SCORES, "seed_2.score": [1 - s for s in SCORES]})
    found = outcome("metric_regression", gate, case(wild, old)).findings[0]
    assert found.state is State.FAILED
    assert found.seed_spread is None
