"""How often an interval holds the truth where numbers are predicted, by the law of the errors."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Table
from benchmarks.simulation.judged import Tally, Truth, show
from gates.case.effect import CONFIDENCE
from gates.stats.regression import KINDS, Kind, regression_change, regression_value

Floats = NDArray[np.float64]
SIZES = (50, 200, 1_000)
MANY = 1_000_000  # rows that stand for infinitely many, for the mean absolute error
SPREAD = 2.0  # standard deviation of the labels
OWN = 0.3  # of an error is each model's own
WORSE = 1.1  # times the shared error, the new model's

Sampler = Callable[[np.random.Generator, int], Floats]
LAWS: dict[str, tuple[Sampler, float]] = {  # with the variance
    "normal": (lambda rng, rows: rng.standard_normal(rows), 1.0),
    "Student's t(5)": (lambda rng, rows: rng.standard_t(5, rows), 5 / 3),
    "Student's t(3)": (lambda rng, rows: rng.standard_t(3, rows), 3.0),
    "lognormal, sigma 0.5": (
        lambda rng, rows: np.exp(0.5 * rng.standard_normal(rows)) - math.exp(0.125),
        math.exp(0.25) * (math.exp(0.25) - 1),
    ),
    "lognormal, sigma 1": (
        lambda rng, rows: np.exp(rng.standard_normal(rows)) - math.exp(0.5),
        math.e * (math.e - 1),
    ),
}


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """One table per law: metric and size."""
    for at, (law, (sample, variance)) in enumerate(LAWS.items()):
        rng = np.random.default_rng([seed, 10, at])
        truths = _find_truths(sample, variance, rng)
        tallies: dict[tuple[str, int], Tally] = {
            (name, size): Tally() for name in KINDS for size in SIZES
        }
        for size in SIZES:
            for _ in range(repetitions // 2):
                rows = draw(sample, size, rng)
                for kind in KINDS:
                    _judge(kind, tallies[kind, size], truths[kind], rows)
        yield show(
            f"{law} errors: coverage of the 95 % interval (false pass, nominal 0.025)", tallies
        )


def draw(sample: Sampler, size: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Labels and two models' predictions, of which the new one errs as the old one, but more."""
    labels = SPREAD * rng.standard_normal(size)
    shared = sample(rng, size)
    old, new = (labels + much * shared + OWN * sample(rng, size) for much in (1.0, WORSE))
    return labels, old, new


def _find_truths(sample: Sampler, variance: float, rng: np.random.Generator) -> dict[Kind, Truth]:
    labels, old, new = draw(sample, MANY, rng)
    less, more = (variance * (much**2 + OWN**2) for much in (1.0, WORSE))
    return {
        "mean_absolute_error": _worse(np.abs(old - labels).mean(), np.abs(new - labels).mean()),
        "mean_squared_error": _worse(less, more),
        "root_mean_squared_error": _worse(math.sqrt(less), math.sqrt(more)),
        "r2": Truth(1 - less / SPREAD**2, 1 - more / SPREAD**2, greater_is_better=True),
        "mean_error": _worse(0.0, 0.0),
    }


def _worse(old: float, new: float) -> Truth:
    return Truth(float(old), float(new), greater_is_better=False)


def _judge(kind: Kind, tally: Tally, truth: Truth, rows: tuple[Floats, Floats, Floats]) -> None:
    labels, old, new = rows
    tally.judge(
        truth,
        lambda: regression_change(kind, labels, old, new, confidence=CONFIDENCE),
        lambda: regression_value(kind, labels, new, confidence=CONFIDENCE),
    )
