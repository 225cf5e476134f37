"""Metrics by group, by fairlearn's `MetricFrame`; run by `python -m benchmarks.peers.fairlearn`."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from fairlearn.metrics import (
    MetricFrame,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score

from benchmarks.measure import Prepared, run_job

METRICS = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "false_negative_rate": false_negative_rate,
    "accuracy": accuracy_score,
}
ATTRIBUTES = ("region", "plan", "sex", "channel", "device", "age_band")
REPLICATES = 20
QUANTILES = [0.025, 0.975]


def one_attribute(folder: Path) -> Prepared:
    """Five metrics by region, of one model."""
    return _prepare(folder, [("region",)])


def two_attributes(folder: Path) -> Prepared:
    """Five metrics by region and plan, of one model."""
    return _prepare(folder, [("region", "plan")])


def six_attributes(folder: Path) -> Prepared:
    """Five metrics by each of six columns, of one model."""
    return _prepare(folder, [(name,) for name in ATTRIBUTES])


def intervals(folder: Path) -> Prepared:
    """The first job with the bootstrap's intervals."""
    return _prepare(folder, [("region",)], replicates=REPLICATES)


def _prepare(folder: Path, groupings: Sequence[tuple[str, ...]], replicates: int = 0) -> Prepared:
    columns = ["label", "predicted_new", *ATTRIBUTES]
    table = pd.read_parquet(folder / "evaluation.parquet", columns=columns)
    bootstrap = {"n_boot": replicates, "ci_quantiles": QUANTILES, "random_state": 0}

    def measure() -> dict[str, float]:
        values: dict[str, float] = {}
        for names in groupings:
            frame = MetricFrame(
                metrics=METRICS,
                y_true=table["label"],
                y_pred=table["predicted_new"],
                sensitive_features=table[list(names)],
                **(bootstrap if replicates else {}),
            )
            values |= _values(names, frame.by_group)
            if replicates:
                low, high = frame.by_group_ci
                values |= {
                    f"{name} width": width for name, width in _values(names, high - low).items()
                }
        return values

    return measure


def _values(names: Sequence[str], by_group: pd.DataFrame) -> dict[str, float]:
    values: dict[str, float] = {}
    for group, row in by_group.iterrows():
        levels = group if isinstance(group, tuple) else (group,)
        subject = ", ".join(f"{name}={level}" for name, level in zip(names, levels, strict=True))
        values |= {f"{metric} {subject}": float(row[metric]) for metric in METRICS}
    return values


JOBS = {
    "one attribute": one_attribute,
    "two attributes": two_attributes,
    "six attributes": six_attributes,
    "intervals": intervals,
}

if __name__ == "__main__":
    run_job(JOBS, ("fairlearn", "numpy", "pandas", "scikit-learn"))
