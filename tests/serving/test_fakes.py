"""Real services of a few lines, each bad in one way; what is measured must show that."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gates.errors import PipelineError
from gates.finding import Result, State
from gates.judging.served import Bound
from gates.rules.fault_tolerance import FaultTolerance
from gates.rules.latency import LatencyGate
from gates.rules.update_downtime import UpdateDowntime
from gates.serving import examine
from gates.serving.client import Client
from gates.serving.examine import Answers, Asked, ask_batch, ask_sample, examine_faults
from gates.serving.load import send_by_the_clock
from gates.serving.measure import Job, Served, measure
from gates.serving.measured import Fault, Update
from gates.serving.schedule import Plan, due_times
from gates.serving.service import Running, resident_bytes
from gates.serving.turns import Sides, measure_latency
from tests.serving.conftest import Start
from tests.serving.samples import honest, judged

EXPECTED = tuple((age / 10,) for age in range(10))


Provoke = Callable[[str], tuple[Fault, ...]]


@pytest.fixture
def provoked(start: Start, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> Provoke:
    monkeypatch.setattr(examine, "FAULT_TIMEOUT_S", 0.4)

    def provoke(how: str) -> tuple[Fault, ...]:
        with start(how) as service:
            return asyncio.run(examine_faults(service, asked, 20.0, 0)).faults

    return provoke


@pytest.mark.parametrize(
    ("how", "kind", "outcome", "feature"),
    [
        ("crash on missing", "missing", "crashed", "job"),
        ("error on level", "unknown level", "error", "job"),
        ("hang on null", "null", "hung", "age"),
        ("nan on range", "out of range", "invalid", "age"),
        ("drop on type", "wrong type", "dropped", "age"),
        ("says nothing", "out of range", "unclear", "age"),
    ],
)
def test_each_way_to_fall_is_seen(
    provoked: Provoke, tmp_path: Path, *, how: str, kind: str, outcome: str, feature: str
) -> None:
    faults = provoked(how)
    assert (kind, outcome, feature) in [(one.kind, one.outcome, one.feature) for one in faults]
    found = judged(tmp_path, "fault_tolerance", FaultTolerance(), honest(faults=faults))
    assert found.outcome is Result.FAILED
    said = [finding.message for finding in found.findings if finding.state is State.FAILED]
    assert any(feature in message for message in said)


def test_an_honest_one_refuses_everything_clearly(provoked: Provoke, tmp_path: Path) -> None:
    faults = provoked("honest")
    assert len(faults) == 2 + 2 + 1 + 1 + 2
    assert {one.outcome for one in faults} == {"refused", "answered"}
    found = judged(tmp_path, "fault_tolerance", FaultTolerance(), honest(faults=faults))
    assert found.outcome is Result.PASSED


def updated(service: Running, asked: Asked) -> tuple[Update, Answers | None]:
    async def run() -> tuple[Update, Answers | None]:
        with contextlib.closing(Client(service.port, 2.0)) as client:
            return await examine.examine_update(client, service, asked, 60.0, 0.45)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("honest", ""),
        ("down in an update", "requests failed"),
        ("no update", "status 404"),
        ("believes anything", "A broken model file was accepted"),
        ("spoilt by a broken model", "not answered as before"),
    ],
)
def test_an_update_under_load(
    start: Start, asked: Asked, tmp_path: Path, how: str, says: str
) -> None:
    with start(how) as service:
        update, reloaded = updated(service, asked)
        assert service.model.read_bytes() == b"a model"
    found = judged(tmp_path, "update_downtime", UpdateDowntime(), honest(update=update))
    failed = [one.message for one in found.findings if one.state is State.FAILED]
    assert (found.outcome is Result.PASSED) is (how == "honest")
    assert any(says in message for message in failed) or not says
    assert reloaded in ((None,) if how == "no update" else (EXPECTED,))
    assert update.requests >= 10


@pytest.mark.parametrize("how", ["honest", "other in a batch"])
def test_both_ways_to_ask(start: Start, asked: Asked, how: str) -> None:
    async def run(port: int) -> tuple[Answers, Answers]:
        with contextlib.closing(Client(port, 2.0)) as client:
            return await ask_sample(client, asked), await ask_batch(client, asked)

    with start(how) as service:
        single, batch = asyncio.run(run(service.port))
    assert single == EXPECTED
    assert (batch == EXPECTED) is (how == "honest")


def test_a_stall_counts_for_all_that_were_due_meanwhile(start: Start, asked: Asked) -> None:
    """A quarter of a second is lost once; at 100 a second some 25 rows were due in it, not one."""

    async def run(port: int) -> list[float | None]:
        with contextlib.closing(Client(port, 2.0)) as client:
            return await send_by_the_clock(client, asked.sample.bodies, due_times(100, 1.2))

    with start("stalls") as service:
        taken = asyncio.run(run(service.port))
    assert None not in taken
    assert sum(ms > 50 for ms in taken if ms is not None) > 10


def test_twice_the_time_is_seen_beside_the_baseline(
    start: Start, asked: Asked, tmp_path: Path
) -> None:
    async def run(new: int, old: int) -> object:
        with (
            contextlib.closing(Client(new, 2.0)) as candidate,
            contextlib.closing(Client(old, 2.0)) as baseline,
        ):
            sides = Sides(candidate=candidate, baseline=baseline, bodies=asked.sample.bodies)
            plan = Plan(seconds=8.0, limit_ms=100.0, sides=2)
            return await measure_latency(sides, plan, 40.0)

    with start("slow") as slow, start("honest") as quick:
        found = asyncio.run(run(slow.port, quick.port))
    gate = LatencyGate(p50=Bound(growth=1.2), p95=Bound(), p99=Bound())
    made = msgspec.structs.replace(honest(), latency=found)
    outcome = judged(tmp_path, "latency", gate, made)
    assert [one.state for one in outcome.findings] == [State.PASSED, State.FAILED]
    assert "p50 of single rows" in outcome.findings[1].message


def test_a_service_that_never_starts_says_why(start: Start) -> None:
    with pytest.raises(PipelineError, match=r"(?s)ended before it answered.*named torch"):  # noqa: SIM117
        with start("never starts"):
            pass


def test_a_command_that_is_not_there(side: Callable[[str], Served], asked: Asked) -> None:
    served = msgspec.structs.replace(side("honest"), command="no-such-program {port}")
    measured = measure(_job(served, "no base was named", asked, served.tree / "s"))
    assert "no-such-program" in measured.candidate.failure


@pytest.mark.parametrize("beside", ["honest", "never starts"])
def test_the_whole_measurement(
    side: Callable[[str], Served], asked: Asked, tmp_path: Path, beside: str
) -> None:
    scratch = tmp_path / "s"
    measured = measure(_job(side("crash on missing"), side(beside), asked, scratch))
    assert measured.sampled is not None
    assert measured.sampled.reloaded == EXPECTED
    assert measured.latency is not None
    assert measured.throughput is not None
    assert all(measured.throughput.candidate.rates_per_s)
    assert all(one.candidate and None not in one.candidate for one in measured.latency.turns)
    has_baseline = beside == "honest"
    assert (measured.baseline is not None) is has_baseline
    assert all(bool(one.baseline) is has_baseline for one in measured.latency.turns)
    assert ("did not come up" in measured.baseline_reason) is not has_baseline
    assert [one.outcome for one in measured.faults].count("crashed") == 1
    assert measured.faults_left_out == 0
    assert measured.candidate.memory_bytes is None or measured.candidate.memory_bytes > 1e6
    assert measured.candidate.model_bytes == 7


def test_memory_is_that_of_all_processes(start: Start) -> None:
    with start("honest") as service:
        assert (resident_bytes(service.process) or 1 << 23) > 1 << 22
        assert service.lives


def _job(candidate: Served, baseline: Served | str, asked: Asked, scratch: Path) -> Job:
    scratch.mkdir()
    return Job(
        candidate=candidate,
        baseline=baseline,
        asked=asked,
        seconds=2.0,
        limit_ms=100.0,
        scratch=scratch,
    )
