"""What chance in training adds to the difference of two models: the spread over seeds.

A paired test tells two fitted models apart. Whether the pipelines differ that fitted them is
another question: a training with another seed would have given another model. Each model's metric
carries the variance of its training, so a difference of two carries it twice (statistics.md §8.2).
"""

import math
from collections.abc import Sequence

import msgspec

from gates.stats.interval import Interval
from gates.stats.law import normal_quantile, student_cdf
from gates.stats.quantile import critical_t, critical_z

MARGIN_SPREADS = 3 * math.sqrt(2)  # a margin below so many spreads cannot be told from chance
_SURE = 1e-300  # below it a tail has no normal quantile
_NOTHING = 1e-9  # of the variance: a share that no interval shows


class SeedSpread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Variance of a metric over trainings that differ in their seed alone."""

    variance: float
    degrees: int  # of freedom of its estimate

    @property
    def deviation(self) -> float:
        """The spread in the metric's own unit."""
        return math.sqrt(self.variance)


def measure_spread(trainings: Sequence[Sequence[float]]) -> SeedSpread | None:
    """The pooled variance of a metric, given its values by pipeline; `None` without two of one.

    Source: the pooled variance of a one-way layout, Σ(n − 1)s² / Σ(n − 1).
    """
    squares, degrees = 0.0, 0
    for values in trainings:
        if len(values) > 1:
            mean = math.fsum(values) / len(values)
            squares += math.fsum((value - mean) ** 2 for value in values)
            degrees += len(values) - 1
    return SeedSpread(squares / degrees, degrees) if degrees else None


def widen(change: float, interval: Interval, spread: SeedSpread, confidence: float) -> Interval:
    """The interval of a change with the variance of both trainings in it.

    Either side keeps the reach that the test rows give it and gets that of the seeds on top, by
    squares; Student's law has Satterthwaite's degrees of freedom. Source: Satterthwaite,
    Biometrics Bulletin 2 (1946) 110; for the addition of squares Zou & Donner, Statistics in
    Medicine 27 (2008) 1693.
    """
    below = _reach(change - interval.lower, spread, confidence)
    above = _reach(interval.upper - change, spread, confidence)
    return Interval(change - below, change + above)


def discount(statistic: float, error: float, spread: SeedSpread) -> float:
    """A normal statistic of a change, as it is when its error also holds that of both trainings.

    Args:
        statistic: the change over its standard error.
        error: that standard error, from the test rows alone.
        spread: of the metric over seeds.

    Returns:
        The normal deviate of the same tail as the smaller statistic has by Student's law.
    """
    total, degrees = _total(error, spread)
    if math.isinf(degrees):
        return statistic
    tail = student_cdf(-abs(statistic) * error / total, degrees)
    return math.copysign(normal_quantile(max(tail, _SURE)), statistic)


def _reach(reach: float, spread: SeedSpread, confidence: float) -> float:
    total, degrees = _total(reach / critical_z(confidence), spread)
    return critical_t(confidence, degrees) * total


def _total(error: float, spread: SeedSpread) -> tuple[float, float]:
    """Standard error of the change of two pipelines, and its degrees of freedom."""
    trainings = 2 * spread.variance
    total = error**2 + trainings
    if trainings <= _NOTHING * total:
        return error, math.inf
    return math.sqrt(total), spread.degrees * (total / trainings) ** 2
