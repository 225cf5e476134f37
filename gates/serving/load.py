"""Requests sent by the clock, and as many as are borne; what came of them."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gates.serving.client import Client, NoReplyError

PREDICT = "/predict"
_OK = 200
_LEAD_S = 0.005  # so that the first request is not late before it is sent


class Busy(NamedTuple):
    """What a service kept up with so many requests in flight."""

    rate_per_s: float
    p95_ms: float
    failed: int


class Sent(NamedTuple):
    """When a request was over, by the loop's clock, and milliseconds from when it was due."""

    end: float
    ms: float | None


async def send_by_the_clock(
    client: Client, bodies: Sequence[bytes], due_s: Sequence[float]
) -> list[float | None]:
    """Milliseconds from when each request was due to its answer; `None` where none came.

    Open loop: what is due is sent whether or not earlier answers have come, and waiting for a
    connection or for this process counts. Otherwise a service that stalls would be asked less
    while it stalls, and look quick (coordinated omission: Tene, How NOT to measure latency, 2015).
    """
    loop = asyncio.get_running_loop()
    start = loop.time() + _LEAD_S

    async def send(due: float, body: bytes) -> float | None:
        if not await _answered(client, body):
            return None
        return (loop.time() - due) * 1e3

    tasks = []
    for due, body in zip(due_s, itertools.cycle(bodies)):
        if (early := start + due - loop.time()) > 0:
            await asyncio.sleep(early)
        tasks.append(asyncio.create_task(send(start + due, body)))
    return [round(ms, 3) if ms is not None else None for ms in await asyncio.gather(*tasks)]


async def time_one_by_one(client: Client, bodies: Sequence[bytes]) -> list[float]:
    """Seconds that each answer took, the next request sent when it has come."""
    loop, taken = asyncio.get_running_loop(), []
    for body in bodies:
        start = loop.time()
        await _answered(client, body)
        taken.append(loop.time() - start)
    return taken


async def keep_busy(
    client: Client, bodies: Sequence[bytes], in_flight: int, seconds: float
) -> Busy:
    """Keep a number of requests in flight for a while."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    supply = itertools.cycle(bodies)
    done: list[float | None] = []

    async def work() -> None:
        while loop.time() - start < seconds:
            sent = loop.time()
            ok = await _answered(client, next(supply))
            done.append(loop.time() - sent if ok else None)
            if not ok:
                await asyncio.sleep(0.01)  # a dead service is not asked a million times

    await asyncio.gather(*(work() for _ in range(in_flight)))
    taken = sorted(one for one in done if one is not None)
    elapsed = max(loop.time() - start, 1e-9)
    p95 = taken[min(len(taken) - 1, int(0.95 * len(taken)))] if taken else float("inf")
    return Busy(len(taken) / elapsed, p95 * 1e3, len(done) - len(taken))


async def _answered(client: Client, body: bytes) -> bool:
    try:
        return (await client.ask("POST", PREDICT, body)).status == _OK
    except NoReplyError:
        return False


class Stream:
    """A load that runs beside something else until it is stopped, with every failure counted."""

    def __init__(self, client: Client, bodies: Sequence[bytes], rate_per_s: float) -> None:
        """Start to send, evenly spaced."""
        self._results: list[Sent] = []
        self._stopped = False
        self._client = client
        self._task = asyncio.create_task(self._run(itertools.cycle(bodies), rate_per_s))

    async def stop(self) -> list[Sent]:
        """Send no more; what was sent is waited for."""
        self._stopped = True
        await self._task
        return self._results

    async def _run(self, supply: Iterator[bytes], rate_per_s: float) -> None:
        loop = asyncio.get_running_loop()
        start, tasks = loop.time(), []
        for at in itertools.count():
            due = start + at / rate_per_s
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            if self._stopped:
                break
            tasks.append(asyncio.create_task(self._send(due, next(supply))))
        await asyncio.gather(*tasks)

    async def _send(self, due: float, body: bytes) -> None:
        ok = await _answered(self._client, body)
        end = asyncio.get_running_loop().time()
        self._results.append(Sent(end, (end - due) * 1e3 if ok else None))
