"""How much of a change is the model and how much is the test set.

Both models are scored on both test sets. Rows are positions in the union of the two sets.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.undefined import UndefinedError


class Square(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A metric of the old and new model on the old and new test set.

    The two effects are Shapley values: each is averaged over both orders of the change, and they
    add up to the whole. Source: Shapley, Contributions to the Theory of Games II (1953), for two
    players; statistics.md §6.
    """

    old_on_old: float
    new_on_old: float
    old_on_new: float
    new_on_new: float

    @property
    def model_effect(self) -> float:
        """What the new model changes, averaged over both test sets."""
        return (self.new_on_old - self.old_on_old + self.new_on_new - self.old_on_new) / 2

    @property
    def test_set_effect(self) -> float:
        """What the new test set changes, averaged over both models."""
        return (self.old_on_new - self.old_on_old + self.new_on_new - self.new_on_old) / 2

    @property
    def interaction(self) -> float:
        """How much more the new model gains on the new test set than on the old one."""
        return self.new_on_new - self.new_on_old - self.old_on_new + self.old_on_old


class TestSetValues(msgspec.Struct, frozen=True, eq=False):
    """Pseudo-values of one test set: ascending positions in the union, and values."""

    __test__ = False  # pytest must not take it for a test

    rows: NDArray[np.intp]
    values: NDArray[np.float64]


class Combination(msgspec.Struct, frozen=True, eq=False):
    """One effect: a value per row of the union, whose mean is the effect, and the estimate."""

    contributions: NDArray[np.float64]
    estimate: Estimate


def combine_differences(on_old: TestSetValues, on_new: TestSetValues) -> Combination:
    """The model effect from per-row differences new − old model on both test sets.

    Raises:
        UndefinedError: one of the sets has no rows.
    """
    return _combine(on_old, on_new, weights=(0.5, 0.5))


def combine_means(on_old: TestSetValues, on_new: TestSetValues) -> Combination:
    """The test-set effect from per-row means of both models' values on both test sets.

    Raises:
        UndefinedError: one of the sets has no rows.
    """
    return _combine(on_old, on_new, weights=(-1.0, 1.0))


def _combine(
    on_old: TestSetValues, on_new: TestSetValues, *, weights: tuple[float, float]
) -> Combination:
    """Weighted sum of two means; kept, removed and added rows are strata of fixed size."""
    if not (len(on_old.rows) and len(on_new.rows)):
        raise UndefinedError(
            f"both test sets need rows, found {len(on_old.rows)} old and {len(on_new.rows)} new"
        )
    total = int(max(on_old.rows[-1], on_new.rows[-1])) + 1
    summands, strata = np.zeros(total), np.zeros(total, dtype=np.intp)
    for side, (part, weight) in enumerate(zip((on_old, on_new), weights, strict=True), start=1):
        summands[part.rows] += part.values * (weight / len(part.rows))
        strata[part.rows] += side  # 1 removed, 2 added, 3 kept
    present = strata > 0
    contributions = summands[present] * np.count_nonzero(present)
    estimate = Estimate(
        value=float(summands.sum()),
        standard_error=math.sqrt(_sum_variances(summands, strata)),
    )
    return Combination(contributions, estimate)


def _sum_variances(summands: NDArray[np.float64], strata: NDArray[np.intp]) -> float:
    """Variance of the sum of all summands; a stratum of one row counts its whole square."""
    variance = 0.0
    for stratum in (1, 2, 3):
        part = summands[strata == stratum]
        if len(part) == 1:
            variance += float(part[0] ** 2)
        elif len(part):
            variance += float(np.var(part, ddof=1)) * len(part)
    return variance
