import math

import numpy as np
import pytest
from scipy import special, stats

from gates.stats.law import (
    beta_cdf,
    beta_quantile,
    binomial_cdf,
    normal_cdf,
    normal_quantile,
    student_cdf,
    student_quantile,
)
from gates.stats.quantile import critical_t, critical_z

DEGREES = [1, 2, 2.5, 5, 9, 10, 11, 29, 30, 100, 399, 1_000, 1_001, 51_999, 1e7]


@pytest.mark.parametrize("z", np.linspace(-35, 8, 87))
def test_normal_cdf_is_scipys(z: float) -> None:
    assert normal_cdf(z) == pytest.approx(special.ndtr(z), rel=1e-12)


@pytest.mark.parametrize("probability", [1e-200, 1e-30, 1e-9, 0.001, 0.05, 0.4, 0.5, 0.9, 0.999])
def test_normal_quantile_is_scipys(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(special.ndtri(probability), rel=1e-13)


def test_normal_quantile_of_nothing_is_infinite() -> None:
    assert normal_quantile(0.0) == -math.inf
    assert normal_quantile(1.0) == math.inf


@pytest.mark.parametrize("degrees", DEGREES)
def test_student_cdf_is_scipys(degrees: float) -> None:
    for t in np.linspace(-9, 9, 37):
        assert student_cdf(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), rel=1e-9)


@pytest.mark.parametrize("degrees", DEGREES)
def test_student_quantile_is_scipys(degrees: float) -> None:
    for probability in [1e-6, 1e-4, 0.005, 0.01, 0.025, 0.05, 0.3, 0.5, 0.8, 0.999]:
        expected = stats.t.ppf(probability, degrees)
        assert student_quantile(probability, degrees) == pytest.approx(
            expected, rel=1e-8, abs=1e-12
        )


@pytest.mark.parametrize("z", [-3.999, -2.5, -0.1])
def test_the_expansion_is_as_good_as_newtons_steps(z: float) -> None:
    probability = normal_cdf(z)
    few, more = student_quantile(probability, 1_000), student_quantile(probability, 1_000.0001)
    assert few == pytest.approx(more, rel=1e-9)
    assert student_cdf(more, 1_000.0001) == pytest.approx(probability, rel=1e-12)


def test_student_with_infinite_degrees_is_normal() -> None:
    assert student_cdf(-1.5, math.inf) == normal_cdf(-1.5)
    assert student_quantile(0.1, math.inf) == normal_quantile(0.1)


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (3, 10), (480, 1_000), (50_000, 100_900)])
def test_binomial_cdf_is_scipys(hits: int, trials: int) -> None:
    assert binomial_cdf(hits, trials, 0.5) == pytest.approx(
        stats.binom.cdf(hits, trials, 0.5), rel=1e-10
    )


def test_binomial_cdf_outside_the_trials() -> None:
    assert binomial_cdf(-1, 4, 0.5) == 0
    assert binomial_cdf(4, 4, 0.5) == 1
    assert binomial_cdf(0, 0, 0.5) == 1


@pytest.mark.parametrize(("a", "b"), [(0.5, 3), (1, 12), (4, 37), (30, 2_000), (19.9, 20.1)])
def test_beta_is_scipys(a: float, b: float) -> None:
    for x in (0.0, 0.001, 0.02, 0.3, 0.7, 1.0):
        assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-11)
    for probability in (0.005, 0.025, 0.975):
        assert beta_quantile(probability, a, b) == pytest.approx(
            special.betaincinv(a, b, probability), abs=1e-13
        )


def test_critical_values_everybody_knows() -> None:
    assert critical_z(0.95) == pytest.approx(1.959963984540054, rel=1e-14)
    assert critical_t(0.95, 10) == pytest.approx(2.228138851964939, rel=1e-10)
    assert critical_t(0.95, math.inf) == critical_z(0.95)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
def test_what_is_no_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        critical_z(confidence)
