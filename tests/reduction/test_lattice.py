import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gates.reduction.lattice import Lattice, choose_lattice


def test_a_quarter_by_hand() -> None:
    lattice = Lattice(-2)
    values = np.array([0.3, 0.5, -0.9, 0.0])
    assert lattice.step == 0.25
    assert lattice.round(values).tolist() == [1, 2, -4, 0]
    assert lattice.round_up(values).tolist() == [2, 2, -3, 0]


@given(st.floats(0, 1e6), st.integers(0, 200_000_000))
def test_no_sum_can_overflow(largest: float, rows: int) -> None:
    lattice = choose_lattice(largest, rows)
    assert rows * int(lattice.round_up(np.array([largest]))[0]) < 2**63


@given(st.lists(st.floats(-37, 37), min_size=1, max_size=200))
def test_a_sum_is_within_half_a_step_per_row(values: list[float]) -> None:
    terms = np.array(values)
    lattice = choose_lattice(float(np.abs(terms).max()), len(values))
    total = int(lattice.round(terms).sum()) * lattice.step
    slack = 1e-12 * abs(total)  # of turning steps into a float
    assert abs(total - math.fsum(values)) <= len(values) / 2 * lattice.step + slack
    squares = choose_lattice(float((terms**2).max()), len(values))
    over = int(squares.round_up(terms**2).sum()) * squares.step - math.fsum(terms**2)
    assert -1e-12 * math.fsum(terms**2) <= over <= len(values) * squares.step + 1e-9
