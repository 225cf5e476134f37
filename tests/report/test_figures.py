import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.report.figures import counted, digits_for, number, signed

SIZES = st.floats(min_value=1e-9, max_value=1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (0.8125, 3, "0.812"),
        (-0.051, 3, "−0.051"),
        (1842.0, 0, "1,842"),
        (-0.0001, 3, "0.000"),
        (math.nan, 3, "not a number"),
    ],
)
def test_number(value: float, decimals: int, written: str) -> None:
    assert number(value, decimals) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.004, "+0.004"), (-0.051, "−0.051"), (0.0, "±0.000")]
)
def test_signed(value: float, written: str) -> None:
    assert signed(value, 3) == written


@pytest.mark.parametrize(
    ("values", "apart", "step", "decimals"),
    [
        ((0.812, 0.761), (), 0.0, 3),
        ((0.0, 37.0), (), 0.0, 0),
        ((52.31,), (), 0.0, 2),
        ((48210.3,), (), 0.0, 0),
        ((0.000012,), (), 0.0, 7),
        ((0.9001,), ((0.89996, 0.9),), 0.0, 5),
        ((0.9243, 0.9211), (), 0.005, 4),
    ],
)
def test_digits(
    values: tuple[float, ...], apart: tuple[tuple[float, float], ...], step: float, decimals: int
) -> None:
    assert digits_for(values, apart, step) == decimals


@given(SIZES, st.integers(1, 9))
def test_observed_and_limit_never_look_equal(limit: float, place: int) -> None:
    observed = limit * (1 + 10**-place)
    decimals = digits_for((), ((observed, limit),))
    assert number(observed, decimals) != number(limit, decimals) or observed - limit < 1e-12


def test_counted() -> None:
    assert [counted(n, "gate") for n in (0, 1, 1204)] == ["0 gates", "1 gate", "1,204 gates"]
