"""Stage `repeat`: trains again, once with the same seed and once with each of some others.

What the same seed gives tells whether the training can be had again; what the others give tells
how far its metrics would move if nothing changed but chance.
"""

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

AGAIN = "again.score"


class RepeatParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With which seeds to train beside the one of section `train`, and how many at a time."""

    seeds: tuple[int, ...]
    processes: Annotated[int, msgspec.Meta(ge=1)]


def refuse_repeated(params: RepeatParams, seed: int) -> None:
    """Raises where a seed stands twice: its spread would be counted as none."""
    seeds = (seed, *params.seeds)
    twice = sorted({each for each in seeds if seeds.count(each) > 1})
    if twice:
        raise StageError(
            f"params.yaml: repeat.seeds: {twice[0]} stands twice, or is train.seed;"
            " name seeds that differ"
        )


def train_and_score(
    sides: tuple[pa.Table, pa.Table], test: pa.Table, params: TrainParams, dictionary: Dictionary
) -> npt.NDArray[np.float64]:
    """Gives the test rows' scores by a model that was trained with these parameters."""
    return score(train(*sides, params, dictionary), test)


def repeat(
    sides: tuple[pa.Table, pa.Table],
    test: pa.Table,
    params: TrainParams,
    repeats: RepeatParams,
    dictionary: Dictionary,
) -> pa.Table:
    """Gives one column of scores per repeated training: `again.score`, `seed_<n>.score`."""
    refuse_repeated(repeats, params.seed)
    seeds = {AGAIN: params.seed} | {f"seed_{seed}.score": seed for seed in repeats.seeds}
    tasks = (
        joblib.delayed(train_and_score)(
            sides, test, msgspec.structs.replace(params, seed=seed), dictionary
        )
        for seed in seeds.values()
    )
    scores = joblib.Parallel(n_jobs=min(repeats.processes, len(seeds)))(tasks)
    return pa.table({"row_id": test["row_id"], **dict(zip(seeds, scores, strict=True))})


def main() -> None:
    """Runs the stage on the files of the repository."""
    sides = read_table(OUT / "train.parquet"), read_table(OUT / "validation.parquet")
    table = repeat(
        sides,
        read_table(OUT / "test.parquet"),
        read_params("train", TrainParams),
        read_params("repeat", RepeatParams),
        read_dictionary(),
    )
    write_table(table, OUT / "repeats.parquet")


if __name__ == "__main__":
    run(main)
