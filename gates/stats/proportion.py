"""Intervals of one proportion, and of the difference and ratio of two independent ones.

Every confidence is two-sided; `interval.confidence_of(alpha)` makes a limit one-sided.
"""

import math
from collections.abc import Callable

from gates.stats.interval import Interval
from gates.stats.law import beta_cdf, beta_quantile
from gates.stats.quantile import critical_z
from gates.stats.root import find_root
from gates.stats.undefined import UndefinedError


def wilson(count: float, rows: float, confidence: float) -> Interval:
    """Score interval of a proportion, within [0, 1] and honest at any number of rows.

    Source: Wilson, JASA 22 (1927).

    Raises:
        UndefinedError: there are no rows.
    """
    share = _share(count, rows)
    square = critical_z(confidence) ** 2
    centre = count + square / 2
    reach = math.sqrt(square * (rows * share * (1 - share) + square / 4))
    lower = 0.0 if count == 0 else (centre - reach) / (rows + square)
    upper = 1.0 if count == rows else (centre + reach) / (rows + square)
    return Interval(lower, upper)


def clopper_pearson(count: int, rows: int, confidence: float) -> Interval:
    """Exact interval of a proportion: never covers less than stated, mostly more.

    Source: Clopper & Pearson, Biometrika 26 (1934), by quantiles of the beta law.

    Raises:
        UndefinedError: there are no rows.
    """
    _share(count, rows)
    critical_z(confidence)  # refuses what is no confidence
    tail = (1 - confidence) / 2
    lower = 0.0 if count == 0 else beta_quantile(tail, count, rows - count + 1)
    upper = 1.0 if count == rows else beta_quantile(1 - tail, count + 1, rows - count)
    return Interval(lower, upper)


def p_share_at_most(count: int, rows: int, ceiling: float) -> float:
    """One-sided p-value of the hypothesis that the true share is at most the ceiling: binomial."""
    if count == 0 or ceiling >= 1:
        return 1.0
    return beta_cdf(ceiling, count, rows - count + 1)


def newcombe_difference(
    first: float, first_rows: float, second: float, second_rows: float, confidence: float
) -> Interval:
    """Interval of first share − second share from two separate sets of rows.

    Source: Newcombe, Statistics in Medicine 17 (1998) 873, method 10 (square-and-add of Wilson).

    Raises:
        UndefinedError: one of the two has no rows.
    """
    one, two = wilson(first, first_rows, confidence), wilson(second, second_rows, confidence)
    p, q = first / first_rows, second / second_rows
    return Interval(
        p - q - math.hypot(p - one.lower, two.upper - q),
        p - q + math.hypot(one.upper - p, q - two.lower),
    )


def koopman_ratio(
    first: float, first_rows: float, second: float, second_rows: float, confidence: float
) -> Interval:
    """Score interval of first share / second share; (0, inf) when neither has a hit.

    Source: Koopman, Biometrics 40 (1984) 513; constrained estimate as in Nam, Biometrics 51 (1995).

    Raises:
        UndefinedError: one of the two has no rows.
    """
    p, q = _share(first, first_rows), _share(second, second_rows)
    z = critical_z(confidence)
    if p == 1 and q == 1:  # both variances vanish at a ratio of 1, where the search would stop
        return Interval(first_rows / (first_rows + z * z), (second_rows + z * z) / second_rows)

    def excess(log_ratio: float, z: float) -> float:
        ratio = math.exp(log_ratio)
        linear = ratio * (first_rows + second) + first + second_rows
        total = first_rows + second_rows
        product = 4 * ratio * total * (first + second)
        share = product / (linear + math.sqrt(max(0.0, linear * linear - product))) / (2 * total)
        other = share / ratio
        variance = share * (1 - share) / first_rows + ratio**2 * other * (1 - other) / second_rows
        return (p - ratio * q - z * math.sqrt(max(0.0, variance))) / (1 + ratio)

    lower = 0.0 if first == 0 else math.exp(_log_crossing(lambda t: excess(t, z)))
    upper = math.inf if second == 0 else math.exp(_log_crossing(lambda t: excess(t, -z)))
    return Interval(lower, upper)


def katz_ratio(
    first: int, first_rows: int, second: int, second_rows: int, confidence: float
) -> Interval:
    """Wald interval of log(first share / second share), for display beside Koopman's.

    Source: Katz et al., Biometrics 34 (1978) 469.

    Raises:
        UndefinedError: one of the two has no rows or no hit.
    """
    p, q = _share(first, first_rows), _share(second, second_rows)
    if first == 0 or second == 0:
        raise UndefinedError("the log of a ratio of shares needs a hit on both sides, found none")
    spread = math.sqrt((1 - p) / first + (1 - q) / second)
    reach = math.exp(critical_z(confidence) * spread)
    return Interval(p / q / reach, p / q * reach)


def _log_crossing(falling: Callable[[float], float]) -> float:
    """Where a function of the log ratio, positive on the left, crosses zero."""
    left, right = -1.0, 1.0
    while falling(left) <= 0:
        left *= 2
    while falling(right) >= 0:
        right *= 2
    return find_root(falling, left, right)


def _share(count: float, rows: float) -> float:
    if rows < 1:
        raise UndefinedError("a share needs at least one row, found 0")
    if not 0 <= count <= rows:
        raise ValueError(f"{count} of {rows} rows is not a share")
    return count / rows
