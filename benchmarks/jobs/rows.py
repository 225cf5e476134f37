"""Rows of the test table that stand in the training table as well, or nearly."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.jobs import TEST, TRAIN
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import BLOCK_ROWS, COPIED, NEARLY_COPIED
from gates.tables.duplicates import find_duplicates
from gates.tables.near_duplicates import find_near_duplicates
from gates.tables.table import Table

DIFFERING = 2  # columns, at most


def twins(folder: Path) -> Prepared:
    """Test rows that equal a training row in all 20 columns; hashes are verified."""

    def measure() -> Mapping[str, float]:
        test, train = Table(folder / TEST), Table(folder / TRAIN)
        found = find_duplicates(test.names, (test, train))
        in_test, in_train = found.codes
        return {"test rows with a twin": int(np.count_nonzero(np.isin(in_test, in_train)))}

    return measure


def near_twins(folder: Path) -> Prepared:
    """Test rows that equal a training row in all of 20 columns but two; pairs are compared."""

    def measure() -> Mapping[str, float]:
        test, train = Table(folder / TEST), Table(folder / TRAIN)
        asked = np.ones(test.rows, np.bool_), np.zeros(train.rows, np.bool_)
        found = find_near_duplicates(
            test.names, (test, train), asked, tuple(~each for each in asked), differing=DIFFERING
        )
        near = len(np.unique(found.rows))
        return {
            "test rows with a near twin": near,
            "recall": near / _count_copies(test.rows) if found.complete else 0.0,
        }

    return measure


def _count_copies(rows: int) -> int:
    """How many copies the table was made with, exact and near."""
    blocks = [min(BLOCK_ROWS, rows - start) for start in range(0, rows, BLOCK_ROWS)]
    return sum(int(size * COPIED) + int(size * NEARLY_COPIED) for size in blocks)


JOBS: Mapping[str, Job] = {"twins": twins, "near twins": near_twins}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
