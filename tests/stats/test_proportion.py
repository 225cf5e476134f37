import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import relative_risk

from gates.stats.proportion import (
    clopper_pearson,
    katz_ratio,
    koopman_ratio,
    newcombe_difference,
    p_share_at_most,
    wilson,
)
from gates.stats.undefined import UndefinedError

Reference = Callable[[str], dict[str, Any]]

COUNTS = [(0, 1), (1, 1), (0, 12), (3, 40), (12, 12), (500, 52_000)]


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    rows = draw(st.integers(1, 400))
    return draw(st.integers(0, rows)), rows


@pytest.mark.parametrize(("count", "rows"), COUNTS)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_single_proportions_are_scipys(count: int, rows: int, confidence: float) -> None:
    test = stats.binomtest(count, rows)
    pairs = (
        (wilson(count, rows, confidence), test.proportion_ci(confidence, method="wilson")),
        (clopper_pearson(count, rows, confidence), test.proportion_ci(confidence, method="exact")),
    )
    for interval, expected in pairs:
        assert interval.lower == pytest.approx(expected.low, abs=1e-12)
        assert interval.upper == pytest.approx(expected.high, abs=1e-12)


def test_clopper_pearson_against_r(reference: Reference) -> None:
    case = reference("clopper.0of12")
    ours = [clopper_pearson(x, n, 0.95) for x, n in zip(*case["input"].values(), strict=True)]
    limits = [limit for interval in ours for limit in (interval.lower, interval.upper)]
    assert limits == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("indep.perondi.newcombe", newcombe_difference),
        ("ratio.perondi.katz", katz_ratio),
        ("R.ratio.b.katz", katz_ratio),
        ("R.ratio.c.katz", katz_ratio),
        ("ratio.koopman.x2zero", koopman_ratio),
    ],
)
def test_two_proportions_against_references(name: str, method: type, reference: Reference) -> None:
    case = reference(name)
    interval = method(*(case["input"][key] for key in ("x1", "n1", "x2", "n2")), 0.95)
    expected = [float(limit) for limit in case["expected"]]
    assert [interval.lower, interval.upper] == pytest.approx(expected, abs=case["tolerance"])


def test_katz_is_scipys() -> None:
    expected = relative_risk(40, 500, 30, 200).confidence_interval(0.9)
    interval = katz_ratio(40, 500, 30, 200, 0.9)
    assert interval.lower == pytest.approx(expected.low, rel=1e-12)
    assert interval.upper == pytest.approx(expected.high, rel=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "lower", "upper"),
    [
        ((0, 10), (0, 20), 0.0, math.inf),
        ((0, 10), (5, 20), 0.0, None),
        ((5, 10), (0, 20), None, math.inf),
        ((10, 10), (20, 20), 10 / (10 + 3.841458820694124), (20 + 3.841458820694124) / 20),
    ],
    ids=["no hit at all", "none in the first", "none in the second", "all hits"],
)
def test_koopman_in_the_corners(
    first: tuple[int, int], second: tuple[int, int], lower: float | None, upper: float | None
) -> None:
    interval = koopman_ratio(*first, *second, 0.95)
    assert interval.lower < interval.upper
    if lower is not None:
        assert interval.lower == pytest.approx(lower)
    if upper is not None:
        assert interval.upper == pytest.approx(upper)


@given(shares(), shares())
def test_swapping_the_sides_of_a_ratio_inverts_its_interval(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    here, there = koopman_ratio(*first, *second, 0.9), koopman_ratio(*second, *first, 0.9)
    assert here.lower == pytest.approx(1 / there.upper if there.upper else math.inf, rel=1e-9)


@given(shares(), shares())
def test_koopmans_interval_holds_the_estimate_and_grows_with_confidence(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    narrow, wide = (koopman_ratio(*first, *second, level) for level in (0.8, 0.99))
    assert wide.lower <= narrow.lower
    assert narrow.upper <= wide.upper
    if second[0]:
        assert first[0] / first[1] / (second[0] / second[1]) in narrow


@given(shares(), shares())
def test_newcombes_interval_holds_the_estimate_and_mirrors(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    interval = newcombe_difference(*first, *second, 0.95)
    mirror = newcombe_difference(*second, *first, 0.95)
    assert interval.lower - 1e-12 <= first[0] / first[1] - second[0] / second[1]
    assert interval.lower == pytest.approx(-mirror.upper, abs=1e-12)
    assert -1 - 1e-12 <= interval.lower < interval.upper <= 1 + 1e-12


@given(shares())
def test_wilson_lies_within_clopper_pearson_s_reach_and_holds_the_estimate(
    share: tuple[int, int],
) -> None:
    for method in (wilson, clopper_pearson):
        narrow, wide = method(*share, 0.8), method(*share, 0.99)
        assert 0 <= wide.lower <= narrow.lower <= share[0] / share[1] + 1e-12
        assert share[0] / share[1] - 1e-12 <= narrow.upper <= wide.upper <= 1


def test_no_rows_have_no_share() -> None:
    with pytest.raises(UndefinedError, match="found 0"):
        wilson(0, 0, 0.95)
    with pytest.raises(UndefinedError, match="at least one row"):
        koopman_ratio(1, 2, 0, 0, 0.95)
    with pytest.raises(UndefinedError, match="hit on both sides"):
        katz_ratio(0, 2, 1, 2, 0.95)


def test_more_hits_than_rows_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="3 of 2 rows"):
        wilson(3, 2, 0.95)


@pytest.mark.parametrize(("count", "rows"), COUNTS)
@pytest.mark.parametrize("ceiling", [0.0, 0.01, 0.3, 1.0])
def test_a_share_at_most_is_the_exact_binomial_test(count: int, rows: int, ceiling: float) -> None:
    expected = stats.binomtest(count, rows, ceiling, alternative="greater").pvalue
    assert p_share_at_most(count, rows, ceiling) == pytest.approx(expected, rel=1e-9)
