"""The whole measurement: two services side by side, then the candidate's alone."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gates.errors import PipelineError
from gates.serving.client import Client
from gates.serving.examine import (
    Asked,
    examine_faults,
    examine_sample,
    examine_update,
    list_broken,
)
from gates.serving.measured import Fault, Measured, Service
from gates.serving.schedule import Plan
from gates.serving.service import Running, resident_bytes, serving, stored_bytes
from gates.serving.turns import Sides, choose_rate, measure_latency, measure_throughput

_TIMEOUT_S = 5.0
_MOST_STARTS = 5
_REASON_CHARACTERS = 1_500


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One side: how its service is started, where, and with which model."""

    command: str
    tree: Path
    model: Path
    environment: Mapping[str, str] = {}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be measured, by what, and for how long."""

    candidate: Served
    baseline: Served | str  # or why there is nothing to compare with
    asked: Asked
    seconds: float  # that all of it may take, but for services that start slowly
    limit_ms: float  # within which the throughput is searched
    scratch: Path  # an empty folder for copies of models and for logs

    def plan(self, sides: int) -> Plan:
        """How the seconds are spent."""
        return Plan(seconds=self.seconds, limit_ms=self.limit_ms, sides=sides)


def measure(job: Job) -> Measured:
    """Start, ask and end the services; a candidate's that does not come up is a result too."""
    try:
        measured = _side_by_side(job)
        faults = _provoke(job)
    except PipelineError as error:
        return Measured(
            seconds=job.seconds,
            candidate=Service(failure=str(error)[:_REASON_CHARACTERS]),
            baseline_reason="the candidate's service did not come up",
        )
    untried = len(list_broken(job.asked)) - len(faults)
    return msgspec.structs.replace(measured, faults=faults, faults_left_out=untried)


def _side_by_side(job: Job) -> Measured:
    with contextlib.ExitStack() as stack:
        beside: Running | None = None
        reason = job.baseline if isinstance(job.baseline, str) else ""
        if isinstance(job.baseline, Served):
            try:
                beside = stack.enter_context(_started(job.baseline, job.scratch / "baseline"))
            except PipelineError as error:  # a broken base must not keep what mends it
                reason = f"the baseline's service did not come up: {error}"
        service = stack.enter_context(_started(job.candidate, job.scratch / "candidate"))
        measured = asyncio.run(_measure_running(service, beside, job))
    return msgspec.structs.replace(measured, baseline_reason=reason[:_REASON_CHARACTERS])


async def _measure_running(service: Running, beside: Running | None, job: Job) -> Measured:
    asked, plan = job.asked, job.plan(1 if beside is None else 2)
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(contextlib.closing(Client(one.port, _TIMEOUT_S)))
            for one in (service, beside)
            if one is not None
        ]
        client, other = (*clients, None)[:2]
        assert client is not None  # noqa: S101 - the candidate's is always there
        sides = Sides(candidate=client, baseline=other, bodies=asked.sample.bodies)
        sampled = await examine_sample(client, asked)
        rate = await choose_rate(sides)
        latency = await measure_latency(sides, plan, rate)
        throughput = await measure_throughput(sides, plan)
        weighed = [_weigh(one) for one in (service, beside) if one is not None]
        rate = await choose_rate(msgspec.structs.replace(sides, baseline=None)) / 2
        update, reloaded = await examine_update(client, service, asked, rate, plan.update_s)
    return Measured(
        seconds=job.seconds,
        candidate=weighed[0],
        baseline=(*weighed, None)[1],
        latency=latency,
        throughput=throughput,
        sampled=msgspec.structs.replace(sampled, reloaded=reloaded),
        update=update,
    )


def _weigh(service: Running) -> Service:
    return Service(
        start_up_s=round(service.start_up_s, 3),
        memory_bytes=resident_bytes(service.process),
        model_bytes=stored_bytes(service.model),
    )


def _provoke(job: Job) -> tuple[Fault, ...]:
    """Wrong rows, each to a service that lives: one that fell is started again, a few times.

    Services of their own, so that what came before cannot be blamed.
    """
    found: list[Fault] = []
    at = 0
    left_s = job.plan(1).faults_s
    for turn in range(_MOST_STARTS):
        with _started(job.candidate, job.scratch / f"faults-{turn}") as service:
            start = time.monotonic()
            examined = asyncio.run(examine_faults(service, job.asked, left_s, at))
        found += examined.faults
        left_s -= time.monotonic() - start
        if examined.next_at is None:
            break
        at = examined.next_at
    return tuple(found)


@contextlib.contextmanager
def _started(side: Served, folder: Path) -> Iterator[Running]:
    """The service on a copy of its model, which an update may replace."""
    folder.mkdir(parents=True)
    model = folder / side.model.name
    if side.model.is_dir():
        shutil.copytree(side.model, model)
    elif side.model.is_file():
        shutil.copyfile(side.model, model)
    else:
        raise PipelineError(f"{side.model}: no model there to serve")
    with serving(side.command, side.tree, model, side.environment, folder / "log") as running:
        yield running
