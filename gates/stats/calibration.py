"""Whether scores mean what they say: a score of 0.7 comes true in 7 of 10 rows.

The usual expected calibration error is above zero for a perfectly calibrated model, the more so
the fewer rows there are; judged is therefore a debiased root mean square with its interval.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.paired import paired_mean
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

BINS = 15
FEW_ROWS = 30  # of a bin; with fewer rows there are fewer bins


class Bin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of the reliability curve."""

    rows: int
    mean_score: float
    positive_rate: float


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Errors in units of probability.

    `root_mean_square` is the typical distance between a score and the rate that comes true,
    debiased; `interval` is its interval, the value to judge. `expected_error` is the usual
    (biased) mean absolute distance, for display. `bias` is mean score − mean label.
    """

    root_mean_square: float
    interval: Interval
    expected_error: float
    bias: Estimate
    bins: tuple[Bin, ...]


def measure_calibration(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], confidence: float
) -> Calibration:
    """Calibration error over bins of equal size; equal scores share a bin.

    Per bin the square of (mean label − mean score) is reduced by the variance of that mean, which
    makes the weighted sum unbiased. Source: Kumar, Liang & Ma, NeurIPS 2019, debiased estimator
    (after Bröcker 2012); its variance from normal bin means, 2 v² + 4 d² v.

    Raises:
        UndefinedError: fewer than `FEW_ROWS` rows, or a score that is no probability.
    """
    rows = len(scores)
    if rows < FEW_ROWS:
        raise UndefinedError(f"a calibration error needs {FEW_ROWS} rows, found {rows}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise UndefinedError("a score lies outside [0, 1]")
    codes = _assign_bins(scores, min(BINS, rows // FEW_ROWS))
    sizes = np.bincount(codes)
    residuals = labels - scores
    gaps = np.bincount(codes, weights=residuals) / sizes
    squares = np.bincount(codes, weights=(residuals - gaps[codes]) ** 2)
    noise = squares / np.maximum(sizes - 1, 1) / sizes
    weights = sizes / rows
    excess = float(weights @ (gaps**2 - noise))
    variance = float(weights**2 @ (2 * noise**2 + 4 * gaps**2 * noise))
    reach = critical_z(confidence) * math.sqrt(variance)
    mean_scores = np.bincount(codes, weights=scores) / sizes
    return Calibration(
        root_mean_square=math.sqrt(max(0.0, excess)),
        interval=Interval(
            math.sqrt(max(0.0, excess - reach)), min(1.0, math.sqrt(max(0.0, excess + reach)))
        ),
        expected_error=float(weights @ np.abs(gaps)),
        bias=paired_mean(scores - labels),
        bins=tuple(
            Bin(int(size), float(score), float(score + gap))
            for size, score, gap in zip(sizes, mean_scores, gaps, strict=True)
        ),
    )


def _assign_bins(scores: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Codes without gaps, by the middle rank of each score, so that ties never depend on order."""
    _, tied, rows = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(rows)
    bins_of_scores = (2 * last - rows) * bins // (2 * len(scores) + 1)
    return np.asarray(np.unique(bins_of_scores, return_inverse=True)[1][tied])
