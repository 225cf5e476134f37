from pathlib import Path

import msgspec
import pytest

from gates.evidence.sources import Sources
from gates.finding import Result, State
from gates.policy.settings import Settings
from gates.rules.throughput import ThroughputGate
from gates.serving.measured import Measured
from gates.testing import outcome
from tests.serving.samples import honest, judged, served, throughput


def changed(**candidate: object) -> Measured:
    found = throughput()
    own = msgspec.structs.replace(found.candidate, **candidate)
    return honest(throughput=msgspec.structs.replace(found, candidate=own))


def test_the_same_rate_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, "throughput", ThroughputGate(), honest())
    assert [one.state for one in found.findings] == [State.PASSED, State.PASSED]
    assert "With 4 in flight 95 of 100 answers come within 100 ms." in found.findings[0].message
    assert "rows a second with 4 in flight, where the baseline" in found.findings[1].message


def test_half_the_rate_fails(tmp_path: Path) -> None:
    found = judged(tmp_path, "throughput", ThroughputGate(), honest(throughput=throughput(0.5)))
    said = found.findings[1]
    assert said.state is State.FAILED
    assert said.limit.floor == 0.8
    assert said.candidate == pytest.approx(0.5, abs=0.03)


def test_noise_leaves_it_open(tmp_path: Path) -> None:
    noisy = honest(throughput=throughput(0.75, noise=0.5))
    found = judged(tmp_path, "throughput", ThroughputGate(), noisy)
    assert found.findings[1].state is State.UNDECIDED
    assert found.findings[1].mend


@pytest.mark.parametrize(("floor", "state"), [(50.0, State.PASSED), (500.0, State.FAILED)])
def test_a_floor_in_rows_a_second(tmp_path: Path, floor: float, state: State) -> None:
    found = judged(tmp_path, "throughput", ThroughputGate(ratio=None, floor=floor), honest())
    assert found.findings[1].state is state
    assert f"{floor:g} is accepted" in found.findings[1].message


def test_where_one_at_a_time_is_too_slow_the_ratio_is_still_judged(tmp_path: Path) -> None:
    made = changed(in_flight=1, keeps_limit=False)
    found = judged(tmp_path, "throughput", ThroughputGate(), made)
    assert [one.state for one in found.findings] == [State.UNDECIDED, State.PASSED]
    assert "Even one request at a time does not keep 100 ms" in found.findings[0].message


def test_no_answer_at_all_fails(tmp_path: Path) -> None:
    found = judged(tmp_path, "throughput", ThroughputGate(), changed(rates_per_s=(0.0,) * 10))
    assert [one.state for one in found.findings] == [State.FAILED]


def test_no_answer_in_a_block_cannot_be_compared(tmp_path: Path) -> None:
    rates = (0.0, *throughput().candidate.rates_per_s[1:])
    found = judged(tmp_path, "throughput", ThroughputGate(), changed(rates_per_s=rates))
    assert found.findings[1].state is State.UNDECIDED
    assert "in a block nothing was answered" in found.findings[1].message


def test_without_a_baseline_the_rate_is_shown(tmp_path: Path) -> None:
    alone = msgspec.structs.replace(throughput(), baseline=None)
    found = judged(tmp_path, "throughput", ThroughputGate(), honest(throughput=alone))
    assert found.outcome is Result.PASSED
    assert "rows a second" in found.observations[0].message


def test_a_baseline_without_answers_is_no_comparison(tmp_path: Path) -> None:
    silent = msgspec.structs.replace(throughput().candidate, rates_per_s=(0.0,) * 10)
    made = honest(throughput=msgspec.structs.replace(throughput(), baseline=silent))
    found = judged(tmp_path, "throughput", ThroughputGate(), made)
    assert len(found.findings) == 1
    assert "not compared" in found.observations[0].message


def test_another_limit_than_the_policys_is_not_judged(tmp_path: Path) -> None:
    settings = Settings(evidence=Sources(serving_limit_ms=10.0))
    made = served(tmp_path / "e", honest(), settings)
    found = outcome("throughput", ThroughputGate(), made)
    assert [one.state for one in found.findings] == [State.UNDECIDED]
    assert "Measured within 100 ms, where the policy says 10 ms." in found.findings[0].message


def test_a_service_that_did_not_come_up_fails(tmp_path: Path) -> None:
    dead = honest(candidate=msgspec.structs.replace(honest().candidate, failure="it ended"))
    dead = msgspec.structs.replace(dead, throughput=None)
    assert judged(tmp_path, "throughput", ThroughputGate(), dead).outcome is Result.FAILED
