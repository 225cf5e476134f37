"""When requests are due, and how the seconds of a measurement are spent; pure."""

from collections.abc import Sequence

import msgspec

TURNS = 16  # of each side, for latency and for throughput
_LATENCY_SHARE = 0.3
_THROUGHPUT_SHARE = 0.2
_UPDATE_SHARE = 0.08
_FAULTS_SHARE = 0.15
_LOAD_SHARE = 0.5  # of what the baseline answers one after the other
_SLOWEST_PER_S, _FASTEST_PER_S = 2.0, 200.0
_LEVELS = 8  # of requests in flight that are tried, each twice the one before


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long each part takes, for as many sides as there are."""

    seconds: float
    limit_ms: float
    sides: int

    @property
    def turn_s(self) -> float:
        """One block of single rows to one side."""
        return self.seconds * _LATENCY_SHARE / TURNS / self.sides

    @property
    def saturated_s(self) -> float:
        """One block of as many rows as one side bears; the search takes such blocks as well."""
        return self.seconds * _THROUGHPUT_SHARE / (TURNS + _LEVELS / 2) / self.sides

    @property
    def update_s(self) -> float:
        """Load before, between and after the updates, and at the least while they run."""
        return self.seconds * _UPDATE_SHARE

    @property
    def faults_s(self) -> float:
        """All rows that are wrong on purpose."""
        return self.seconds * _FAULTS_SHARE


def due_times(rate_per_s: float, seconds: float) -> tuple[float, ...]:
    """When each request is to leave, fixed in advance: a slow answer delays no later request."""
    count = max(1, round(rate_per_s * seconds))
    return tuple(at / rate_per_s for at in range(count))


def load_rate(answer_s: Sequence[float]) -> float:
    """The rate of a load that a service bears easily, by the times it took one after the other."""
    ordered = sorted(answer_s)
    typical = max(ordered[len(ordered) // 2], 1e-6)
    return min(max(_LOAD_SHARE / typical, _SLOWEST_PER_S), _FASTEST_PER_S)


def in_turns(pairs: int) -> tuple[tuple[bool, bool], ...]:
    """For each pair of blocks whether the candidate's comes first: ABBA, so that drift cancels."""
    return tuple((True, False) if at % 2 == 0 else (False, True) for at in range(pairs))


def levels() -> tuple[int, ...]:
    """How many requests in flight are tried."""
    return tuple(2**at for at in range(_LEVELS))
