import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.stats.paired import tango_noninferiority_p
from gates.stats.power import (
    bennett_rows,
    hoeffding_rows,
    required_rows,
    required_rows_of_level,
    required_rows_of_mean,
    visible_drop,
    visible_mean_drop,
)

Reference = Callable[[str], dict[str, Any]]

TABLE = {
    0.005: [600, 232, 73],
    0.02: [1_397, 425, 107],
    0.06: [3_768, 982, 188],
    0.12: [7_445, 1_880, 319],
    0.20: [12_378, 3_104, 507],
}


@pytest.mark.parametrize("discordance", TABLE)
def test_the_table_of_the_specification(discordance: float) -> None:
    rows = [required_rows(discordance, margin, 0.05, 0.8) for margin in (0.01, 0.02, 0.05)]
    assert rows == TABLE[discordance]


@pytest.mark.parametrize("name", ["n_required.0.06.0.02", "n_required.0.02.0.02"])
def test_required_rows_against_the_reference(name: str, reference: Reference) -> None:
    case = reference(name)
    assert required_rows(**case["input"]) == case["expected"]


@pytest.mark.parametrize(("discordance", "margin"), [(0.02, 0.02), (0.12, 0.05), (0.06, 0.01)])
def test_that_many_rows_have_the_power_they_promise(discordance: float, margin: float) -> None:
    rows = required_rows(discordance, margin, 0.05, 0.8)
    rng = np.random.default_rng(1)
    half = discordance / 2
    draws = rng.multinomial(rows, [half, half, 1 - discordance], size=1_500)
    shown = [
        tango_noninferiority_p(int(g), int(lost), rows, margin) <= 0.05 for g, lost, _ in draws
    ]
    assert 0.77 <= np.mean(shown) <= 0.92


@given(st.floats(0, 1), st.floats(0.001, 0.5), st.floats(0.001, 0.2))
def test_wider_margins_need_fewer_rows(discordance: float, margin: float, alpha: float) -> None:
    rows = required_rows(discordance, margin, alpha, 0.8)
    assert 1 <= required_rows(discordance, min(0.99, 2 * margin), alpha, 0.8) <= rows
    assert required_rows(discordance, margin, alpha, 0.9) >= rows


def test_a_true_gain_needs_fewer_rows_and_a_true_loss_more() -> None:
    gain, none, loss = (required_rows(0.06, 0.02, 0.05, 0.8, delta) for delta in (0.01, 0, -0.01))
    assert gain < none < loss


def test_a_loss_as_large_as_the_margin_is_never_shown() -> None:
    with pytest.raises(ValueError, match="no number of rows"):
        required_rows(0.06, 0.02, 0.05, 0.8, delta=-0.02)


def test_visible_drop_by_hand() -> None:
    assert visible_drop(0.06, 58, 0.05, 0.8) == pytest.approx(
        2.4865 * math.sqrt(0.06 / 58), rel=1e-4
    )
    assert visible_drop(0.9, 1, 0.05, 0.8) == 1
    assert visible_drop(0.06, 0, 0.05, 0.8) == 1


def test_means_by_hand() -> None:
    # (1.6449 + 0.8416)² · 0.5² / 0.1² = 154.6
    assert required_rows_of_mean(0.5, 0.1, 0.05, 0.8) == 155
    assert required_rows_of_mean(0.0, 0.1, 0.05, 0.8) == 1
    assert visible_mean_drop(0.5, 155, 0.05, 0.8) == pytest.approx(0.1, rel=1e-2)
    assert visible_mean_drop(0.5, 0, 0.05, 0.8) == math.inf


def test_level_by_hand() -> None:
    # ((1.6449 · 0.4 + 0.8416 · 0.3) / 0.1)² = 82.9
    assert required_rows_of_level(0.9, 0.8, 0.05, 0.8) == 83
    with pytest.raises(ValueError, match="no number of rows"):
        required_rows_of_level(0.8, 0.8, 0.05, 0.8)


@pytest.mark.parametrize(
    ("discordance", "margin", "alpha"), [(1.1, 0.1, 0.05), (0.1, 0, 0.05), (0.1, 0.1, 0)]
)
def test_what_is_no_share_or_level_is_refused(
    discordance: float, margin: float, alpha: float
) -> None:
    with pytest.raises(ValueError, match=r"lies|probability"):
        required_rows(discordance, margin, alpha, 0.8)


def test_a_difference_beyond_the_discordance_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="cannot exceed"):
        required_rows(0.01, 0.05, 0.05, 0.8, delta=0.02)


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("easeml.text.1", hoeffding_rows(1, 0.01, 1e-4 / 32), "63K"),
        ("easeml.text.3", hoeffding_rows(1, 0.05, 1e-4 / 2**32), "6,279"),
        ("easeml.text.5", bennett_rows(0.1, 0.01, math.log(32), 1e-4), "29K"),
        ("easeml.text.9", hoeffding_rows(2, 0.02, 0.001 / 2**7), "58K"),
    ],
)
def test_sizes_printed_in_the_paper(
    name: str, rows: int, expected: str, reference: Reference
) -> None:
    assert reference(name)["expected"] == expected
    printed = f"{rows // 1_000}K" if expected.endswith("K") else f"{rows:,}"
    assert printed == expected


def test_more_sizes_of_the_paper(reference: Reference) -> None:
    assert hoeffding_rows(1, 0.01, 1e-4 / 2**32) == 156_956
    assert bennett_rows(0.1, 0.01, 32 * math.log(2), 1e-4) == 67_706
    labels = math.floor(0.1 * bennett_rows(0.1, 0.01, 0, 1e-4))
    assert f"{labels:,}" == reference("easeml.text.7")["expected"]
    case = reference("easeml.recalled.0")
    # Two-sided delta / 2 there, where the pattern has delta / 4.
    rows = bennett_rows(0.1, 0.02, math.log(7), 2 * 0.002)
    assert rows == pytest.approx(case["expected"], abs=case["tolerance"])


def test_the_grid_of_figure_2(reference: Reference) -> None:
    case = reference("easeml.fig2.grid")
    for cell in case["expected"]:
        failure = 1 - cell["reliability"]
        for key, value_range, variables in (("F1_F4", 1, 1), ("F2_F3", 1, 2)):
            for looks, count in (("none", 32.0), ("full", 2.0**32)):
                rows = hoeffding_rows(
                    value_range, cell["eps"] / variables, failure / variables / count
                )
                assert rows == pytest.approx(cell[f"{key}_{looks}"], abs=case["tolerance"])
