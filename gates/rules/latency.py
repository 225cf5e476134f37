"""Gate `latency`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Observation, State, Subject, Support
from gates.judging.served import (
    Asked,
    Bound,
    judge_estimate,
    measured_service,
    multiple,
    never_started,
    not_compared,
)
from gates.rules.gate import Gate, Item
from gates.serving.measured import Latency, Measured
from gates.stats.turns import Blocks, log_quantile, log_quantile_ratio

Quantile = Literal["p50", "p95", "p99"]
_LEVELS: Mapping[Quantile, float] = MappingProxyType({"p50": 0.5, "p95": 0.95, "p99": 0.99})
_MEND = (
    "Look at what one row costs now: work that training could do once, a larger model, a step that "
    "waits."
)


class LatencyGate(Gate, frozen=True, kw_only=True):
    """Blocks a service that answers single rows more slowly than the baseline's.

    What it blocks: a median or 95th percentile of the latency that is provably more than
    `growth` times the baseline's, or provably above `ceiling` milliseconds; and any single row
    that got no answer. The 99th percentile is shown, and judged where it is given a limit. Both
    services run at once on one machine and are asked in short alternating blocks at the same fixed
    rate. Every request has a time at which it is due, and its latency counts from then, so that a
    service that stalls is not asked less while it stalls. The interval comes from the spread
    between pairs of blocks: on a noisy machine nothing is proven.

    Why: a model that is a little better and twice as slow cannot be served, and no metric on a test
    set says so. Milliseconds of another machine or another day tell nothing; a ratio in one run
    does.

    What it does not see: networks, other machines, many rows in one request, and a slow first
    request. The measurement is made in the job that runs the pull request's own code, so what is
    judged is its claim: who forges `serving.json` gets any verdict of the serving gates, and only a
    reviewer sees that. Both services run with the packages of the candidate.

    Example:
        latency: {p95: {growth: 1.2, ceiling: 50}}
    """

    family: ClassVar[Family] = Family.SERVING
    p50: Bound = Bound(growth=1.2)
    p95: Bound = Bound(growth=1.4)
    p99: Bound = Bound()  # too few answers lie beyond it in half a minute

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding that all were answered; for each quantile one per limit."""
        measured = measured_service(case)
        yield from never_started(measured)
        if measured.latency is None:
            return
        turns = measured.latency.turns
        own = [[ms for ms in turn.candidate if ms is not None] for turn in turns]
        other = [[ms for ms in turn.baseline if ms is not None] for turn in turns]
        yield _all_answered(measured.latency)
        if not any(own):
            return
        for name in _LEVELS:
            yield from _judge_quantile(name, getattr(self, name), (own, other), measured)


def _all_answered(latency: Latency) -> Finding:
    answers = [ms for turn in latency.turns for ms in turn.candidate]
    failed = sum(ms is None for ms in answers)
    state = State.FAILED if failed or not answers else State.PASSED
    if not answers:
        message = "No single row was sent."
    elif failed:
        message = f"{failed:,} of {len(answers):,} single rows got no answer with status 200."
    else:
        message = (
            f"All {len(answers):,} single rows were answered, {latency.rate_per_s:.3g} a second."
        )
    return Finding(
        subject=Subject(key="single rows"),
        state=state,
        limit=Limit(rule="every row is answered"),
        message=message,
        mend="" if state is State.PASSED else "Send such a row by hand and read the service's log.",
        candidate=float(failed),
        greater_is_better=False,
        support=Support(rows=len(answers)),
    )


def _judge_quantile(
    name: Quantile, bound: Bound, sides: tuple[Blocks, Blocks], measured: Measured
) -> Iterator[Item]:
    own, other = sides
    level, answers, ms = _LEVELS[name], sum(map(len, own)), _pooled(own, _LEVELS[name])
    is_compared = bound.growth is not None and any(other)
    if bound.growth is not None and is_compared:
        before = _pooled(other, level)
        ratio = Asked(
            key=f"{name} over the baseline's",
            limit=Limit(ceiling=bound.growth, mode=bound.mode),
            message=(
                f"{name} of single rows: {ms:.4g} ms where the baseline takes {before:.4g} ms, "
                f"{multiple(ms, before)} ({{}}); {bound.growth:g} times is accepted."
            ),
            mend=_MEND,
        )
        yield judge_estimate(
            ratio,
            lambda: log_quantile_ratio(own, other, level),
            seconds=measured.seconds,
            answers=answers,
        )
    if bound.ceiling is not None:
        absolute = Asked(
            key=f"{name} in ms",
            limit=Limit(ceiling=bound.ceiling, mode=bound.mode),
            message=f"{name} of single rows: {ms:.4g} ms ({{}}); {bound.ceiling:g} ms is accepted.",
            mend=_MEND,
        )
        yield judge_estimate(
            absolute, lambda: log_quantile(own, level), seconds=measured.seconds, answers=answers
        )
    if bound.ceiling is None and not is_compared:
        theirs = _pooled(other, level)
        compared = f" where the baseline takes {theirs:.4g} ms; no limit is set"
        beside = compared if any(other) else f"; {not_compared(measured)}"
        yield Observation(
            subject=Subject(key=f"{name} in ms"),
            message=f"{name} of single rows: {ms:.4g} ms{beside}.",
            baseline=theirs if any(other) else None,
            candidate=ms,
            greater_is_better=False,
            support=Support(rows=answers),
        )


def _pooled(blocks: Blocks, level: float) -> float:
    values = [ms for block in blocks for ms in block]
    return float(np.quantile(values, level)) if values else 0.0
