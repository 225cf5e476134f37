"""Slices of up to three predicates that nobody declared, of ten columns."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.jobs import EVALUATION, TEST
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import SEGMENT_LEVELS
from gates.stats.influence import log_losses
from gates.stats.slices import SliceSearch, find_weak_slices, find_worse_slices
from gates.tables.table import Table

ALPHA = 0.01
AGE_EDGES = (25.0, 45.0, 65.0)
_MORE = ("payment", "weekday", "tier")  # of the test table, which has as many rows

Codes = npt.NDArray[np.int32]
Losses = npt.NDArray[np.float64]
Find = Callable[[list[Codes], Losses, Losses], SliceSearch]


def weak(folder: Path) -> Prepared:
    """Where the candidate's loss is above its average."""
    return partial(_search, folder, lambda codes, _, new: find_weak_slices(codes, new, alpha=ALPHA))


def worse(folder: Path) -> Prepared:
    """Where the candidate's loss is above the baseline's."""
    return partial(
        _search, folder, lambda codes, old, new: find_worse_slices(codes, new - old, alpha=ALPHA)
    )


def nothing(folder: Path) -> Prepared:
    """The same where there is nothing to find: each difference has the sign of a coin."""

    def find(codes: list[Codes], old: Losses, new: Losses) -> SliceSearch:
        coins = np.random.default_rng(0).integers(0, 2, len(new)) * 2 - 1
        return find_worse_slices(codes, coins * (new - old), alpha=ALPHA)

    return partial(_search, folder, find)


def _search(folder: Path, find: Find) -> Mapping[str, float]:
    table, test = Table(folder / EVALUATION), Table(folder / TEST)
    codes = [table.categories(name).codes for name in SEGMENT_LEVELS]
    codes += [test.categories(name).codes for name in _MORE]
    codes.append(np.searchsorted(AGE_EDGES, table.numbers("age"), "right").astype(np.int32))
    labels = table.numbers("label") > 0
    old, new = (log_losses(labels, table.numbers(name)) for name in ("score_old", "score_new"))
    found = find(codes, old, new)
    return {
        "slices": found.searched,
        "significant slices": found.significant,
        "weak segments": len(found.shown),
    }


JOBS: Mapping[str, Job] = {"weak": weak, "worse": worse, "nothing": nothing}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
