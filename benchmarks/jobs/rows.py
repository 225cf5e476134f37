"""Rows of the test table that stand in the training table as well."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.jobs import TEST, TRAIN
from benchmarks.measure import Job, Prepared, run_job
from gates.tables.duplicates import find_duplicates
from gates.tables.table import Table


def twins(folder: Path) -> Prepared:
    """Test rows that equal a training row in all 20 columns; hashes are verified."""

    def measure() -> Mapping[str, float]:
        test, train = Table(folder / TEST), Table(folder / TRAIN)
        found = find_duplicates(test.names, (test, train))
        in_test, in_train = found.codes
        return {"test rows with a twin": int(np.count_nonzero(np.isin(in_test, in_train)))}

    return measure


JOBS: Mapping[str, Job] = {"twins": twins}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
