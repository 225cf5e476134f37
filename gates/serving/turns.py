"""Two services asked in short alternating blocks, so that whatever slows the machine slows both."""

from collections.abc import Sequence

import msgspec

from gates.serving import schedule
from gates.serving.client import Client
from gates.serving.load import keep_busy, send_by_the_clock, time_one_by_one
from gates.serving.measured import Latency, Saturated, Throughput, Turn
from gates.serving.schedule import Plan

_WARM_UP_ROWS = 24


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, and what."""

    candidate: Client
    baseline: Client | None
    bodies: tuple[bytes, ...]

    def first(self, candidate_first: bool) -> tuple[tuple[bool, Client], ...]:
        """Each side that there is, by whether it is the candidate."""
        pair = ((True, self.candidate), (False, self.baseline))
        ordered = pair if candidate_first else pair[::-1]
        return tuple((which, client) for which, client in ordered if client is not None)


async def choose_rate(sides: Sides) -> float:
    """Half of what the baseline answers one after the other, after both have been warmed up.

    The baseline's, so that a slower candidate has to stand the load that was borne before.
    """
    bodies = sides.bodies[:_WARM_UP_ROWS]
    taken: list[float] = []
    for _which, client in sides.first(candidate_first=True):
        await time_one_by_one(client, bodies)
        taken = await time_one_by_one(client, bodies)
    return schedule.load_rate(taken)


async def measure_latency(sides: Sides, plan: Plan, rate_per_s: float) -> Latency:
    """Single rows to each side at the same fixed rate, block by block."""
    due = schedule.due_times(rate_per_s, plan.turn_s)
    turns = []
    for order, _ in schedule.in_turns(schedule.TURNS):
        got = {
            which: await send_by_the_clock(client, sides.bodies, due)
            for which, client in sides.first(candidate_first=order)
        }
        turns.append(Turn(candidate=tuple(got[True]), baseline=tuple(got.get(False, ()))))
    return Latency(rate_per_s=rate_per_s, turns=tuple(turns))


async def measure_throughput(sides: Sides, plan: Plan) -> Throughput:
    """As many requests in flight as the latency limit bears, then blocks at that number."""
    borne = {
        which: await _find_in_flight(client, sides.bodies, plan)
        for which, client in sides.first(candidate_first=True)
    }
    rates: dict[bool, list[float]] = {True: [], False: []}
    for order, _ in schedule.in_turns(schedule.TURNS):
        for which, client in sides.first(candidate_first=order):
            in_flight = max(1, borne[which])
            busy = await keep_busy(client, sides.bodies, in_flight, plan.saturated_s)
            rates[which].append(round(busy.rate_per_s, 3))
    made = {which: _saturated(borne[which], rates[which]) for which in borne}
    return Throughput(limit_ms=plan.limit_ms, candidate=made[True], baseline=made.get(False))


async def _find_in_flight(client: Client, bodies: Sequence[bytes], plan: Plan) -> int:
    """The number of requests in flight with the highest rate whose p95 keeps the limit; else 0.

    In a closed loop the rate is what a steady stream of that rate would get: by Little's law the
    limit on the latency is one on the number in flight.
    """
    best, highest = 0, 0.0
    for level in schedule.levels():
        busy = await keep_busy(client, bodies, level, plan.saturated_s / 2)
        if busy.failed or busy.p95_ms > plan.limit_ms:
            break
        if busy.rate_per_s > highest:
            best, highest = level, busy.rate_per_s
    return best


def _saturated(in_flight: int, rates: Sequence[float]) -> Saturated:
    return Saturated(
        in_flight=max(1, in_flight), keeps_limit=in_flight > 0, rates_per_s=tuple(rates)
    )
