import math

import numpy as np
import pyarrow as pa
import pytest

from pipeline.evaluate import draw_curves, measure, measure_groups, pair_scores
from pipeline.stage import StageError

LABEL = np.array([True, True, False, False])
SCORE = np.array([0.9, 0.4, 0.6, 0.1])


def test_metrics_of_four_rows_by_hand() -> None:
    measured = measure(LABEL, SCORE, 0.5)
    loss = -(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.9)) / 4
    assert measured == pytest.approx(
        {
            "log_loss": loss,
            "roc_auc": 0.75,
            "average_precision": 5 / 6,
            "brier_score": (0.01 + 0.36 + 0.36 + 0.01) / 4,
            "accuracy": 0.5,
            "precision": 0.5,
            "recall": 0.5,
            "f1": 0.5,
            "selection_rate": 0.5,
        }
    )


def test_a_score_at_the_threshold_is_a_yes() -> None:
    assert measure(LABEL, SCORE, 0.4)["recall"] == 1
    assert measure(LABEL, SCORE, 0.4000001)["recall"] == 0.5


def test_no_yes_at_all_has_precision_zero() -> None:
    assert measure(LABEL, SCORE, 1.0)["precision"] == 0


def test_differences_between_two_groups_by_hand() -> None:
    group = np.array(["a", "b", "b", "a"], dtype=object)
    measured = measure_groups(LABEL, SCORE >= 0.5, {"sex": group})
    # a: (0.9 yes right, 0.1 no right); b: (0.4 no wrong, 0.6 yes wrong).
    assert measured == {
        "demographic_parity_difference": {"sex": 0.0},
        "equalized_odds_difference": {"sex": 1.0},
    }


def test_scores_of_other_rows_are_refused() -> None:
    test = pa.table({"row_id": ["a", "b"]})
    turned = pa.table({"row_id": ["b", "a"], "score": [0.1, 0.2]})
    with pytest.raises(StageError, match=r"other rows than test\.parquet"):
        pair_scores(test, turned)


def test_curves_are_short_and_start_and_end_where_they_must() -> None:
    curves = draw_curves(LABEL, SCORE)
    assert set(curves) == {"calibration", "precision_recall", "roc"}
    assert all(curve.num_rows <= 101 for curve in curves.values())
    assert curves["roc"].slice(100).to_pylist() == [
        {"false_positive_rate": 1.0, "true_positive_rate": 1.0}
    ]
