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
from gates.stats.weighted import require_weights, weighted_mean

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
    labels: NDArray[np.bool_],
    scores: NDArray[np.float64],
    confidence: float,
    weights: NDArray[np.float64] | None = None,
) -> Calibration:
    """Calibration error over bins of equal size; equal scores share a bin.

    Per bin the square of (mean label − mean score) is reduced by the variance of that mean, which
    makes the weighted sum unbiased. Source: Kumar, Liang & Ma, NeurIPS 2019, debiased estimator
    (after Bröcker 2012); its variance from normal bin means, 2 v² + 4 d² v. Bins hold equal
    numbers of rows; with weights, a bin's means and its share are weighted and the variance is the
    sandwich's.

    Raises:
        UndefinedError: fewer than `FEW_ROWS` rows, a score that is no probability, or weights that
            are none.
    """
    rows = len(scores)
    if rows < FEW_ROWS:
        raise UndefinedError(f"a calibration error needs {FEW_ROWS} rows, found {rows}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise UndefinedError("a score lies outside [0, 1]")
    codes = _assign_bins(scores, min(BINS, rows // FEW_ROWS))
    sizes = np.bincount(codes)
    scaled = None if weights is None else require_weights(weights, rows)
    mass = sizes if scaled is None else np.bincount(codes, weights=scaled)
    residuals = labels - scores
    gaps = _sum_by_bin(codes, residuals, scaled) / mass
    noise, shares = _variances(codes, residuals - gaps[codes], scaled), mass / rows
    excess = float(shares @ (gaps**2 - noise))
    variance = float(shares**2 @ (2 * noise**2 + 4 * gaps**2 * noise))
    reach = critical_z(confidence) * math.sqrt(variance)
    mean_scores = _sum_by_bin(codes, scores, scaled) / mass
    return Calibration(
        root_mean_square=math.sqrt(max(0.0, excess)),
        interval=Interval(
            math.sqrt(max(0.0, excess - reach)), min(1.0, math.sqrt(max(0.0, excess + reach)))
        ),
        expected_error=float(shares @ np.abs(gaps)),
        bias=paired_mean(-residuals) if scaled is None else weighted_mean(-residuals, scaled),
        bins=tuple(
            Bin(int(size), float(score), float(score + gap))
            for size, score, gap in zip(sizes, mean_scores, gaps, strict=True)
        ),
    )


def _variances(
    codes: NDArray[np.intp], around: NDArray[np.float64], scaled: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Of the mean of each bin, from the distances of its rows to that mean."""
    sizes = np.bincount(codes)
    if scaled is None:
        squares = np.bincount(codes, weights=around**2)
        return np.asarray(squares / np.maximum(sizes - 1, 1) / sizes)
    mass = np.bincount(codes, weights=scaled)
    squares = np.bincount(codes, weights=(scaled * around) ** 2)
    effective = mass**2 / np.bincount(codes, weights=scaled**2)
    return np.asarray(squares * effective / np.maximum(effective - 1, 1) / mass**2)


def _sum_by_bin(
    codes: NDArray[np.intp], values: NDArray[np.float64], scaled: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    weighed = values if scaled is None else scaled * values
    return np.bincount(codes, weights=weighed).astype(np.float64)


def _assign_bins(scores: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Codes without gaps, by the middle rank of each score, so that ties never depend on order."""
    _, tied, rows = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(rows)
    bins_of_scores = (2 * last - rows) * bins // (2 * len(scores) + 1)
    return np.asarray(np.unique(bins_of_scores, return_inverse=True)[1][tied])
