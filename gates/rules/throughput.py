"""Gate `throughput`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.served import (
    Asked,
    judge_estimate,
    measured_service,
    multiple,
    never_started,
    not_compared,
)
from gates.rules.gate import Amount, Gate, Item
from gates.serving.measured import Measured, Saturated, Throughput
from gates.stats.turns import log_mean, log_ratio

Ratio = Annotated[float, msgspec.Meta(gt=0)]
_MEND = (
    "Find out what one row costs the processor now, or let the service take several rows at once."
)
_MEND_LIMIT = (
    "Measure on a quicker machine, or set `gates.evidence.serving_limit_ms` to what users wait."
)


class ThroughputGate(Gate, frozen=True, kw_only=True):
    """Blocks a service that answers fewer rows a second than the baseline's.

    What it blocks: a rate of answers that is provably below `ratio` times the baseline's, or
    provably below `floor` a second. It is the highest rate within the latency limit: with ever more
    requests in flight, as many as let 95 of 100 answers come within
    `gates.evidence.serving_limit_ms`; then blocks at that number, in turns with the baseline's, and
    an interval from the spread between pairs of blocks. Where not even one request at a time keeps
    the limit the finding is undecided, and the rates are those of one at a time.

    Why: half the rate is twice the machines. A service may answer one row as quickly as before and
    still bear only half the load, because it holds a lock or uses more than one processor.

    What it does not see: many processes behind one address, other machines, and large requests.
    The load comes from the same machine and takes part of it, from both sides alike.
    The file is the pull request's own claim, as of `latency`.

    Example:
        throughput: {ratio: 0.8, floor: 50}
    """

    family: ClassVar[Family] = Family.SERVING
    ratio: Ratio | None = 0.8
    floor: Amount | None = None  # answers a second
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding that some rate keeps the latency limit, and one per limit of the rate."""
        measured = measured_service(case)
        yield from never_started(measured)
        found = measured.throughput
        if found is None:
            return
        due_ms = case.settings.evidence.serving_limit_ms
        yield _within_limit(found, due_ms, self.mode)
        rates = found.candidate.rates_per_s
        if any(rates) and found.limit_ms == due_ms:
            yield from self._judge_rates(measured, found)

    def _judge_rates(self, measured: Measured, found: Throughput) -> Iterator[Item]:
        own, other = found.candidate, found.baseline
        rate, blocks = _mean(own), len(own.rates_per_s)
        said = f"{rate:.4g} rows a second with {own.in_flight:,} in flight"
        is_compared = other is not None and any(other.rates_per_s)
        if self.ratio is not None and other is not None and is_compared:
            before = other.rates_per_s
            against = Asked(
                key="rate over the baseline's",
                limit=Limit(floor=self.ratio, mode=self.mode),
                message=(
                    f"{said}, where the baseline answers {_mean(other):.4g}: "
                    f"{multiple(rate, _mean(other))} ({{}}); {self.ratio:g} times is accepted."
                ),
                mend=_MEND,
            )
            yield judge_estimate(
                against,
                lambda: log_ratio(*_paired(own.rates_per_s, before)),
                seconds=measured.seconds,
                answers=blocks,
            )
        if self.floor is not None:
            absolute = Asked(
                key="rate a second",
                limit=Limit(floor=self.floor, mode=self.mode),
                message=f"{said} ({{}}); {self.floor:g} is accepted.",
                mend=_MEND,
            )
            yield judge_estimate(
                absolute,
                lambda: log_mean(own.rates_per_s),
                seconds=measured.seconds,
                answers=blocks,
            )
        if self.floor is None and not (self.ratio is not None and is_compared):
            yield Observation(
                subject=Subject(key="rate a second"),
                message=f"{said}; {not_compared(measured)}.",
                candidate=rate,
                greater_is_better=True,
            )


def _within_limit(found: Throughput, due_ms: float, mode: Mode) -> Finding:
    """Whether even one request at a time keeps the limit, and it is the base's limit.

    Where none does the finding is undecided: it was looked at once, and the machine may be slow.
    Whether the candidate is to blame the ratio tells, with an interval.
    """
    own = found.candidate
    state, mend = State.PASSED, ""
    if found.limit_ms != due_ms:
        state = State.UNDECIDED
        message = f"Measured within {found.limit_ms:g} ms, where the policy says {due_ms:g} ms."
        mend = "Collect the evidence again with the base's `gates.evidence.serving_limit_ms`."
    elif not any(own.rates_per_s):
        state, mend = State.FAILED, _MEND
        message = "No row was answered at full load."
    elif own.keeps_limit:
        message = f"With {own.in_flight:,} in flight 95 of 100 answers come within {due_ms:g} ms."
    else:
        state, mend = State.UNDECIDED, _MEND_LIMIT
        other = "" if found.baseline is None or found.baseline.keeps_limit else ", nor the baseline"
        message = (
            f"Even one request at a time does not keep {due_ms:g} ms in 95 of 100{other}; the "
            "rates are those of one at a time."
        )
    return Finding(
        subject=Subject(key="latency limit"),
        state=state,
        limit=Limit(rule=f"some rate keeps {due_ms:g} ms", mode=mode),
        message=message,
        mend=mend,
    )


def _mean(side: Saturated) -> float:
    return sum(side.rates_per_s) / max(len(side.rates_per_s), 1)


def _paired(
    own: tuple[float, ...], other: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    blocks = min(len(own), len(other))
    return own[:blocks], other[:blocks]
