"""Segments and duplicates, by deepchecks; run by `python -m benchmarks.peers.deepchecks`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import (
    SegmentPerformance,
    TrainTestSamplesMix,
    WeakSegmentsPerformance,
)
from deepchecks.utils.performance.partition import partition_column

from benchmarks.measure import Prepared, run_job

FEATURES = ("region", "plan", "sex", "channel", "device", "age_band", "age")
GRID = ("region", "plan")
MAX_SEGMENTS = 20  # levels; the rarest tenth of the rows is thrown together all the same


def segment_performance(folder: Path) -> Prepared:
    """The accuracy of one model in every cell of one grid of two columns."""
    dataset, outputs = _load(folder)
    check = SegmentPerformance(
        *GRID, alternative_scorer=("accuracy", "accuracy"), max_segments=MAX_SEGMENTS
    )
    drawn = dataset.sample(check.n_samples, random_state=check.random_state)  # as the check does
    regions, plans = (  # in an order that hangs on the order of rows, where levels are as many
        [part.label for part in partition_column(drawn, name, max_segments=MAX_SEGMENTS)]
        for name in GRID
    )

    def measure() -> dict[str, float]:
        scores = check.run(dataset, **outputs, with_display=False).value["scores"]
        return {
            f"accuracy region={region}, plan={plan}": scores[i, j]
            for i, region in enumerate(regions)
            for j, plan in enumerate(plans)
        }

    return measure


def weak_segments(folder: Path) -> Prepared:
    """Weak segments as found by trees of the loss, on the check's own sample of 10,000 rows."""
    dataset, outputs = _load(folder)

    def measure() -> dict[str, float]:
        found = WeakSegmentsPerformance().run(dataset, **outputs, with_display=False)
        return {"weak segments": len(found.value["weak_segments_list"])}

    return measure


def train_test_duplicates(folder: Path) -> Prepared:
    """Test rows that are training rows as well, in all 20 columns."""
    train, test = (pd.read_parquet(folder / name) for name in ("train.parquet", "test.parquet"))
    texts = [name for name in train.columns if train[name].dtype == object]
    sides = [Dataset(table, label="label", cat_features=texts) for table in (train, test)]

    def measure() -> dict[str, float]:
        found = TrainTestSamplesMix().run(*sides, with_display=False)
        return {"test rows with a twin": round(found.value["ratio"] * len(test))}

    return measure


def _load(folder: Path) -> tuple[Dataset, dict[str, Any]]:
    columns = [*FEATURES, "label", "score_new", "predicted_new"]
    table = pd.read_parquet(folder / "evaluation.parquet", columns=columns)
    labels, scores = table["label"].astype(int), table["score_new"].to_numpy()
    dataset = Dataset(table[list(FEATURES)], label=labels, cat_features=list(FEATURES[:-1]))
    return dataset, {
        "y_pred": table["predicted_new"].astype(int).to_numpy(),
        "y_proba": np.stack([1 - scores, scores], axis=1),
    }


JOBS: dict[str, Callable[[Path], Prepared]] = {
    "segment performance": segment_performance,
    "weak segments": weak_segments,
    "train-test duplicates": train_test_duplicates,
}

if __name__ == "__main__":
    run_job(JOBS, ("deepchecks", "numpy", "pandas", "scikit-learn"))
