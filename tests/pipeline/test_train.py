from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.pipeline import Pipeline

from pipeline.dictionary import Dictionary
from pipeline.model import make_frame, score
from pipeline.model_file import load_model, save_model
from pipeline.stage import StageError
from pipeline.train import choose_features, describe_environment, train
from tests.pipeline.samples import TRAIN

Sides = dict[str, pa.Table]
MODELS: tuple[Literal["gradient_boosting", "logistic_regression"], ...] = (
    "gradient_boosting",
    "logistic_regression",
)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, sides: Sides, dictionary: Dictionary) -> Pipeline:
    params = msgspec.structs.replace(TRAIN, model=request.param)
    return train(sides["train"], sides["validation"], params, dictionary)


def replace(table: pa.Table, name: str, value: object) -> pa.Table:
    at, kind = table.column_names.index(name), table.schema.field(name).type
    return table.set_column(at, name, pa.array([value] * table.num_rows, kind))


def test_the_model_finds_who_earns_more(model: Pipeline, sides: Sides) -> None:
    label = sides["test"]["income_gt_50k"].to_numpy()
    scores = score(model, sides["test"])
    assert scores[label].mean() > 2 * scores[~label].mean()


def test_features_are_those_of_the_dictionary_only(model: Pipeline, dictionary: Dictionary) -> None:
    assert tuple(model.feature_names_in_) == dictionary.with_role("feature")
    assert "instance_weight" not in model.feature_names_in_


def test_a_level_that_training_never_saw_is_scored(model: Pipeline, sides: Sides) -> None:
    scores = score(model, replace(sides["test"], "education", "Correspondence course"))
    assert np.isfinite(scores).all()


def test_rows_without_any_value_are_scored(model: Pipeline, sides: Sides) -> None:
    rows = sides["test"]
    for name in model.feature_names_in_:
        rows = replace(rows, name, None)
    scores = score(model, rows)
    assert np.isfinite(scores).all()
    assert np.unique(scores).size == 1


def test_a_feature_without_any_value_is_refused_by_name(
    sides: Sides, dictionary: Dictionary
) -> None:
    empty = replace(sides["train"], "birth_country", None)
    with pytest.raises(StageError, match="features without any value: birth_country;"):
        train(empty, sides["validation"], TRAIN, dictionary)


def test_serving_gives_what_training_gave(model: Pipeline, sides: Sides, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.skops")
    served = load_model(tmp_path / "model.skops")
    in_one_go = score(model, sides["test"])
    one_by_one = [score(served, sides["test"].slice(row, 1))[0] for row in range(5)]
    assert one_by_one == pytest.approx(in_one_go[:5], abs=1e-12)


def test_order_of_columns_and_columns_too_many_change_no_score(
    model: Pipeline, sides: Sides
) -> None:
    turned = sides["test"].select(sides["test"].column_names[::-1])
    assert score(model, turned).tolist() == score(model, sides["test"]).tolist()


def test_rows_that_lack_a_feature_are_refused_by_name(model: Pipeline, sides: Sides) -> None:
    with pytest.raises(StageError, match="lack features of the model: age"):
        score(model, sides["test"].drop_columns(["age"]))


def test_two_trainings_write_the_same_bytes(
    sides: Sides, dictionary: Dictionary, tmp_path: Path
) -> None:
    paths = tmp_path / "one.skops", tmp_path / "other.skops"
    for path in paths:
        save_model(train(sides["train"], sides["validation"], TRAIN, dictionary), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_noise_in_womens_labels_lowers_womens_scores_and_not_mens(
    sides: Sides, dictionary: Dictionary
) -> None:
    table = sides["train"]
    women = pc.equal(table["sex"], "Female")
    at = table.column_names.index("income_gt_50k")
    noisy = table.set_column(at, "income_gt_50k", pc.and_(table["income_gt_50k"], pc.invert(women)))
    honest = score(train(table, sides["validation"], TRAIN, dictionary), sides["test"])
    misled = score(train(noisy, sides["validation"], TRAIN, dictionary), sides["test"])
    of_women = np.asarray(pc.equal(sides["test"]["sex"], "Female").to_numpy(), np.bool_)
    assert misled[of_women].mean() < 0.6 * honest[of_women].mean()
    assert misled[~of_women].mean() > 0.9 * honest[~of_women].mean()


def test_dropped_features_are_not_learnt(dictionary: Dictionary) -> None:
    features = choose_features(dictionary, ("sex", "race"))
    assert len(features) == len(dictionary.with_role("feature")) - 2
    assert not {"sex", "race"} & set(features)


def test_dropping_what_is_no_feature_is_refused(dictionary: Dictionary) -> None:
    with pytest.raises(StageError, match=r"'sexx' is no feature; did you mean sex\?"):
        choose_features(dictionary, ("sexx",))


def test_missing_texts_and_numbers_become_nan() -> None:
    frame = make_frame(
        pa.table({"a": ["x", None], "b": pa.array([1, None], pa.int64())}), ["a", "b"]
    )
    assert frame["a"].tolist()[0] == "x"
    assert frame.isna().to_numpy().tolist() == [[False, False], [True, True]]
    assert frame["b"].dtype == np.float64


def test_the_environment_names_packages_seed_and_threads() -> None:
    environment = describe_environment(TRAIN)
    assert environment["seeds"] == {"train": 20}
    assert environment["threads"] == 1
    assert set(environment) == {"packages", "python", "seeds", "threads"}
