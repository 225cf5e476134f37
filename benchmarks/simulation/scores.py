"""Two calibrated models of the same rows whose true metrics have a closed form."""

import msgspec
import numpy as np

from gates.case.segments import Rows
from gates.metrics import DirectedMetric
from gates.stats.law import normal_cdf
from gates.tables.table import Floats, Mask

STEPS = 4_001  # of the grid on which a mean loss is integrated
REACH = 9.0  # standard deviations that the grid covers

Scores = tuple[Floats, Mask]


class TwoModels(msgspec.Struct, frozen=True, kw_only=True):
    """Each sees its own normal reading of the label, `separation` apart between the classes.

    The readings share `shared` of their variance, as two trainings on one table do; of the rest,
    `clustered` is common to the rows of a group. The scores are the true probabilities given the
    reading; the cut makes the old model predict as many positives as there are.
    """

    prevalence: float
    separation: tuple[float, float] = (1.9, 1.8)  # of the old and the new model
    shared: float = 0.9
    clustered: float = 0.0

    def draw(
        self, rows: int, rng: np.random.Generator, groups: Rows | None = None
    ) -> tuple[Mask, Scores, Scores]:
        """Labels, and scores and predictions of both models; a group has one label."""
        if groups is None:
            labels: Mask = rng.random(rows) < self.prevalence
        else:
            labels = (rng.random(int(groups.max()) + 1) < self.prevalence)[groups]
        common = rng.standard_normal(rows) * self.shared**0.5
        old, new = (
            self._answer(labels * apart + common + self._own(rows, rng, groups), apart)
            for apart in self.separation
        )
        return labels, old, new

    @property
    def cut(self) -> float:
        """The reading from which on a row is predicted positive."""
        low, high = -REACH, REACH
        for _ in range(60):
            middle = (low + high) / 2
            above = self._share_above(middle, self.separation[0])
            low, high = (middle, high) if above > self.prevalence else (low, middle)
        return low

    def true_change(self, metric: DirectedMetric) -> float:
        """The metric of the new model minus that of the old, on infinitely many rows."""
        old, new = (self._truth(metric, apart) for apart in self.separation)
        return new - old

    def _own(self, rows: int, rng: np.random.Generator, groups: Rows | None) -> Floats:
        alone = 1 - self.shared
        if groups is None:
            return np.asarray(rng.standard_normal(rows) * alone**0.5)
        by_group = rng.standard_normal(int(groups.max()) + 1)[groups]
        noise = rng.standard_normal(rows)
        mixed = by_group * self.clustered**0.5 + noise * (1 - self.clustered) ** 0.5
        return np.asarray(mixed * alone**0.5, dtype=np.float64)

    def _answer(self, readings: Floats, apart: float) -> Scores:
        return self._probability(readings, apart), readings >= self.cut

    def _probability(self, readings: Floats, apart: float) -> Floats:
        odds = np.log(self.prevalence / (1 - self.prevalence)) + apart * readings - apart**2 / 2
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _share_above(self, cut: float, apart: float) -> float:
        hits = self.prevalence * normal_cdf(apart - cut)
        return hits + (1 - self.prevalence) * normal_cdf(-cut)

    def _truth(self, metric: DirectedMetric, apart: float) -> float:
        hits = self.prevalence * normal_cdf(apart - self.cut)
        misses = self.prevalence - hits
        false_alarms = (1 - self.prevalence) * normal_cdf(-self.cut)
        match metric:
            case "accuracy":
                return 1 - misses - false_alarms
            case "recall":
                return hits / self.prevalence
            case "precision":
                return hits / (hits + false_alarms)
            case "f1":
                return 2 * hits / (2 * hits + misses + false_alarms)
            case "roc_auc":
                return normal_cdf(apart / 2**0.5)
            case _:
                return self._mean_loss(metric, apart)

    def _mean_loss(self, metric: DirectedMetric, apart: float) -> float:
        total = 0.0
        for label, weight in ((1, self.prevalence), (0, 1 - self.prevalence)):
            grid = np.linspace(-REACH, REACH, STEPS)
            density = np.exp(-(grid**2) / 2)
            right = self._probability(grid + label * apart, apart)
            right = right if label else 1 - right
            losses = -np.log(right) if metric == "log_loss" else (1 - right) ** 2
            total += weight * float(density @ losses / density.sum())
        return total
