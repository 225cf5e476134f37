from pathlib import Path

import pytest

from gates.finding import Mode, Result, State
from gates.judging.served import Bound
from gates.rules.latency import LatencyGate
from gates.testing import case, evidence, outcome
from tests.serving.samples import SERVICE, honest, judged, latency, times

OFF = Bound()
MEDIAN = LatencyGate(p50=Bound(growth=1.2), p95=OFF, p99=OFF)


def with_ratio(factor: float, noise: float = 0.05) -> object:
    return latency(times(factor, noise=noise), times(noise=noise))


def test_a_service_like_its_baseline_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, "latency", LatencyGate(), honest())
    assert [one.state for one in found.findings] == [State.PASSED] * 3
    assert "All 400 single rows were answered, 50 a second." in found.findings[0].message
    assert "1.4 times is accepted" in found.findings[2].message
    assert "ms; no limit is set." in found.observations[0].message
    assert all(not one.mend for one in found.findings)


def test_twice_as_slow_is_proven_and_said(tmp_path: Path) -> None:
    found = judged(tmp_path, "latency", MEDIAN, honest(latency=with_ratio(2.0)))
    (said,) = [one for one in found.findings if one.state is State.FAILED]
    assert said.candidate == pytest.approx(2.0, abs=0.1)
    assert "p50 of single rows: 1" in said.message
    assert "times as much (95 % interval 1.9" in said.message
    assert said.limit.ceiling == 1.2
    assert "what one row costs" in said.mend


def test_where_noise_hides_it_more_time_is_asked_for(tmp_path: Path) -> None:
    noisy = latency(times(1.15, noise=1.0, count=12), times(noise=1.0, count=12))
    found = judged(tmp_path, "latency", MEDIAN, honest(latency=noisy))
    said = found.findings[1]
    assert said.state is State.UNDECIDED
    assert "Where it is undecided" in said.mend
    assert not said.blocks


def test_in_strict_mode_what_noise_hides_blocks(tmp_path: Path) -> None:
    noisy = latency(times(1.15, noise=1.0, count=12), times(noise=1.0, count=12))
    strict = LatencyGate(p50=Bound(growth=1.2, mode=Mode.STRICT), p95=OFF, p99=OFF)
    assert judged(tmp_path, "latency", strict, honest(latency=noisy)).findings[1].blocks


def test_one_row_without_an_answer_fails(tmp_path: Path) -> None:
    turns: list[list[float | None]] = [list(block) for block in times()]
    turns[3][5] = None
    found = judged(tmp_path, "latency", MEDIAN, honest(latency=latency(turns, times())))
    assert found.findings[0].state is State.FAILED
    assert "1 of 400 single rows got no answer" in found.findings[0].message


def test_when_nothing_is_answered_nothing_else_is_said(tmp_path: Path) -> None:
    silent = latency([[None] * 5] * 10, [[1.0] * 5] * 10)
    found = judged(tmp_path, "latency", LatencyGate(), honest(latency=silent))
    assert [one.state for one in found.findings] == [State.FAILED]


@pytest.mark.parametrize(("ceiling", "state"), [(20.0, State.PASSED), (5.0, State.FAILED)])
def test_milliseconds_have_a_ceiling_of_their_own(
    tmp_path: Path, ceiling: float, state: State
) -> None:
    gate = LatencyGate(p50=Bound(ceiling=ceiling), p95=OFF, p99=OFF)
    said = judged(tmp_path, "latency", gate, honest()).findings[1]
    assert said.state is state
    assert said.subject.text() == "p50 in ms"
    assert f"{ceiling:g} ms is accepted" in said.message


def test_both_limits_of_a_quantile_have_names_of_their_own(tmp_path: Path) -> None:
    gate = LatencyGate(p50=Bound(growth=1.2, ceiling=20.0), p95=OFF, p99=OFF)
    found = judged(tmp_path, "latency", gate, honest())
    assert len({one.fingerprint for one in found.findings}) == 3


def test_without_a_baseline_milliseconds_are_shown(tmp_path: Path) -> None:
    alone = honest(
        latency=latency(times()), baseline=None, baseline_reason="the baseline names no service"
    )
    found = judged(tmp_path, "latency", MEDIAN, alone)
    assert [one.state for one in found.findings] == [State.PASSED]
    assert "not compared: the baseline names no service" in found.observations[0].message


def test_too_few_rows_have_no_tail(tmp_path: Path) -> None:
    few = latency(times(count=5), times(count=5))
    gate = LatencyGate(p50=OFF, p95=OFF, p99=Bound(growth=1.2))
    found = judged(tmp_path, "latency", gate, honest(latency=few))
    assert found.findings[1].state is State.UNDECIDED
    assert "50 answers; at least 100" in found.findings[1].message
    assert "serving_seconds" in found.findings[1].mend


def test_a_service_that_did_not_come_up_fails(tmp_path: Path) -> None:
    dead = honest(
        candidate=type(SERVICE)(failure="`serve` ended before it answered GET /health"),
        latency=None,
    )
    found = judged(tmp_path, "latency", LatencyGate(), dead)
    assert found.outcome is Result.FAILED
    assert "did not come up: `serve` ended" in found.findings[0].message


def test_where_nobody_serves_there_is_nothing_to_judge(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": [0, 1]})
    found = outcome("latency", LatencyGate(), case(made))
    assert found.outcome is Result.SKIPPED
    assert "no serving.json" in found.reason


def test_a_measurement_without_latency_is_no_pass(tmp_path: Path) -> None:
    found = judged(tmp_path, "latency", LatencyGate(), honest(latency=None))
    assert found.outcome is Result.ERRORED
