"""Stage `batches`: the same rows in other company, each score at its row's place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.batches import BatchesParams, pick_rows, score_again


class Model:
    """Adds to a row's own value what it is told to take from the batch."""

    feature_names_in_: Sequence[str] = ("x",)

    def __init__(self, of_batch: float = 0.0) -> None:
        self._of_batch = of_batch

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
        x = frame["x"].to_numpy()
        scores = x / 100 + self._of_batch * x.mean()
        return np.column_stack([1 - scores, scores])


ROWS = pa.table({"row_id": [f"r{at}" for at in range(10)], "x": [float(at) for at in range(10)]})


def test_a_model_that_looks_at_one_row_says_the_same_in_any_company() -> None:
    table = score_again(Model(), ROWS, BatchesParams(rows=10, size=3, seed=1))
    assert table.column_names == ["row_id", "alone.score", "shuffled.score", "parts.score"]
    for name in table.column_names[1:]:
        assert table[name].to_pylist() == [at / 100 for at in range(10)]


def test_a_model_that_looks_at_the_batch_gives_itself_away() -> None:
    table = score_again(Model(0.01), ROWS, BatchesParams(rows=10, size=3, seed=1))
    assert table["alone.score"][9].as_py() == pytest.approx(0.18)
    assert table["shuffled.score"][9].as_py() == pytest.approx(0.135)
    assert len(set(table["parts.score"].to_pylist())) > 3


@pytest.mark.parametrize(("count", "picked"), [(2, [0, 9]), (4, [0, 3, 6, 9]), (99, range(10))])
def test_rows_are_picked_at_even_distances(count: int, picked: Sequence[int]) -> None:
    assert pick_rows(ROWS, count)["x"].to_pylist() == list(picked)
