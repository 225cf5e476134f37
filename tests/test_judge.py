import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import numpy as np
import pytest

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import (
    Decision,
    Family,
    Finding,
    Limit,
    Mode,
    Observation,
    Result,
    State,
    Subject,
    Support,
)
from gates.judge import judge, levels_of
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.rules.gate import (
    Comparison,
    Correction,
    Gate,
    Item,
    Measurement,
    NotApplicableError,
)
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.testing import evidence
from gates.verdict import write_verdict

ROWS = 400
LABELS = [True, False] * (ROWS // 2)
RIGHT = [0.9 if label else 0.1 for label in LABELS]


def wrong_on(rows: int) -> list[float]:
    """Scores that are right but for the first so many rows."""
    return [1 - score if at < rows else score for at, score in enumerate(RIGHT)]


def sides(tmp_path: Path, old: list[float], new: list[float]) -> tuple[Evidence, Evidence]:
    test = {"label": LABELS}
    return (
        evidence(tmp_path / "new", {}, test=test, scores=new),
        evidence(tmp_path / "old", {}, test=test, scores=old),
    )


def policy(**gates: Gate) -> Policy:
    return Policy(Settings(), gates, Document("params.yaml", {}, {}))


def accuracy(margin: float, mode: Mode = Mode.GUARD) -> Gate:
    return MetricRegression(metrics={"accuracy": MetricDemand(margin=margin, mode=mode)})


@pytest.mark.parametrize(
    ("newly_wrong", "newly_right", "margin", "state"),
    [
        (0, 0, 0.0, State.PASSED),  # identical predictions pass at any margin
        (1, 1, 0.05, State.PASSED),
        (40, 0, 0.05, State.FAILED),
        (20, 0, 0.05, State.FAILED),  # the drop is the margin exactly: 20 of 400
        (19, 0, 0.05, State.UNDECIDED),  # proven, but a trifle below the margin
        (3, 0, 0.005, State.UNDECIDED),  # above the margin, but three rows prove nothing
        (30, 30, 0.01, State.UNDECIDED),  # no change on average, and too few rows to be sure
        (0, 40, 0.01, State.PASSED),
    ],
)
def test_the_three_states(
    tmp_path: Path, newly_wrong: int, newly_right: int, margin: float, state: State
) -> None:
    old = [1 - score if at >= ROWS - newly_right else score for at, score in enumerate(RIGHT)]
    candidate, baseline = sides(tmp_path, old, wrong_on(newly_wrong))
    verdict = judge(policy(gate=accuracy(margin)), Case(Settings(), candidate, baseline))
    (finding,) = verdict.outcomes[0].findings
    assert finding.state is state
    assert finding.change == pytest.approx((newly_right - newly_wrong) / ROWS)


@pytest.mark.parametrize(
    ("mode", "decision"), [(Mode.GUARD, Decision.PASS), (Mode.STRICT, Decision.FAIL)]
)
def test_undecided_blocks_only_where_the_limit_is_strict(
    tmp_path: Path, mode: Mode, decision: Decision
) -> None:
    candidate, baseline = sides(tmp_path, RIGHT, wrong_on(3))
    verdict = judge(policy(gate=accuracy(0.005, mode)), Case(Settings(), candidate, baseline))
    (finding,) = verdict.outcomes[0].findings
    assert verdict.outcomes[0].outcome is Result.UNDECIDED
    assert verdict.decision is decision
    assert finding.rows_needed is not None
    assert finding.rows_needed > ROWS


def test_an_unjudgeable_metric_never_passes(tmp_path: Path) -> None:
    test = {"label": [True] * 50}
    new = evidence(tmp_path / "new", {}, test=test)
    old = evidence(tmp_path / "old", {}, test=test)
    gate = MetricRegression(metrics={"roc_auc": MetricDemand(margin=0.5)})
    verdict = judge(policy(gate=gate), Case(Settings(), new, old))
    (finding,) = verdict.outcomes[0].findings
    assert finding.state is State.UNDECIDED
    assert finding.candidate is None
    assert "50 positives and 0 negatives" in finding.message
    assert verdict.decision is Decision.FAIL


class Says(Gate, frozen=True, kw_only=True):
    """Yields what it is told to."""

    family: ClassVar[Family] = Family.DATA
    items: tuple[Finding | Comparison | Measurement | Observation, ...] = ()

    def judge(self, case: Case) -> Iterator[Item]:
        assert case.candidate.test.rows
        yield from self.items


class Skips(Says, frozen=True, kw_only=True):
    """Does not apply."""

    def judge(self, case: Case) -> Iterator[Item]:
        raise NotApplicableError(f"nothing to see in {case.candidate.test.rows} rows")


class Crashes(Says, frozen=True, kw_only=True):
    """Has a bug."""

    def judge(self, case: Case) -> Iterator[Item]:
        yield from self.items
        raise ZeroDivisionError(f"{case.candidate.test.rows} rows")


def finding(state: State, mode: Mode | None = None) -> Finding:
    return Finding(
        subject=Subject(key="x"), state=state, limit=Limit(rule="r", mode=mode), message="m"
    )


PASSED, FAILED = finding(State.PASSED), finding(State.FAILED)
SHOWN = Observation(subject=Subject(key="x"), message="seen")


@pytest.mark.parametrize(
    ("gates", "decision"),
    [
        ([Says(items=(PASSED,))], Decision.PASS),
        ([Says(items=(PASSED, FAILED))], Decision.FAIL),
        ([Says(items=(finding(State.UNDECIDED),))], Decision.PASS),
        ([Says(items=(finding(State.UNDECIDED, Mode.STRICT),))], Decision.FAIL),
        ([Says(items=(PASSED,)), Skips()], Decision.PASS),
        ([Says(items=(PASSED,)), Skips(required=True)], Decision.CANNOT_JUDGE),
        ([Skips()], Decision.CANNOT_JUDGE),
        ([Says()], Decision.CANNOT_JUDGE),  # it judged nothing
        ([Says(items=(SHOWN,))], Decision.CANNOT_JUDGE),  # it only showed something
        ([Says(items=(PASSED,)), Crashes(items=(PASSED,))], Decision.CANNOT_JUDGE),
        ([Crashes(), Says(items=(FAILED,))], Decision.FAIL),
    ],
    ids=[
        "passed", "failed", "guarded", "strict", "one skipped", "required skipped", "all skipped",
        "silent", "only shown", "crashed", "crashed and failed",
    ],
)  # fmt: skip
def test_what_was_not_judged_never_passes(
    tmp_path: Path, gates: list[Gate], decision: Decision
) -> None:
    candidate, baseline = sides(tmp_path, RIGHT, RIGHT)
    named = {f"gate_{at}": gate for at, gate in enumerate(gates)}
    verdict = judge(policy(**named), Case(Settings(), candidate, baseline))
    assert verdict.decision is decision
    assert [outcome.gate for outcome in verdict.outcomes] == list(named)


def test_a_crash_names_its_place_and_keeps_the_other_gates(tmp_path: Path) -> None:
    candidate, baseline = sides(tmp_path, RIGHT, RIGHT)
    verdict = judge(
        policy(a=Crashes(), b=Says(items=(PASSED,))), Case(Settings(), candidate, baseline)
    )
    crashed, passed = verdict.outcomes
    assert crashed.outcome is Result.ERRORED
    assert "ZeroDivisionError in judge, line" in crashed.reason
    assert passed.outcome is Result.PASSED
    assert verdict.reason.startswith("a could not judge: ZeroDivisionError")


def test_without_a_baseline_relative_gates_are_skipped_with_the_reason(tmp_path: Path) -> None:
    candidate, _ = sides(tmp_path, RIGHT, RIGHT)
    verdict = judge(
        policy(a=accuracy(0.1), b=Says(items=(PASSED,))), Case(Settings(), candidate, None)
    )
    assert verdict.outcomes[0].outcome is Result.SKIPPED
    assert verdict.outcomes[0].reason == "there is no baseline to compare with"
    assert verdict.decision is Decision.PASS


def measured(value: float, half_width: float, p_value: float) -> Measurement:
    return Measurement(
        subject=Subject(metric="m"),
        limit=Limit(floor=0.9),
        value=value,
        interval=(value - half_width, value + half_width),
        p_value=p_value,
    )


def below(value: float, half_width: float) -> Measurement:
    return msgspec.structs.replace(measured(value, half_width, 1.0), limit=Limit(ceiling=0.9))


def compared(
    change: float,
    interval: tuple[float, float],
    *,
    up: bool,
    harmed: int = 0,
    correction: Correction = Correction.OVERALL,
) -> Comparison:
    """With a margin of 0.1; so many rows got worse, and none better."""
    return Comparison(
        subject=Subject(metric="m"),
        correction=correction,
        limit=Limit(margin=0.1),
        greater_is_better=up,
        baseline=0.5,
        candidate=0.5 + change,
        change=change,
        interval=interval,
        rows=np.arange(harmed),
        contributions=np.full(harmed, -0.01),
        support=Support(rows=ROWS),
        counted=ROWS,
        same=False,
    )


@pytest.mark.parametrize(
    ("item", "state"),
    [
        (compared(0.0, (-0.1, 0.5), up=True), State.UNDECIDED),  # a loss of the margin is possible
        (compared(0.0, (-0.0999, 0.5), up=True), State.PASSED),
        (compared(0.0, (-0.5, 0.1), up=False), State.UNDECIDED),
        (compared(0.0, (-0.5, 0.0999), up=False), State.PASSED),
        (compared(0.0, (-0.05, 0.5), up=False), State.UNDECIDED),
        (compared(-0.1, (-0.2, 0.0), up=True, harmed=60), State.FAILED),
        (compared(0.1, (0.0, 0.2), up=False, harmed=60), State.FAILED),
        (compared(-0.1, (-0.2, 0.2), up=False, harmed=60), State.UNDECIDED),  # it is a gain
        (compared(-0.1, (-0.2, 0.0), up=True), State.UNDECIDED),  # nothing proves it
        (compared(float("nan"), (float("nan"), float("nan")), up=True), State.UNDECIDED),
    ],
)
def test_harm_is_counted_in_the_metrics_own_direction(
    tmp_path: Path, item: Comparison, state: State
) -> None:
    candidate, baseline = sides(tmp_path, RIGHT, RIGHT)
    verdict = judge(policy(a=Says(items=(item,))), Case(Settings(), candidate, baseline))
    assert verdict.outcomes[0].findings[0].state is state


@pytest.mark.parametrize(("persons", "state"), [(1, State.UNDECIDED), (60, State.FAILED)])
def test_rows_of_one_person_prove_harm_once(tmp_path: Path, persons: int, state: State) -> None:
    test = {"label": LABELS, "person": [f"p{at % persons}" for at in range(ROWS)]}
    listed = {"person": "group text"}
    candidate = evidence(tmp_path / "new", listed, test=test, scores=RIGHT)
    baseline = evidence(tmp_path / "old", listed, test=test, scores=RIGHT)
    item = compared(-0.1, (-0.2, 0.0), up=True, harmed=60)
    verdict = judge(policy(a=Says(items=(item,))), Case(Settings(), candidate, baseline))
    assert verdict.outcomes[0].findings[0].state is state


class Cuts(Says, frozen=True, kw_only=True):
    """Measures on the test rows, as each of its families does."""

    family: ClassVar[Family] = Family.SEGMENTS


@pytest.mark.parametrize(
    ("gates", "decision"),
    [
        ({"a": Says, "b": Cuts}, Decision.CANNOT_JUDGE),
        ({"a": Says}, Decision.PASS),  # nothing is said of the rows
    ],
)
def test_rows_that_nobody_judged_block_where_anything_is_measured_on_them(
    tmp_path: Path, gates: dict[str, type[Says]], decision: Decision
) -> None:
    """Half of the baseline's test rows are gone, and the model was not run on them."""
    baseline = evidence(tmp_path / "old", {}, test={"label": LABELS}, scores=RIGHT)
    half = {"label": LABELS[: ROWS // 2]}
    candidate = evidence(tmp_path / "new", {}, test=half, scores=RIGHT[: ROWS // 2])
    named = {name: gate(items=(finding(State.PASSED),)) for name, gate in gates.items()}
    verdict = judge(policy(**named), Case(Settings(), candidate, baseline))
    assert verdict.decision is decision
    assert ("200 of the baseline's 400 test rows" in verdict.reason) is (len(gates) > 1)


def test_critical_segments_take_most_of_the_segments_level() -> None:
    alpha = Settings().alpha
    one = compared(0.0, (0.0, 0.0), up=True, correction=Correction.SEGMENTS)
    own = compared(0.0, (0.0, 0.0), up=True, correction=Correction.CRITICAL)
    alone, both = levels_of(alpha, [one]), levels_of(alpha, [one, own])
    assert (alone[Correction.SEGMENTS], alone[Correction.CRITICAL]) == (alpha.segments, 0)
    assert both[Correction.CRITICAL] == pytest.approx(0.8 * alpha.segments)
    assert both[Correction.SEGMENTS] == pytest.approx(0.2 * alpha.segments)


@pytest.mark.parametrize(
    ("item", "state"),
    [
        (measured(0.95, 0.04, 1.0), State.PASSED),
        (measured(0.95, 0.05 + 1e-9, 1.0), State.UNDECIDED),
        (measured(0.90, 0.0, 1.0), State.PASSED),  # exactly at the floor
        (measured(0.80, 0.01, 1e-9), State.FAILED),
        (measured(0.85, 0.1, 0.01), State.FAILED),  # the level itself
        (measured(0.85, 0.1, 0.01 + 1e-9), State.UNDECIDED),
        (measured(float("nan"), 0.0, 1.0), State.UNDECIDED),
        (measured(float("nan"), float("nan"), float("nan")), State.UNDECIDED),
        (below(0.5, 0.4), State.PASSED),  # its upper limit is the ceiling
        (below(0.5, 0.4 + 1e-9), State.UNDECIDED),
    ],
)
def test_a_floor_is_kept_by_the_whole_interval_or_provably_broken(
    tmp_path: Path, item: Measurement, state: State
) -> None:
    candidate, _ = sides(tmp_path, RIGHT, RIGHT)
    verdict = judge(policy(a=Says(items=(item,))), Case(Settings(), candidate, None))
    assert verdict.outcomes[0].findings[0].state is state


def test_measurements_are_corrected_together(tmp_path: Path) -> None:
    """Alone p = .004 fails at 1 %; among three, Holm multiplies the smallest by three."""
    candidate, _ = sides(tmp_path, RIGHT, RIGHT)
    broken = measured(0.85, 0.1, 0.004)
    alone = judge(policy(a=Says(items=(broken,))), Case(Settings(), candidate, None))
    others = (broken, measured(0.95, 0.01, 0.9), measured(0.96, 0.01, 0.9))
    together = judge(policy(a=Says(items=others)), Case(Settings(), candidate, None))
    assert alone.outcomes[0].findings[0].state is State.FAILED
    assert together.outcomes[0].findings[0].state is State.UNDECIDED
    assert together.outcomes[0].findings[0].p_value == pytest.approx(0.012)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "OMP_NUM_THREADS": "1"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "de_DE.UTF-8", "TZ": "Pacific/Kiritimati"},
    ],
    ids=["plain", "far away"],
)
def test_the_same_evidence_gives_the_same_bytes(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    draws = np.random.default_rng(3)
    scores = [
        float(np.clip(s + d, 0, 1)) for s, d in zip(RIGHT, draws.normal(0, 0.3, ROWS), strict=True)
    ]
    candidate, baseline = sides(tmp_path, RIGHT, scores)
    (tmp_path / "params.yaml").write_text(
        "gates:\n  metric_regression:\n"
        "    metrics: {accuracy: {margin: 0.01}, log_loss: {margin: 1}}\n"
    )
    command = [
        sys.executable, "-m", "gates", "judge", "--json", "--policy", str(tmp_path / "params.yaml"),
        "--candidate", str(candidate.folder), "--baseline", str(baseline.folder),
    ]  # fmt: skip
    here = subprocess.run(command, capture_output=True, check=False).stdout
    there = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, **environment}
    ).stdout
    assert here == there
    assert len(here) > 1000


def test_a_verdict_is_written_whole(tmp_path: Path) -> None:
    candidate, baseline = sides(tmp_path, RIGHT, wrong_on(40))
    verdict = judge(policy(a=accuracy(0.05)), Case(Settings(), candidate, baseline))
    assert b'"decision": "fail"' in write_verdict(verdict)
    (found,) = verdict.outcomes[0].findings
    assert len(found.fingerprint) == 16
