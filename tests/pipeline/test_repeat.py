import msgspec
import numpy as np
import pyarrow as pa
import pytest

from pipeline.dictionary import Dictionary
from pipeline.model import score
from pipeline.repeat import RepeatParams, repeat
from pipeline.stage import StageError
from pipeline.train import train
from tests.pipeline.samples import TRAIN

Sides = dict[str, pa.Table]


def run_with(seeds: tuple[int, ...], sides: Sides, dictionary: Dictionary) -> pa.Table:
    pair = sides["train"], sides["validation"]
    repeats = RepeatParams(seeds=seeds, processes=1)
    return repeat(pair, sides["test"], TRAIN, repeats, dictionary)


@pytest.fixture(scope="module")
def repeats(sides: Sides, dictionary: Dictionary) -> pa.Table:
    return run_with((21,), sides, dictionary)


def test_the_same_seed_gives_the_same_scores(
    repeats: pa.Table, sides: Sides, dictionary: Dictionary
) -> None:
    once = score(train(sides["train"], sides["validation"], TRAIN, dictionary), sides["test"])
    assert np.array_equal(np.asarray(repeats["again.score"]), once)


def test_another_seed_gives_what_training_with_it_gives(
    repeats: pa.Table, sides: Sides, dictionary: Dictionary
) -> None:
    params = msgspec.structs.replace(TRAIN, seed=21)
    other = score(train(sides["train"], sides["validation"], params, dictionary), sides["test"])
    assert np.array_equal(np.asarray(repeats["seed_21.score"]), other)
    assert not np.array_equal(np.asarray(repeats["again.score"]), other)


def test_the_rows_are_the_test_rows_in_their_order(repeats: pa.Table, sides: Sides) -> None:
    assert repeats.column_names == ["row_id", "again.score", "seed_21.score"]
    assert repeats["row_id"].equals(sides["test"]["row_id"])


def test_without_other_seeds_only_the_same_is_repeated(
    sides: Sides, dictionary: Dictionary
) -> None:
    assert run_with((), sides, dictionary).column_names == ["row_id", "again.score"]


@pytest.mark.parametrize("seeds", [(TRAIN.seed,), (21, 21)])
def test_a_seed_that_stands_twice_is_refused(
    seeds: tuple[int, ...], sides: Sides, dictionary: Dictionary
) -> None:
    with pytest.raises(StageError, match=r"repeat\.seeds: \d+ stands twice"):
        run_with(seeds, sides, dictionary)
