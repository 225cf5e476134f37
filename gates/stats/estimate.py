"""An estimate that is (nearly) normal, and what follows from its standard error."""

import math

import msgspec

from gates.stats.interval import Interval
from gates.stats.law import student_cdf
from gates.stats.quantile import critical_t


class Estimate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value with its standard error; infinite degrees of freedom mean the normal law."""

    value: float
    standard_error: float
    degrees: float = math.inf

    def interval(self, confidence: float) -> Interval:
        """Two-sided symmetric interval; a single point where the standard error is zero."""
        reach = critical_t(confidence, self.degrees) * self.standard_error
        return Interval(self.value - reach, self.value + reach)

    def p_at_least(self, bound: float) -> float:
        """One-sided p-value of the hypothesis that the true value is at least `bound`.

        With bound 0 and positive-is-better this is the p-value of harm. Without any spread it
        is 0 below the bound and 1 elsewhere.
        """
        return self._lower_tail(self.value - bound)

    def p_at_most(self, bound: float) -> float:
        """One-sided p-value of the hypothesis that the true value is at most `bound`.

        With minus the margin as bound this is the p-value of a non-inferiority test.
        """
        return self._lower_tail(bound - self.value)

    def _lower_tail(self, distance: float) -> float:
        if self.standard_error == 0:
            return 0.0 if distance < 0 else 1.0
        return student_cdf(distance / self.standard_error, self.degrees)
