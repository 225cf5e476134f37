"""What a model would lose if its scores were corrected by the bins of one column alone.

Each half of the rows is corrected by what the other half shows, so that many bins gain nothing by
their number: cross-fitting, as in Chernozhukov et al., The Econometrics Journal 21 (2018) C1.
"""

import numpy as np
from numpy.typing import NDArray

from gates.stats.losses import class_log_losses

_PRIOR_ROWS = 1.0  # that pull a bin's correction to none
_STEPS = 25
_NEAR = 1e-6  # of a step in log odds, at which no further one is made
_LOWEST = 1e-9  # probability that a logit is taken of


def corrected_log_losses(
    labels: NDArray[np.intp],
    scores: NDArray[np.float64],
    bins: NDArray[np.intp],
    second: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Log loss of each row after its bin's log odds of every class were added; shape (rows,).

    The maximum of the penalised likelihood, by Newton's steps along the diagonal. Of two classes
    the steps are the exact ones.

    Args:
        labels: codes from 0 on, shape (rows,).
        scores: probabilities, shape (rows, classes).
        bins: codes from 0 on, shape (rows,).
        second: which rows are of the second half.
    """
    logits = np.log(np.clip(scores, _LOWEST, 1))
    hits = np.eye(scores.shape[1])[labels]
    losses = np.empty(len(labels))
    for held in (second, ~second):
        fit = ~held
        added = _log_odds(hits[fit], logits[fit], bins[fit], int(bins.max()) + 1)
        losses[held] = class_log_losses(labels[held], _softmax(logits[held] + added[bins[held]]))
    return losses


def corrected_squares(
    residuals: NDArray[np.float64], bins: NDArray[np.intp], second: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Squared error of each row after its bin's mean residual was taken off; shape (rows,)."""
    squares, size = np.empty(len(residuals)), int(bins.max()) + 1
    for held in (second, ~second):
        sums = np.bincount(bins[~held], residuals[~held], size)
        means = sums / (np.bincount(bins[~held], minlength=size) + _PRIOR_ROWS)
        squares[held] = (residuals[held] - means[bins[held]]) ** 2
    return squares


def _log_odds(
    hits: NDArray[np.float64], logits: NDArray[np.float64], bins: NDArray[np.intp], size: int
) -> NDArray[np.float64]:
    """What to add by bin and class, shape (size, classes)."""
    classes = logits.shape[1]
    added = np.zeros((size, classes))
    wanted = _sum_by(bins, hits, size)
    for _ in range(_STEPS):
        told = _softmax(logits + added[bins])
        slope = wanted - _sum_by(bins, told, size) - _PRIOR_ROWS / classes * added
        bend = _sum_by(bins, told * (1 - told), size) + _PRIOR_ROWS / classes
        step = np.clip((classes - 1) / classes * slope / bend, -2, 2)
        added += step
        if np.abs(step).max() < _NEAR:
            break
    return added


def _sum_by(bins: NDArray[np.intp], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(bins, column, size) for column in values.T], axis=1)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))
