"""Confident learning: cleanlab's numbers, and examples by hand."""

import numpy as np
import pytest

from gates.stats.confident import (
    class_thresholds,
    improbable_classes,
    improbable_numbers,
    ordinary_errors,
)

LABELS = np.array([2, 2, 1, 0, 0, 0, 1, 2, 2, 1, 1, 1])
PROBABILITIES = np.array(
    [
        [0.07, 0.64, 0.29],
        [0.27, 0.10, 0.63],
        [0.48, 0.35, 0.17],
        [0.29, 0.48, 0.23],
        [0.43, 0.13, 0.44],
        [0.25, 0.20, 0.55],
        [0.08, 0.66, 0.26],
        [0.80, 0.07, 0.13],
        [0.45, 0.19, 0.36],
        [0.01, 0.95, 0.04],
        [0.29, 0.33, 0.38],
        [0.19, 0.23, 0.58],
    ]
)


def test_cleanlabs_confident_joint() -> None:
    """cleanlab 2.9.0, `compute_confident_joint(…, calibrate=False)` on these twelve rows."""
    thresholds = class_thresholds(LABELS, PROBABILITIES)
    assert thresholds == pytest.approx([0.3233333, 0.504, 0.3525], abs=1e-6)
    found = improbable_classes(LABELS, PROBABILITIES, thresholds)
    assert np.flatnonzero(found.rows).tolist() == [0, 2, 4, 5, 7, 8, 10, 11]
    assert found.doubt[7] == pytest.approx(0.80 - 0.13)


def test_a_class_that_no_row_has_is_never_likelier() -> None:
    labels, probabilities = np.array([0, 0]), np.array([[0.1, 0.9], [0.9, 0.1]])
    thresholds = class_thresholds(labels, probabilities)
    assert thresholds.tolist() == [0.5, np.inf]
    assert not improbable_classes(labels, probabilities, thresholds).rows.any()


def test_errors_far_from_all_others() -> None:
    errors = np.array([*np.linspace(-1, 1, 101), 9.0])
    found = improbable_numbers(errors, ordinary_errors(errors))
    assert np.flatnonzero(found.rows).tolist() == [101]


@pytest.mark.parametrize("errors", [[0.0], [3.0, 3.0], [0.0, 1e100, 0.0]])
def test_errors_without_a_spread(errors: list[float]) -> None:
    values = np.array(errors)
    ordinary = ordinary_errors(values)
    assert np.isfinite([ordinary.middle, ordinary.deviation]).all()
    assert not improbable_numbers(values, ordinary).rows.any()
