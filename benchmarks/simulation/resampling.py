"""The percentile bootstrap of a paired change: what most tools draw, here to be compared with."""

import numpy as np
from numpy.typing import NDArray

from gates.case.arena import Arena
from gates.metrics import DirectedMetric
from gates.stats import influence
from gates.tables.table import Floats

RESAMPLES = 200


def bootstrap_interval(
    metric: DirectedMetric, arena: Arena, confidence: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Quantiles of the change over resampled rows; resamples without a value are left out."""
    if metric in influence.METRICS:
        changes = _cell_changes(metric, arena, rng)
    elif metric == "roc_auc":
        changes = _auc_changes(arena, rng)
    else:
        changes = _mean_changes(metric, arena, rng)
    tail = (1 - confidence) / 2
    low, high = np.quantile(changes[np.isfinite(changes)], [tail, 1 - tail])
    return float(low), float(high)


def _cell_changes(metric: DirectedMetric, arena: Arena, rng: np.random.Generator) -> Floats:
    old, new = arena.baseline, arena.candidate
    cells = influence.count_paired_cells(new.labels, old.predictions, new.predictions)
    rows = int(cells.sum())
    drawn = rng.multinomial(rows, cells / rows, size=RESAMPLES).reshape(-1, 2, 2, 2)
    before, after = (drawn.sum(axis=axis).reshape(-1, 4) for axis in (3, 2))
    return _cell_values(metric, after) - _cell_values(metric, before)


def _cell_values(metric: DirectedMetric, cells: NDArray[np.int64]) -> Floats:
    (ratio,) = influence.METRICS[metric].ratios
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((cells @ np.array(ratio.above)) / (cells @ np.array(ratio.below)))


def _mean_changes(metric: DirectedMetric, arena: Arena, rng: np.random.Generator) -> Floats:
    loss = influence.log_losses if metric == "log_loss" else influence.squared_errors
    labels = arena.candidate.labels
    differences = loss(labels, arena.candidate.scores) - loss(labels, arena.baseline.scores)
    return np.asarray(_draw_weights(len(labels), rng) @ differences / len(labels))


def _auc_changes(arena: Arena, rng: np.random.Generator) -> Floats:
    weights = _draw_weights(len(arena.rows), rng)
    labels = arena.candidate.labels
    new, old = (_aucs(labels, side.scores, weights) for side in (arena.candidate, arena.baseline))
    return new - old


def _aucs(labels: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """The AUC under each row of weights, of scores without ties."""
    order = np.argsort(scores)
    ordered, hits = weights[:, order], labels[order]
    below = np.cumsum(np.where(hits, 0.0, ordered), axis=1)
    positives = np.where(hits, ordered, 0.0)
    with np.errstate(invalid="ignore"):
        pairs = positives.sum(axis=1) * below[:, -1]
        return np.asarray(np.einsum("ij,ij->i", positives, below) / pairs)


def _draw_weights(rows: int, rng: np.random.Generator) -> Floats:
    """How often each row stands in each resample."""
    places = rng.integers(rows, size=(RESAMPLES, rows))
    places += np.arange(RESAMPLES)[:, None] * rows
    counts = np.bincount(places.ravel(), minlength=RESAMPLES * rows)
    return counts.reshape(RESAMPLES, rows).astype(np.float64)
