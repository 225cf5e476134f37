"""Stage `quick`: a simple model of the same rows, which the real one has to beat, and both sizes.

A linear model on a sample of the training rows, for any task: what an afternoon would give. The
dummy needs no stage, because the gate makes it of the training labels itself.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import skops.io
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipeline.dictionary import COLUMNS, Dictionary, read_dictionary
from pipeline.model import TrainParams, make_frame
from pipeline.model_file import load_model, without_addresses
from pipeline.stage import OUT, StageError, read_params, run
from pipeline.tables import read_table, write_table, write_text

RAREST_LEVEL_ROWS = 20
MOST_LEVELS = 50  # of a category; the rarer ones count as one
MAX_ITERATIONS = 1000
LEARNT_FROM = ("number", "integer", "boolean", "category")  # texts and times are left out
MODEL = OUT / "model.skops"

Labels = npt.NDArray[np.object_] | npt.NDArray[np.float64] | npt.NDArray[np.bool_]
Scores = dict[str, npt.NDArray[np.float64]]


class QuickParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is predicted, and from how many training rows at most the simple model learns."""

    task: Literal["binary", "multiclass", "regression"]
    rows: Annotated[int, msgspec.Meta(ge=1)]
    seed: int


def choose_features(dictionary: Dictionary, drop: Sequence[str]) -> tuple[str, ...]:
    """Takes the features of a kind that a linear model can use, less what the parameters drop."""
    features = tuple(
        name
        for name in dictionary.with_role("feature")
        if dictionary.columns[name].type in LEARNT_FROM and name not in drop
    )
    if not features:
        raise StageError(
            f"quick: no feature is a {', '.join(LEARNT_FROM)}; there is nothing to fit"
        )
    return features


def read_levels(label: str, path: Path = COLUMNS) -> tuple[str, ...]:
    """Reads the label's levels from the dictionary; none where it names none."""
    columns = yaml.safe_load(path.read_text(encoding="utf-8"))["columns"]
    return tuple(str(level) for level in columns[label].get("levels") or ())


def read_labels(column: pa.ChunkedArray, task: str, levels: Sequence[str]) -> Labels:
    """Gives labels by the task: whether positive, the level's name, or the number."""
    if task == "regression":
        return np.asarray(column.cast(pa.float64()).to_numpy())
    values = np.array([_level(value) for value in column.to_pylist()], dtype=object)
    if task == "multiclass":
        return values
    return np.asarray(values == (levels[-1] if levels else "1"), np.bool_)


def _level(value: object) -> str:
    return f"{value:g}" if isinstance(value, bool | float) else str(value)


def sample_rows(table: pa.Table, rows: int, seed: int) -> pa.Table:
    """Draws rows without repeating any, in their order; all where there are no more."""
    if table.num_rows <= rows:
        return table
    drawn = np.random.default_rng(seed).choice(table.num_rows, rows, replace=False)
    return table.take(pa.array(np.sort(drawn)))


def fit_simple(frame: pd.DataFrame, labels: Labels, task: str) -> Pipeline:
    """Fits a linear model on standardised numbers and one column per level."""
    text = [name for name in frame.columns if frame[name].dtype == object]
    numbers = [name for name in frame.columns if name not in text]
    levels = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=min(RAREST_LEVEL_ROWS, len(frame)),
        max_categories=MOST_LEVELS,
    )
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    scaled = Pipeline([("fill", fill), ("scale", StandardScaler())])
    preprocessing = ColumnTransformer([("categories", levels, text), ("numbers", scaled, numbers)])
    simple = Ridge() if task == "regression" else LogisticRegression(max_iter=MAX_ITERATIONS)
    model = Pipeline([("preprocessing", preprocessing), ("model", simple)])
    with threadpool_limits(1):
        return model.fit(frame, labels)


def score_simple(model: Pipeline, frame: pd.DataFrame, task: str, levels: Sequence[str]) -> Scores:
    """Gives the columns of a prediction table by the task, each under `simple.`."""
    if task == "regression":
        return {"simple.prediction": np.asarray(model.predict(frame), np.float64)}
    shares = dict(zip(model.classes_.tolist(), model.predict_proba(frame).T, strict=True))
    if task == "binary":
        return {"simple.score": shares[True]}
    nothing = np.zeros(len(frame))
    return {f"simple.score_{level}": shares.get(level, nothing) for level in levels}


def refuse_one_class(labels: Labels, task: str, levels: Sequence[str]) -> None:
    """Raises where there is nothing to tell apart, or a level that the dictionary lacks."""
    if task == "regression":
        return
    found = set(labels.tolist())
    if len(found) < 2:  # noqa: PLR2004 - classes
        raise StageError("quick: the sampled training rows have one class; draw more of them")
    if task == "multiclass" and (strange := sorted(found - set(levels))):
        raise StageError(f"{COLUMNS}: the label has {strange[0]!r}, which is none of its levels")


def train_quick(
    train: pa.Table,
    test: pa.Table,
    params: QuickParams,
    dictionary: Dictionary,
    *,
    levels: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> tuple[pa.Table, Pipeline]:
    """Fits the simple model; what it says of the test rows, in their order, and the model."""
    features, label = choose_features(dictionary, drop), dictionary.only("label")
    sample = sample_rows(train, params.rows, params.seed)
    labels = read_labels(sample[label], params.task, levels)
    refuse_one_class(labels, params.task, levels)
    model = fit_simple(make_frame(sample, features), labels, params.task)
    scores = score_simple(model, make_frame(test, features), params.task, levels)
    return pa.table({"row_id": test["row_id"], **scores}), model


def describe_sizes(model: Path, simple: Pipeline) -> dict[str, dict[str, int]]:
    """Says of the real and of the simple model how large the file is, and how many it asks for."""
    written = without_addresses(skops.io.dumps(simple))
    return {
        "candidate": {
            "bytes": model.stat().st_size,
            "features": len(load_model(model).feature_names_in_),
        },
        "simple": {"bytes": len(written), "features": len(simple.feature_names_in_)},
    }


def main() -> None:
    """Runs the stage on the files of the repository."""
    dictionary = read_dictionary()
    table, simple = train_quick(
        read_table(OUT / "train.parquet"),
        read_table(OUT / "test.parquet"),
        read_params("quick", QuickParams),
        dictionary,
        levels=read_levels(dictionary.only("label")),
        drop=read_params("train", TrainParams).drop_features,
    )
    sizes = json.dumps(describe_sizes(MODEL, simple), indent=2)
    write_table(table, OUT / "quick_baselines.parquet")
    write_text(sizes + "\n", OUT / "sizes.json")


if __name__ == "__main__":
    run(main)
