"""A small regression: how far has a disease gone after a year? scikit-learn ships the rows."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_diabetes

FEATURES = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


class Patient(NamedTuple):
    """One patient; the measurements are as they were taken."""

    row_id: str
    sex: str
    values: npt.NDArray[np.float64]  # in the order of FEATURES
    progression: float


def patients() -> list[Patient]:
    """All of them."""
    given = load_diabetes(scaled=False)
    sexes, values = given.data[:, 1], np.delete(given.data, 1, axis=1)
    return [
        Patient(f"p{at:03}", "ab"[int(sexes[at]) - 1], values[at], float(target))
        for at, target in enumerate(given.target)
    ]
