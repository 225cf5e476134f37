"""Losses of a row's probabilities of many classes.

Labels are codes from 0 on, scores (rows, classes) probabilities that sum to 1 in every row.
"""

import numpy as np
from numpy.typing import NDArray

from gates.stats.undefined import UndefinedError

_SLACK = 1e-4  # of a row's sum: what single precision and rounding to five digits leave


def class_log_losses(labels: NDArray[np.intp], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Negative log likelihood of the true class in nats, clipped as scikit-learn does.

    Raises:
        UndefinedError: a row's scores are not probabilities that sum to 1.
    """
    _require_distributions(scores)
    tiny = np.finfo(np.float64).eps
    likelihood = scores[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.clip(likelihood, tiny, 1 - tiny)))


def class_brier_scores(
    labels: NDArray[np.intp], scores: NDArray[np.float64], *, scale_by_half: bool = False
) -> NDArray[np.float64]:
    """Squared distance of a row's probabilities from the truth, between 0 and 2.

    scikit-learn halves it for two classes only (`scale_by_half="auto"`), where it then is
    `influence.squared_errors`. Source: Brier, Monthly Weather Review 78 (1950).

    Raises:
        UndefinedError: a row's scores are not probabilities that sum to 1.
    """
    _require_distributions(scores)
    right = scores[np.arange(len(labels)), labels]
    squares = np.einsum("ij,ij->i", scores, scores) - right**2 + (1 - right) ** 2
    return np.asarray(squares / 2 if scale_by_half else squares)


def _require_distributions(scores: NDArray[np.float64]) -> None:
    if not ((scores >= 0) & (scores <= 1)).all():
        raise UndefinedError("a score lies outside [0, 1]")
    sums = scores.sum(axis=1)
    off = np.abs(sums - 1)
    if (off > _SLACK).any():
        raise UndefinedError(
            f"the scores of a row sum to {float(sums[off.argmax()])!r}, probabilities sum to 1"
        )
