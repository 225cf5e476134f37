"""Values in another unit: by rows, and by distribution."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gates.stats.rescaling import RESCALINGS, Fit, count_rescaled, fit_rescalings
from gates.stats.undefined import UndefinedError

ALPHA = 0.01 / len(RESCALINGS)
BY_NAME = {one.name: one for one in RESCALINGS}

Floats = NDArray[np.float64]


def prices(seed: int, rows: int) -> Floats:
    return np.asarray(np.exp(np.random.default_rng(seed).normal(5, 1, rows)))


def found(old: Floats, new: Floats) -> Fit | None:
    fits = fit_rescalings(old, new, ALPHA)
    return next((fit for fit in fits if fit.is_recognised and fit.lower > 0), None)


@pytest.mark.parametrize("name", BY_NAME)
def test_each_rescaling_is_undone(name: str) -> None:
    values = np.array([0.5, 1.0, 3.0, 20.0, 90.0])
    one = BY_NAME[name]
    assert one.undo(one.apply(values)) == pytest.approx(values)
    assert (np.diff(one.apply(values)) < 0).all() == one.falls


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("100 times", 3.5, 350.0),
        ("1/12 of", 24.0, 2.0),
        ("2.54 times", 10.0, 25.4),
        ("the negative of", 7.0, -7.0),
        ("degrees Fahrenheit of degrees Celsius,", 20.0, 68.0),
        ("the natural logarithm of", np.e, 1.0),
        ("the logarithm of 1 more than", 0.0, 0.0),
    ],
)
def test_a_value_is_what_a_rescaling_makes_of_it(name: str, old: float, new: float) -> None:
    values = np.array([old]), np.array([new])
    assert count_rescaled(*values, BY_NAME[name], whole=False).all()
    assert not count_rescaled(values[0], values[1] + 0.5, BY_NAME[name], whole=False).any()


def test_a_whole_number_is_rounded_and_a_small_one_says_nothing() -> None:
    old, new = np.array([1250.0, 130.0, 49.0]), np.array([12.0, 1.0, 0.0])
    assert count_rescaled(old, new, BY_NAME["1/100 of"], whole=True).tolist() == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(("factor", "name"), [(100, "100 times"), (1 / 12, "1/12 of")])
def test_a_whole_column_in_another_unit(factor: float, name: str) -> None:
    fit = found(prices(1, 2000), factor * prices(2, 2000))
    assert fit is not None
    assert fit.rescaling.name == name
    assert fit.share == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.5])
def test_the_share_of_values_in_cents(share: float) -> None:
    new = prices(2, 20_000)
    new[: int(share * len(new))] *= 100
    fit = found(prices(1, 20_000), new)
    assert fit is not None
    assert fit.rescaling.name in {"100 times", "60 times"}  # few values lie nearly alike in both
    assert fit.share == pytest.approx(share, abs=0.015)
    assert 0 < fit.lower < share


def test_signs_and_temperatures() -> None:
    draws = np.random.default_rng(3)
    celsius = [draws.normal(20, 5, 5000) for _ in range(2)]
    fit = found(celsius[0], BY_NAME["degrees Fahrenheit of degrees Celsius,"].apply(celsius[1]))
    assert fit is not None
    assert fit.rescaling.name.startswith("degrees Fahrenheit")
    fit = found(prices(1, 5000), np.where(draws.random(5000) < 0.05, -1, 1) * prices(2, 5000))
    assert fit is not None
    assert fit.rescaling.name == "the negative of"


@pytest.mark.parametrize("growth", [1.03, 1.2, 0.8, 2, 5])
def test_a_real_change_is_not_taken_for_a_unit(growth: float) -> None:
    for seed in range(10):
        assert found(prices(seed, 5000), growth * prices(100 + seed, 5000)) is None


def test_a_tail_of_another_form_is_not_taken_for_a_unit() -> None:
    draws = np.random.default_rng(4)
    ages = draws.normal(50, 10, (2, 20_000))
    odd = draws.random(20_000) < 0.05
    ages[1, odd] = np.exp(draws.normal(6, 1.5, int(odd.sum())))
    assert found(ages[0], ages[1]) is None


def test_no_change_is_found_where_there_is_none() -> None:
    """Twenty draws of each of four laws and two sizes, at 1 % each."""
    draws = np.random.default_rng(5)
    laws: list[Callable[[int], Floats]] = [
        lambda rows: draws.lognormal(1, 1, rows),
        lambda rows: draws.normal(1, 1, rows),
        lambda rows: draws.exponential(1, rows),
        lambda rows: draws.standard_t(3, rows),
    ]
    alarms = sum(
        found(law(rows), law(rows)) is not None
        for rows in (40, 400)
        for law in laws
        for _ in range(20)
    )
    assert alarms <= 5


def test_the_lower_limit_covers() -> None:
    """The one-sided limit at 5 % of a share of 10 % in cents."""
    missed = 0
    for seed in range(200):
        new = prices(1000 + seed, 500)
        new[np.random.default_rng(seed).random(500) < 0.1] *= 100
        (fit,) = fit_rescalings(prices(seed, 500), new, 0.05, [BY_NAME["100 times"]])
        missed += fit.lower > 0.1
    assert missed <= 22  # of 10 expected


def test_an_empty_sample_is_refused_and_one_value_says_nothing() -> None:
    with pytest.raises(UndefinedError, match="0 and 1 values"):
        fit_rescalings(np.array([]), np.array([1.0]), ALPHA)
    assert found(np.array([1.0]), np.array([1.0])) is None


def test_equal_values_and_huge_ones_are_survived() -> None:
    assert found(np.full(50, 3.0), np.full(50, 3.0)) is None
    assert found(np.full(50, 1e308), np.full(50, 1e308)) is None
