"""A harmless change that is not symmetric: all scores move, and no metric does.

The old model's log odds lie too low, the new one's too high, so that both have the same true loss
(or F1) in every segment. Positives gain much on few rows, negatives lose little on many: the signs
of such contributions are no fair coin, which is what the joint test draws from.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.in_memory import judge_with, same_rows
from benchmarks.simulation.segments import ROWS, SEGMENTS, zipf_sizes
from gates.case.case import Case
from gates.finding import State
from gates.judging.margin import Margin
from gates.metrics import DirectedMetric
from gates.rules.gate import Gate
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.rules.segment_regression import SegmentRegression
from gates.stats.law import normal_cdf

SEPARATION = 1.9
PREVALENCES = (0.06, 0.24, 0.5)
MARGINS: Mapping[DirectedMetric, float] = {"log_loss": 0.03, "f1": 0.05}
DOWN: Mapping[DirectedMetric, float] = {"log_loss": 0.5, "f1": 0.2}  # the old model's log odds
AT_LEAST = (0, 30)  # rows of the rarer class in a segment that is declared

Floats = NDArray[np.float64]


class Shifted(msgspec.Struct, frozen=True, kw_only=True):
    """Two models of one reading, whose log odds are moved down and up."""

    metric: DirectedMetric
    prevalence: float
    down: float

    @property
    def up(self) -> float:
        """The shift that makes the new model as good as the old one."""
        target = self.truth(-self.down)
        return _cross(lambda shift: self.truth(shift) - target, start=self._best)

    @property
    def _best(self) -> float:
        """Where the metric is best: a loss without shift, F1 at some lower cut."""
        shifts = np.linspace(-1, 4, 501)
        values = [self.truth(float(shift)) for shift in shifts]
        return float(shifts[int(np.argmin(values))])

    def odds(self, readings: Floats, label: Floats | float) -> Floats:
        """Log odds of readings that lie `SEPARATION` higher for positives."""
        prior = np.log(self.prevalence / (1 - self.prevalence))
        return np.asarray(prior + SEPARATION * (readings + label * SEPARATION) - SEPARATION**2 / 2)

    def truth(self, shift: float) -> float:
        """The true loss, or 1 − F1, of scores moved by a shift."""
        if self.metric == "f1":
            prior = np.log(self.prevalence / (1 - self.prevalence))
            cut = float(-shift - prior + SEPARATION**2 / 2) / SEPARATION
            hits = self.prevalence * normal_cdf(SEPARATION - cut)
            alarms = (1 - self.prevalence) * normal_cdf(-cut)
            return 1 - 2 * hits / (hits + alarms + self.prevalence)
        grid = np.linspace(-9, 9, 2_001)
        density = np.exp(-(grid**2) / 2)
        total = 0.0
        for label, weight in ((1.0, self.prevalence), (0.0, 1 - self.prevalence)):
            odds = (2 * label - 1) * (self.odds(grid, label) + shift)
            total += weight * float(density @ np.log1p(np.exp(-odds)) / density.sum())
        return total


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """False blocks of the segments' test and of the overall one."""
    rng = np.random.default_rng([seed, 8])
    yield Table(
        "All scores move and no metric does: harmless PR blocked (40 segments, 10,000 rows)",
        (
            "metric, margin", "positives", "log odds", "segments, promise ≤ .02",
            f"the same, segments of ≥ {AT_LEAST[1]} positives only",
            "overall, promise ≤ .01",
        ),
        [
            _row(
                Shifted(metric=metric, prevalence=prevalence, down=DOWN[metric]),
                repetitions // 8,
                rng,
            )
            for metric in MARGINS
            for prevalence in PREVALENCES
        ],
    )  # fmt: skip


def _row(models: Shifted, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    margin = {models.metric: Margin(margin=MARGINS[models.metric])}
    bare = {models.metric: MetricDemand(margin=0.0)}
    shares, overall, up = tuple(Share() for _ in AT_LEAST), Share(), models.up
    for _ in range(max(1, repetitions)):
        labels = rng.random(ROWS) < models.prevalence
        odds = models.odds(rng.standard_normal(ROWS), labels.astype(np.float64))
        old, new = (1 / (1 + np.exp(-(odds + shift))) for shift in (-models.down, up))
        codes = np.repeat(np.arange(SEGMENTS), zipf_sizes(ROWS, SEGMENTS))
        for share, least in zip(shares, AT_LEAST, strict=True):
            rows = [np.flatnonzero(codes == code) for code in range(SEGMENTS)]
            segments = {
                str(at): each for at, each in enumerate(rows) if labels[each].sum() >= least
            }
            sides = (old, old >= 0.5), (new, new >= 0.5)
            case = same_rows(labels, *sides, segments={"segment": segments})
            if least == 0:
                overall.count(_fails(MetricRegression(metrics=bare), case))
            share.count(_fails(SegmentRegression(metrics=margin), case))
    name = f"{models.metric}, {MARGINS[models.metric]}"
    return name, models.prevalence, f"−{models.down} → +{up:.2f}", *shares, overall


def _fails(gate: Gate, case: Case) -> bool:
    (outcome,) = judge_with(gate, case).outcomes
    return any(finding.state is State.FAILED for finding in outcome.findings)


def _cross(rising: Callable[[float], float], start: float) -> float:
    """Where a function that rises from `start` on crosses zero."""
    low, high = start, start + 10.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return low
