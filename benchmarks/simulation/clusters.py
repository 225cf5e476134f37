"""Rows that hang together, such as those of one patient (statistics.md §2, groups).

Half of what sets the two models apart is common to a patient, and so is the label.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.in_memory import judge_with, same_rows
from benchmarks.simulation.intervals import Record
from benchmarks.simulation.scores import TwoModels
from gates.case.effect import measure_effect
from gates.case.segments import Rows
from gates.metrics import DirectedMetric
from gates.metrics.binary import METRICS
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.stats.undefined import UndefinedError

PATIENTS = (10, 30, 100, 400)
ROWS_EACH = 6.5  # on average
JUDGED: tuple[DirectedMetric, ...] = ("accuracy", "recall", "roc_auc", "log_loss")
SPECIFIED = {"accuracy": (".84–.88", ".93–.95"), "roc_auc": (".75–.86", ".93–.95")}
MODELS = TwoModels(prevalence=0.3, shared=0.7, clustered=0.5)
EQUAL = TwoModels(prevalence=0.3, shared=0.7, clustered=0.5, separation=(1.8, 1.8))
RARE = TwoModels(prevalence=0.1, shared=0.97, clustered=0.5)


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """Coverage without and with the groups, and how often a harmless change is blocked."""
    rng = np.random.default_rng([seed, 4])
    yield Table(
        "Coverage of the 95 % interval, rows of one patient alike (ICC .5, 6.5 rows each)",
        ("metric", "patients", "naive", "specified", "gatepost", "specified", "refused"),
        [row for count in PATIENTS for row in cover(MODELS, count, repetitions // 2, rng)],
    )
    yield Table(
        "The same where little changes: 10 % positives, nearly the same scores",
        ("metric", "patients", "naive", "specified", "gatepost", "specified", "refused"),
        [row for count in PATIENTS[1:] for row in cover(RARE, count, repetitions // 2, rng)],
    )
    yield Table(
        "An equally good model blocked by a joint test of the four metrics (level 1 %, margin 0)",
        ("patients", "naive", "gatepost"),
        [(count, *_block(count, repetitions // 4, rng)) for count in PATIENTS[1:]],
    )


def cover(
    models: TwoModels, patients: int, repetitions: int, rng: np.random.Generator
) -> Iterator[tuple[object, ...]]:
    """One row per metric: what the interval covers, rows taken as apart and as hanging together."""
    naive = {name: Record() for name in JUDGED}
    ours = {name: Record() for name in JUDGED}
    refused = {name: Share() for name in JUDGED}
    truths = {name: models.true_change(name) for name in JUDGED}
    for _ in range(repetitions):
        groups = _draw_groups(patients, rng)
        drawn = models.draw(len(groups), rng, groups)
        for name in JUDGED:
            better = METRICS[name].greater_is_better is True
            for record, known in ((naive[name], None), (ours[name], groups)):
                try:
                    effect = measure_effect(METRICS[name], same_rows(*drawn, groups=known))
                except UndefinedError:
                    refused[name].hits += known is not None
                    continue
                record.add(effect.interval, truths[name], greater_is_better=better)
    for name in JUDGED:
        texts = SPECIFIED.get(name, ("–", "–"))
        share = refused[name].hits / repetitions
        yield (
            name,
            patients,
            naive[name],
            texts[0],
            ours[name],
            texts[1],
            f"{share:.2f}",
        )


def _block(patients: int, repetitions: int, rng: np.random.Generator) -> tuple[Share, Share]:
    gate = MetricRegression(metrics={name: MetricDemand(margin=0.0) for name in JUDGED})
    shares = Share(), Share()
    for _ in range(repetitions):
        groups = _draw_groups(patients, rng)
        drawn = EQUAL.draw(len(groups), rng, groups)
        for share, known in zip(shares, (None, groups), strict=True):
            (outcome,) = judge_with(gate, same_rows(*drawn, groups=known)).outcomes
            share.count(outcome.outcome == "failed")
    return shares


def _draw_groups(patients: int, rng: np.random.Generator) -> Rows:
    """Codes of the rows' patients; every patient has at least one row."""
    sizes = 1 + rng.poisson(ROWS_EACH - 1, patients)
    return np.repeat(np.arange(patients), sizes)
