import math

import numpy as np
import pytest
from numpy.typing import NDArray

from gates.stats.calibration import measure_calibration
from gates.stats.undefined import UndefinedError

Rows = tuple[NDArray[np.bool_], NDArray[np.float64]]


def _calibrated(rows: int, rng: np.random.Generator, shift: float = 0.0) -> Rows:
    truth = rng.beta(1, 5, rows) * 0.9
    return rng.random(rows) < truth, truth + shift


def test_two_bins_by_hand() -> None:
    # 40 rows at .25 of which 20 come true, 40 at .75 of which 30 do: gaps .25 and 0.
    labels = np.tile([True, False], 40)
    labels[40:] = np.arange(40) % 4 > 0
    measured = measure_calibration(labels, np.repeat([0.25, 0.75], 40), 0.95)
    assert [(part.rows, part.mean_score, part.positive_rate) for part in measured.bins] == [
        (40, 0.25, 0.5),
        (40, 0.75, 0.75),
    ]
    assert measured.expected_error == pytest.approx(0.125)
    noise = (0.25 / 39 + 0.1875 / 39) / 2
    assert measured.root_mean_square == pytest.approx(math.sqrt(0.0625 / 2 - noise))
    assert measured.bias.value == pytest.approx(-0.125)


@pytest.mark.parametrize("rows", [100, 1_000, 10_000])
def test_a_calibrated_model_does_not_alarm(rows: int) -> None:
    rng = np.random.default_rng(1)
    measured = [measure_calibration(*_calibrated(rows, rng), 0.9) for _ in range(200)]
    assert np.mean([one.interval.lower > 0.01 for one in measured]) <= 0.05
    assert np.mean([0 in one.bias.interval(0.95) for one in measured]) >= 0.91


def test_the_usual_error_is_biased_where_the_debiased_one_is_not() -> None:
    rng = np.random.default_rng(2)
    measured = [measure_calibration(*_calibrated(1_000, rng), 0.9) for _ in range(200)]
    assert np.mean([one.expected_error for one in measured]) > 0.025
    assert np.median([one.root_mean_square for one in measured]) < 0.01


@pytest.mark.parametrize("rows", [1_000, 8_000])
def test_the_interval_covers_a_true_error_of_5_points(rows: int) -> None:
    rng = np.random.default_rng(3)
    measured = [measure_calibration(*_calibrated(rows, rng, 0.05), 0.9) for _ in range(300)]
    assert np.mean([0.05 in one.interval for one in measured]) >= 0.87
    assert np.mean([one.root_mean_square in one.interval for one in measured]) == 1


def test_order_of_rows_does_not_matter_even_with_ties() -> None:
    rng = np.random.default_rng(4)
    labels, scores = _calibrated(3_000, rng)
    scores = np.round(scores, 2)
    order = rng.permutation(3_000)
    here = measure_calibration(labels, scores, 0.95)
    there = measure_calibration(labels[order], scores[order], 0.95)
    assert there.root_mean_square == pytest.approx(here.root_mean_square, abs=1e-12)
    assert [part.rows for part in there.bins] == [part.rows for part in here.bins]


def test_one_score_for_all_is_one_bin() -> None:
    labels = np.arange(60) < 15
    measured = measure_calibration(labels, np.full(60, 0.25), 0.95)
    assert len(measured.bins) == 1
    assert measured.root_mean_square == 0
    assert measured.interval.lower == 0


def test_certain_and_right_is_without_error() -> None:
    labels = np.arange(60) < 30
    measured = measure_calibration(labels, labels.astype(np.float64), 0.95)
    assert (measured.root_mean_square, measured.interval.upper) == (0, 0)


def test_too_few_rows_or_no_probability_have_no_calibration() -> None:
    with pytest.raises(UndefinedError, match="needs 30 rows, found 29"):
        measure_calibration(np.ones(29, dtype=np.bool_), np.ones(29), 0.95)
    for score in (math.nan, -0.01, 1.01):
        with pytest.raises(UndefinedError, match=r"outside \[0, 1\]"):
            measure_calibration(np.ones(30, dtype=np.bool_), np.full(30, score), 0.95)
