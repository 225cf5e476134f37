"""How often a 95 % interval holds the true change (statistics.md §2)."""

from collections.abc import Iterator

import msgspec
import numpy as np

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.in_memory import SimulatedCase, same_rows
from benchmarks.simulation.resampling import bootstrap_interval
from benchmarks.simulation.scores import TwoModels
from gates.case.effect import CONFIDENCE, Effect, measure_effect
from gates.metrics import DirectedMetric
from gates.metrics.binary import METRICS
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

JUDGED: tuple[DirectedMetric, ...] = (
    "accuracy", "recall", "precision", "f1", "roc_auc", "log_loss", "brier_score_loss",
)  # fmt: skip
PREVALENCES = (0.01, 0.1, 0.5)
SIZES = (50, 200, 1_000, 10_000)
MANY_ROWS = 10_000  # from here on a third of the repetitions, and a fifth of the bootstraps
SPECIFIED = {
    "accuracy": ("1.00/.99/.93/.98", ".98/.94/.95/.96", ".95/.95/.96/.91"),
    "recall": ("1.0/1.0/1.0/.93", "1.0/.99/.95/.94", ".99/.95/.96/.92"),
    "precision": ("1.0/1.0/1.0/.96", "1.0/.97/.96/.95", ".99/.96/.95/.95"),
    "f1": ("1.0/1.0/1.0/.96", "1.0/.98/.95/.95", ".98/.96/.95/.95"),
    "roc_auc": (".85/.84/.92/.95", ".93/.95/.94/.93", ".96/.95/.96/.95"),
    "log_loss": (".89/.91/.93/.95", ".96/.96/.96/.92", ".95/.94/.96/.95"),
    "brier_score_loss": (".77/.86/.89/.94", ".95/.95/.96/.93", ".95/.94/.97/.94"),
}

Interval = tuple[float, float]


class Record(msgspec.Struct):
    """What became of one method's intervals."""

    covered: Share = msgspec.field(default_factory=Share)
    false_pass: Share = msgspec.field(default_factory=Share)

    def add(self, interval: Interval, truth: float, *, greater_is_better: bool) -> None:
        """One more interval; it passes falsely when it rules the true loss out."""
        low, high = interval
        self.covered.count(low <= truth <= high)
        self.false_pass.count(low > truth if greater_is_better else high < truth)

    def __str__(self) -> str:
        if not self.covered.trials:
            return "–"
        return f"{self.covered} (false pass {self.false_pass.value:.3f})"


class Cell(msgspec.Struct):
    """One metric at one prevalence and size."""

    ours: Record = msgspec.field(default_factory=Record)
    wald: Record = msgspec.field(default_factory=Record)
    bootstrap: Record = msgspec.field(default_factory=Record)
    refused: Share = msgspec.field(default_factory=Share)


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """One table per metric: prevalence and size by method."""
    cells = {
        (prevalence, size): cover(prevalence, size, repetitions, seed)
        for prevalence in PREVALENCES
        for size in SIZES
    }
    for name in JUDGED:
        yield Table(
            f"{name}: coverage of the 95 % interval (false pass, nominal 0.025)",
            ("prevalence", "rows", "gatepost", "specified", "Wald", "bootstrap", "refused"),
            [
                _row(name, prevalence, at, cells[prevalence, size][name])
                for prevalence in PREVALENCES
                for at, size in enumerate(SIZES)
            ],
        )


def cover(prevalence: float, size: int, repetitions: int, seed: int) -> dict[DirectedMetric, Cell]:
    """Every metric's record at one prevalence and size."""
    rng = np.random.default_rng([seed, 1, size, int(1000 * prevalence)])
    models = TwoModels(prevalence=prevalence)
    truths = {name: models.true_change(name) for name in JUDGED}
    cells = {name: Cell() for name in JUDGED}
    many = size >= MANY_ROWS
    for repetition in range(max(1, repetitions // (3 if many else 1))):
        case = same_rows(*models.draw(size, rng))
        resampled = repetition % (5 if many else 3) == 0
        for name, cell in cells.items():
            _record(name, cell, case, truths[name], rng if resampled else None)
    return cells


def _record(
    name: DirectedMetric,
    cell: Cell,
    case: SimulatedCase,
    truth: float,
    rng: np.random.Generator | None,
) -> None:
    better = METRICS[name].greater_is_better is True
    try:
        effect = measure_effect(METRICS[name], case)
    except UndefinedError:
        cell.refused.count(True)
        return
    cell.refused.count(False)
    cell.ours.add(effect.interval, truth, greater_is_better=better)
    cell.wald.add(_wald(effect), truth, greater_is_better=better)
    if rng is not None:
        interval = bootstrap_interval(name, case.arenas[0], CONFIDENCE, rng)
        cell.bootstrap.add(interval, truth, greater_is_better=better)


def _wald(effect: Effect) -> Interval:
    """The textbook interval from the same contributions."""
    parts = effect.contributions
    variance = float(parts @ parts) - effect.change**2 / effect.support.rows
    reach = critical_z(CONFIDENCE) * max(0.0, variance) ** 0.5
    return effect.change - reach, effect.change + reach


def _row(name: str, prevalence: float, at: int, cell: Cell) -> tuple[object, ...]:
    specified = SPECIFIED[name][PREVALENCES.index(prevalence)].split("/")[at]
    methods = (_text(record) for record in (cell.ours, cell.wald, cell.bootstrap))
    ours, wald, bootstrap = methods
    return (
        prevalence,
        f"{SIZES[at]:,}",
        ours,
        specified,
        wald,
        bootstrap,
        f"{cell.refused.value:.2f}",
    )


def _text(record: Record) -> str:
    if not record.covered.trials:
        return "–"
    return f"{record.covered} ({record.false_pass.value:.3f})"
