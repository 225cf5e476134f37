"""Drift and quality by group, by evidently; run by `python -m benchmarks.peers.evidently`."""

from pathlib import Path

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.metrics import Accuracy, Precision, Recall
from evidently.metrics.group_by import GroupBy
from evidently.presets import DataDriftPreset

from benchmarks.measure import Prepared, run_job

ATTRIBUTES = ("region", "plan", "sex", "channel", "device", "age_band")
METRICS = (Accuracy, Precision, Recall)


def drift(folder: Path) -> Prepared:
    """The preset's choice of a distance for each of 19 features, between two tables."""
    train, test = (
        Dataset.from_pandas(pd.read_parquet(folder / name).drop(columns="label"))
        for name in ("train.parquet", "test.parquet")
    )

    def measure() -> dict[str, float]:
        found = Report([DataDriftPreset()]).run(test, train).dict()["metrics"]
        return {"columns": len([one for one in found if "column" in one["config"]])}

    return measure


def quality_by_group(folder: Path) -> Prepared:
    """Three metrics by each of six columns, of one model."""
    columns = ["label", "predicted_new", *ATTRIBUTES]
    table = pd.read_parquet(folder / "evaluation.parquet", columns=columns)
    table[["label", "predicted_new"]] = table[["label", "predicted_new"]].astype(int)
    task = BinaryClassification(target="label", prediction_labels="predicted_new")
    definition = DataDefinition(classification=[task], categorical_columns=list(ATTRIBUTES))
    dataset = Dataset.from_pandas(table, definition)

    def measure() -> dict[str, float]:
        asked = [GroupBy(metric(), name) for name in ATTRIBUTES for metric in METRICS]
        values = {}
        for one in Report(asked).run(dataset, None).dict()["metrics"]:
            config = one["config"]
            metric = config["metric"]["type"].rpartition(":")[2].lower()
            values[f"{metric} {config['column_name']}={config['label']}"] = one["value"]
        return values

    return measure


JOBS = {"drift": drift, "quality by group": quality_by_group}

if __name__ == "__main__":
    run_job(JOBS, ("evidently", "numpy", "pandas", "scikit-learn", "scipy"))
