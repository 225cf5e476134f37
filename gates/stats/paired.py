"""Two models on the same rows: differences of proportions and of means.

`gains` are the rows that only the new model gets right, `losses` those that only the old one
gets right; delta = (gains − losses) / rows, so that positive is better.
"""

import math

import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.law import binomial_cdf, normal_cdf
from gates.stats.proportion import wilson
from gates.stats.quantile import critical_z
from gates.stats.root import find_root
from gates.stats.undefined import UndefinedError

_ROUNDING = 1e-12  # of shares of weighted rows


def tango(gains: float, losses: float, rows: float, confidence: float) -> Interval:
    """Score interval of a paired difference of proportions, honest from one row on.

    Without discordant rows it is ±z²/(rows + z²). Source: Tango, Statistics in Medicine 17 (1998)
    891.

    Raises:
        UndefinedError: there are no rows.
    """
    _require_rows(gains, losses, rows)
    z = critical_z(confidence)
    lower = _tango_lower(gains, losses, rows, z)
    return Interval(lower, -_tango_lower(losses, gains, rows, z))


def tango_noninferiority_p(gains: int, losses: int, rows: int, margin: float) -> float:
    """One-sided p-value of the hypothesis that the true loss is `margin` or more.

    It is below alpha exactly when the lower limit of `tango` at 1 − 2·alpha exceeds −margin.
    Source: Tango 1998, section 3.

    Raises:
        UndefinedError: there are no rows.
    """
    _require_rows(gains, losses, rows)
    if not 0 <= margin < 1:
        raise ValueError(f"margin {margin!r}: a loss of a proportion lies in [0, 1)")
    variance = _constrained_variance(gains, losses, rows, -margin)
    if variance <= 0:
        return 1.0
    return normal_cdf(-(gains - losses + rows * margin) / math.sqrt(variance))


def mcnemar_exact(gains: int, losses: int) -> float:
    """Exact one-sided p-value of harm; 1 without discordant rows.

    Source: McNemar, Psychometrika 12 (1947), conditional binomial form.
    """
    return binomial_cdf(gains, gains + losses, 0.5)


def mcnemar_mid_p(gains: int, losses: int) -> float:
    """Mid-p version of `mcnemar_exact`: half the probability of the observed split is left out.

    Source: Fagerland, Lydersen & Laake, BMC Medical Research Methodology 13:91 (2013).
    """
    at_most = mcnemar_exact(gains, losses)
    return (at_most + binomial_cdf(gains - 1, gains + losses, 0.5)) / 2


def newcombe_paired(
    both: int, gains: int, losses: int, neither: int, confidence: float
) -> Interval:
    """Square-and-add interval from the Wilson limits of both margins and their correlation.

    Source: Newcombe, Statistics in Medicine 17 (1998) 2635, method 10.

    Raises:
        UndefinedError: there are no rows.
    """
    rows = both + gains + losses + neither
    new, old = wilson(both + gains, rows, confidence), wilson(both + losses, rows, confidence)
    p, q = (both + gains) / rows, (both + losses) / rows
    phi = _corrected_phi(both, gains, losses, neither)

    def reach(one: float, two: float) -> float:
        return math.sqrt(max(0.0, one * one - 2 * phi * one * two + two * two))

    return Interval(
        p - q - reach(p - new.lower, old.upper - q), p - q + reach(new.upper - p, q - old.lower)
    )


def bonett_price(gains: int, losses: int, rows: int, confidence: float) -> Interval:
    """Wald interval after one pseudo-row in each discordant cell.

    Source: Bonett & Price, Statistics in Medicine 31 (2012) 1251.

    Raises:
        UndefinedError: there are no rows.
    """
    _require_rows(gains, losses, rows)
    interval = _wald(gains + 1, losses + 1, rows + 2).interval(confidence)
    return Interval(max(-1.0, interval.lower), min(1.0, interval.upper))


def wald_paired(gains: int, losses: int, rows: int, confidence: float) -> Interval:
    """The textbook interval: covers .37 instead of .95 at 50 rows; for comparison only.

    Raises:
        UndefinedError: there are no rows.
    """
    _require_rows(gains, losses, rows)
    return _wald(gains, losses, rows).interval(confidence)


def paired_mean(differences: NDArray[np.float64]) -> Estimate:
    """Mean of per-row differences with Student's t on n − 1 degrees of freedom.

    Source: Student, Biometrika 6 (1908).

    Raises:
        UndefinedError: fewer than two rows, or a difference that is not finite.
    """
    rows = _finite_rows(differences)
    if rows < 2:  # noqa: PLR2004
        raise UndefinedError(f"a paired mean needs at least 2 rows, found {rows}")
    spread = float(np.std(differences, ddof=1))
    value = float(np.mean(differences))
    return Estimate(value=value, standard_error=spread / math.sqrt(rows), degrees=rows - 1)


def clustered_mean(differences: NDArray[np.float64], groups: NDArray[np.intp]) -> Estimate:
    """Mean of per-row differences (or pseudo-values) when rows of one group hang together.

    The variance is G/(G − 1) Σ_g (Σ psi)² / n² with t(G − 1); `groups` holds codes from 0 on.
    Source: Liang & Zeger, Biometrika 73 (1986) for a mean, with the small-sample factor of CR1.

    Raises:
        UndefinedError: fewer than two groups, or a difference that is not finite.
    """
    rows = _finite_rows(differences)
    sizes = np.bincount(groups)
    count = int(np.count_nonzero(sizes))
    if count < 2:  # noqa: PLR2004
        raise UndefinedError(f"a clustered mean needs at least 2 groups, found {count}")
    value = float(np.mean(differences))
    sums = np.bincount(groups, weights=differences) - sizes * value
    variance = count / (count - 1) * float(sums @ sums) / rows**2
    return Estimate(value=value, standard_error=math.sqrt(variance), degrees=count - 1)


def _tango_lower(gains: float, losses: float, rows: float, z: float) -> float:
    """Where the score statistic equals z; the estimate itself is a false root in the corners."""
    square, difference = z * z, gains - losses
    if losses == rows:
        return -1.0
    if gains == rows:
        return (rows - square) / (rows + square)
    if gains + losses == 0:
        return -square / (rows + square)

    def excess(delta: float) -> float:
        variance = _constrained_variance(gains, losses, rows, delta)
        return difference - rows * delta - z * math.sqrt(variance)

    if excess(-1.0) <= 0:  # rounding, where all but every row is lost
        return -1.0
    return find_root(excess, -1.0, difference / rows)


def _constrained_variance(gains: float, losses: float, rows: float, delta: float) -> float:
    """Variance of gains − losses under a true difference `delta`, at the constrained estimate."""
    linear = (2 * rows - gains + losses) * delta - gains - losses
    constant = -losses * delta * (1 - delta)
    root = math.sqrt(max(0.0, linear * linear - 8 * rows * constant))
    # two forms of one root of the quadratic; each is free of cancellation where it is used
    share = -2 * constant / (linear + root) if linear > 0 else (root - linear) / (4 * rows)
    return max(0.0, rows * (2 * share + delta * (1 - delta)))


def _corrected_phi(both: int, gains: int, losses: int, neither: int) -> float:
    margins = (both + gains) * (losses + neither) * (both + losses) * (gains + neither)
    if margins == 0:
        return 0.0
    cross = both * neither - gains * losses
    half = (both + gains + losses + neither) / 2
    return (max(cross - half, 0.0) if cross > 0 else cross) / math.sqrt(margins)


def _wald(gains: int, losses: int, rows: int) -> Estimate:
    delta = (gains - losses) / rows
    variance = max(0.0, (gains + losses) / rows - delta * delta) / rows
    return Estimate(value=delta, standard_error=math.sqrt(variance))


def _require_rows(gains: float, losses: float, rows: float) -> None:
    if rows < 1:
        raise UndefinedError("a paired difference needs at least one row, found 0")
    if min(gains, losses) < 0 or gains + losses > rows * (1 + _ROUNDING):
        raise ValueError(f"{gains} gains and {losses} losses do not fit into {rows} rows")


def _finite_rows(values: NDArray[np.float64]) -> int:
    if not np.isfinite(values).all():
        raise UndefinedError("a difference is not a finite number")
    return len(values)
