"""Sums that do not depend on the order of their terms: whole multiples of a power of two."""

import math

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]

SUM_BITS = 62  # of a sum's magnitude in an int64
TERM_BITS = 52  # of a term's, which a float must hold
_LEAST_EXPONENT = -500  # finer steps than any metric tells apart, whose inverse is still finite


class Lattice(msgspec.Struct, frozen=True):
    """Terms are counted in steps of 2**exponent.

    A sum of n terms is off by at most n/2 steps, by n steps where terms are rounded up.
    """

    exponent: int

    @property
    def step(self) -> float:
        """The distance of neighbouring values."""
        return math.ldexp(1.0, self.exponent)

    def round(self, values: Floats) -> Steps:
        """The nearest step of each value."""
        return np.rint(values * math.ldexp(1.0, -self.exponent)).astype(np.int64)

    def round_up(self, values: Floats) -> Steps:
        """The next step at or above each value, so that a sum of squares is never too small."""
        return np.ceil(values * math.ldexp(1.0, -self.exponent)).astype(np.int64)


def choose_lattice(largest: float, rows: int) -> Lattice:
    """The finest lattice on which `rows` terms of at most `largest` cannot overflow."""
    if largest == 0:
        return Lattice(0)
    bits = min(TERM_BITS, SUM_BITS - rows.bit_length())
    return Lattice(max(_LEAST_EXPONENT, math.frexp(largest)[1] - bits))
