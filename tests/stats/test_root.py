import math

import pytest

from gates.stats.root import find_root


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x * x - 2, math.sqrt(2)),
        (lambda x: x**21, 0.0),
        (lambda x: math.expm1(40 * (x - 1.9)), 1.9),
        (lambda x: -1.0 if x < 0.3 else 1.0, 0.3),
    ],
    ids=["parabola", "flat", "steep", "step"],
)
def test_finds_the_root(function: object, expected: float) -> None:
    left = -1.0 if expected == 0 else 0.0
    assert callable(function)
    assert find_root(function, left, 2.0) == pytest.approx(
        expected, abs=1e-12 if expected else 1e-2
    )


def test_an_end_that_is_a_root_is_returned() -> None:
    assert find_root(lambda x: x, 0.0, 1.0) == 0.0
    assert find_root(lambda x: x - 1, 0.0, 1.0) == 1.0


def test_without_a_change_of_sign_it_refuses() -> None:
    with pytest.raises(ValueError, match="no change of sign"):
        find_root(lambda x: x + 1, 0.0, 1.0)
