"""What an honest service leaves, without a service: every test changes one thing of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np

from gates.case.case import Case
from gates.finding import Outcome
from gates.policy.settings import Settings
from gates.rules.gate import Gate
from gates.serving import SERVING
from gates.serving.measured import (
    Fault,
    Kind,
    Latency,
    Measured,
    Sampled,
    Saturated,
    Service,
    Throughput,
    Turn,
    Update,
)
from gates.testing import case, evidence, outcome, seal

IDS = ("r0", "r1", "r2", "r3")
SCORES = (0.1, 0.2, 0.7, 0.9)
TURNS = 10
SERVICE = Service(start_up_s=2.0, memory_bytes=250_000_000, model_bytes=500_000)


def times(
    factor: float = 1.0, *, noise: float = 0.2, drift: float = 0.3, count: int = 40
) -> list[list[float]]:
    """Milliseconds in blocks, on a machine that slows down and recovers once."""
    draws = np.random.default_rng([7, round(1000 * factor)])
    slow = 1 + drift * np.sin(np.linspace(0, np.pi, TURNS))
    blocks = 8 * factor * slow[:, None] * np.exp(noise * draws.standard_normal((TURNS, count)))
    return [[round(float(ms), 3) for ms in block] for block in blocks]


def latency(
    candidate: Sequence[Sequence[float | None]], baseline: Sequence[Sequence[float | None]] = ()
) -> Latency:
    other = baseline or [()] * len(candidate)
    turns = zip(candidate, other, strict=True)
    return Latency(
        rate_per_s=50.0,
        turns=tuple(Turn(candidate=tuple(new), baseline=tuple(old)) for new, old in turns),
    )


def rates(factor: float = 1.0, noise: float = 0.03) -> tuple[float, ...]:
    draws = np.random.default_rng([8, round(1000 * factor)])
    return tuple(float(one) for one in 120 * factor * np.exp(noise * draws.standard_normal(TURNS)))


def throughput(factor: float = 1.0, noise: float = 0.03) -> Throughput:
    return Throughput(
        limit_ms=100.0,
        candidate=Saturated(in_flight=4, keeps_limit=True, rates_per_s=rates(factor, noise)),
        baseline=Saturated(in_flight=4, keeps_limit=True, rates_per_s=rates(1.01, noise)),
    )


def update(**changed: Any) -> Update:
    fine = Update(
        status=200,
        seconds=0.4,
        requests=150,
        failed=0,
        pause_ms=120.0,
        broken_status=409,
        serves_after_broken=True,
    )
    return msgspec.structs.replace(fine, **changed)


def faults(features: Sequence[str] = ("age", "job")) -> tuple[Fault, ...]:
    return tuple(
        Fault(feature=feature, kind=kind, outcome="refused", status=422, said=f"{feature}: no")
        for kind in get_args(Kind)
        for feature in features
    )


def sampled(ids: Sequence[str] = IDS, scores: Iterable[float] = SCORES) -> Sampled:
    answers = tuple((float(score),) for score in scores)
    return Sampled(
        columns=("score",), rows=tuple(ids), single=answers, batch=answers, reloaded=answers
    )


def honest(**changed: Any) -> Measured:
    """A service like its baseline's; some parts changed."""
    fine = Measured(
        seconds=30.0,
        candidate=SERVICE,
        baseline=SERVICE,
        latency=latency(times(), times(1.01)),
        throughput=throughput(),
        sampled=sampled(),
        update=update(),
        faults=faults(),
    )
    return msgspec.structs.replace(fine, **changed)


def write(folder: Path, measured: Measured) -> None:
    (folder / SERVING).write_bytes(msgspec.json.encode(measured))


def served(folder: Path, measured: Measured | bytes, settings: Settings | None = None) -> Case:
    """The case of four rows whose service did that."""
    made = evidence(
        folder, {"age": "feature integer"}, test={"age": [1, 2, 3, 4], "label": [0, 0, 1, 1]},
        scores=SCORES,
    )  # fmt: skip
    content = measured if isinstance(measured, bytes) else msgspec.json.encode(measured)
    (made.folder / SERVING).write_bytes(content)
    seal(made.folder)
    return case(type(made)(made.folder), settings=settings)


def judged(folder: Path, name: str, gate: Gate, measured: Measured | bytes) -> Outcome:
    return outcome(name, gate, served(folder / "e", measured))
