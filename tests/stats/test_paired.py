import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gates.stats.paired import (
    bonett_price,
    clustered_mean,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe_paired,
    paired_mean,
    tango,
    tango_noninferiority_p,
    wald_paired,
)
from gates.stats.undefined import UndefinedError

Reference = Callable[[str], dict[str, Any]]

SQUARE = stats.norm.ppf(0.975) ** 2


def _table(named: dict[str, int]) -> tuple[int, int, int, int]:
    return named["a"], named["b"], named["c"], named["d"]


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int]:
    rows = draw(st.integers(1, 3_000))
    gains = draw(st.integers(0, rows))
    return gains, draw(st.integers(0, rows - gains)), rows


@pytest.mark.parametrize(
    "name",
    [
        "paired.cavo.tango",
        "paired.tango1998.tableVII",
        "paired.tango.all_b",
        "R.bentur.Tango_asymptotic_score_CI_paired_2x2",
        "R.gate_mid.Tango_asymptotic_score_CI_paired_2x2",
        "R.gate_big.Tango_asymptotic_score_CI_paired_2x2",
        "paired.cavo.wald",
        "R.gate_small.Wald_CI_diff_paired_2x2",
        "R.gate_zero.Wald_CI_diff_paired_2x2",
        "R.gate_one.Wald_CI_diff_paired_2x2",
        "R.bentur.Wald_CI_BonettPrice_paired_2x2",
        "R.gate_mid.Wald_CI_BonettPrice_paired_2x2",
        "R.gate_big.Wald_CI_BonettPrice_paired_2x2",
    ],
)
def test_intervals_of_discordant_counts_against_references(name: str, reference: Reference) -> None:
    case = reference(name)
    a, b, c, d = _table(case["input"])
    method = wald_paired
    if "tango" in name.lower():
        method = tango
    elif "BonettPrice" in name:
        method = bonett_price
    interval = method(b, c, a + b + c + d, 0.95)
    assert [interval.lower, interval.upper] == pytest.approx(
        case["expected"], abs=case["tolerance"]
    )


@pytest.mark.parametrize("table", ["small", "zero", "one"])
def test_newcombe_against_r(table: str, reference: Reference) -> None:
    case = reference(f"R.gate_{table}.Newcombe_square_and_add_CI_paired_2x2")
    interval = newcombe_paired(*_table(case["input"]), 0.95)
    assert [interval.lower, interval.upper] == pytest.approx(
        case["expected"], abs=case["tolerance"]
    )


@pytest.mark.parametrize("rows", [50, 1000])
def test_tango_without_discordant_rows(rows: int, reference: Reference) -> None:
    case = reference(f"paired.tango.no_discordant.n{rows}")
    interval = tango(0, 0, rows, 0.95)
    assert [interval.lower, interval.upper] == pytest.approx(
        case["expected"], abs=case["tolerance"]
    )


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_tango_in_the_corners(rows: int) -> None:
    limit = (rows - SQUARE) / (rows + SQUARE)
    gained, lost = tango(rows, 0, rows, 0.95), tango(0, rows, rows, 0.95)
    assert [gained.lower, gained.upper] == pytest.approx([limit, 1], abs=1e-12)
    assert [lost.lower, lost.upper] == pytest.approx([-1, -limit], abs=1e-12)


@given(tables(), st.floats(0.5, 0.999))
def test_tango_holds_the_estimate_mirrors_and_grows_with_confidence(
    table: tuple[int, int, int], confidence: float
) -> None:
    gains, losses, rows = table
    interval, wider = tango(*table, confidence), tango(*table, (1 + confidence) / 2)
    assert -1 <= wider.lower <= interval.lower <= (gains - losses) / rows
    assert (gains - losses) / rows <= interval.upper <= wider.upper <= 1
    mirrored = -tango(losses, gains, rows, confidence)
    assert (interval.lower, interval.upper) == pytest.approx((mirrored.lower, mirrored.upper))


@given(tables(), st.floats(0.001, 0.9))
def test_noninferiority_is_tangos_interval_inverted(
    table: tuple[int, int, int], margin: float
) -> None:
    p_value = tango_noninferiority_p(*table, margin)
    if 1e-6 < p_value < 0.4:
        lower = tango(*table, 1 - 2 * p_value).lower
        assert lower == pytest.approx(-margin, abs=1e-6)


def test_noninferiority_with_margin_0_and_nothing_discordant_shows_nothing() -> None:
    assert tango_noninferiority_p(0, 0, 20, 0.0) == 1


@pytest.mark.parametrize("margin", [-0.1, 1.0, math.nan])
def test_what_is_no_margin_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        tango_noninferiority_p(1, 1, 20, margin)


@pytest.mark.parametrize("table", ["small", "zero", "one"])
def test_exact_mcnemar_against_r(table: str, reference: Reference) -> None:
    case = reference(f"R.gate_{table}.McNemar_exact_cond_test_paired_2x2")
    gains, losses = case["input"]["b"], case["input"]["c"]
    two_sided = min(1.0, 2 * mcnemar_exact(gains, losses))
    assert [two_sided] == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize("table", ["small", "one"])
def test_one_sided_mcnemar_against_r(table: str, reference: Reference) -> None:
    case = reference(f"R.gate_{table}.onesided_exact")
    p_value = mcnemar_exact(case["input"]["b"], case["input"]["c"])
    assert [p_value] == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize(
    "name",
    [
        "paired.cavo.mcnemar_midp",
        "R.bentur.McNemar_midP_test_paired_2x2",
        "R.gate_mid.McNemar_midP_test_paired_2x2",
        "R.gate_big.McNemar_midP_test_paired_2x2",
    ],
)
def test_mid_p_mcnemar_against_references(name: str, reference: Reference) -> None:
    case = reference(name)
    expected = np.atleast_1d(case["expected"])[0]
    p_value = 2 * mcnemar_mid_p(case["input"]["b"], case["input"]["c"])
    assert p_value == pytest.approx(expected, abs=case["tolerance"])


def test_exact_mcnemar_is_scipys_binomial_test() -> None:
    for gains, losses in [(0, 0), (5, 0), (0, 5), (40, 61), (26_000, 26_300)]:
        if gains + losses:
            expected = stats.binomtest(gains, gains + losses, alternative="less").pvalue
        else:
            expected = 1.0
        assert mcnemar_exact(gains, losses) == pytest.approx(expected, rel=1e-9)


@given(tables())
def test_other_paired_intervals_hold_the_estimate(table: tuple[int, int, int]) -> None:
    gains, losses, rows = table
    delta = (gains - losses) / rows
    interval = newcombe_paired(rows - gains - losses, gains, losses, 0, 0.95)
    assert interval.lower - 1e-9 <= delta <= interval.upper + 1e-9
    interval = bonett_price(*table, 0.95)
    assert -1 <= interval.lower <= interval.upper <= 1


def test_paired_mean_is_scipys_paired_t() -> None:
    rng = np.random.default_rng(5)
    old, new = rng.exponential(size=60), rng.exponential(size=60)
    expected = stats.ttest_rel(new, old)
    limits = expected.confidence_interval(0.9)
    estimate = paired_mean(new - old)
    interval = estimate.interval(0.9)
    assert (interval.lower, interval.upper) == pytest.approx((limits.low, limits.high), rel=1e-10)
    assert 2 * estimate.p_at_most(0) == pytest.approx(expected.pvalue, rel=1e-9)


def test_clustered_mean_by_hand() -> None:
    # Mean 2; the groups' sums of differences from it are −2, 0 and 2: 3/2 · 8 / 6² = 1/3.
    differences = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    estimate = clustered_mean(differences, np.array([0, 0, 1, 1, 2, 2]))
    assert estimate.value == 2
    assert estimate.standard_error == pytest.approx(math.sqrt(1 / 3))
    assert estimate.degrees == 2


def test_one_row_a_group_gives_the_paired_t_again() -> None:
    differences = np.random.default_rng(1).normal(size=50)
    apart, plain = clustered_mean(differences, np.arange(50)), paired_mean(differences)
    assert apart.standard_error == pytest.approx(plain.standard_error, rel=1e-12)
    assert apart.degrees == plain.degrees


def test_gaps_in_group_codes_do_not_count_as_groups() -> None:
    differences = np.array([1.0, 2.0, 4.0])
    assert clustered_mean(differences, np.array([0, 7, 9])).degrees == 2


@pytest.mark.parametrize(
    ("differences", "message"),
    [([], "found 0"), ([1.0], "found 1"), ([1.0, math.nan], "finite"), ([1.0, math.inf], "finite")],
)
def test_a_paired_mean_without_an_answer_says_why(differences: list[float], message: str) -> None:
    with pytest.raises(UndefinedError, match=message):
        paired_mean(np.array(differences))


def test_a_clustered_mean_of_one_group_says_why() -> None:
    with pytest.raises(UndefinedError, match="at least 2 groups, found 1"):
        clustered_mean(np.array([1.0, 2.0]), np.array([0, 0]))


def test_equal_differences_have_no_spread() -> None:
    assert paired_mean(np.full(9, 0.25)).standard_error == 0


@pytest.mark.parametrize("method", [tango, bonett_price, wald_paired])
def test_no_rows_have_no_paired_difference(method: type) -> None:
    with pytest.raises(UndefinedError, match="found 0"):
        method(0, 0, 0, 0.95)


def test_more_discordant_rows_than_rows_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        tango(5, 6, 10, 0.95)


def test_tango_covers_what_it_says_at_50_rows_and_1_percent_discordance() -> None:
    rng = np.random.default_rng(20261120)
    draws = rng.multinomial(50, [0.005, 0.015, 0.98], size=2_000)
    covered = [-0.01 in tango(int(gains), int(losses), 50, 0.95) for gains, losses, _ in draws]
    assert np.mean(covered) >= 0.95


@pytest.mark.parametrize("kept", [1e-5, 1e-8, 1e-11])
@pytest.mark.parametrize("rows", [1.0, 7.3, 1e5])
def test_hardly_a_weighted_row_is_kept(rows: float, kept: float) -> None:
    interval = tango(0.0, rows * (1 - kept), rows, 0.95)
    assert interval.lower == pytest.approx(-1, abs=1e-4)
    assert kept - 1 - 1e-9 <= interval.upper <= 1
