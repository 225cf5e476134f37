"""Numbers in another unit: the known rescalings, and how many of a sample's values one explains.

Two ways: rows that both samples have are compared value by value; other rows by the distribution
that a mixture would have, of values as they were and of values in the other unit.
"""

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.law import normal_quantile
from gates.stats.undefined import UndefinedError

Floats = NDArray[np.float64]

_GRID = 100  # quantiles of each of: old values, new values, old values rescaled
_NEAR = 1e-3  # relative, of a value that a rescaling should have given
_ROUNDED = 0.999  # of whole numbers, which may be cut off as well
_KEPT_DIGITS = 2.0  # units below which a rounded whole number says nothing about a factor
_APART = 0.8  # largest gap between values and rescaled values, for a few to be told apart
_NEARLY_ALL = 0.8  # share of values from which on a whole column is in another unit
_BY_WHOLE = 0.95  # explained of a whole column
_MISSES = 0.02  # as a distance, so that values that doubled are not taken for pounds
_NOISE = 1.63  # of Kolmogorov's distance at 1 %: Smirnov's limit law

_FACTORS = (
    (1000.0, "1,000"),
    (100.0, "100"),
    (10.0, "10"),
    (12.0, "12"),
    (7.0, "7"),
    (24.0, "24"),
    (60.0, "60"),
    (3600.0, "3,600"),
    (1024.0, "1,024"),
    (1e6, "1,000,000"),
    (2.54, "2.54"),
    (0.3048, "0.3048"),
    (0.45359237, "0.4536"),
    (1.609344, "1.609"),
)  # thousands, hundreds, months, weeks, hours, minutes, bytes; inches, feet, pounds, miles


class Rescaling(msgspec.Struct, frozen=True):
    """One way in which numbers change their unit; both functions map arrays."""

    name: str  # as a reader says it of the new values: `100 times what it was`
    apply: Callable[[Floats], Floats]
    undo: Callable[[Floats], Floats]
    falls: bool = False  # larger values become smaller ones


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """How well one rescaling explains that two samples differ.

    `share` of the new values is in the other unit, at least `lower` of it; `explained` is the part
    of the squared distance of both distribution functions, `shape` the same of where the rescaled
    values must lie alone and of how they lie there; both at most 1.
    """

    rescaling: Rescaling
    share: float
    lower: float
    explained: float
    shape: float
    apart: float  # how far rescaled values are from the old ones, as a Kolmogorov distance
    misses: float  # how far they are from the new ones
    noise: float  # what chance explains of that

    @property
    def is_recognised(self) -> bool:
        """Whether the change has the form of this rescaling and of nothing as simple."""
        if self.share >= _NEARLY_ALL:
            return self.explained >= _BY_WHOLE and self.misses <= max(_MISSES, self.noise)
        return self.apart >= _APART and min(self.explained, self.shape) >= _APART

    @property
    def rank(self) -> tuple[bool, float]:
        """The smaller the better: what is recognised, by how many values moved and how they lie."""
        return not self.is_recognised, -self.explained - self.shape


def _times(factor: float, name: str) -> tuple[Rescaling, Rescaling]:
    def up(values: Floats) -> Floats:
        return values * factor

    def down(values: Floats) -> Floats:
        return values / factor

    return Rescaling(f"{name} times", up, down), Rescaling(f"1/{name} of", down, up)


def _log10(values: Floats) -> Floats:
    return np.log10(np.maximum(values, np.finfo(float).tiny))


def _log(values: Floats) -> Floats:
    return np.log(np.maximum(values, np.finfo(float).tiny))


def _log_of_more(values: Floats) -> Floats:
    return np.log1p(np.maximum(values, -1 + np.finfo(float).eps))


def _power_of_10(values: Floats) -> Floats:
    return np.power(10.0, np.minimum(values, 300))


def _power_of_e(values: Floats) -> Floats:
    return np.exp(np.minimum(values, 700))


def _power_less(values: Floats) -> Floats:
    return np.expm1(np.minimum(values, 700))


def _to_fahrenheit(values: Floats) -> Floats:
    return values * 1.8 + 32


def _to_celsius(values: Floats) -> Floats:
    return (values - 32) / 1.8


RESCALINGS: tuple[Rescaling, ...] = (
    *(one for factor, name in _FACTORS for one in _times(factor, name)),
    Rescaling("the negative of", np.negative, np.negative, falls=True),
    Rescaling("degrees Fahrenheit of degrees Celsius,", _to_fahrenheit, _to_celsius),
    Rescaling("degrees Celsius of degrees Fahrenheit,", _to_celsius, _to_fahrenheit),
    Rescaling("the natural logarithm of", _log, _power_of_e),
    Rescaling("the logarithm to base 10 of", _log10, _power_of_10),
    Rescaling("the logarithm of 1 more than", _log_of_more, _power_less),
)
_POSITIVE_ONLY = frozenset({_log, _log10})


def count_rescaled(
    old: Floats, new: Floats, rescaling: Rescaling, *, whole: bool
) -> NDArray[np.bool_]:
    """Which changed values are what a rescaling makes of the old ones; shape (values,).

    Args:
        old: the values as they were, all finite.
        new: the values of the same rows, each another one.
        rescaling: what is asked of.
        whole: new values were rounded to whole numbers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        expected = rescaling.apply(old)
        reach = np.maximum(_NEAR * np.abs(expected), 1e-12)
        if whole:
            told = np.abs(expected) >= _KEPT_DIGITS
            reach = np.where(told, np.maximum(reach, _ROUNDED), -1.0)
        return np.asarray(np.abs(new - expected) <= reach)


def fit_rescalings(
    old: Floats, new: Floats, alpha: float, tried: Sequence[Rescaling] = RESCALINGS
) -> list[Fit]:
    """The share of new values that each rescaling of the old ones would explain, best first.

    If a share s of the new values is rescaled, the distribution functions satisfy
    G − F = s (F∘T⁻¹ − F). On a grid of quantiles s is the slope of weighted least squares, a
    difference of two means of one function of the values: hence its standard error. Source: own
    derivation, by the minimum-distance estimate of a mixing share (Choi & Bulgren, JRSS B 30
    (1968)); its false alarms and coverage are simulated in `tests/stats/test_rescaling.py`.

    Args:
        old: values without NaN, of which 0 is left out (most rescalings leave it as it is).
        new: the same of the other sample.
        alpha: one-sided level of each lower limit.
        tried: the rescalings that are looked at.

    Raises:
        UndefinedError: a sample is empty.
    """
    if min(len(old), len(new)) == 0:
        raise UndefinedError(f"{len(old)} and {len(new)} values cannot be compared")
    old, new = np.sort(old), np.sort(new)
    spread = np.linspace(0, 1, _GRID + 2)[1:-1]
    places = [
        part[np.minimum((spread * len(part)).astype(np.intp), len(part) - 1)] for part in (old, new)
    ]
    fits = [
        _fit(old, new, places, one, -normal_quantile(alpha))
        for one in tried
        if one.apply not in _POSITIVE_ONLY or old[0] > 0
    ]
    return sorted((one for one in fits if one is not None), key=lambda one: one.rank)


def _fit(
    old: Floats, new: Floats, places: list[Floats], rescaling: Rescaling, z: float
) -> Fit | None:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        expected = rescaling.apply(places[0])
        grid = np.sort(np.concatenate([*places, expected]))
        back = rescaling.undo(grid)
    before, after = _cumulated(old, grid), _cumulated(new, grid)
    if rescaling.falls:
        moved = 1 - np.searchsorted(old, back, side="left") / len(old)
    else:
        moved = _cumulated(old, back)
    # Each point weighs by the inverse of its variance, as in Anderson and Darling's distance: few
    # values where there were none tell more than few more of many.
    middle = (before + after) / 2
    accuracy = 1 / np.sqrt(middle * (1 - middle) + 1 / (len(old) + len(new)))
    slope, distance = accuracy * (moved - before), accuracy * (after - before)
    length = float(slope @ slope)
    if length == 0 or not np.isfinite(grid).all():
        return None
    share = float(slope @ distance) / length
    missed = distance - share * slope
    # The slope is a mean over values of `weight`: what the grid points above a value add up to.
    weight = np.append(np.cumsum((accuracy * slope)[::-1])[::-1], 0.0) / length
    error = math.sqrt(_variance(weight, before) / len(old) + _variance(weight, after) / len(new))
    there = np.searchsorted(grid, expected)
    return Fit(
        rescaling=rescaling,
        share=min(1.0, share),
        lower=share - z * error,
        explained=_explained(distance, missed) if share > 0 else 0.0,
        shape=_explained(distance[there] - distance[there].mean(), missed[there]),
        apart=float(np.abs(moved - before).max()),
        misses=float(np.abs(moved - after).max()),
        noise=_NOISE * math.sqrt(1 / len(old) + 1 / len(new)),
    )


def _explained(distance: Floats, missed: Floats) -> float:
    whole = float(distance @ distance)
    return 1 - float(missed @ missed) / whole if whole > 0 else 0.0


def _cumulated(values: Floats, grid: Floats) -> Floats:
    return np.asarray(np.searchsorted(values, grid, side="right") / len(values))


def _variance(weight: Floats, cumulated: Floats) -> float:
    """Of the weights of values, which lie between grid points by these shares."""
    shares = np.diff(cumulated, prepend=0.0, append=1.0)
    mean = float(shares @ weight)
    return max(0.0, float(shares @ (weight - mean) ** 2))
