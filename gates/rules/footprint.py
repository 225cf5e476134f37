"""Gate `footprint`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Observation, State, Subject
from gates.judging.served import Bound, measured_service, multiple, never_started, not_compared
from gates.rules.gate import Gate, Item, NotApplicableError
from gates.serving.measured import Measured, Service

Size = Literal["memory_mb", "model_mb", "start_up_s"]
_NAMES: Mapping[Size, str] = MappingProxyType(
    {"memory_mb": "resident memory", "model_mb": "model's file", "start_up_s": "start-up"}
)
_UNITS: Mapping[Size, str] = MappingProxyType(
    {"memory_mb": "MB", "model_mb": "MB", "start_up_s": "s"}
)
_MEND = "Look at what the model or the service now keeps: data, caches, larger or more trees."
_MEGA = 1e6


class Footprint(Gate, frozen=True, kw_only=True):
    """Blocks a service that needs much more memory, disk or time to start than the baseline's.

    What it blocks: resident memory under load (`memory_mb`, all processes), the model's size
    (`model_mb`) or the time from start to the first answer (`start_up_s`) of more than `growth`
    times the baseline's, or above `ceiling`. Megabytes are millions of bytes. By default the
    start-up is shown and not judged: it was timed once, so it has no interval.

    Why: a model that quietly keeps its training data still scores well, and then does not fit the
    machine that it is to run on.

    What it does not see: graphics memory, peaks before and after, and pages that are shared between
    processes and counted twice. Memory is only known on Linux. The file is the pull request's own
    claim, as of `latency`.

    Example:
        footprint: {memory_mb: {growth: 1.25, ceiling: 512}}
    """

    family: ClassVar[Family] = Family.SERVING
    memory_mb: Bound = Bound(growth=1.25)
    model_mb: Bound = Bound(growth=2.0)
    start_up_s: Bound = Bound()

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding for each limit that can be compared, else an observation."""
        measured = measured_service(case)
        started = list(never_started(measured))
        yield from started
        if started:
            return
        items = [item for name in _NAMES for item in self._judge_size(name, measured)]
        if not any(isinstance(item, Finding) for item in items):
            raise NotApplicableError(not_compared(measured))
        yield from items

    def _bound(self, name: Size) -> Bound:
        bounds = {"memory_mb": self.memory_mb, "model_mb": self.model_mb}
        return bounds.get(name, self.start_up_s)

    def _judge_size(self, name: Size, measured: Measured) -> Iterator[Item]:
        value, bound = _size(name, measured.candidate), self._bound(name)
        before = None if measured.baseline is None else _size(name, measured.baseline)
        if value is None:
            yield _unknown(name, bound)
            return
        said, unit = f"{_NAMES[name]}: {value:.4g} {_UNITS[name]}", _UNITS[name]
        if bound.growth is not None and before:
            ratio = value / before
            yield _finding(
                f"{name} over the baseline's",
                Limit(ceiling=bound.growth, mode=bound.mode),
                ratio,
                f"{said} where the baseline takes {before:.4g} {unit}, {multiple(value, before)}; "
                f"{bound.growth:g} times is accepted.",
            )
        if bound.ceiling is not None:
            limit = Limit(ceiling=bound.ceiling, mode=bound.mode)
            yield _finding(name, limit, value, f"{said}; {bound.ceiling:g} {unit} is accepted.")
        if bound.ceiling is None and (bound.growth is None or not before):
            compared = f", {multiple(value, before)} as the baseline's" if before else ""
            yield Observation(
                subject=Subject(key=name),
                message=f"{said[0].upper()}{said[1:]}{compared}.",
                baseline=before,
                candidate=value,
                greater_is_better=False,
            )


def _finding(key: str, limit: Limit, value: float, message: str) -> Finding:
    kept = limit.ceiling is not None and value <= limit.ceiling
    return Finding(
        subject=Subject(key=key),
        state=State.PASSED if kept else State.FAILED,
        limit=limit,
        message=message[0].upper() + message[1:],
        mend="" if kept else _MEND,
        candidate=value,
        greater_is_better=False,
    )


def _unknown(name: Size, bound: Bound) -> Finding | Observation:
    said = f"{_NAMES[name]}: not measured, this system does not tell"
    message = f"{said[0].upper()}{said[1:]}."
    if bound.growth is None and bound.ceiling is None:
        return Observation(subject=Subject(key=name), message=message)
    bounds = (bound.ceiling, bound.growth)
    return Finding(
        subject=Subject(key=name),
        state=State.UNDECIDED,
        limit=Limit(ceiling=next(one for one in bounds if one is not None), mode=bound.mode),
        message=message,
        mend="Measure on Linux, where /proc tells.",
    )


def _size(name: Size, service: Service) -> float | None:
    stored: Mapping[Size, float | None] = {
        "memory_mb": None if service.memory_bytes is None else service.memory_bytes / _MEGA,
        "model_mb": None if service.model_bytes is None else service.model_bytes / _MEGA,
        "start_up_s": service.start_up_s,
    }
    return stored[name]
