"""The one scikit-learn pipeline that learns and serves: preprocessing and classifier together."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from pipeline.stage import StageError

RAREST_LEVEL_ROWS = 20
MAX_ITERATIONS = 1000


class LinearParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `LogisticRegression`, in its words."""

    C: float


class BoostingParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `HistGradientBoostingClassifier`, in its words."""

    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    max_features: float
    n_iter_no_change: int


class TrainParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model is learnt, and from what."""

    model: Literal["gradient_boosting", "logistic_regression"]
    drop_features: tuple[str, ...]
    class_weight: Literal["balanced"] | None
    seed: int
    threads: int
    gradient_boosting: BoostingParams
    logistic_regression: LinearParams


def make_frame(table: pa.Table, features: Sequence[str]) -> pd.DataFrame:
    """Turns table columns into what the pipeline takes: texts and floats, NaN where missing."""
    missing = [name for name in features if name not in table.column_names]
    if missing:
        raise StageError(f"the rows lack features of the model: {', '.join(missing)}")
    return pd.DataFrame({name: make_series(table[name]) for name in features})


def make_series(column: pa.ChunkedArray) -> pd.Series:
    """Turns one Arrow column into a series of texts or floats."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return pd.Series(column.cast(pa.float64()).to_numpy())
    texts = (np.nan if text is None else text for text in column.to_pylist())
    return pd.Series(list(texts), dtype=object)


def build_preprocessing(
    params: TrainParams, categories: Sequence[str], numbers: Sequence[str]
) -> ColumnTransformer:
    """Builds the preprocessing; a level that training never saw counts as none or as missing."""
    if params.model == "gradient_boosting":
        codes = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
        )
        steps = [("categories", codes, categories), ("numbers", "passthrough", numbers)]
        return ColumnTransformer(steps)
    levels = OneHotEncoder(handle_unknown="ignore", min_frequency=RAREST_LEVEL_ROWS)
    fill = SimpleImputer(strategy="median")
    scaled = Pipeline([("fill", fill), ("scale", StandardScaler())])
    return ColumnTransformer([("categories", levels, categories), ("numbers", scaled, numbers)])


def build_classifier(
    params: TrainParams, categories: Sequence[str]
) -> HistGradientBoostingClassifier | LogisticRegression:
    """Builds the classifier for what `build_preprocessing` gives: categories first."""
    if params.model == "gradient_boosting":
        return HistGradientBoostingClassifier(
            **msgspec.structs.asdict(params.gradient_boosting),
            categorical_features=list(range(len(categories))),
            early_stopping=True,
            class_weight=params.class_weight,
            random_state=params.seed,
        )
    return LogisticRegression(
        C=params.logistic_regression.C,
        max_iter=MAX_ITERATIONS,
        class_weight=params.class_weight,
    )


def fit(
    params: TrainParams,
    train: tuple[pd.DataFrame, npt.NDArray[np.bool_]],
    validation: tuple[pd.DataFrame, npt.NDArray[np.bool_]],
) -> Pipeline:
    """Fits both steps on the train rows; the validation rows say when boosting shall stop."""
    rows, label = train
    text = [name for name in rows.columns if rows[name].dtype == object]
    numbers = [name for name in rows.columns if name not in text]
    preprocessing = build_preprocessing(params, text, numbers)
    classifier = build_classifier(params, text)
    encoded = preprocessing.fit_transform(rows)
    if isinstance(classifier, HistGradientBoostingClassifier):
        held_out = preprocessing.transform(validation[0])
        classifier.fit(encoded, label, X_val=held_out, y_val=validation[1])
    else:
        classifier.fit(encoded, label)
    return Pipeline([("preprocessing", preprocessing), ("classifier", classifier)])


def score(model: Pipeline, table: pa.Table) -> npt.NDArray[np.float64]:
    """Gives the probability of the positive label for each row."""
    return np.asarray(model.predict_proba(make_frame(table, model.feature_names_in_))[:, 1])
