"""Stage `batches`: scores the same rows alone, in another order and in small batches.

What a model says of a row must not depend on which rows come with it: in use they are others.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.pipeline import Pipeline

from pipeline.model import score
from pipeline.model_file import load_model
from pipeline.stage import OUT, read_params, run
from pipeline.tables import read_table, write_table

Positive = Annotated[int, msgspec.Meta(ge=1)]
Places = npt.NDArray[np.int64]


class BatchesParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of the test rows are scored again, and how many of them at a time."""

    rows: Positive
    size: Positive
    seed: int


def pick_rows(table: pa.Table, count: int) -> pa.Table:
    """Takes rows at even distances, so that every part of the table is there."""
    places = np.linspace(0, table.num_rows - 1, min(count, table.num_rows)).astype(np.int64)
    return table.take(pa.array(places))


def score_in(model: Pipeline, rows: pa.Table, batches: Sequence[Places]) -> npt.NDArray[np.float64]:
    """Scores batch by batch; the scores stand in the order of the rows."""
    scores = np.empty(rows.num_rows, np.float64)
    for places in batches:
        scores[places] = score(model, rows.take(pa.array(places)))
    return scores


def score_again(model: Pipeline, rows: pa.Table, params: BatchesParams) -> pa.Table:
    """Gives one column of scores per way: `alone.score`, `shuffled.score`, `parts.score`."""
    places = np.arange(rows.num_rows)
    order = np.random.default_rng(params.seed).permutation(places)
    ways: dict[str, Sequence[Places]] = {
        "alone.score": [places[at : at + 1] for at in places],
        "shuffled.score": [order],
        "parts.score": [order[at : at + params.size] for at in range(0, len(order), params.size)],
    }
    columns = {name: score_in(model, rows, batches) for name, batches in ways.items()}
    return pa.table({"row_id": rows["row_id"], **columns})


def main() -> None:
    """Runs the stage on the files of the repository."""
    params = read_params("batches", BatchesParams)
    rows = pick_rows(read_table(OUT / "test.parquet"), params.rows)
    write_table(score_again(load_model(OUT / "model.skops"), rows, params), OUT / "batches.parquet")


if __name__ == "__main__":
    run(main)
