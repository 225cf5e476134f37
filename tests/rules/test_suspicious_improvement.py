"""Gains that nobody has without a leak, or that are proven to be honest ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Result, State
from gates.rules.gate import NotApplicableError
from gates.rules.suspicious_improvement import Believed, SuspiciousImprovement
from gates.testing import case, evidence, items, outcome
from tests.build_tasks import multiclass, regression

ROWS = 2_000
LABELS = [at % 2 == 0 for at in range(ROWS)]
FEATURE: dict[str, Any] = {"a": "feature number"}


def side(folder: Path, signal: float, listed: Any = None, **more: Any) -> Evidence:
    noise = np.random.default_rng(5).normal(0, 1, ROWS)
    scores = 1 / (1 + np.exp(-signal * (2 * np.array(LABELS) - 1) - noise))
    columns = {name: [1.0] * ROWS for name in listed or {"a": ""}}
    test = {**columns, "label": LABELS}
    return evidence(folder, listed or FEATURE, test=test, scores=scores.tolist(), **more)


def judged(tmp_path: Path, gate: SuspiciousImprovement, new: float, old: float = 0.5) -> Any:
    sides = side(tmp_path / "new", new), side(tmp_path / "old", old)
    return outcome("suspicious_improvement", gate, case(*sides))


def test_an_honest_gain_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, SuspiciousImprovement(), 0.6)
    assert found.outcome is Result.PASSED
    assert "believed without a second look" in found.findings[0].message


def test_a_gain_that_halves_what_was_lacking_blocks_and_says_where_to_look(tmp_path: Path) -> None:
    found = judged(tmp_path, SuspiciousImprovement(), 1.5)
    gain = found.findings[0]
    assert gain.state is State.FAILED
    assert gain.subject.metric == "roc_auc_gain"
    assert "of what was lacking" in gain.message
    assert "`target_leakage`" in gain.mend
    assert "waive it" in gain.mend


def test_a_loss_is_no_suspicious_gain(tmp_path: Path) -> None:
    found = judged(tmp_path, SuspiciousImprovement(), 0.1)
    assert found.outcome is Result.PASSED
    assert "nothing gained" in found.findings[0].message


def test_the_same_model(tmp_path: Path) -> None:
    assert judged(tmp_path, SuspiciousImprovement(), 0.5).outcome is Result.PASSED


def test_near_perfect_blocks_unless_the_baseline_was_so_too(tmp_path: Path) -> None:
    gate = SuspiciousImprovement(reduction=1.0, perfect=0.99)
    found = judged(tmp_path, gate, 6.0, 1.5)
    near = next(one for one in found.findings if one.subject.metric == "roc_auc")
    assert near.state is State.FAILED
    assert near.limit.ceiling == 0.99
    inherited = judged(tmp_path / "b", gate, 6.0, 6.0)
    assert "roc_auc" not in {one.subject.metric for one in inherited.findings}
    assert inherited.outcome is Result.PASSED


def test_few_rows_prove_no_gain(tmp_path: Path) -> None:
    labels = [at % 2 == 0 for at in range(60)]
    old = [0.9 if one or at % 6 == 1 else 0.1 for at, one in enumerate(labels)]
    new = [0.9 if one or at % 30 == 1 else 0.1 for at, one in enumerate(labels)]
    sides = [
        evidence(tmp_path / name, {}, test={"label": labels}, scores=scores)
        for name, scores in (("new", new), ("old", old))
    ]
    found = outcome("suspicious_improvement", SuspiciousImprovement(), case(sides[0], sides[1]))
    assert found.outcome is Result.UNDECIDED


def test_a_metric_has_its_own_limit_in_its_own_unit(tmp_path: Path) -> None:
    gate = SuspiciousImprovement(metrics={"roc_auc": Believed(largest_gain=0.01)})
    found = judged(tmp_path, gate, 0.8)
    assert [one.subject.metric for one in found.findings] == ["roc_auc_gain", "roc_auc"]
    assert found.findings[0].limit.ceiling == 0.01
    assert found.findings[0].state is State.FAILED


def test_new_features_are_named_first(tmp_path: Path) -> None:
    listed = {**FEATURE, "bonus": "feature number", "code": "feature number"}
    before = {**FEATURE, "code": "ignored number"}
    sides = side(tmp_path / "new", 1.5, listed), side(tmp_path / "old", 0.5, before)
    found = outcome("suspicious_improvement", SuspiciousImprovement(), case(*sides))
    assert found.findings[0].mend.startswith(
        "Look first at the new feature 'bonus'; at what was no feature before: 'code'; at "
    )


def test_many_classes_and_numbers(tmp_path: Path) -> None:
    truth = ["cat", "dog", "eel", "cat"] * 100
    half = [one if at % 3 else "cat" for at, one in enumerate(truth)]
    made = [
        multiclass(tmp_path / name, truth=truth, decided=decided)
        for name, decided in (("new", truth), ("old", half))
    ]
    gate = SuspiciousImprovement()
    found = outcome("suspicious_improvement", gate, case(made[0], made[1]))
    assert found.findings[0].subject.metric == "accuracy_gain"
    assert found.findings[0].state is State.FAILED
    random = np.random.default_rng(1)
    numbers = random.normal(0, 10, 400)
    sides = [
        regression(
            tmp_path / name,
            truth=numbers.tolist(),
            predicted=(numbers + random.normal(0, spread, 400)).tolist(),
        )
        for name, spread in (("n", 1.0), ("o", 5.0))
    ]
    found = outcome("suspicious_improvement", gate, case(sides[0], sides[1]))
    states = {one.subject.metric: one.state for one in found.findings}
    assert states["r2_gain"] is State.FAILED
    assert states["mean_absolute_error_gain"] is State.FAILED


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_any_row(tmp_path: Path, rows: int) -> None:
    sides = [
        evidence(tmp_path / name, {}, test={"label": [True] * rows}, scores=[score] * rows)
        for name, score in (("new", 0.9), ("old", 0.1))
    ]
    found = outcome("suspicious_improvement", SuspiciousImprovement(), case(sides[0], sides[1]))
    assert found.outcome is Result.UNDECIDED


def test_without_a_baseline_nothing_has_improved(tmp_path: Path) -> None:
    with pytest.raises(NotApplicableError, match="no baseline"):
        items(SuspiciousImprovement(), case(side(tmp_path / "e", 1.0)))
