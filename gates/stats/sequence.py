"""Whether a column of numbers runs along with another."""

import numpy as np
from numpy.typing import NDArray

_FEW = 3


def correlate(values: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Pearson's correlation without its sign, of the rows where both are finite; 0 if undefined.

    Both are scaled to [-1, 1] first, so that no square overflows. 0 as well where one of them is
    constant, or fewer than three rows have both.
    """
    both = np.isfinite(values) & np.isfinite(others)
    if np.count_nonzero(both) < _FEW:
        return 0.0
    mine, theirs = (_centre(each[both]) for each in (values, others))
    size = float(np.sqrt(np.dot(mine, mine) * np.dot(theirs, theirs)))
    return abs(float(np.dot(mine, theirs))) / size if size > 0 else 0.0


def _centre(values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = float(np.abs(values).max())
    scaled = values / largest if largest > 0 else values
    centred: NDArray[np.float64] = scaled - scaled.mean()
    return centred
