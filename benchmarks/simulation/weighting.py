"""How often an interval holds the truth where rows count differently; and average precision."""

from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from benchmarks.simulation.figures import Table
from benchmarks.simulation.judged import Tally, Truth, show
from benchmarks.simulation.scores import TwoModels
from gates.case.effect import CONFIDENCE
from gates.stats.confusion import ConfusionMetric, confusion_change, confusion_value
from gates.stats.influence import log_losses, squared_errors
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.ranking import (
    average_precision_change,
    average_precision_value,
    roc_auc_change,
    roc_auc_value,
)
from gates.stats.weighted import mean_change, mean_value
from gates.tables.table import Floats, Mask

SIZES = (50, 200, 1_000)
MANY = 1_000_000  # rows that stand for infinitely many
PREVALENCE = 0.3
CELLS = {
    "accuracy": ConfusionMetric("accuracy"),
    "recall": ConfusionMetric("recall", 1),
    "precision": ConfusionMetric("precision", 1),
    "f1": ConfusionMetric("f1", 1),
    "mcc": ConfusionMetric("mcc"),
}
LOSSES = {"log_loss": log_losses, "brier_score_loss": squared_errors}


class Draw(msgspec.Struct, frozen=True):
    """Labels, scores and predictions of both models, and weights."""

    labels: Mask
    old: Floats
    new: Floats
    predicted: tuple[Mask, Mask]
    weights: Floats | None


Weigher = Callable[[Floats, np.random.Generator], Floats | None]
WEIGHTS: dict[str, Weigher] = {
    "equal weights": lambda _scores, _rng: None,
    "lognormal weights": lambda scores, rng: np.exp(rng.standard_normal(len(scores))),
    "weight 5 for scores near the cut": lambda scores, _rng: np.where(
        np.abs(scores - 0.5) < 0.3, 5.0, 1.0
    ),
}


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """One table per kind of weights: metric and size."""
    for at, (title, weigh) in enumerate(WEIGHTS.items()):
        rng = np.random.default_rng([seed, 11, at])
        truths = _find_truths(draw(weigh, MANY, rng))
        tallies = {(name, size): Tally() for name in truths for size in SIZES}
        for size in SIZES:
            for _ in range(repetitions // 2):
                rows = draw(weigh, size, rng)
                for name, truth in truths.items():
                    _judge(name, tallies[name, size], truth, rows)
        yield show(f"{title}: coverage of the 95 % interval (false pass, nominal 0.025)", tallies)


def draw(weigh: Weigher, size: int, rng: np.random.Generator) -> Draw:
    """Rows of the two models of every other table, at a prevalence of `PREVALENCE`."""
    labels, old, new = TwoModels(prevalence=PREVALENCE).draw(size, rng)
    return Draw(labels, old[0], new[0], (old[1], new[1]), weigh(old[0], rng))


def _find_truths(rows: Draw) -> dict[str, Truth]:
    truths = {}
    for name in (*CELLS, "roc_auc", "average_precision", *LOSSES):
        change = _change(name, rows)
        better = name not in LOSSES
        truths[name] = Truth(change.baseline, change.candidate, greater_is_better=better)
    return truths


def _change(name: str, rows: Draw) -> PairedChange:
    labels, weights = rows.labels, rows.weights
    if name in CELLS:
        codes, old, new = (side.astype(np.intp) for side in (labels, *rows.predicted))
        return confusion_change(
            CELLS[name], codes, old, new, 2, confidence=CONFIDENCE, weights=weights
        )
    if name in LOSSES:
        before, after = (LOSSES[name](labels, side) for side in (rows.old, rows.new))
        return mean_change(before, after, confidence=CONFIDENCE, weights=weights)
    change = roc_auc_change if name == "roc_auc" else average_precision_change
    return change(labels, rows.old, rows.new, confidence=CONFIDENCE, weights=weights)


def _value(name: str, rows: Draw) -> ModelValue:
    labels, weights = rows.labels, rows.weights
    if name in CELLS:
        codes, new = labels.astype(np.intp), rows.predicted[1].astype(np.intp)
        return confusion_value(CELLS[name], codes, new, 2, confidence=CONFIDENCE, weights=weights)
    if name in LOSSES:
        losses = LOSSES[name](labels, rows.new)
        return mean_value(losses, confidence=CONFIDENCE, weights=weights)
    value = roc_auc_value if name == "roc_auc" else average_precision_value
    return value(labels, rows.new, confidence=CONFIDENCE, weights=weights)


def _judge(name: str, tally: Tally, truth: Truth, rows: Draw) -> None:
    tally.judge(truth, lambda: _change(name, rows), lambda: _value(name, rows))
