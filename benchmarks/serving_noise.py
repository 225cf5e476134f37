"""How often noise alone blocks a service, and how large a slow-down it takes: `docs/serving.md`.

    python -m benchmarks.serving_noise

Answers hang together within a block as in a queue, one in a hundred is late by some 20 ms, and the
machine wanders from block to block.
"""

import math

import numpy as np
import numpy.typing as npt

from gates.rules.latency import LatencyGate
from gates.serving.schedule import TURNS
from gates.stats.turns import log_quantile_ratio

RUNS = 400
LEVEL = 0.01 / 60  # shared with sixty other limits
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Blocks = list[list[float]]


def answers(
    draws: np.random.Generator, factor: float, machine: npt.NDArray[np.float64], count: int
) -> Blocks:
    """Milliseconds of one side, one list a block."""
    made = []
    for speed in machine:
        shocks = draws.standard_normal(count)
        queue = np.empty(count)
        queue[0] = shocks[0]
        for at in range(1, count):
            queue[at] = 0.5 * queue[at - 1] + math.sqrt(0.75) * shocks[at]
        late = (draws.random(count) < 0.01) * draws.exponential(20, count)
        own = math.exp(0.05 * draws.standard_normal())
        made.append([float(ms) for ms in (8 * factor * speed * np.exp(0.2 * queue) + late) * own])
    return made


def play(factor: float, count: int) -> str:
    """Shares of blocked and undecided runs, and how often the interval covers the true ratio."""
    draws = np.random.default_rng([round(100 * factor), count])
    gate = LatencyGate()
    cells = []
    blocked = dict.fromkeys(QUANTILES, 0)
    undecided, covered = blocked.copy(), blocked.copy()
    for _ in range(RUNS):
        machine = np.exp(0.075 * np.cumsum(draws.standard_normal(2 * TURNS)))
        own = answers(draws, factor, machine[0::2], count)
        other = answers(draws, 1.0, machine[1::2], count)
        for name, level in QUANTILES.items():
            found = log_quantile_ratio(own, other, level)
            interval = found.interval(0.95)
            limit = math.log(getattr(gate, name).growth or 1.5)
            fails = found.p_at_most(limit) <= LEVEL
            blocked[name] += fails
            undecided[name] += not fails and interval.upper > limit
            covered[name] += math.log(factor) in interval
    for name in QUANTILES:
        shares = (blocked[name], undecided[name], covered[name])
        cells.append(" / ".join(f"{100 * one / RUNS:.1f} %" for one in shares))
    return f"| {count} | {factor:g} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    print("| answers a block | true ratio | p50: blocked / undecided / covered | p95 | p99 |")
    print("|---|---|---|---|---|")
    for count in (10, 25):
        for factor in (1.0, 1.2, 1.5, 2.0):
            print(play(factor, count), flush=True)


if __name__ == "__main__":
    main()
