"""`serving.json`: what a service did while it was measured, read as the hostile claim that it is.

The untrusted job writes it with the same values; the judge recomputes every quantile and ratio.
"""

from typing import Annotated, Literal

import msgspec

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.serving import SERVING

_MOST = 20_000  # values in any list

Amount = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Said = Annotated[str, msgspec.Meta(max_length=2_000)]
Answers = Annotated[tuple[tuple[float, ...] | None, ...], msgspec.Meta(max_length=_MOST)]
Outcome = Literal[
    "answered",  # with finite numbers
    "refused",  # 4xx, and the feature is named
    "unclear",  # 4xx, and nobody knows why
    "error",  # 5xx, or another status that is no answer
    "invalid",  # 200 without the numbers that are due
    "dropped",  # the connection was closed, the service lives
    "crashed",  # the service ended
    "hung",  # no answer in time
]
Kind = Literal["missing", "null", "unknown level", "out of range", "wrong type"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value of the file."""


class Service(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side's service: whether it came up, and what it takes."""

    failure: Said = ""  # why it did not come up
    start_up_s: Amount | None = None
    memory_bytes: Count | None = None  # resident, of all its processes, under load
    model_bytes: Count | None = None


class Turn(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One block of requests to each side; milliseconds from the intended time, null unanswered."""

    candidate: Annotated[tuple[Amount | None, ...], msgspec.Meta(max_length=_MOST)]
    baseline: Annotated[tuple[Amount | None, ...], msgspec.Meta(max_length=_MOST)] = ()


class Latency(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Single rows at a fixed rate, in blocks that alternate between the sides."""

    rate_per_s: Amount
    turns: Annotated[tuple[Turn, ...], msgspec.Meta(max_length=1000)]


class Saturated(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side kept busy: requests in flight, and answers a second by block."""

    in_flight: Count
    keeps_limit: bool  # otherwise even one at a time is too slow, and the rates are of one
    rates_per_s: Annotated[tuple[Amount, ...], msgspec.Meta(max_length=1000)]


class Throughput(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rate of answers with as many requests in flight as the latency limit bears."""

    limit_ms: Amount
    candidate: Saturated
    baseline: Saturated | None = None


class Sampled(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service said of sample rows, one by one, together, and after an update."""

    columns: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)]
    rows: Annotated[tuple[Name, ...], msgspec.Meta(max_length=_MOST)]
    single: Answers
    batch: Answers
    reloaded: Answers | None = None  # where it was not updated


class Update(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new model under load, then a broken one, each by `POST /update`."""

    status: Count | None  # of the answer to the good model's update; null where none came
    seconds: Amount  # until that answer
    requests: Count  # that were over after the first update began
    failed: Count
    pause_ms: Amount  # the longest that one of them had to wait
    failed_before: Count = 0  # of those that were over before it
    usual_ms: Amount = 0.0  # the longest that one of those had to wait
    broken_status: Count | None
    serves_after_broken: bool  # still answers as before


class Fault(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row that is wrong in one feature, and what became of it."""

    feature: Name
    kind: Kind
    outcome: Outcome
    status: Count | None = None
    said: Said = ""


class Measured(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `serving.json`; a part is absent where its service did not come up."""

    schema: Literal[1] = 1
    seconds: Amount  # that were planned
    candidate: Service
    baseline: Service | None = None
    baseline_reason: Said = ""  # why there is none
    latency: Latency | None = None
    throughput: Throughput | None = None
    sampled: Sampled | None = None
    update: Update | None = None
    faults: Annotated[tuple[Fault, ...], msgspec.Meta(max_length=_MOST)] = ()
    faults_left_out: Count = 0  # that there was no time for


class _Written(Measured, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a file holds it: what says nothing of its schema is not ours."""

    schema: Literal[1]


def read_measured(evidence: Evidence) -> Measured | None:
    """What a service did; `None` where the evidence has no `serving.json`.

    Raises:
        EvidenceError: the file is not what it should be.
    """
    if not evidence.has(SERVING):
        return None
    name = str(evidence.folder / SERVING)
    try:
        measured: Measured = msgspec.convert(evidence.read_json(SERVING), _Written)
    except msgspec.ValidationError as error:
        raise EvidenceError(f"{name}: {error}. Collect the evidence again.") from error
    _refuse_uneven(name, measured)
    return measured


def _refuse_uneven(name: str, measured: Measured) -> None:
    """Refuse answers that are not one for each sample row, with a number for each column."""
    sampled = measured.sampled
    if sampled is None:
        return
    if len(set(sampled.rows)) < len(sampled.rows):
        raise EvidenceError(f"{name}: a sample row stands twice. Collect the evidence again.")
    for way, answers in (
        ("single", sampled.single),
        ("batch", sampled.batch),
        ("reloaded", sampled.reloaded),
    ):
        if answers is None:
            continue
        even = all(one is None or len(one) == len(sampled.columns) for one in answers)
        if len(answers) != len(sampled.rows) or not even:
            raise EvidenceError(
                f"{name}: sampled.{way} has {len(answers):,} answers to {len(sampled.rows):,} "
                f"rows, each of {len(sampled.columns):,} numbers or null. Collect the evidence "
                "again."
            )
