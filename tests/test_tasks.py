"""Verdicts of whole policies on many classes, on numbers, and on weighted rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gates.case.case import Case
from gates.errors import EvidenceError, PolicyError
from gates.evidence.folder import Evidence
from gates.finding import Decision, Finding, Result, State, Verdict
from gates.judge import judge
from gates.policy.policy import Policy, read_policy
from gates.policy.settings import Settings
from gates.report import render_comment, render_html, render_junit, render_terminal
from gates.testing import evidence
from tests.build_tasks import CLASSES, WEIGHT, multiclass, regression

Numbers = Sequence[float] | npt.NDArray[Any]

ROWS = 3000
REGION: dict[str, Any] = {
    "region": {
        "role": "feature",
        "type": "category",
        "description": "where",
        "segment": True,
        "sensitive": True,
    },
    "x": "feature number",
}
COLUMNS: Mapping[str, Any] = {
    "region": ["north" if at % 10 else "south" for at in range(ROWS)],
    "x": np.random.default_rng(5).normal(size=ROWS).tolist(),
}
SOUTH = np.arange(ROWS) % 10 == 0  # 300 rows
DATA = """
  target_leakage: {}
  drift: {}
  reported_metrics: {}
  columns: {}
  schema: {}
  missing_values: {}
  data_bias: {limit: 0.5}
  label_conflicts: {share: 0.9}
  suspicious_labels: {share: 0.5}
  split_balance: {}
"""
MULTICLASS = f"""
gates:
  task: multiclass
  segments: [region]
  metric_regression:
    metrics:
      accuracy: {{margin: 0.02}}
      log_loss: {{margin: 0.05}}
      roc_auc_ovr: {{margin: 0.05}}
      macro_f1: {{margin: 0.05}}
      matthews_corrcoef: {{margin: 0.05}}
      recall: {{margin: 0.10}}
  metric_floor: {{metrics: {{accuracy: 0.5, f1: 0.3}}}}
  segment_regression: {{metrics: {{accuracy: {{margin: 0.08}}}}}}
  segment_floor: {{metrics: {{recall: 0.2}}}}
  group_disparity: {{metrics: {{accuracy: {{worsening: 0.1}}, selection_rate: {{worsening: 0.1}}}}}}
  calibration: {{ceiling: 0.3}}
{DATA}"""
REGRESSION = f"""
gates:
  task: regression
  segments: [region]
  metric_regression:
    metrics:
      mean_absolute_error: {{margin: 0.1}}
      root_mean_squared_error: {{margin: 0.1}}
      r2: {{margin: 0.02}}
  metric_floor: {{metrics: {{r2: 0.5, mean_squared_error: 5.0}}}}
  segment_regression: {{metrics: {{mean_absolute_error: {{margin: 0.4}}}}}}
  segment_floor: {{metrics: {{mean_absolute_error: 3.0}}}}
  group_disparity:
    metrics:
      mean_error: {{worsening: 0.4}}
      mean_absolute_error: {{worsening: 0.4}}
      mean_prediction: {{worsening: 0.6}}
  calibration: {{}}
{DATA}"""


def policy(text: str, **settings: str) -> Policy:
    lines = "".join(f"  {name}: {value}\n" for name, value in settings.items())
    return read_policy(text.replace("gates:\n", f"gates:\n{lines}").encode(), "params.yaml")


def judged(by: Policy, new: Evidence, old: Evidence | None) -> Verdict:
    verdict = judge(by, Case(by.settings, new, old))
    reports = (render_comment, render_html, render_junit, render_terminal)
    assert all("nan" not in render(verdict).lower().split() for render in reports)
    return verdict


def failed(verdict: Verdict) -> set[str]:
    return {outcome.gate for outcome in verdict.outcomes if outcome.outcome is Result.FAILED}


def findings(verdict: Verdict, gate: str) -> tuple[Finding, ...]:
    return next(outcome.findings for outcome in verdict.outcomes if outcome.gate == gate)


def reasons(verdict: Verdict) -> dict[str, str]:
    return {o.gate: o.reason for o in verdict.outcomes if o.outcome is Result.ERRORED}


# --- many classes ------------------------------------------------------------------------------

TRUTH = np.random.default_rng(1).choice(CLASSES, size=ROWS, p=[0.6, 0.3, 0.1])


def decide(wrong: Numbers, seed: int = 2) -> list[str]:
    """The truth, but in one of ten rows, and in the given ones, the next class."""
    following = np.roll(CLASSES, -1)[np.searchsorted(CLASSES, TRUTH)]
    at_random = np.random.default_rng(seed).random(ROWS) < 0.1
    at_random[np.asarray(wrong, dtype=np.intp)] = True
    return [str(one) for one in np.where(at_random, following, TRUTH)]


def animals(folder: Path, decided: list[str], rows: int = ROWS, **more: Any) -> Evidence:
    columns = {name: values[:rows] for name, values in COLUMNS.items()}
    return multiclass(
        folder,
        truth=TRUTH[:rows].tolist(),
        decided=decided[:rows],
        dictionary=REGION,
        columns=columns,
        train={**columns, "label": TRUTH[:rows].tolist()},
        **more,
    )


def test_a_harmless_change_of_classes_passes(tmp_path: Path) -> None:
    metrics = {"accuracy": float(np.mean(np.array(decide([], 4)) == TRUTH))}
    old = animals(tmp_path / "old", decide([]))
    new = animals(tmp_path / "new", decide([], 4), metrics=metrics)
    verdict = judged(policy(MULTICLASS), new, old)
    assert reasons(verdict) == {}
    assert verdict.decision is Decision.PASS
    assert failed(verdict) == set()
    named = [finding.subject.metric for finding in findings(verdict, "metric_regression")]
    assert named[-3:] == ["recall.cat", "recall.dog", "recall.eel"]
    assert [f.state for f in findings(verdict, "reported_metrics")] == [State.PASSED]


def test_one_broken_segment_of_classes_is_blocked_while_the_average_is_fine(
    tmp_path: Path,
) -> None:
    """A third of the south's 300 rows goes wrong; the average gains elsewhere what it loses."""
    worse = np.flatnonzero(SOUTH)[::3]
    better = [at for at, one in enumerate(decide([])) if one != TRUTH[at] and not SOUTH[at]][:100]
    changed = np.array(decide(worse))
    changed[better] = TRUTH[better]
    old = animals(tmp_path / "old", decide([]))
    verdict = judged(policy(MULTICLASS), animals(tmp_path / "new", changed.tolist()), old)
    assert verdict.decision is Decision.FAIL
    assert failed(verdict) == {"segment_regression", "group_disparity"}
    broken = [f for f in findings(verdict, "segment_regression") if f.state is State.FAILED]
    assert [finding.subject.segment for finding in broken] == [{"region": "south"}]


def test_a_rare_class_that_is_lost_is_blocked_though_accuracy_hardly_moves(tmp_path: Path) -> None:
    eels = np.flatnonzero(TRUTH == "eel")
    better = [at for at, one in enumerate(decide([])) if one != TRUTH[at] and TRUTH[at] != "eel"]
    changed = np.array(decide(eels[::4]))
    changed[better[:80]] = TRUTH[better[:80]]
    old = animals(tmp_path / "old", decide([]))
    verdict = judged(policy(MULTICLASS), animals(tmp_path / "new", changed.tolist()), old)
    broken = {
        f.subject.metric: f
        for f in findings(verdict, "metric_regression")
        if f.state is State.FAILED
    }
    assert "recall.eel" in broken
    assert "accuracy" not in broken
    assert broken["recall.eel"].change == pytest.approx(-0.22, abs=0.03)


def test_too_few_rows_of_classes_are_undecided(tmp_path: Path) -> None:
    old = animals(tmp_path / "old", decide([]), 40)
    verdict = judged(policy(MULTICLASS), animals(tmp_path / "new", decide([], 4), 40), old)
    states = {f.subject.metric: f for f in findings(verdict, "metric_regression")}
    assert states["accuracy"].state is State.UNDECIDED
    assert "the rarest class has" in states["roc_auc_ovr"].message


def test_a_level_that_moves_is_another_label(tmp_path: Path) -> None:
    old = animals(tmp_path / "old", decide([]))
    more = (*CLASSES, "fox")
    new = animals(tmp_path / "new", decide([]), classes=more)
    with pytest.raises(EvidenceError, match="the label's levels are cat, dog, eel, fox"):
        Case(policy(MULTICLASS).settings, new, old)


# --- numbers ------------------------------------------------------------------------------------

AMOUNT = np.random.default_rng(1).normal(50, 4, ROWS)


def predict(shift: npt.NDArray[Any] | float = 0.0, seed: int = 2) -> list[float]:
    """The truth with an error of 1, and whatever is added."""
    return list(AMOUNT + np.random.default_rng(seed).normal(0, 1, ROWS) + shift)


def amounts(folder: Path, predicted: list[float], rows: int = ROWS, **more: Any) -> Evidence:
    columns = {name: values[:rows] for name, values in COLUMNS.items()}
    return regression(
        folder,
        truth=AMOUNT[:rows].tolist(),
        predicted=predicted[:rows],
        dictionary=REGION,
        columns=columns,
        train={**columns, "label": AMOUNT[:rows].tolist()},
        **more,
    )


def test_a_harmless_change_of_numbers_passes(tmp_path: Path) -> None:
    error = float(np.mean(np.abs(np.array(predict(seed=3)) - AMOUNT)))
    old = amounts(tmp_path / "old", predict())
    new = amounts(tmp_path / "new", predict(seed=3), metrics={"mean_absolute_error": error})
    verdict = judged(policy(REGRESSION), new, old)
    assert reasons(verdict) == {}
    assert (verdict.decision, failed(verdict)) == (Decision.PASS, set())
    skipped = {o.gate: o.reason for o in verdict.outcomes if o.outcome is Result.SKIPPED}
    assert set(skipped) == {"calibration"}
    assert "a regression has no probabilities" in skipped["calibration"]
    assert [f.state for f in findings(verdict, "reported_metrics")] == [State.PASSED]


def test_one_broken_segment_of_numbers_is_blocked_while_the_average_is_fine(tmp_path: Path) -> None:
    """The south is 2 too high, as far as half a point of the average's error; the rest improves."""
    noise = np.array(predict()) - AMOUNT
    changed = AMOUNT + np.where(SOUTH, noise + 2, 0.85 * noise)
    old = amounts(tmp_path / "old", predict())
    verdict = judged(policy(REGRESSION), amounts(tmp_path / "new", changed.tolist()), old)
    overall = {f.subject.metric: f.state for f in findings(verdict, "metric_regression")}
    assert overall["mean_absolute_error"] is State.PASSED
    assert {"segment_regression", "group_disparity"} <= failed(verdict)
    gaps = {f.subject.metric: f for f in findings(verdict, "group_disparity")}
    assert gaps["mean_error_difference"].state is State.FAILED
    assert gaps["mean_error_difference"].candidate == pytest.approx(2, abs=0.2)


def test_too_few_numbers_are_undecided(tmp_path: Path) -> None:
    old = amounts(tmp_path / "old", predict(), 29)
    verdict = judged(policy(REGRESSION), amounts(tmp_path / "new", predict(seed=3), 29), old)
    (first, *_) = findings(verdict, "metric_regression")
    assert first.state is State.UNDECIDED
    assert "29 rows; errors are judged from 30 on" in first.message


def test_a_new_column_that_copies_the_number_is_a_leak(tmp_path: Path) -> None:
    listed = {**REGION, "copy": "feature number"}
    old = amounts(tmp_path / "old", predict())
    columns = {**COLUMNS, "copy": (AMOUNT + 0.1).tolist()}
    new = regression(
        tmp_path / "new",
        truth=AMOUNT.tolist(),
        predicted=predict(),
        dictionary=listed,
        columns=columns,
    )
    verdict = judged(policy("gates:\n  task: regression\n  target_leakage: {}\n"), new, old)
    leaks = [f for f in findings(verdict, "target_leakage") if f.state is State.FAILED]
    assert [finding.subject.column for finding in leaks] == ["copy"]
    assert "for labels above the median" in leaks[0].message


def test_a_new_column_that_names_one_class_is_a_leak(tmp_path: Path) -> None:
    listed = {**REGION, "slimy": "feature boolean"}
    old = animals(tmp_path / "old", decide([]))
    new = multiclass(
        tmp_path / "new",
        truth=TRUTH.tolist(),
        decided=decide([]),
        dictionary=listed,
        columns={**COLUMNS, "slimy": (TRUTH == "eel").tolist()},
    )
    verdict = judged(policy("gates:\n  task: multiclass\n  target_leakage: {}\n"), new, old)
    leaks = [f for f in findings(verdict, "target_leakage") if f.state is State.FAILED]
    assert [finding.subject.column for finding in leaks] == ["slimy"]
    assert "for 'eel' against the rest" in leaks[0].message


# --- weights ------------------------------------------------------------------------------------

BINARY = """
gates:
  segments: [region]
  sample_weight: w
  metric_regression:
    metrics: {accuracy: {margin: 0.03}, log_loss: {margin: 0.2}, roc_auc: {margin: 0.05}}
  metric_floor: {metrics: {recall: 0.5, average_precision: 0.3}}
  segment_regression: {metrics: {accuracy: {margin: 0.1}}}
  segment_floor: {metrics: {accuracy: 0.3}}
  group_disparity: {metrics: {selection_rate: {worsening: 0.1, limit: 0.5, ratio: 0.2}}}
  calibration: {ceiling: 0.5}
"""
LABELS = np.random.default_rng(1).random(ROWS) < 0.4


def scores(seed: int, wrong: Numbers = ()) -> list[float]:
    right = np.where(LABELS, 0.8, 0.2)
    flipped = np.random.default_rng(seed).random(ROWS) < 0.1
    flipped[np.asarray(wrong, dtype=np.intp)] = True
    return list(np.where(flipped, 1 - right, right))


def weighed(
    folder: Path,
    given: Numbers,
    weights: Numbers,
    rows: Numbers | None = None,
) -> Evidence:
    at = np.arange(len(weights)) if rows is None else np.asarray(rows)
    return evidence(
        folder,
        {**REGION, **WEIGHT},
        test={
            "row_id": [f"r{one}" for one in at],
            **{name: np.asarray(values)[at].tolist() for name, values in COLUMNS.items()},
            "w": np.asarray(weights)[at].tolist(),
            "label": LABELS[at].tolist(),
        },
        scores=np.asarray(given)[at].tolist(),
        settings=Settings(sample_weight="w"),
    )


def values_of(verdict: Verdict) -> list[tuple[Any, ...]]:
    return [
        (f.subject.text(), f.state, f.baseline, f.candidate, f.interval, f.support)
        for outcome in verdict.outcomes
        for f in outcome.findings
    ]


def test_rows_of_weight_0_change_nothing(tmp_path: Path) -> None:
    """A fifth of the rows has no weight, and there the new model is all wrong."""
    weights = np.random.default_rng(3).integers(1, 5, ROWS).astype(float)
    weights[3::5] = 0
    kept = np.flatnonzero(weights)
    old, new = scores(1), scores(2, range(3, ROWS, 5))
    by = policy(BINARY)
    every = judged(by, weighed(tmp_path / "a", new, weights), weighed(tmp_path / "b", old, weights))
    without = judged(
        by, weighed(tmp_path / "c", new, weights, kept), weighed(tmp_path / "d", old, weights, kept)
    )
    assert reasons(every) == {}
    assert values_of(every) == values_of(without)
    assert every.test_set is not None
    assert (every.test_set.sample_weight, every.test_set.weightless) == ("w", ROWS // 5)


def test_what_is_heavy_decides(tmp_path: Path) -> None:
    """One row in sixty goes wrong; where these count ten times, a seventh of the weight does."""
    wrong = np.arange(0, ROWS, 60)
    light, heavy = np.ones(ROWS), np.ones(ROWS)
    heavy[wrong] = 10
    changes = []
    for name, weights in (("light", light), ("heavy", heavy)):
        old = weighed(tmp_path / name / "old", scores(1), weights)
        new = weighed(tmp_path / name / "new", scores(1, wrong), weights)
        changes.append(findings(judged(policy(BINARY), new, old), "metric_regression")[0])
    assert [one.state for one in changes] == [State.PASSED, State.FAILED]
    turned = [at for at in wrong if scores(1)[at] == np.where(LABELS, 0.8, 0.2)[at]]
    assert changes[1].change == pytest.approx(-10 * len(turned) / heavy.sum())


def test_a_segment_without_weight_is_undecided_with_the_reason(tmp_path: Path) -> None:
    weights = np.where(SOUTH, 0.0, 1.0)
    old, new = (weighed(tmp_path / n, scores(s), weights) for n, s in (("old", 1), ("new", 2)))
    verdict = judged(policy(BINARY), new, old)
    for gate in ("segment_regression", "segment_floor"):
        empty = [f for f in findings(verdict, gate) if f.subject.segment == {"region": "south"}]
        assert [f.state for f in empty] == [State.UNDECIDED]
        assert "all its rows have weight 0" in empty[0].message


def test_a_changed_weight_is_a_changed_test_set(tmp_path: Path) -> None:
    """Else a pull request could weigh away the rows that it fails on."""
    heavy = np.ones(ROWS)
    heavy[:100] = 0
    old = weighed(tmp_path / "old", scores(1), np.ones(ROWS))
    verdict = judged(policy(BINARY), weighed(tmp_path / "new", scores(2), heavy), old)
    assert verdict.test_set is not None
    assert (verdict.test_set.changed, verdict.test_set.added) == (True, 100)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{task: regression, metric_floor: {metrics: {recall: 0.5}}}", "no metric of a regression"),
        ("{task: multiclass, metric_floor: {metrics: {roc_auc: 0.5}}}", "which has log_loss"),
        ("{metric_floor: {metrics: {r2: 0.5}}}", "no metric of a binary task"),
        ("{repeatability: {metrics: [f1, r2]}}", "repeatability.metrics[1]: r2 is no metric of"),
        ("{task: regression, group_disparity: {}}", "so that no limit is usual. Name `metrics`"),
        (
            "{task: regression, group_disparity: {metrics: {mean_error: {limit: 1}}}}",
            "judged for rates only",
        ),
        ("{task: multiclass, decision_threshold: 0.3, schema: {}}", "has no threshold"),
        ("{task: ranking, schema: {}}", "'ranking'"),
    ],
)
def test_limits_of_another_task_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(PolicyError, match=r"params\.yaml") as caught:
        read_policy(f"gates: {text}".encode(), "params.yaml")
    assert complaint in str(caught.value)
