import math

import numpy as np
import pytest

from gates.stats.recalibrated import corrected_log_losses, corrected_squares

ROWS = 4000
AT = np.arange(ROWS)
SECOND = AT // 20 % 2 == 0
BINS = AT % 2
# Three in ten of the even rows, eight in ten of the odd ones, alike in both halves.
LABELS = (np.where(BINS == 0, 3, 8) > AT // 2 % 10).astype(np.intp)


def entropy(*shares: float) -> float:
    return -sum(share * math.log(share) for share in shares)


def test_a_score_that_knows_nothing_learns_the_rates_of_the_bins() -> None:
    told = corrected_log_losses(LABELS, np.full((ROWS, 2), 0.5), BINS, SECOND)
    assert told[BINS == 0].mean() == pytest.approx(entropy(0.3, 0.7), abs=1e-4)
    assert told[BINS == 1].mean() == pytest.approx(entropy(0.8, 0.2), abs=1e-4)


def test_a_score_that_knows_the_rates_learns_nothing() -> None:
    rate = np.where(BINS == 0, 0.3, 0.8)
    told = corrected_log_losses(LABELS, np.stack([1 - rate, rate], axis=1), BINS, SECOND)
    assert told.mean() == pytest.approx((entropy(0.3, 0.7) + entropy(0.8, 0.2)) / 2, abs=1e-9)


def test_three_classes_by_hand() -> None:
    labels = np.where(AT // 2 % 10 < 5, 0, np.where(AT // 2 % 10 < 8, 1, 2)).astype(np.intp)
    told = corrected_log_losses(labels, np.full((ROWS, 3), 1 / 3), BINS * 0, SECOND)
    assert told.mean() == pytest.approx(entropy(0.5, 0.3, 0.2), abs=1e-4)


def test_many_bins_of_noise_gain_nothing() -> None:
    rng = np.random.default_rng(0)
    bins = rng.integers(0, 400, ROWS)
    told = corrected_log_losses(LABELS, np.full((ROWS, 2), 0.5), bins, SECOND)
    assert told.mean() > entropy(LABELS.mean(), 1 - LABELS.mean())


def test_squares_by_hand() -> None:
    # Of each half, one row of the bin is fitted by the mean of the other half's two: (1 + 5) / 3.
    residuals, second = np.array([1.0, 5.0, 4.0, 2.0]), np.array([False, False, True, True])
    told = corrected_squares(residuals, np.zeros(4, dtype=np.intp), second)
    assert told.tolist() == [1.0, 9.0, 4.0, 0.0]
