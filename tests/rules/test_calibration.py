from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.finding import Outcome, Result, State
from gates.policy.settings import Settings
from gates.rules.calibration import CalibrationGate
from gates.testing import case, evidence, outcome

ROWS = 3000


def judged(tmp_path: Path, scores: np.ndarray, labels: np.ndarray, ceiling: float) -> State:
    made = evidence(tmp_path / "e", {}, test={"label": labels.tolist()}, scores=scores.tolist())
    found = outcome("calibration", CalibrationGate(ceiling=ceiling), case(made))
    return found.findings[0].state


@pytest.mark.parametrize(
    ("shift", "ceiling", "state"),
    [(0.0, 0.05, State.PASSED), (0.2, 0.05, State.FAILED), (0.2, 0.5, State.PASSED)],
    ids=["honest", "too high", "too high, and allowed"],
)
def test_scores_mean_what_they_say(
    tmp_path: Path, shift: float, ceiling: float, state: State
) -> None:
    draws = np.random.default_rng(5)
    truth = draws.uniform(0.1, 0.7, ROWS)
    labels = draws.random(ROWS) < truth
    assert judged(tmp_path, truth + shift, labels, ceiling) is state


def test_a_ranking_that_is_perfect_can_still_be_miscalibrated(tmp_path: Path) -> None:
    labels = np.arange(ROWS) % 2 == 0
    assert judged(tmp_path, np.where(labels, 0.3, 0.2), labels, 0.05) is State.FAILED


def test_a_constant_score_at_the_base_rate_is_calibrated(tmp_path: Path) -> None:
    labels = np.arange(ROWS) % 4 == 0
    assert judged(tmp_path, np.full(ROWS, 0.25), labels, 0.05) is State.PASSED


def test_few_rows_decide_nothing(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": [0, 1] * 10}, scores=[0.9] * 20)
    found = outcome("calibration", CalibrationGate(), case(made))
    assert found.outcome is Result.UNDECIDED
    assert "needs 30 rows, found 20" in found.findings[0].message


def test_each_period_is_judged_for_itself(tmp_path: Path) -> None:
    """Half of the rows are off by 0.08, which the whole dilutes to about 0.057."""
    draws = np.random.default_rng(5)
    rows = 10_000
    truth = draws.uniform(0.2, 0.7, 2 * rows)
    year = np.repeat([1994, 1995], rows)
    made = evidence(
        tmp_path / "e",
        {"year": "time integer"},
        test={"label": (draws.random(2 * rows) < truth).tolist(), "year": year.tolist()},
        scores=np.where(year == 1995, truth + 0.08, truth).tolist(),
    )
    found = outcome("calibration", CalibrationGate(ceiling=0.06), case(made))
    states = {each.subject.segment.get("year"): each.state for each in found.findings}
    assert states["1994"] is State.PASSED
    assert states["1995"] is State.FAILED
    assert states[None] is not State.FAILED


def by_region(tmp_path: Path, gate: CalibrationGate, rows: int = 6_000) -> Outcome:
    """Three regions; the scores of one are 0.15 too high."""
    draws = np.random.default_rng(5)
    truth = draws.uniform(0.1, 0.7, rows)
    regions = np.array(["north", "south", "west"])[np.arange(rows) % 3]
    made = evidence(
        tmp_path / "e",
        {"region": "feature category"},
        test={"region": regions.tolist(), "label": (draws.random(rows) < truth).tolist()},
        scores=np.where(regions == "west", truth + 0.15, truth).tolist(),
    )
    return outcome("calibration", gate, case(made, None, Settings(segments=("region",))))


@pytest.mark.parametrize("segments", [True, ("region",)])
def test_a_segment_whose_scores_are_off_is_named(tmp_path: Path, segments: Any) -> None:
    found = by_region(tmp_path, CalibrationGate(ceiling=0.1, segments=segments))
    states = {each.subject.segment.get("region"): each.state for each in found.findings}
    assert states == {
        None: State.PASSED,
        "north": State.PASSED,
        "south": State.PASSED,
        "west": State.FAILED,
    }
    assert "on average 0.16" in found.findings[-1].mend


def test_without_segments_only_the_whole_is_judged(tmp_path: Path) -> None:
    [whole] = by_region(tmp_path, CalibrationGate(ceiling=0.1)).findings
    assert whole.state is State.PASSED


def test_small_segments_are_counted_and_undecided_ones_say_what_would_do(tmp_path: Path) -> None:
    gate = CalibrationGate(ceiling=0.1, segments=True)
    *_, small = by_region(tmp_path, gate, 600).findings
    assert small.subject.key == "region"
    assert "3 segments of fewer than 300 rows, 600 rows in all" in small.message
    close = by_region(tmp_path / "b", CalibrationGate(ceiling=0.13, segments=True), 900)
    west = close.findings[-1]
    assert west.state is State.UNDECIDED
    assert west.rows_needed is not None
    assert west.rows_needed > 300
