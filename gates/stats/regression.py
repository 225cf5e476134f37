"""Errors of predicted numbers: means of per-row losses, and RMSE and R² by the delta method.

An error is prediction − label.
"""

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gates.stats.measured import ModelValue, PairedChange
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import mean_change, mean_value, require_weights, weighted_mean

Values = NDArray[np.float64]
Kind = Literal[
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "r2",
    "mean_error",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
FEW_ROWS = 50  # with weight, below which the delta method covers too little: statistics.md §2
HEAVY = 30.0  # kurtosis of the squared errors above which their mean is not trusted
_LARGEST = 1e100  # whose square is still a number


def regression_value(
    kind: Kind,
    labels: Values,
    predictions: Values,
    *,
    confidence: float,
    weights: Values | None = None,
) -> ModelValue:
    """A metric of one model.

    Raises:
        UndefinedError: a number that is not finite, fewer than two rows with weight; for RMSE and
            R² fewer than `FEW_ROWS` rows; constant labels for R²; for squared errors a kurtosis
            above `HEAVY`.
    """
    errors = _find_errors(labels, predictions)
    if kind in ("mean_absolute_error", "mean_error"):
        return mean_value(
            np.abs(errors) if kind == "mean_absolute_error" else errors,
            confidence=confidence,
            weights=weights,
        )
    squares = errors**2
    scaled = require_weights(weights, len(squares))
    _require_light_tails(squares, scaled)
    if kind == "mean_squared_error":
        return mean_value(squares, confidence=confidence, weights=weights)
    _require_rows(scaled, kind)
    mean = float(scaled @ squares) / len(squares)
    if kind == "root_mean_squared_error":
        value = math.sqrt(mean)
        influence = (squares - mean) / (2 * value) if value else np.zeros(len(squares))
    else:
        spread = _find_spread(labels, scaled)
        variance = float(scaled @ spread) / len(spread)
        value = 1 - mean / variance
        influence = (mean / variance * spread - squares) / variance
    estimate = weighted_mean(value + influence, weights)
    return ModelValue(value, estimate.interval(confidence), value + scaled * influence)


def regression_change(
    kind: Kind,
    labels: Values,
    old: Values,
    new: Values,
    *,
    confidence: float,
    weights: Values | None = None,
) -> PairedChange:
    """A metric of two models on the same rows.

    Raises:
        UndefinedError: as `regression_value` for either model.
    """
    before, after = _find_errors(labels, old), _find_errors(labels, new)
    if kind == "mean_absolute_error":
        return mean_change(np.abs(before), np.abs(after), confidence=confidence, weights=weights)
    if kind == "mean_error":
        return mean_change(before, after, confidence=confidence, weights=weights)
    before, after = before**2, after**2
    scaled = require_weights(weights, len(labels))
    for squares in (before, after):
        _require_light_tails(squares, scaled)
    if kind == "mean_squared_error":
        return mean_change(before, after, confidence=confidence, weights=weights)
    _require_rows(scaled, kind)
    means = [float(scaled @ squares) / len(squares) for squares in (before, after)]
    if kind == "root_mean_squared_error":
        baseline, candidate = (math.sqrt(mean) for mean in means)
        both = baseline + candidate
        contributions = (after - before) / both if both else np.zeros(len(labels))
        influence = np.zeros(len(labels))
        for squares, mean, root, sign in (
            (before, means[0], baseline, -1),
            (after, means[1], candidate, 1),
        ):
            influence += sign * (squares - mean) / (2 * root) if root else 0.0
    else:
        spread = _find_spread(labels, scaled)
        variance = float(scaled @ spread) / len(spread)
        baseline, candidate = (1 - mean / variance for mean in means)
        contributions = (before - after) / variance
        influence = contributions - (candidate - baseline) * spread / variance
    estimate = weighted_mean(candidate - baseline + influence, weights)
    return PairedChange(
        baseline=baseline,
        candidate=candidate,
        interval=estimate.interval(confidence),
        contributions=scaled * contributions,
        rows=int(np.count_nonzero(scaled)),
    )


def _find_errors(labels: Values, predictions: Values) -> Values:
    if len(labels) != len(predictions):
        raise ValueError(f"{len(labels)} labels for {len(predictions)} predictions")
    for what, numbers in (("label", labels), ("prediction", predictions)):
        if not (np.abs(numbers) <= _LARGEST).all():
            raise UndefinedError(f"a {what} is not a finite number below {_LARGEST:g}")
    return predictions - labels


def _find_spread(labels: Values, scaled: Values) -> Values:
    """Squared distances of the labels from their mean."""
    here = labels[scaled > 0]
    if here.min() == here.max():
        raise UndefinedError(f"every label is {float(here[0])!r}; R² needs labels that differ")
    shifted = labels - here[0]  # a large common offset would swallow the differences
    return np.asarray((shifted - float(scaled @ shifted) / len(shifted)) ** 2)


def _require_rows(scaled: Values, kind: Kind) -> None:
    rows = int(np.count_nonzero(scaled))
    if rows < FEW_ROWS:
        raise UndefinedError(f"{rows} rows; {kind} is judged from {FEW_ROWS} on")


def _require_light_tails(squares: Values, scaled: Values) -> None:
    """Kurtosis of the squared errors as in Pearson's fourth moment ratio (3 for a normal law)."""
    squares, scaled = squares[scaled > 0], scaled[scaled > 0]
    away = squares - float(scaled @ squares) / float(scaled.sum())
    largest = float(np.abs(away).max(initial=0.0))
    if largest == 0:
        return
    away = away / largest
    second, fourth = (float(scaled @ away**power) / float(scaled.sum()) for power in (2, 4))
    if fourth > HEAVY * second**2:
        raise UndefinedError(
            f"few rows make up most of the squared error (kurtosis {fourth / second**2:.0f}, "
            f"judged up to {HEAVY:.0f}); prefer mean_absolute_error"
        )
