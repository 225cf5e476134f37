"""How often an interval holds the truth where there are many classes."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Table
from benchmarks.simulation.judged import Tally, Truth, show
from gates.case.effect import CONFIDENCE
from gates.stats.confusion import ConfusionMetric, confusion_change, confusion_value
from gates.stats.losses import class_brier_scores, class_log_losses
from gates.stats.matrix import KINDS
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.ranking import roc_auc_ovr_change, roc_auc_ovr_value
from gates.stats.weighted import mean_change, mean_value

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
SIZES = (50, 200, 1_000)
MANY = 400_000  # rows that stand for infinitely many
LOSSES = {"log_loss": class_log_losses, "brier_score": class_brier_scores}
LAYOUTS = {"3 classes of sizes 6:3:2": (6, 3, 2), "10 classes of one size": (1,) * 10}


class Draw(msgspec.Struct, frozen=True):
    """Labels and both models' probabilities."""

    labels: Codes
    old: Floats
    new: Floats


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """One table per layout of classes: metric and size."""
    for at, (title, sizes) in enumerate(LAYOUTS.items()):
        shares = np.array(sizes) / sum(sizes)
        rng = np.random.default_rng([seed, 9, at])
        truths = _find_truths(draw(shares, MANY, rng), len(sizes))
        tallies = {(name, size): Tally() for name in truths for size in SIZES}
        for size in SIZES:
            for _ in range(repetitions // 2):
                rows = draw(shares, size, rng)
                if len(np.unique(rows.labels)) < len(sizes):
                    continue  # another average, whose truth is another
                for name, truth in truths.items():
                    _judge(name, tallies[name, size], truth, rows, len(sizes))
        yield show(f"{title}: coverage of the 95 % interval (false pass, nominal 0.025)", tallies)


def draw(shares: Floats, size: int, rng: np.random.Generator) -> Draw:
    """Two calibrated-looking models that share nine tenths of their noise; the new one is worse."""
    labels = rng.choice(len(shares), size, p=shares)
    common = rng.standard_normal((size, len(shares))) * 0.9**0.5
    sides = []
    for apart in (2.2, 2.1):
        noise = common + rng.standard_normal(common.shape) * 0.1**0.5
        odds = apart * (noise + apart * np.eye(len(shares))[labels]) + np.log(shares)
        likelihood = np.exp(odds - odds.max(axis=1, keepdims=True))
        sides.append(likelihood / likelihood.sum(axis=1, keepdims=True))
    return Draw(labels, *sides)


def _metric(name: str, classes: int) -> ConfusionMetric:
    kind = next(kind for kind in KINDS if kind == name)
    return ConfusionMetric(kind, classes - 1 if kind in ("recall", "precision", "f1") else None)


def _find_truths(rows: Draw, classes: int) -> dict[str, Truth]:
    truths = {}
    for name in (*KINDS, "roc_auc_ovr", *LOSSES):
        old, new = (
            _value(name, Draw(rows.labels, side, side), classes).value
            for side in (rows.old, rows.new)
        )
        truths[name] = Truth(old, new, greater_is_better=name not in LOSSES)
    return truths


def _value(name: str, rows: Draw, classes: int) -> ModelValue:
    if name in LOSSES:
        return mean_value(LOSSES[name](rows.labels, rows.new), confidence=CONFIDENCE)
    if name == "roc_auc_ovr":
        return roc_auc_ovr_value(rows.labels, rows.new, confidence=CONFIDENCE)
    predictions = rows.new.argmax(axis=1)
    metric = _metric(name, classes)
    return confusion_value(metric, rows.labels, predictions, classes, confidence=CONFIDENCE)


def _change(name: str, rows: Draw, classes: int) -> PairedChange:
    if name in LOSSES:
        old, new = (LOSSES[name](rows.labels, side) for side in (rows.old, rows.new))
        return mean_change(old, new, confidence=CONFIDENCE)
    if name == "roc_auc_ovr":
        return roc_auc_ovr_change(rows.labels, rows.old, rows.new, confidence=CONFIDENCE)
    old, new = rows.old.argmax(axis=1), rows.new.argmax(axis=1)
    metric = _metric(name, classes)
    return confusion_change(metric, rows.labels, old, new, classes, confidence=CONFIDENCE)


def _judge(name: str, tally: Tally, truth: Truth, rows: Draw, classes: int) -> None:
    tally.judge(truth, lambda: _change(name, rows, classes), lambda: _value(name, rows, classes))
