"""Errors of predicted numbers: means of per-row losses, and RMSE and R² by the delta method.

An error is prediction − label. A median absolute error is missing on purpose: the interval of a
paired difference of medians needs the density of the errors, and nothing here estimates that.
"""

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gates.stats.interval import Interval
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.quantile import critical_t
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import (
    effective_rows,
    mean_change,
    mean_value,
    require_weights,
    weighted_mean,
)

Values = NDArray[np.float64]
Kind = Literal[
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "r2",
    "mean_error",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
FEW_ROWS = 30  # of equal weight, below which the normal law of a mean is not trusted
FEW_ROWS_OF_SQUARES = 50  # the same for squared errors: statistics.md §2
HEAVY = 10.0  # kurtosis of the errors from which their mean square is not trusted; normal is 3
FEW_HEAVY = 10.0  # rows of equal error that would make up as uncertain a mean square
_LARGEST = 1e70  # whose fourth power, summed, is still a number


def regression_value(
    kind: Kind,
    labels: Values,
    predictions: Values,
    *,
    confidence: float,
    weights: Values | None = None,
) -> ModelValue:
    """A metric of one model; the interval of squared errors is symmetric in their logarithm.

    Raises:
        UndefinedError: a number that is not finite, too few rows with weight, constant labels for
            R², or squared errors with heavy tails (`regression_change` says which).
    """
    scaled = _require_rows(kind, len(labels), weights)
    errors = _find_errors(labels, predictions, scaled)
    if kind in ("mean_absolute_error", "mean_error"):
        losses = np.abs(errors) if kind == "mean_absolute_error" else errors
        return mean_value(losses, confidence=confidence, weights=weights)
    _require_light_tails(errors, scaled)
    squares = errors**2
    mean = _average(squares, scaled)
    spread = _find_spread(labels, scaled) if kind == "r2" else np.ones(len(squares))
    unit = _average(spread, scaled)
    relative = squares / mean - spread / unit if mean else np.zeros(len(squares))
    estimate = weighted_mean(relative, weights)
    reach = critical_t(confidence, estimate.degrees) * estimate.standard_error
    low, value, high = (mean / unit * math.exp(step) for step in (-reach, 0.0, reach))
    influence = value * relative
    if kind == "root_mean_squared_error":
        low, value, high = math.sqrt(low), math.sqrt(value), math.sqrt(high)
        influence = value / 2 * relative
    if kind == "r2":
        low, value, high, influence = 1 - high, 1 - value, 1 - low, -influence
    return ModelValue(value, Interval(low, high), value + scaled * influence)


def regression_change(
    kind: Kind,
    labels: Values,
    old: Values,
    new: Values,
    *,
    confidence: float,
    weights: Values | None = None,
) -> PairedChange:
    """A metric of two models on the same rows: Student's t on the rows' influence.

    Squared errors of few rows can hide that a rare row costs more than all others, so that a loss
    is passed as ruled out. Refused is therefore an error whose kurtosis is above `HEAVY`, or
    above rows / `FEW_HEAVY`. The kurtosis of the *squared* errors, above 30 (statistics.md §2),
    grows with the rows: it refuses .95 of Student's t(5) at 1,000 rows, where the interval covers
    .96, and .16 at 50 rows, where it covers .92; this rule refuses .10 and .29. No rule on the
    rows at hand can see a tail that they do not show: what is still judged of Student's t(3) or
    of lognormal errors covers too little (docs/soundness.md), a mean absolute error does not.

    Raises:
        UndefinedError: as `regression_value` for either model.
    """
    scaled = _require_rows(kind, len(labels), weights)
    before, after = (_find_errors(labels, side, scaled) for side in (old, new))
    if kind == "mean_absolute_error":
        before, after = np.abs(before), np.abs(after)
    if kind in ("mean_absolute_error", "mean_error"):
        return mean_change(before, after, confidence=confidence, weights=weights)
    for errors in (before, after):
        _require_light_tails(errors, scaled)
    before, after = before**2, after**2
    if kind == "mean_squared_error":
        return mean_change(before, after, confidence=confidence, weights=weights)
    linearise = _linearise_roots if kind == "root_mean_squared_error" else _linearise_shares
    baseline, candidate, contributions, influence = linearise(labels, before, after, scaled)
    change = candidate - baseline
    estimate = weighted_mean(change + influence, weights)
    return PairedChange(
        baseline=baseline,
        candidate=candidate,
        interval=estimate.interval(confidence),
        contributions=scaled * contributions,
        rows=int(np.count_nonzero(scaled)),
    )


def _linearise_roots(
    _: Values, before: Values, after: Values, scaled: Values
) -> tuple[float, float, Values, Values]:
    """RMSE of both, contributions and influence: a² − b² = (a + b)(a − b) makes them exact."""
    baseline, candidate = (math.sqrt(_average(side, scaled)) for side in (before, after))
    both = baseline + candidate
    if both == 0:
        return 0.0, 0.0, np.zeros(len(before)), np.zeros(len(before))
    influence = np.zeros(len(before))
    for sign, squares, root in ((-1, before, baseline), (1, after, candidate)):
        if root:
            influence += sign * (squares - root**2) / (2 * root)
    return baseline, candidate, (after - before) / both, influence


def _linearise_shares(
    labels: Values, before: Values, after: Values, scaled: Values
) -> tuple[float, float, Values, Values]:
    """R² of both, contributions and influence."""
    spread = _find_spread(labels, scaled)
    variance = _average(spread, scaled)
    baseline, candidate = (1 - _average(side, scaled) / variance for side in (before, after))
    contributions = (before - after) / variance
    influence = contributions - (candidate - baseline) * spread / variance
    return baseline, candidate, contributions, influence


def _average(values: Values, scaled: Values) -> float:
    return float(scaled @ values) / len(values)


def _find_errors(labels: Values, predictions: Values, scaled: Values) -> Values:
    """Prediction − label; 0 without weight, so that nothing can come of it."""
    if len(labels) != len(predictions):
        raise ValueError(f"{len(labels)} labels for {len(predictions)} predictions")
    for what, numbers in (("label", labels), ("prediction", predictions)):
        if not (np.abs(numbers) <= _LARGEST).all():
            raise UndefinedError(f"a {what} is not a finite number below {_LARGEST:g}")
    return np.where(scaled > 0, predictions - labels, 0.0)


def _find_spread(labels: Values, scaled: Values) -> Values:
    """Squared distances of the labels from their mean."""
    here = labels[scaled > 0]
    if here.min() == here.max():
        raise UndefinedError(f"every label is {float(here[0])!r}; R² needs labels that differ")
    shifted = labels - here[0]  # a large common offset would swallow the differences
    away = np.where(scaled > 0, shifted - _average(shifted, scaled), 0.0)
    squares = np.asarray(away**2)
    if not squares.any():
        raise UndefinedError("the labels differ by so little that their squares vanish")
    return squares


def _require_rows(kind: Kind, rows: int, weights: Values | None) -> Values:
    scaled = require_weights(weights, rows)
    least = FEW_ROWS if kind in ("mean_absolute_error", "mean_error") else FEW_ROWS_OF_SQUARES
    found = effective_rows(scaled)
    if round(found, 6) < least:
        worth = "" if weights is None else " of equal weight"
        raise UndefinedError(f"{found:.4g} rows{worth}; {kind} is judged from {least} on")
    return scaled


def _require_light_tails(errors: Values, scaled: Values) -> None:
    """Kurtosis about zero: E[e⁴] / E[e²]²."""
    errors, scaled = errors[scaled > 0], scaled[scaled > 0]
    largest = float(np.abs(errors).max())
    if largest == 0:
        return
    squares = (errors / largest) ** 2
    kurtosis = float(scaled.sum() * (scaled @ squares**2)) / float(scaled @ squares) ** 2
    limit = min(HEAVY, effective_rows(scaled) / FEW_HEAVY)
    if kurtosis > limit:
        raise UndefinedError(
            f"few rows make up most of the squared error (kurtosis {kurtosis:.1f}, judged up to "
            f"{limit:.1f} on so many rows); prefer mean_absolute_error"
        )
