"""Stage `folds`: the training again on parts of the training rows, each tested on what is left.

How far the folds' values lie apart says how much one test set may say by luck; where they lie says
what the test set should say.
"""

import hashlib
from typing import Annotated

import joblib  # type: ignore[import-untyped]
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dictionary import Dictionary, read_dictionary
from pipeline.model import TrainParams, score
from pipeline.stage import OUT, StageError, read_params, run
from pipeline.tables import read_table, write_table
from pipeline.train import train

DIGITS = 16**8

Draws = npt.NDArray[np.float64]


class FoldsParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Into how many folds, from about how many training rows, and how many at a time."""

    folds: Annotated[int, msgspec.Meta(ge=2, le=100)]
    rows: Annotated[int, msgspec.Meta(ge=2)]
    seed: int
    processes: Annotated[int, msgspec.Meta(ge=1)]


def draw_units(table: pa.Table, unit: str, seed: int) -> tuple[Draws, Draws]:
    """Gives two numbers in [0, 1) per row, the same for rows of one unit.

    They are read off a hash of the unit's name, so that a new batch moves no old row.
    """
    names = table[unit].to_pylist()
    alone = table["row_id"].to_pylist()
    texts = (
        f"{seed} {row if name is None else name}" for name, row in zip(names, alone, strict=True)
    )
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    return (
        np.array([int(digest[:8], 16) for digest in digests], np.float64) / DIGITS,
        np.array([int(digest[8:16], 16) for digest in digests], np.float64) / DIGITS,
    )


def deal(table: pa.Table, params: FoldsParams, unit: str) -> tuple[pa.Table, npt.NDArray[np.intp]]:
    """Draws about `rows` rows, whole units of them, and deals the units into folds."""
    kept, place = draw_units(table, unit, params.seed)
    chosen = np.flatnonzero(kept < params.rows / max(1, table.num_rows))
    folds = (place[chosen] * params.folds).astype(np.intp)
    if len(np.unique(folds)) < params.folds:
        raise StageError(
            f"params.yaml: folds.rows: {len(chosen)} rows are too few for {params.folds} folds"
        )
    return table.take(pa.array(chosen)), folds


def score_fold(
    rows: pa.Table,
    validation: pa.Table,
    out: npt.NDArray[np.bool_],
    params: TrainParams,
    dictionary: Dictionary,
) -> npt.NDArray[np.float64]:
    """Trains without the rows that are left out, and scores those."""
    model = train(rows.filter(pa.array(~out)), validation, params, dictionary)
    return score(model, rows.filter(pa.array(out)))


def cross_validate(
    sides: tuple[pa.Table, pa.Table],
    params: TrainParams,
    folds: FoldsParams,
    dictionary: Dictionary,
) -> pa.Table:
    """Gives `row_id`, `fold` and `score` of the drawn rows, each by the model that never saw it."""
    groups = dictionary.with_role("group")
    rows, fold = deal(sides[0], folds, groups[0] if groups else "row_id")
    tasks = (
        joblib.delayed(score_fold)(rows, sides[1], fold == at, params, dictionary)
        for at in range(folds.folds)
    )
    scores = np.empty(rows.num_rows)
    for at, found in enumerate(joblib.Parallel(n_jobs=min(folds.processes, folds.folds))(tasks)):
        scores[fold == at] = found
    return pa.table({"row_id": rows["row_id"], "fold": fold, "score": scores})


def main() -> None:
    """Runs the stage on the files of the repository."""
    table = cross_validate(
        (read_table(OUT / "train.parquet"), read_table(OUT / "validation.parquet")),
        read_params("train", TrainParams),
        read_params("folds", FoldsParams),
        read_dictionary(),
    )
    write_table(table, OUT / "folds.parquet")


if __name__ == "__main__":
    run(main)
