"""What the serving gates share: the measurement, and a ratio to the baseline with its limit."""

import math
from collections.abc import Callable, Iterator

import msgspec

from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.finding import Finding, Limit, Mode, State, Subject, Support
from gates.judging.margin import cannot_tell
from gates.rules.gate import Amount, Factor, Item, Measurement, NotApplicableError
from gates.serving import SERVING
from gates.serving.measured import Measured, read_measured
from gates.stats.estimate import Estimate
from gates.stats.interval import confidence_of
from gates.stats.quantile import critical_t
from gates.stats.turns import seconds_to_decide
from gates.stats.undefined import UndefinedError

_CLEAR = 1e-4  # a p-value that stays small however many limits it is corrected for
_DEGREES = 15.0  # of a longer measurement, which has more sections
_LONGEST_S = 600.0  # that anybody would wait for a measurement
_MEND_FEW = "Measure longer: `gates.evidence.serving_seconds`."
MEND_START = (
    "Run the command of `gates.evidence.serve` with this model: it must answer GET /health with "
    "200 (docs/serving.md)."
)


class Bound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest accepted multiple of the baseline's value, and the largest accepted value."""

    growth: Factor | None = None
    ceiling: Amount | None = None
    mode: Mode = Mode.GUARD


def measured_service(case: Case) -> Measured:
    """What the candidate's service did.

    Raises:
        NotApplicableError: nobody measured it.
        EvidenceError: the measurement cannot be read.
    """
    measured = read_measured(case.candidate)
    if measured is None:
        raise NotApplicableError(
            f"no service was measured: the evidence has no {SERVING} (`gates.evidence.serve` names "
            "the command that serves a model)"
        )
    return measured


def never_started(measured: Measured) -> Iterator[Finding]:
    """One failed finding where the service did not come up, else none."""
    if measured.candidate.failure:
        yield Finding(
            subject=Subject(key="service"),
            state=State.FAILED,
            limit=Limit(rule="the service starts and answers"),
            message=f"The service did not come up: {measured.candidate.failure}.",
            mend=MEND_START,
        )


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged by an interval: its name, its limit, and what is said of it."""

    key: str
    limit: Limit  # a ceiling or a floor
    message: str  # `{}` stands for the interval
    mend: str


def judge_estimate(
    asked: Asked, estimated: Callable[[], Estimate], *, seconds: float, answers: int
) -> Item:
    """A measurement of what was estimated by its logarithm; undecided where nothing was.

    Args:
        asked: what is judged.
        estimated: gives the logarithm with its uncertainty.
        seconds: that the measurement took, all of it.
        answers: requests, or blocks of them, behind it.
    """
    subject = Subject(key=asked.key)
    try:
        estimate = estimated()
    except UndefinedError as error:
        found = cannot_tell(subject, asked.limit, str(error), answers)
        return msgspec.structs.replace(found, mend=_MEND_FEW)
    interval = estimate.interval(CONFIDENCE)
    low, high = math.exp(max(interval.lower, -700.0)), math.exp(min(interval.upper, 700.0))
    floor, ceiling = asked.limit.floor, asked.limit.ceiling
    bound = math.log(max(floor if floor is not None else ceiling or 0.0, 1e-300))
    keeps = estimate.p_at_least(bound) if floor is not None else estimate.p_at_most(bound)
    is_kept = interval.lower >= bound if floor is not None else interval.upper <= bound
    is_open = not is_kept and keeps > _CLEAR
    return Measurement(
        subject=subject,
        limit=asked.limit,
        value=math.exp(estimate.value),
        interval=(low, high),
        p_value=keeps,
        message=asked.message.replace("{}", f"95 % interval {low:.3g} to {high:.3g}"),
        mend=asked.mend + (_longer(estimate, bound, seconds) if is_open else ""),
        support=Support(rows=answers),
    )


def _longer(estimate: Estimate, bound: float, seconds: float) -> str:
    reach = critical_t(confidence_of(_CLEAR), _DEGREES)
    needed = seconds_to_decide(estimate, bound, seconds, reach)
    if needed > _LONGEST_S:
        return " Where it is undecided, a quieter machine would tell; a longer measurement hardly."
    return (
        f" Where it is undecided, some {math.ceil(needed / 10) * 10:,} s of measuring would tell "
        "(`gates.evidence.serving_seconds`)."
    )


def multiple(value: float, of: float) -> str:
    """How many times a value is another one."""
    return f"{value / of:.3g} times as much" if of > 0 else "not to be compared"


def not_compared(measured: Measured) -> str:
    """Why nothing is said of the baseline's service."""
    return f"not compared: {measured.baseline_reason or 'the baseline answered nothing'}"
