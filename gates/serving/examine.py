"""What the candidate's service answers, whether updates hurt, and what wrong rows do to it."""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gates.evidence.columns import ColumnDictionary
from gates.serving.client import Client, NoReplyError, Reply
from gates.serving.faults import Broken, break_row, fault_of, name_outcome, read_answers
from gates.serving.load import PREDICT, Stream
from gates.serving.measured import Fault, Sampled, Update
from gates.serving.rows import Sample
from gates.serving.service import Running

UPDATE = "/update"
UPDATE_TIMEOUT_S = 30.0
FAULT_TIMEOUT_S = 3.0
_TICK_S, _SETTLE_TICKS = 0.02, 15  # after which a process that closed a connection has ended
_BROKEN = b"gatepost: this is not a model\n"

Answers = tuple[tuple[float, ...] | None, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the candidate: sample rows, and the numbers that are due for each."""

    sample: Sample
    dictionary: ColumnDictionary
    columns: tuple[str, ...]
    shares: bool  # whether these lie between 0 and 1


async def ask_sample(client: Client, asked: Asked) -> Answers:
    """Answers to the sample rows, one request each."""
    found: list[tuple[float, ...] | None] = []
    for body in asked.sample.bodies:
        found += await _ask(client, body, None, asked)
    return tuple(found)


async def ask_batch(client: Client, asked: Asked) -> Answers:
    """Answers to the sample rows, all in one request."""
    rows = asked.sample.rows
    return await _ask(client, msgspec.json.encode(rows), len(rows), asked)


async def _ask(client: Client, body: bytes, count: int | None, asked: Asked) -> Answers:
    try:
        reply = await client.ask("POST", PREDICT, body)
    except NoReplyError:
        return (None,) * (1 if count is None else count)
    return read_answers(reply, count, asked.columns, shares=asked.shares)


async def examine_sample(client: Client, asked: Asked) -> Sampled:
    """Both ways to ask, before any update."""
    return Sampled(
        columns=asked.columns,
        rows=asked.sample.ids,
        single=await ask_sample(client, asked),
        batch=await ask_batch(client, asked),
    )


async def examine_update(
    client: Client, service: Running, asked: Asked, rate_per_s: float, seconds: float
) -> tuple[Update, Answers | None]:
    """A new model under load, then a broken one; and the answers after the first.

    The new model is a copy of the old one under its name, put there at one stroke, as whoever
    delivers it should: what is measured is the change, and the answers must stay the same.
    """
    loop = asyncio.get_running_loop()
    slow = Client(client.port, UPDATE_TIMEOUT_S)
    kept = service.model.with_name(f"kept-{service.model.name}")
    _copy(service.model, kept)
    stream = Stream(client, asked.sample.bodies, rate_per_s)
    await asyncio.sleep(seconds / 3)
    _put(kept, service.model)
    start = loop.time()
    updated = await _status(slow)
    taken = loop.time() - start
    await asyncio.sleep(seconds / 3)
    reloaded = await ask_sample(client, asked) if _is_fine(updated) else None
    _put(None, service.model)
    broken = await _status(slow)
    await asyncio.sleep(seconds / 3)
    results = await stream.stop()
    after = (await ask_sample(client, asked))[:1]
    _put(kept, service.model)
    slow.close()
    before = [sent.ms for sent in results if sent.end < start]
    since = [sent.ms for sent in results if sent.end >= start]
    update = Update(
        status=updated,
        seconds=round(taken, 4),
        requests=len(since),
        failed=since.count(None),
        pause_ms=_longest(since),
        failed_before=before.count(None),
        usual_ms=_longest(before),
        broken_status=broken,
        serves_after_broken=after[0] is not None and (reloaded is None or after == reloaded[:1]),
    )
    return update, reloaded


def _longest(waits: Sequence[float | None]) -> float:
    return round(max((ms for ms in waits if ms is not None), default=0.0), 3)


def _is_fine(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP's successes


async def _status(client: Client) -> int | None:
    try:
        return (await client.ask("POST", UPDATE)).status
    except NoReplyError:
        return None


def _copy(model: Path, to: Path) -> None:
    if model.is_dir():
        shutil.copytree(model, to)
    else:
        shutil.copyfile(model, to)


def _put(source: Path | None, model: Path) -> None:
    """Let another model stand at the place of this one, at one stroke; `None` puts a broken one."""
    token = secrets.token_hex(4)
    fresh = model.with_name(f"fresh-{token}-{model.name}")
    if source is None:
        fresh.write_bytes(_BROKEN)
    else:
        _copy(source, fresh)
    if model.is_dir() or fresh.is_dir():  # a folder is not replaced, only moved away
        model.rename(model.with_name(f"old-{token}-{model.name}"))
    os.replace(fresh, model)  # noqa: PTH105 - the rename that is atomic, said plainly


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What wrong rows did; `next_at` is where to go on with a new service, if this one ended."""

    faults: tuple[Fault, ...]
    next_at: int | None = None


def list_broken(asked: Asked) -> tuple[Broken, ...]:
    """Every wrong row, in the order in which they are sent."""
    return tuple(break_row(asked.sample.rows[0], asked.dictionary))


async def examine_faults(service: Running, asked: Asked, seconds: float, at: int) -> Examined:
    """Wrong rows one after the other, from the given one on, until time is up or it falls."""
    loop = asyncio.get_running_loop()
    deadline, broken = loop.time() + seconds, list_broken(asked)
    faults: list[Fault] = []
    with contextlib.closing(Client(service.port, FAULT_TIMEOUT_S)) as client:
        for place, each in enumerate(broken[at:], at):
            if loop.time() > deadline:
                break
            fault = await _try(client, service, each, asked)
            faults.append(fault)
            if fault.outcome in ("crashed", "hung"):
                return Examined(faults=tuple(faults), next_at=place + 1)
    return Examined(faults=tuple(faults))


async def _try(client: Client, service: Running, broken: Broken, asked: Asked) -> Fault:
    try:
        reply: Reply = await client.ask("POST", PREDICT, msgspec.json.encode(broken.row))
    except NoReplyError as error:
        if not error.hung and await _has_died(service):
            return fault_of(broken, "crashed", said=str(error))
        return fault_of(broken, "hung" if error.hung else "dropped", said=str(error))
    return name_outcome(broken, reply, asked.columns, shares=asked.shares)


async def _has_died(service: Running) -> bool:
    for _ in range(_SETTLE_TICKS):
        if not service.lives:
            return True
        await asyncio.sleep(_TICK_S)
    return False
