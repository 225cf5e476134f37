"""Stage `split`: people become train, validation and test rows, drawn by a hash of their ids."""

from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.stage import OUT, StageError, read_params, run
from pipeline.tables import read_table, write_table

Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Mask = npt.NDArray[np.bool_]
SIDES = ("train", "validation", "test")


class SplitParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the rows are dealt out.

    `test_share` is of all rows, `validation_share` of the rest; `publisher` takes the test rows
    from the two files that the Census Bureau released.
    """

    by: Literal["row_id", "publisher"]
    test_share: Share
    validation_share: Share
    train_years: tuple[int, ...]
    test_years: tuple[int, ...]


def draw(ids: pa.ChunkedArray, digits: slice) -> npt.NDArray[np.float64]:
    """Reads eight hexadecimal digits of each id as a number in [0, 1).

    An id's draw never changes, so a new batch moves no old row.
    """
    return np.array([int(text[digits], 16) for text in ids.to_pylist()], np.float64) / 16**8


def choose_test(people: pa.Table, params: SplitParams) -> Mask:
    """Marks the rows of the test side, whatever their year."""
    if params.by == "publisher":
        return np.asarray(pc.equal(people["uci_split"], "test").to_numpy(), np.bool_)
    return draw(people["row_id"], slice(8, 16)) < params.test_share


def split(people: pa.Table, params: SplitParams) -> dict[str, pa.Table]:
    """Deals each row to one side at most; raises when a side stays empty.

    Returns:
        A table for each of `SIDES`, sorted by row id.
    """
    people = people.sort_by("row_id")
    year = people["year"].to_numpy()
    to_test = choose_test(people, params)
    to_validation = draw(people["row_id"], slice(0, 8)) < params.validation_share
    learn = ~to_test & np.isin(year, params.train_years)
    masks = {
        "train": learn & ~to_validation,
        "validation": learn & to_validation,
        "test": to_test & np.isin(year, params.test_years),
    }
    for side, mask in masks.items():
        if not mask.any():
            raise StageError(f"split: no {side} rows; look at the shares, years and ingest.batches")
    return {side: people.filter(pa.array(masks[side])) for side in SIDES}


def main() -> None:
    """Runs the stage on the files of the repository."""
    sides = split(read_table(OUT / "workers.parquet"), read_params("split", SplitParams))
    for side, table in sides.items():
        write_table(table, OUT / f"{side}.parquet")


if __name__ == "__main__":
    run(main)
