"""Area under the ROC curve from counts of scores by bin, with a bound of what the bins cost.

Scores that fall into one bin count as tied, unless the bin holds a single value: then they are.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.undefined import UndefinedError

BINS = 65_536
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class BinnedScores(msgspec.Struct, frozen=True, eq=False):
    """One model's scores: rows of each class by bin, and which bins hold more than one value."""

    positives: Counts  # (bins,)
    negatives: Counts
    mixed: NDArray[np.bool_]


class Ranking(msgspec.Struct, frozen=True, eq=False):
    """What bins tell of one model's ranking.

    `values` (2, bins) are the AUC pseudo-values of a negative and of a positive row in each bin:
    `auc.auc_pseudo_values` with ties inside bins. `bound` is the largest error of `auc`, `spread`
    the root mean square of the largest errors of a negative's and of a positive's placement.
    """

    auc: float
    values: Floats
    bound: float
    spread: tuple[float, float]


def bin_scores(scores: Floats, bins: int = BINS) -> NDArray[np.intp]:
    """The bin of each score of [0, 1], all of one width; 1 lies in the last."""
    at = (scores * bins).astype(np.intp)
    return np.minimum(at, bins - 1, out=at)


def rank_bins(scores: BinnedScores) -> Ranking:
    """The AUC and its pseudo-values; see DeLong 1988 and `auc.auc_pseudo_values`.

    Two scores of one mixed bin may stand in either order where they count one half, so the error is
    at most half the share of such pairs of a positive and a negative.

    Raises:
        UndefinedError: one class is missing.
    """
    positives, negatives = int(scores.positives.sum()), int(scores.negatives.sum())
    if min(positives, negatives) == 0:
        raise UndefinedError(
            f"a ranking needs both classes, found {positives} positives and {negatives} negatives"
        )
    misses_below = (np.cumsum(scores.negatives) - scores.negatives / 2) / negatives
    hits_below = (np.cumsum(scores.positives) - scores.positives / 2) / positives
    placements = np.stack([1 - hits_below, misses_below])
    auc = math.fsum((scores.positives * misses_below).tolist()) / positives
    rows = positives + negatives
    stretch = np.array([[rows / negatives], [rows / positives]])
    unsure = np.where(scores.mixed, np.stack([scores.positives, scores.negatives]), 0)
    most = unsure / np.array([[2 * positives], [2 * negatives]])
    shares = np.stack([scores.negatives / negatives, scores.positives / positives])
    spread = np.sqrt(np.sum(shares * most**2, axis=1))
    return Ranking(
        auc=auc,
        values=auc + stretch * (placements - auc),
        bound=float(np.sum(shares[1] * most[1])),
        spread=(float(spread[0]), float(spread[1])),
    )


class ClassSums(msgspec.Struct, frozen=True):
    """Rows of one class, with the sum and the sum of squares of their pseudo-values."""

    rows: int
    total: float
    squares: float


class BinnedDifference(msgspec.Struct, frozen=True):
    """A difference of two areas: its estimate, and how far off its value the bins may be."""

    estimate: Estimate
    bound: float


def binned_difference(
    old: Ranking, new: Ranking, negatives: ClassSums, positives: ClassSums
) -> BinnedDifference:
    """DeLong's difference from sums of new minus old pseudo-values over both classes.

    The standard error is the largest that the bins allow: by Minkowski's inequality placements that
    are off by e make a standard deviation at most the root mean square of e larger.

    Raises:
        UndefinedError: a class has fewer than two rows.
    """
    parts = (negatives, positives)
    if min(part.rows for part in parts) < 2:  # noqa: PLR2004
        raise UndefinedError(
            f"DeLong's variance needs 2 rows of each class, found {positives.rows} positives and "
            f"{negatives.rows} negatives"
        )
    rows = negatives.rows + positives.rows
    seen = unseen = 0.0
    for part, before, after in zip(parts, old.spread, new.spread, strict=True):
        around = max(0.0, part.squares - part.total**2 / part.rows)
        seen += around * part.rows / (part.rows - 1) / rows**2
        unseen += (before + after) ** 2 / (part.rows - 1)
    return BinnedDifference(
        Estimate(value=new.auc - old.auc, standard_error=math.sqrt(seen) + math.sqrt(unseen)),
        bound=old.bound + new.bound,
    )


def binned_value(scores: BinnedScores, ranking: Ranking) -> BinnedDifference:
    """DeLong's estimate of one model's area, with the largest error that the bins allow.

    Raises:
        UndefinedError: a class has fewer than two rows.
    """
    parts = []
    for counts, values in zip((scores.negatives, scores.positives), ranking.values, strict=True):
        around = values - ranking.auc  # the mean of either class, so that no digit cancels
        total, squares = float(counts @ around), float(counts @ around**2)
        parts.append(ClassSums(int(counts.sum()), total, squares))
    nothing = Ranking(auc=0.0, values=ranking.values, bound=0.0, spread=(0.0, 0.0))
    return binned_difference(nothing, ranking, *parts)
