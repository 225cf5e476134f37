"""What cross-validation says of a metric: where it lies, and how far folds lie apart."""

import math
from collections.abc import Sequence

import msgspec

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.root import find_root
from gates.stats.undefined import UndefinedError

FEWEST = 2  # folds
_FURTHEST = 60.0  # deviations of a chi-square variable beyond which nothing lies


class FoldSpread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deviation of a metric between folds, as one standard deviation."""

    deviation: float
    degrees: int  # of freedom

    def interval(self, confidence: float) -> Interval:
        """The true deviation by the law of a normal sample's variance.

        Folds share training rows, so it is a rough one; Bengio & Grandvalet, JMLR 5 (2004) 1089,
        show that no unbiased one exists.
        """
        tail = (1 - confidence) / 2
        upper = chi_square_quantile(tail, self.degrees)
        lower = chi_square_quantile(1 - tail, self.degrees)
        squares = self.degrees * self.deviation**2
        return Interval(math.sqrt(squares / lower), math.sqrt(squares / upper))

    def p_at_most(self, ceiling: float) -> float:
        """One-sided p-value of the hypothesis that the true deviation is at most `ceiling`."""
        if self.deviation == 0:
            return 1.0
        if ceiling <= 0:
            return 0.0
        return chi_square_tail(self.degrees * (self.deviation / ceiling) ** 2, self.degrees)


def mean_over_folds(values: Sequence[float]) -> Estimate:
    """The metric that such a training has, with the error of one round of cross-validation.

    The variance of the mean is s²(1/k + n₂/n₁) with n₂ rows tested and n₁ trained on in a fold, and
    n₂/n₁ = 1/(k − 1): folds share training rows, so that s²/k is far too small. Source: Nadeau &
    Bengio, Machine Learning 52 (2003) 239, the corrected resampled t.

    Raises:
        UndefinedError: fewer than two folds.
    """
    folds = len(values)
    deviation = measure_fold_spread(values).deviation
    return Estimate(
        value=_mean(values),
        standard_error=deviation * math.sqrt(1 / folds + 1 / (folds - 1)),
        degrees=folds - 1,
    )


def measure_fold_spread(values: Sequence[float]) -> FoldSpread:
    """The sample standard deviation over folds.

    Raises:
        UndefinedError: fewer than two folds.
    """
    folds = len(values)
    if folds < FEWEST:
        raise UndefinedError(f"{folds} folds; a spread needs {FEWEST}")
    mean = _mean(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return FoldSpread(math.sqrt(squares / (folds - 1)), folds - 1)


def _mean(values: Sequence[float]) -> float:
    """Exact where all are equal, so that equal folds do not differ by rounding."""
    first = values[0]
    return first + math.fsum(value - first for value in values) / len(values)


def compare_with_folds(value: float, error: float, folds: Estimate) -> Estimate:
    """A value on other rows minus what folds say, with the errors of both.

    Args:
        value: the metric on the test rows.
        error: its standard error.
        folds: what `mean_over_folds` gives.

    Returns:
        The difference; its degrees of freedom are Satterthwaite's, Biometrics Bulletin 2 (1946).
    """
    own = folds.standard_error**2
    total = own + error**2
    degrees = math.inf if own == 0 else folds.degrees * (total / own) ** 2
    return Estimate(value=value - folds.value, standard_error=math.sqrt(total), degrees=degrees)


def p_no_further(difference: Estimate, ceiling: float) -> float:
    """P-value of the hypothesis that a true difference is at most `ceiling`, to either side.

    It is largest where the truth lies on the ceiling; then both tails count.
    """
    size = abs(difference.value)
    if difference.standard_error == 0:
        return 1.0 if size <= ceiling else 0.0
    mirrored = msgspec.structs.replace(difference, value=size)
    return min(1.0, mirrored.p_at_most(ceiling) + mirrored.p_at_most(-ceiling))


def chi_square_tail(value: float, degrees: int) -> float:
    """Probability of more than `value` with whole degrees of freedom.

    Source: Abramowitz & Stegun 26.4.4 and 26.4.5, finite sums.
    """
    half = value / 2
    if half <= 0:
        return 1.0
    odd = degrees % 2
    tail = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    power = 0.5 if odd else 1.0
    while power < degrees / 2:
        tail += math.exp(power * math.log(half) - half - math.lgamma(power + 1))
        power += 1
    return min(1.0, tail)


def chi_square_quantile(probability: float, degrees: int) -> float:
    """The point below which a chi-square variable lies with this probability."""
    most = degrees + _FURTHEST * math.sqrt(2 * degrees)
    return find_root(lambda x: 1 - chi_square_tail(x, degrees) - probability, 0.0, most)
