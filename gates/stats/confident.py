"""Labels that a model finds improbable: confident learning, and its like for numbers.

The model must not have learned from the rows it speaks of. Source: Northcutt, Jiang & Chuang,
Confident Learning, JAIR 70 (2021) 1373, section 3; cleanlab's confident joint, not calibrated.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_USUAL = 1.4826  # the standard deviation of a normal law, in its median absolute deviations
_ROUNDING = 1e-6  # of a mean of equal probabilities, and cleanlab's
REACH = 5.0  # standard deviations beyond which an error is no ordinary one


class Improbable(msgspec.Struct, frozen=True, eq=False):
    """Which labels are improbable, and how much less probable each is than another; (rows,)."""

    rows: Mask
    doubt: Values  # the greater the odder; only of `rows` does it mean anything


def class_thresholds(labels: Codes, probabilities: Values) -> Values:
    """Per class, how sure the model is on average of rows that have it; infinite where none has.

    Args:
        labels: a class code per row.
        probabilities: of each class, shape (rows, classes).
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    own = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, weights=own, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), math.inf)


def improbable_classes(labels: Codes, probabilities: Values, thresholds: Values) -> Improbable:
    """Rows of which the model is as sure of another class as it is of that class's own rows.

    Of several such classes the likeliest counts; a row whose own class is the likeliest of them
    is in order.
    """
    own = probabilities[np.arange(len(labels)), labels]
    sure = np.where(probabilities >= thresholds - _ROUNDING, probabilities, -1.0)
    likeliest = np.argmax(sure, axis=1)
    highest = sure[np.arange(len(labels)), likeliest]
    return Improbable((highest >= 0) & (likeliest != labels), highest - own)


class Ordinary(msgspec.Struct, frozen=True):
    """Where a model's errors lie, whatever a few of them do."""

    middle: float
    deviation: float


def ordinary_errors(errors: Values) -> Ordinary:
    """The median, and the median absolute deviation as a standard deviation.

    Where more than half of all errors are equal, their root mean square takes its place.
    """
    middle = float(np.median(errors))
    away = np.abs(errors - middle)
    deviation = _USUAL * float(np.median(away))
    if deviation == 0:
        largest = float(away.max(initial=0.0))
        deviation = largest * float(np.sqrt(np.mean((away / largest) ** 2))) if largest else 0.0
    return Ordinary(middle, deviation)


def improbable_numbers(errors: Values, ordinary: Ordinary) -> Improbable:
    """Rows whose error lies further than `REACH` deviations from the middle."""
    away = np.abs(errors - ordinary.middle)
    return Improbable(away > REACH * ordinary.deviation, away)
