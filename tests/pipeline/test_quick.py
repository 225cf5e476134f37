import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.dictionary import Column, Dictionary
from pipeline.model_file import save_model
from pipeline.quick import (
    QuickParams,
    describe_sizes,
    read_levels,
    sample_rows,
    train_quick,
)
from pipeline.stage import StageError
from pipeline.train import train
from tests.pipeline.samples import TRAIN

Sides = dict[str, pa.Table]
ALL = QuickParams(task="binary", rows=10_000, seed=20)
ROWS = 120
KINDS = {
    "row_id": Column(role="id", type="text"),
    "x": Column(role="feature", type="number"),
    "colour": Column(role="feature", type="category"),
    "note": Column(role="feature", type="text"),
}


def made(labels: list[object]) -> tuple[pa.Table, Dictionary]:
    """Rows whose label `x` says: a number with a gap, a colour nobody saw before, a free text."""
    table = pa.table(
        {
            "row_id": [f"r{at}" for at in range(ROWS)],
            "x": [None if at == 7 else float(at % 3) for at in range(ROWS)],
            "colour": ["red" if at % 2 else "blue" for at in range(ROWS)],
            "note": [f"note {at}" for at in range(ROWS)],
            "y": labels,
        }
    )
    return table, Dictionary(columns={**KINDS, "y": Column(role="label", type="category")})


def test_it_says_something_of_every_test_row(sides: Sides, dictionary: Dictionary) -> None:
    table, model = train_quick(sides["train"], sides["test"], ALL, dictionary)
    assert table.column_names == ["row_id", "simple.score"]
    assert table["row_id"].equals(sides["test"]["row_id"])
    scores, labels = np.asarray(table["simple.score"]), np.asarray(sides["test"]["income_gt_50k"])
    assert scores[labels].mean() > scores[~labels].mean()
    assert "sex" in model.feature_names_in_
    _, without = train_quick(sides["train"], sides["test"], ALL, dictionary, drop=["sex"])
    assert "sex" not in without.feature_names_in_


def test_it_says_the_same_again(sides: Sides, dictionary: Dictionary) -> None:
    few = QuickParams(task="binary", rows=300, seed=20)
    once, again = (train_quick(sides["train"], sides["test"], few, dictionary)[0] for _ in "12")
    assert once.equals(again)


def test_both_sizes_are_those_of_the_models(
    sides: Sides, dictionary: Dictionary, tmp_path: Path
) -> None:
    path = tmp_path / "model.skops"
    save_model(train(sides["train"], sides["validation"], TRAIN, dictionary), path)
    _, simple = train_quick(sides["train"], sides["test"], ALL, dictionary)
    sizes = describe_sizes(path, simple)
    save_model(simple, tmp_path / "simple.skops")
    assert sizes["candidate"]["bytes"] == path.stat().st_size
    assert sizes["simple"]["bytes"] == (tmp_path / "simple.skops").stat().st_size
    assert sizes["candidate"]["features"] == len(dictionary.with_role("feature"))
    assert json.loads(json.dumps(sizes)) == sizes


def test_many_classes_have_a_column_each() -> None:
    """One level is in the dictionary, and in no row."""
    table, dictionary = made([("a", "b", "c")[at % 3] for at in range(ROWS)])
    params = QuickParams(task="multiclass", rows=ROWS, seed=1)
    levels = ("c", "a", "b", "never")
    scores, _ = train_quick(table, table, params, dictionary, levels=levels)
    assert scores.column_names == ["row_id", *(f"simple.score_{level}" for level in levels)]
    shares = np.stack([np.asarray(scores[name]) for name in scores.column_names[1:]], axis=1)
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.array_equal(shares[8:, :3].argmax(axis=1), np.array([0, 1, 2] * 38)[:112])


def test_a_number_is_predicted() -> None:
    table, dictionary = made([10.0 * (at % 3) for at in range(ROWS)])
    params = QuickParams(task="regression", rows=ROWS, seed=1)
    scores, _ = train_quick(table, table, params, dictionary)
    assert np.allclose(np.asarray(scores["simple.prediction"])[8:11], [20, 0, 10], atol=1)


@pytest.mark.parametrize(
    ("labels", "levels"), [((0, 1), ()), ((False, True), ()), (("no", "yes"), ("no", "yes"))]
)
def test_the_last_level_is_the_positive_one(
    labels: tuple[object, object], levels: tuple[str, ...]
) -> None:
    table, dictionary = made([labels[at % 3 == 2] for at in range(ROWS)])
    params = QuickParams(task="binary", rows=ROWS, seed=1)
    scores, _ = train_quick(table, table, params, dictionary, levels=levels)
    assert np.asarray(scores["simple.score"])[[8, 11]].min() > 0.5


def test_what_is_no_training_is_refused() -> None:
    table, dictionary = made(["a"] * ROWS)
    params = QuickParams(task="multiclass", rows=ROWS, seed=1)
    with pytest.raises(StageError, match="have one class"):
        train_quick(table, table, params, dictionary, levels=("a", "b"))
    table, dictionary = made([("a", "z")[at % 2] for at in range(ROWS)])
    with pytest.raises(StageError, match="the label has 'z', which is none of its levels"):
        train_quick(table, table, params, dictionary, levels=("a", "b"))
    with pytest.raises(StageError, match="no feature is a number"):
        train_quick(table, table, params, dictionary, levels=("a", "z"), drop=("x", "colour"))


def test_rows_are_drawn_once_each_and_in_their_order() -> None:
    table = pa.table({"x": list(range(100))})
    drawn = sample_rows(table, 30, seed=1)["x"].to_pylist()
    assert len(set(drawn)) == 30
    assert drawn == sorted(drawn)
    assert sample_rows(table, 100, seed=1) is table


def test_levels_come_from_the_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text("columns:\n  y: {role: label, levels: [a, 2]}\n  z: {role: id}\n")
    assert read_levels("y", path) == ("a", "2")
    assert read_levels("z", path) == ()
