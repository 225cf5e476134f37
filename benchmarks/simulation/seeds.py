"""A change that changes nothing but the seed, where the seed moves the model (statistics.md §8.2).

A training's accuracy is drawn around the pipeline's; its answers on the test rows follow from each
row's difficulty, so that two trainings mostly fail on the same rows.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.in_memory import judge_with, same_rows
from gates.case.answers import Answers, Scored
from gates.finding import State
from gates.policy.settings import Alpha
from gates.rules.metric_regression import MetricDemand, MetricRegression

ACCURACY = 0.9
CHURN = 0.01  # spread of a training's error at each row, in units of difficulty
SIZES = (2_000, 10_000, 50_000)
DEVIATIONS = (0.002, 0.008)
LOSS = 0.02  # of the harmful change
LEVEL = Alpha(overall=0.05)  # that of the specification's table
SEEDS = (0, 3, 5)  # repeats of the baseline; 0 means that nobody knows
MARGINS = (0.0, 0.01)

Flags = NDArray[np.bool_]


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """False blocks and detections by how often training was repeated."""
    rng = np.random.default_rng([seed, 13])
    kinds = ((0.0, "harmless PR blocked"), (LOSS, f"true loss of {LOSS * 100:g} points blocked"))
    for loss, what in kinds:
        yield Table(
            f"Another seed and nothing else: {what} (level 5 %)",
            ("rows", "seeds move accuracy by", "margin", *map(_name, SEEDS)),
            [
                _row(size, deviation, margin, loss=loss, count=repetitions // 4, rng=rng)
                for size in SIZES
                for deviation in DEVIATIONS
                for margin in MARGINS
            ],
        )


def _name(repeats: int) -> str:
    return f"{repeats} more of the baseline" if repeats else "spread not known"


def _row(
    size: int,
    deviation: float,
    margin: float,
    *,
    loss: float,
    count: int,
    rng: np.random.Generator,
) -> tuple[object, ...]:
    shares = tuple(Share() for _ in SEEDS)
    gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=margin)})
    labels = rng.random(size) < 0.5
    for _ in range(max(1, count)):
        hard = rng.random(size)
        sides = [
            [_train(labels, hard, ACCURACY - worse, deviation, rng) for _ in range(1 + max(SEEDS))]
            for worse in (0.0, loss)
        ]
        old, new = ((each[0].scores, each[0].predictions) for each in sides)
        case = same_rows(labels, old, new, alpha=LEVEL)
        for share, repeats in zip(shares, SEEDS, strict=True):
            known = (tuple(sides[0][: repeats + 1]),) if repeats else ()
            case.retrained = (known,)
            (found,) = judge_with(gate, case).outcomes[0].findings
            share.count(found.state is State.FAILED)
    return f"{size:,}", f"{deviation * 100:g} points", f"{margin * 100:g} points", *shares


def _train(
    labels: Flags,
    hard: NDArray[np.float64],
    accuracy: float,
    deviation: float,
    rng: np.random.Generator,
) -> Answers:
    reached = accuracy + deviation * rng.standard_normal()
    right = hard + CHURN * rng.standard_normal(len(hard)) < reached
    predictions = labels == right
    return Scored(labels, predictions.astype(np.float64), predictions)
