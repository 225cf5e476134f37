"""Nothing is tabular, or of two classes, only: texts, images and numbers by the same gates."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Decision, Outcome, Result, State, Verdict
from gates.judge import judge
from gates.policy.policy import read_policy
from gates.rules import GATES
from tests.kinds.images import describe
from tests.kinds.numbers import FEATURES
from tests.kinds.tasks import Kind, Rows

LIMITS = """
gates:
  task: multiclass
  segments: [{segment}]
  metric_regression: {{metrics: {{log_loss: {{margin: 0.05, mode: strict}}}}}}
  metric_floor: {{metrics: {{accuracy: 0.85}}}}
  parsimony: {{metrics: {{log_loss: {{gain: 0.01}}}}}}
  fold_spread: {{metrics: {{accuracy: {{distance: 0.1, spread: 0.1}}}}}}
  calibration: {{ceiling: 0.3}}
  segment_regression: {{metrics: {{accuracy: {{margin: 0.1}}}}}}
  segment_floor: {{metrics: {{accuracy: 0.5}}}}
  group_disparity: {{features: [{segment}]}}
  train_test_overlap: {{bits: 0}}
"""
OF_NUMBERS = """
gates:
  task: regression
  segments: [sex]
  metric_regression: {metrics: {mean_absolute_error: {margin: 4, mode: strict}}}
  metric_floor: {metrics: {mean_absolute_error: 55}}
  parsimony: {metrics: {mean_absolute_error: {gain: 1}}}
  fold_spread: {metrics: {mean_absolute_error: {distance: 5, spread: 5}}}
  segment_regression: {metrics: {mean_absolute_error: {margin: 8}}}
  segment_floor: {metrics: {mean_absolute_error: 70}}
  group_disparity: {features: [sex], metrics: {mean_error: {worsening: 20}}}
"""
# What a pipeline must leave beside its tables, which these tasks do not.
ASKS_FOR_MORE = {
    *("human_baseline", "parsimony", "fold_spread", "data_version", "lock_in_step"),
    *("label_agreement", "reported_metrics", "repeatability", "preprocessing_leakage"),
    *("time_leakage", "test_set_reuse", "scope"),
    *("latency", "throughput", "update_downtime", "serving_parity", "fault_tolerance"),
    "footprint",
}
TEXTS, IMAGES = LIMITS.format(segment="example"), LIMITS.format(segment="wide")


def judged(limits: str, candidate: Evidence, baseline: Evidence) -> Verdict:
    """By the limits, and by all other gates as they come."""
    others = "".join(f"  {name}: {{}}\n" for name in GATES if f"\n  {name}:" not in limits)
    policy = read_policy((limits + others).encode(), "params.yaml")
    new = Evidence(candidate.folder, policy.settings)
    old = Evidence(baseline.folder, policy.settings, beside=new)
    return judge(policy, Case(policy.settings, new, old))


def gates_of(verdict: Verdict, *results: Result) -> Mapping[str, Outcome]:
    return {one.gate: one for one in verdict.outcomes if one.outcome in results}


def blocked_by(verdict: Verdict) -> list[str]:
    stopped = gates_of(verdict, Result.FAILED, Result.ERRORED)
    assert (verdict.decision is Decision.FAIL) is bool(stopped)
    return sorted(stopped)


@pytest.mark.parametrize(
    ("kind", "limits", "skipped"),
    [
        ("texts", TEXTS, {"data_bias"}),
        ("images", IMAGES, {"data_bias", "group_leakage"}),
        ("numbers", OF_NUMBERS, {"calibration", "rare_class", "group_leakage"}),
    ],
)
def test_a_hardly_different_model_passes_all_that_can_judge_it(
    kind: str, limits: str, skipped: set[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The last training rows are left out: a few answers change, and no gate is in doubt of why."""
    task: Kind = request.getfixturevalue(kind)
    base: Evidence = request.getfixturevalue(f"{kind[:-1]}_base")
    candidate = task.evidence(tmp_path / "new", learnt=lambda rows: rows[:-8])
    verdict = judged(limits, candidate, base)
    assert blocked_by(verdict) == []
    assert set(gates_of(verdict, Result.SKIPPED)) - ASKS_FOR_MORE == skipped
    json = msgspec.json.encode(verdict)
    assert b"NaN" not in json


def lose(label: str, other: str, share: float) -> Callable[[Rows], Rows]:
    """A labeler who takes some of one class for another."""
    draws = np.random.default_rng(1)

    def change(rows: Rows) -> Rows:
        field = "package" if hasattr(rows[0], "package") else "digit"
        lost = [getattr(row, field) == label and draws.random() < share for row in rows]
        return [
            row._replace(**{field: other}) if gone else row
            for row, gone in zip(rows, lost, strict=True)
        ]

    return change


def test_texts_torn_from_their_families_are_found(texts: Kind, tmp_path: Path) -> None:
    """Nobody groups them: one test text in twelve nearly equals a training text."""
    torn = texts._replace(
        group=lambda row: str(row.row_id),
        dictionary={**texts.dictionary, "family": "ignored text"},
    )
    base = torn.evidence(tmp_path / "old")
    verdict = judged(TEXTS, torn.evidence(tmp_path / "new", seed=1), base)
    assert "train_test_overlap" in blocked_by(verdict)
    (finding,) = [
        one
        for one in gates_of(verdict, Result.FAILED)["train_test_overlap"].findings
        if one.state is State.FAILED
    ]
    assert "have a 'text' that nearly equals a training row's" in finding.message


def test_a_labeler_who_mixes_up_two_packages_is_found(
    texts: Kind, text_base: Evidence, tmp_path: Path
) -> None:
    candidate = texts.evidence(tmp_path / "new", learnt=lose("sklearn", "scipy", 0.6))
    found = blocked_by(judged(TEXTS, candidate, text_base))
    assert "metric_regression" in found
    assert "rare_class" in found


def test_darker_copies_of_test_images_are_found(
    images: Kind, image_base: Evidence, tmp_path: Path
) -> None:
    """No pixel is the same, and no path; a perceptual hash is."""
    copies = [
        describe(f"copy{at}", row.digit, row.pixels.reshape(8, 8) * 0.8)
        for at, row in enumerate(images.split()[1][:60])
    ]
    candidate = images.evidence(tmp_path / "new", train=lambda rows: [*rows, *copies])
    assert blocked_by(judged(IMAGES, candidate, image_base)) == ["train_test_overlap"]


def test_a_digit_that_is_hardly_learnt_any_more_is_found(
    images: Kind, image_base: Evidence, tmp_path: Path
) -> None:
    """The average falls by little: nine digits in ten are as good as they were."""
    candidate = images.evidence(tmp_path / "new", learnt=lose("8", "1", 0.8))
    found = judged(IMAGES, candidate, image_base)
    assert "metric_regression" in blocked_by(found)


def test_a_measurement_in_another_unit_at_the_service_is_found(
    numbers: Kind, number_base: Evidence, tmp_path: Path
) -> None:
    """The model learns blood pressure in one unit and is asked in another."""

    def rescale(rows: Rows) -> Rows:
        factors = np.where(np.arange(len(FEATURES)) == FEATURES.index("bp"), 0.133, 1)
        return [row._replace(values=row.values * factors) for row in rows]

    candidate = numbers.evidence(tmp_path / "new", asked=rescale)
    assert "metric_regression" in blocked_by(judged(OF_NUMBERS, candidate, number_base))


def test_a_feature_that_is_the_label_is_found(
    numbers: Kind, number_base: Evidence, tmp_path: Path
) -> None:
    def tell(rows: Rows) -> dict[str, object]:
        columns = numbers.columns(rows)
        return {**columns, "visits": [round(value / 10) for value in columns["label"]]}

    leaky = numbers._replace(
        columns=tell, dictionary={**numbers.dictionary, "visits": "feature integer"}
    )
    found = blocked_by(judged(OF_NUMBERS, leaky.evidence(tmp_path / "new"), number_base))
    assert found == ["target_leakage"]
