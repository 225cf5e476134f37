"""Gate `reported_metrics`: the metrics file says what the predictions say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Observation, Result, State
from gates.rules.reported_metrics import ReportedMetrics
from gates.testing import case, evidence, items, outcome
from pipeline.evaluate import measure, measure_groups
from tests.build_tasks import multiclass

# Four rows: one hit, one miss, one false alarm, one true negative.
ROWS: dict[str, Any] = {"sex": ["F", "M", "F", "M"], "label": [True, True, False, False]}
SCORES = [0.9, 0.2, 0.8, 0.1]
LISTED = {"sex": "feature category"}


def side(folder: Path, metrics: dict[str, Any] | None) -> Evidence:
    return evidence(folder, LISTED, test=ROWS, scores=SCORES, metrics=metrics)


def states(found: list[Any]) -> dict[str | None, State]:
    return {each.subject.metric: each.state for each in found if isinstance(each, Finding)}


def test_every_number_of_the_pipeline_is_recomputed(tmp_path: Path) -> None:
    draws = np.random.default_rng(3)
    labels, scores = draws.random(400) < 0.3, draws.random(400)
    groups = np.array(["a", "b", "c, d.e", "f"], dtype=object)[draws.integers(0, 4, 400)]
    reported = {
        **measure(labels, scores, 0.5),
        **measure_groups(labels, scores >= 0.5, {"group": groups}),
    }
    made = evidence(
        tmp_path / "a",
        {"group": "feature category"},
        test={"group": groups.tolist(), "label": labels.tolist()},
        scores=scores.tolist(),
        metrics=reported,
    )
    result = outcome("reported_metrics", ReportedMetrics(), case(made))
    assert result.outcome is Result.PASSED
    assert result.observations == ()
    assert len(result.findings) == 11


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 0.5),
        ("precision", 0.5),
        ("recall", 0.5),
        ("f1", 0.5),
        ("selection_rate", 0.5),
        ("roc_auc", 0.75),  # three of four pairs are in order
        ("average_precision", 5 / 6),
        ("brier_score", (0.1**2 + 0.8**2 + 0.8**2 + 0.1**2) / 4),
    ],
)
def test_values_by_hand(tmp_path: Path, name: str, value: float) -> None:
    made = evidence(
        tmp_path / "a",
        {},
        test={"label": ROWS["label"] * 20},
        scores=SCORES * 20,
        metrics={name: value},
    )
    assert states(items(ReportedMetrics(), case(made))) == {name: State.PASSED}


def test_a_handful_of_rows_is_recomputed_as_well(tmp_path: Path) -> None:
    """Too few to be judged by, and enough to be reported."""
    made = side(tmp_path / "a", {"roc_auc": 0.75, "log_loss": 0.8573992140})
    assert set(states(items(ReportedMetrics(), case(made))).values()) == {State.PASSED}


def test_metrics_of_each_class_are_recomputed(tmp_path: Path) -> None:
    made = multiclass(
        tmp_path / "a",
        truth=["cat", "dog", "dog", "eel"],
        decided=["cat", "dog", "eel", "eel"],
        metrics={"recall": {"dog": 0.5}, "accuracy": 0.75, "f1": {"eel": 2 / 3}, "roc_auc": 0.1},
    )
    found = items(ReportedMetrics(), case(made))
    passed = dict.fromkeys(("recall.dog", "accuracy", "f1.eel"), State.PASSED)
    assert states(found) == passed
    (unknown,) = [each for each in found if isinstance(each, Observation)]
    assert unknown.subject.metric == "roc_auc"


@pytest.mark.parametrize(
    ("off", "state"),
    [(0.0, State.PASSED), (0.24, State.PASSED), (0.25, State.PASSED), (0.26, State.FAILED)],
)
def test_a_number_may_differ_by_the_tolerance(tmp_path: Path, off: float, state: State) -> None:
    made = side(tmp_path / "a", {"accuracy": 0.5 + off})
    gate = ReportedMetrics(tolerance=0.25)
    assert states(items(gate, case(made))) == {"accuracy": state}


def test_an_edited_number_is_named_beside_the_recomputed_one(tmp_path: Path) -> None:
    (finding,) = items(ReportedMetrics(), case(side(tmp_path / "a", {"accuracy": 0.500002})))
    assert isinstance(finding, Finding)
    assert finding.state is State.FAILED
    assert finding.message == "accuracy: reported 0.500002, the predictions give 0.5."


def test_differences_between_groups(tmp_path: Path) -> None:
    # Women: one hit, one false alarm, both selected. Men: one miss, one true negative.
    reported = {
        "demographic_parity_difference": {"sex": 1.0},
        "equalized_odds_difference": {"sex": 0.5},
    }
    found = states(items(ReportedMetrics(), case(side(tmp_path / "a", reported))))
    assert found == {
        "demographic_parity_difference.sex": State.PASSED,
        "equalized_odds_difference.sex": State.FAILED,
    }


@pytest.mark.parametrize(
    "name", ["latency_ms", "demographic_parity_difference.shoe_size", "</td>@all"]
)
def test_a_name_that_means_nothing_is_shown(tmp_path: Path, name: str) -> None:
    found = items(ReportedMetrics(), case(side(tmp_path / "a", {"accuracy": 0.5, name: 3.0})))
    (shown,) = [item for item in found if isinstance(item, Observation)]
    assert (shown.subject.metric, shown.candidate) == (name, 3.0)


def test_a_number_that_is_no_longer_reported_fails(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"accuracy": 0.5, "recall": 0.5})
    new = side(tmp_path / "new", {"accuracy": 0.5})
    found = items(ReportedMetrics(), case(new, old))
    assert states(found) == {"accuracy": State.PASSED, "recall": State.FAILED}


def test_without_a_file_it_is_skipped(tmp_path: Path) -> None:
    result = outcome("reported_metrics", ReportedMetrics(), case(side(tmp_path / "a", None)))
    assert result.outcome is Result.SKIPPED


def test_names_that_mean_nothing_to_us_are_nothing_to_judge(tmp_path: Path) -> None:
    made = evidence(
        tmp_path / "e", {}, test={"label": [0, 1]}, scores=[0.2, 0.8], metrics={"profit": 3.5}
    )
    found = outcome("reported_metrics", ReportedMetrics(), case(made))
    assert found.outcome is Result.SKIPPED
    assert found.reason == "no reported name can be recomputed; reported: 'profit'"
