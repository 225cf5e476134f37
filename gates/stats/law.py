"""Distribution functions and quantiles of the normal, Student's, beta and binomial laws.

Scalars only, from `math` alone: importing `scipy.special` for them would cost 170 ms, more than
a whole report takes. Tests hold them to scipy's values.
"""

import math

from gates.stats.root import find_root

_TINY = 1e-300
_EPSILON = 3e-16
_LARGE = 20.0  # where Stirling's series is exact to a double
_MOST_TERMS = 100_000
_MANY, _FAR = 1_000, 4.0  # degrees of freedom, and deviations: between both it is good to a double
_AS_GOOD_AS_NORMAL = 1e10  # degrees of freedom, beyond which both quantiles share ten digits


def normal_cdf(z: float) -> float:
    """Probability of at most `z`, with full relative precision in the lower tail."""
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_quantile(probability: float) -> float:
    """The point below which a normal variable lies with this probability.

    Source: Abramowitz & Stegun 26.2.23 as a start, then Halley's steps on `normal_cdf`.
    """
    if probability > 0.5:  # noqa: PLR2004
        return -normal_quantile(1 - probability)
    if probability <= 0:
        return -math.inf
    root = math.sqrt(-2 * math.log(probability))
    above = 2.515517 + root * (0.802853 + root * 0.010328)
    below = 1 + root * (1.432788 + root * (0.189269 + root * 0.001308))
    z = above / below - root
    for _ in range(3):
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        step = (normal_cdf(z) - probability) / density
        z -= step / (1 + z * step / 2)
    return z


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function.

    Source: continued fraction DLMF 8.17.22, evaluated by Lentz's method.
    """
    return _beta_cdf(x, 1 - x, a, b)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The point below which a beta variable lies with this probability."""
    return find_root(lambda x: beta_cdf(x, a, b) - probability, 0.0, 1.0, tolerance=1e-15)


def binomial_cdf(count: int, trials: int, chance: float) -> float:
    """Probability of at most `count` hits in so many trials."""
    if count < 0 or count >= trials:
        return 0.0 if count < 0 else 1.0
    return beta_cdf(1 - chance, trials - count, count + 1)


def student_cdf(t: float, degrees: float) -> float:
    """Probability of at most `t` with (not necessarily whole) degrees of freedom."""
    if degrees > _AS_GOOD_AS_NORMAL:
        return normal_cdf(t)
    square = t * t
    total = degrees + square
    tail = _beta_cdf(degrees / total, square / total, degrees / 2, 0.5) / 2
    return tail if t < 0 else 1 - tail


def student_quantile(probability: float, degrees: float) -> float:
    """The point below which Student's variable lies with this probability.

    Source: Cornish–Fisher expansion (Abramowitz & Stegun 26.7.5), of many degrees of freedom as it
    is, else as a start for Newton's steps.
    """
    z = normal_quantile(probability)
    if probability > 0.5:  # noqa: PLR2004
        return -student_quantile(1 - probability, degrees)
    if degrees > _AS_GOOD_AS_NORMAL or z == 0:
        return z
    if degrees < 10 or z < -6:  # noqa: PLR2004 - where the expansion is no good start
        return _search_student(probability, degrees, z)
    t = z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    if degrees > _MANY and z > -_FAR:
        third = 3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z
        fourth = 79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z
        return t + third / (384 * degrees**3) + fourth / (92160 * degrees**4)
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    for _ in range(30):
        kernel = math.log1p(t * t / degrees) * (degrees + 1) / 2
        density = math.exp(scale - kernel) / math.sqrt(degrees * math.pi)
        step = (student_cdf(t, degrees) - probability) / density
        t -= step
        if abs(step) < 1e-9 * abs(t):  # converges quadratically
            break
    return t


def _search_student(probability: float, degrees: float, z: float) -> float:
    left = 2 * z - 1
    while student_cdf(left, degrees) > probability:
        left *= 2
    return find_root(lambda t: student_cdf(t, degrees) - probability, left, 0.0)


def _beta_cdf(x: float, rest: float, a: float, b: float) -> float:
    """The same with `rest` = 1 − x given, which rounding would else lose next to 1."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_tail(rest, x, b, a)
    return _beta_tail(x, rest, a, b)


def _beta_tail(x: float, rest: float, a: float, b: float) -> float:
    d = 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    c, fraction = 1.0, d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = 1 + term / c
            c = c if abs(c) > _TINY else _TINY
            fraction *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return math.exp(_log_front(x, rest, a, b)) * fraction / a


def _log_front(x: float, rest: float, a: float, b: float) -> float:
    """log(x^a (1 − x)^b / B(a, b)) without the cancellation of large log-gamma values."""
    log_x = math.log(x) if x < rest else math.log1p(-rest)
    log_rest = math.log(rest) if rest < x else math.log1p(-x)
    if max(a, b) < _LARGE:
        return a * log_x + b * log_rest - math.lgamma(a) - math.lgamma(b) + math.lgamma(a + b)
    if a < b:
        return _log_front(rest, x, b, a)
    rest_error = _stirling_error(a) - _stirling_error(a + b)
    if b < _LARGE:
        fall = (a - 0.5) * math.log1p(b / a) + b * math.log(a + b) - b
        return a * log_x + b * log_rest + fall - math.lgamma(b) - rest_error
    total = a + b
    shares = a * math.log1p(x * total / a - 1) + b * math.log1p(rest * total / b - 1)
    return shares + math.log(a * b / total / (2 * math.pi)) / 2 - rest_error - _stirling_error(b)


def _stirling_error(a: float) -> float:
    """log-gamma minus Stirling's formula, for `a` of at least `_LARGE`."""
    square = a * a
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / a
