import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.stats.reuse import (
    hoeffding_reach,
    log_looks_adaptive,
    log_looks_apart,
    log_looks_by_verdict,
    optimism,
    share_spread,
    vault_p_value,
    vault_power,
)
from tests.stats.conftest import Reference

LOOKS = st.integers(1, 300)


@pytest.mark.parametrize(("rows", "points"), [(10_000, 0.57), (2_000, 1.28)])
def test_sixty_looks_at_four_percent_discordance(rows: int, points: float) -> None:
    assert 100 * optimism(share_spread(0.04, rows), 60) == pytest.approx(points, abs=0.005)


def test_one_look_costs_nothing() -> None:
    assert optimism(0.01, 1) == 0


def test_the_best_of_many_equally_good_models_gains_no_more() -> None:
    best = np.random.default_rng(1).standard_normal((4_000, 40)).max(axis=1).mean()
    assert 0.7 * optimism(1.0, 40) < best < optimism(1.0, 40)


@pytest.mark.parametrize(
    ("log_looks", "points"),
    [
        (log_looks_apart(100), 2.0),
        (math.log(sum(math.comb(100, passed) for passed in range(5))), 3.0),
        (log_looks_by_verdict(100, 4), 3.26),  # models on the way to these verdicts
        (log_looks_adaptive(100), 6.0),
    ],
)
def test_bounds_of_the_specification(log_looks: float, points: float) -> None:
    """100 looks at 10,000 rows, of which at most four were accepted."""
    assert 100 * hoeffding_reach(log_looks, 10_000) == pytest.approx(points, abs=0.06)


def test_looks_by_verdict_by_hand() -> None:
    # four looks, one accepted: 1, then 2, 3 and 4 models that the verdicts so far can lead to
    assert log_looks_by_verdict(4, 1) == pytest.approx(math.log(1 + 2 + 3 + 4))
    assert log_looks_by_verdict(4, 0) == pytest.approx(math.log(4))
    assert log_looks_by_verdict(4, 9) == pytest.approx(math.log(2**4 - 1))


@given(looks=LOOKS, accepted=LOOKS)
def test_what_is_revealed_orders_the_bounds(looks: int, accepted: int) -> None:
    between = log_looks_by_verdict(looks, accepted)
    assert log_looks_apart(looks) <= between + 1e-9
    assert between <= log_looks_adaptive(looks) + 1e-9


def test_rows_of_easeml_ci(reference: Reference) -> None:
    """The published number of rows is the first that reaches the published tolerance."""
    for cell in reference("easeml.fig2.grid")["expected"]:
        error, reach = 1 - cell["reliability"], cell["eps"]
        for name, log_looks in (("none", log_looks_apart(32)), ("full", log_looks_adaptive(32))):
            rows = cell[f"F1_F4_{name}"]
            assert hoeffding_reach(log_looks, rows, error) <= reach * (1 + 1e-9)
            assert hoeffding_reach(log_looks, rows - 1, error) > reach


@pytest.mark.parametrize(
    ("rows", "vault_rows", "power"),
    [(2_000, 2_000, 0.54), (10_000, 2_000, 0.71), (2_000, 5_000, 0.67), (10_000, 5_000, 0.93)],
)
def test_power_of_a_vault(rows: int, vault_rows: int, power: float) -> None:
    """Two points of optimism; the specification simulated an accuracy near .84."""
    assert vault_power(0.02, 0.84, rows, vault_rows) == pytest.approx(power, abs=0.015)


def test_a_vault_by_hand() -> None:
    # se = sqrt(.25/100 + .25/100) = .0707, z = .0707 / .0707 = 1
    apart = math.sqrt(0.005)
    assert vault_p_value(0.5, 100, 0.5, 100) == 0.5
    low, high = 0.5 - apart / 2, 0.5 + apart / 2
    spread = math.sqrt(2 * low * high / 100)
    expected = 0.5 * math.erfc(apart / spread / math.sqrt(2))
    assert vault_p_value(high, 100, low, 100) == pytest.approx(expected)
    assert vault_p_value(1.0, 100, 1.0, 50) == 1.0
