"""Stage `train`: fits the model on the train rows and says in which environment."""

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipeline.dictionary import Dictionary, read_dictionary
from pipeline.model import TrainParams, fit, make_frame
from pipeline.model_file import save_model
from pipeline.stage import OUT, StageError, read_params, run, suggest
from pipeline.tables import read_table, write_text

PACKAGES = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops", "threadpoolctl")


def choose_features(dictionary: Dictionary, drop: Sequence[str]) -> tuple[str, ...]:
    """Takes what the dictionary calls a feature, less what the parameters drop."""
    features = dictionary.with_role("feature")
    for name in drop:
        if name not in features:
            raise StageError(
                f"params.yaml: train.drop_features: {name!r} is no feature;"
                f" {suggest(name, features)}"
            )
    return tuple(name for name in features if name not in drop)


def read_side(
    table: pa.Table, features: Sequence[str], label: str
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Takes features and label from one side of the split."""
    return make_frame(table, features), np.asarray(table[label].to_numpy(), np.bool_)


def refuse_empty(rows: pd.DataFrame) -> None:
    """Raises when a feature has no value in any row: there is nothing to learn from it."""
    empty = [name for name in rows.columns if rows[name].isna().all()]
    if empty:
        raise StageError(
            f"train: features without any value: {', '.join(empty)};"
            " mend the data, or give them role ignored in data/columns.yaml"
        )


def train(
    train_rows: pa.Table, validation_rows: pa.Table, params: TrainParams, dictionary: Dictionary
) -> Pipeline:
    """Fits the pipeline with a fixed number of threads, so that a second run gives the same."""
    features = choose_features(dictionary, params.drop_features)
    label = dictionary.only("label")
    sides = [read_side(rows, features, label) for rows in (train_rows, validation_rows)]
    refuse_empty(sides[0][0])
    with threadpool_limits(params.threads):
        return fit(params, sides[0], sides[1])


def describe_environment(params: TrainParams) -> dict[str, object]:
    """Names what a second run would have to share; nothing that only this machine has."""
    return {
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "seeds": {"train": params.seed},
        "threads": params.threads,
    }


def main(out: Path = OUT) -> None:
    """Runs the stage on the files of the repository."""
    params = read_params("train", TrainParams)
    sides = read_table(out / "train.parquet"), read_table(out / "validation.parquet")
    save_model(train(*sides, params, read_dictionary()), out / "model.skops")
    environment = json.dumps(describe_environment(params), indent=2, sort_keys=True)
    write_text(environment + "\n", out / "environment.json")


if __name__ == "__main__":
    run(main)
