import msgspec
import numpy as np
import pyarrow as pa
import pytest

from pipeline.dictionary import Column, Dictionary
from pipeline.folds import FoldsParams, cross_validate, deal, draw_units
from pipeline.model import score
from pipeline.stage import StageError
from pipeline.train import train
from tests.pipeline.samples import TRAIN

Sides = dict[str, pa.Table]
TWO = FoldsParams(folds=2, rows=10_000, seed=20, processes=1)


def people(rows: int, each: int) -> pa.Table:
    """So many rows, each person with some of them."""
    return pa.table(
        {
            "row_id": [f"r{at}" for at in range(rows)],
            "person": [f"p{at // each}" for at in range(rows)],
        }
    )


def test_each_row_is_scored_by_the_model_that_never_saw_it(
    sides: Sides, dictionary: Dictionary
) -> None:
    found = cross_validate((sides["train"], sides["validation"]), TRAIN, TWO, dictionary)
    assert found.column_names == ["row_id", "fold", "score"]
    assert found["row_id"].equals(sides["train"]["row_id"])
    fold = np.asarray(found["fold"])
    kept = sides["train"].filter(pa.array(fold != 0))
    model = train(kept, sides["validation"], TRAIN, dictionary)
    expected = score(model, sides["train"].filter(pa.array(fold == 0)))
    assert np.array_equal(np.asarray(found["score"])[fold == 0], expected)


def test_rows_of_a_person_stay_together() -> None:
    table = people(600, 3)
    chosen, fold = deal(table, FoldsParams(folds=4, rows=300, seed=1, processes=1), "person")
    by_person: dict[str, set[int]] = {}
    for person, at in zip(chosen["person"].to_pylist(), fold, strict=True):
        by_person.setdefault(person, set()).add(int(at))
    assert all(len(folds) == 1 for folds in by_person.values())
    assert chosen.num_rows == 3 * len(by_person)
    assert 200 < chosen.num_rows < 400
    assert set(fold.tolist()) == {0, 1, 2, 3}


def test_a_group_in_the_dictionary_is_kept_together(sides: Sides, dictionary: Dictionary) -> None:
    grouped = msgspec.structs.replace(
        dictionary,
        columns={**dictionary.columns, "state_code": Column(role="group", type="category")},
    )
    train_rows = sides["train"].append_column(
        "state_code", pa.array([f"s{at % 40}" for at in range(sides["train"].num_rows)])
    )
    found = cross_validate((train_rows, sides["validation"]), TRAIN, TWO, grouped)
    folds = np.asarray(found["fold"])
    assert all(len(set(folds[at::40].tolist())) == 1 for at in range(40))


def test_another_batch_moves_no_row() -> None:
    few, many = people(100, 1), people(200, 1)
    before, after = draw_units(few, "row_id", 5), draw_units(many, "row_id", 5)
    assert np.array_equal(before[0], after[0][:100])
    assert not np.array_equal(before[0], draw_units(few, "row_id", 6)[0])


def test_a_row_without_a_person_stands_for_itself() -> None:
    table = people(2, 1).set_column(1, "person", pa.array([None, None], pa.string()))
    first, second = draw_units(table, "person", 1)[0]
    assert first != second


def test_too_few_rows_for_the_folds_are_refused() -> None:
    with pytest.raises(StageError, match=r"folds\.rows: \d+ rows are too few for 50 folds"):
        deal(people(60, 1), FoldsParams(folds=50, rows=60, seed=1, processes=1), "row_id")
