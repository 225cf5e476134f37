"""What every metric of one model, and of two models on the same rows, comes back as."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.interval import Interval


class ModelValue(msgspec.Struct, frozen=True, eq=False):
    """A metric of one model; `values` (rows,) have the value as mean and spread as its influence.

    A row's value is that of the metric plus the row's influence, weight included, so that groups
    of rows can be summed. A row without weight holds the metric's value.
    """

    value: float
    interval: Interval
    values: NDArray[np.float64]


class PairedChange(msgspec.Struct, frozen=True, eq=False):
    """A metric of two models on the same rows.

    `contributions` (rows,) have new − old as plain mean, weight included, and flip their sign when
    the models swap: what `multiplicity.harm_p_values` flips. `rows` are those with weight that
    the metric counts, such as the rows of the class for its recall.
    """

    baseline: float
    candidate: float
    interval: Interval
    contributions: NDArray[np.float64]
    rows: int
