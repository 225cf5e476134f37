"""Area under the ROC curve with DeLong's variance, and average precision.

Labels are boolean, scores any real numbers; ties count one half.
"""

import math

import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.undefined import UndefinedError


def auc_pseudo_values(
    labels: NDArray[np.bool_], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One value per row whose mean is the AUC and whose spread within a class gives its variance.

    A positive's value holds the share of negatives that it outranks (its placement), a negative's
    the share of positives above it, both stretched to the weight of their class.
    Source: DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988); placements by midranks as in
    Sun & Xu, IEEE Signal Processing Letters 21 (2014), here in one sort.

    Raises:
        UndefinedError: one class is missing, or a score is NaN.
    """
    positives = _count_positives(labels, scores)
    negatives = len(labels) - positives
    order = np.argsort(scores)
    ordered, hits = scores[order], labels[order]
    starts = np.empty(len(order), dtype=np.bool_)
    starts[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    first = np.flatnonzero(starts)
    hits_before = np.concatenate(([0], np.cumsum(hits)))
    last = np.append(first[1:], len(order))
    tied = np.cumsum(starts) - 1
    below = hits_before[first]
    upto = hits_before[last]
    hits_half = ((below + upto) / 2)[tied]  # positives below, plus half of those tied
    misses_half = ((first + last) / 2)[tied] - hits_half
    placements = np.where(hits, misses_half / negatives, 1 - hits_half / positives)
    auc = float(placements[hits].mean())
    stretch = np.where(hits, len(order) / positives, len(order) / negatives)
    values = np.empty(len(order))
    values[order] = auc + stretch * (placements - auc)
    return values


def roc_auc(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Probability that a positive outranks a negative.

    Raises:
        UndefinedError: one class is missing, or a score is NaN.
    """
    return float(auc_pseudo_values(labels, scores)[labels].mean())


def delong(labels: NDArray[np.bool_], pseudo_values: NDArray[np.float64]) -> Estimate:
    """DeLong's estimate from AUC pseudo-values of one model, or from a difference of two models'.

    The variance is the sum over both classes of the variance of placements / rows of the class.

    Raises:
        UndefinedError: a class has fewer than two rows.
    """
    positives = pseudo_values[labels]
    negatives = pseudo_values[~labels]
    if min(len(positives), len(negatives)) < 2:  # noqa: PLR2004
        raise UndefinedError(
            f"DeLong's variance needs 2 rows of each class, "
            f"found {len(positives)} positives and {len(negatives)} negatives"
        )
    variance = sum(
        float(np.var(part, ddof=1)) * len(part) / len(labels) ** 2
        for part in (positives, negatives)
    )
    return Estimate(value=float(positives.mean()), standard_error=math.sqrt(variance))


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Sum over the distinct scores of precision × gain in recall, from the highest score down.

    Source: scikit-learn's definition, without interpolation.

    Raises:
        UndefinedError: one class is missing, or a score is NaN.
    """
    positives = _count_positives(labels, scores)
    order = np.argsort(scores)[::-1]
    ordered = scores[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(order) - 1)
    hits = np.cumsum(labels[order])[ends]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / positives)


def _count_positives(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> int:
    if len(labels) != len(scores):
        raise ValueError(f"{len(labels)} labels for {len(scores)} scores")
    positives = int(np.count_nonzero(labels))
    if positives in (0, len(labels)):
        raise UndefinedError(
            f"a ranking needs both classes, "
            f"found {positives} positives and {len(labels) - positives} negatives"
        )
    if np.isnan(scores).any():
        raise UndefinedError("a score is NaN")
    return positives
