"""Stage `evaluate`: metrics and curves of the predictions, in scikit-learn's and fairlearn's words.

What this stage reports is for people and for `dvc metrics diff`; the gates compute their own.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn import metrics
from sklearn.calibration import calibration_curve

from pipeline.dictionary import read_dictionary
from pipeline.stage import OUT, StageError, read_params, run
from pipeline.tables import read_table, write_text

METRICS = Path("metrics.json")
PLOTS = Path("plots")
CURVE_POINTS = 101
CALIBRATION_BINS = 10

Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]

OF_SCORES: dict[str, Callable[[Labels, Scores], float]] = {
    "log_loss": metrics.log_loss,
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "brier_score": metrics.brier_score_loss,
}
OF_DECISIONS: dict[str, Callable[[Labels, Labels], float]] = {
    "accuracy": metrics.accuracy_score,
    "precision": lambda label, decided: metrics.precision_score(label, decided, zero_division=0),
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
    "selection_rate": lambda _, decided: float(decided.mean()),
}


class EvaluateParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which score on the answer is yes, and between whose groups differences are shown."""

    decision_threshold: Annotated[float, msgspec.Meta(ge=0, le=1)]
    sensitive_features: tuple[str, ...]


def pair_scores(test: pa.Table, predictions: pa.Table) -> Scores:
    """Takes the score of each test row; raises unless both tables hold the same rows in order."""
    if not test["row_id"].equals(predictions["row_id"]):
        raise StageError("predictions.parquet: other rows than test.parquet; run stage predict")
    return np.asarray(predictions["score"].to_numpy(), np.float64)


def measure(label: Labels, score: Scores, threshold: float) -> dict[str, float]:
    """Computes the metrics of the whole test set."""
    decided = score >= threshold
    of_scores = {name: metric(label, score) for name, metric in OF_SCORES.items()}
    of_decisions = {name: metric(label, decided) for name, metric in OF_DECISIONS.items()}
    return {name: round_number(value) for name, value in (of_scores | of_decisions).items()}


def measure_groups(
    label: Labels, decided: Labels, groups: Mapping[str, npt.NDArray[np.object_]]
) -> dict[str, dict[str, float]]:
    """Computes fairlearn's differences between the groups of each sensitive feature."""
    differences = {
        "demographic_parity_difference": demographic_parity_difference,
        "equalized_odds_difference": equalized_odds_difference,
    }
    return {
        name: {
            feature: round_number(difference(label, decided, sensitive_features=group))
            for feature, group in groups.items()
        }
        for name, difference in differences.items()
    }


def round_number(value: float) -> float:
    """Keeps ten digits: more than a reader needs, fewer than processors agree on."""
    return round(float(value), 10)


def draw_curves(label: Labels, score: Scores) -> dict[str, pa.Table]:
    """Gives the points of each plot, few enough to be committed."""
    grid = np.linspace(0, 1, CURVE_POINTS)
    false_positive_rate, true_positive_rate, _ = metrics.roc_curve(label, score)
    precision, recall, _ = metrics.precision_recall_curve(label, score)
    observed, predicted = calibration_curve(label, score, n_bins=CALIBRATION_BINS)
    curves = {
        "roc": {
            "false_positive_rate": grid,
            "true_positive_rate": np.interp(grid, false_positive_rate, true_positive_rate),
        },
        "precision_recall": {
            "recall": grid,
            "precision": np.interp(grid, recall[::-1], precision[::-1]),
        },
        "calibration": {"predicted": predicted, "observed": observed},
    }
    return {
        name: pa.table({axis: np.round(values, 6) for axis, values in curve.items()})
        for name, curve in curves.items()
    }


def main() -> None:
    """Runs the stage on the files of the repository."""
    params = read_params("evaluate", EvaluateParams)
    test = read_table(OUT / "test.parquet")
    score = pair_scores(test, read_table(OUT / "predictions.parquet"))
    label = np.asarray(test[read_dictionary().only("label")].to_numpy(), np.bool_)
    groups = {
        name: np.array(test[name].to_pylist(), dtype=object) for name in params.sensitive_features
    }
    decided = score >= params.decision_threshold
    report = {
        **measure(label, score, params.decision_threshold),
        **measure_groups(label, decided, groups),
    }
    write_text(json.dumps(report, indent=2) + "\n", METRICS)
    PLOTS.mkdir(exist_ok=True)
    for name, curve in draw_curves(label, score).items():
        pyarrow.csv.write_csv(curve, PLOTS / f"{name}.csv")


if __name__ == "__main__":
    run(main)
