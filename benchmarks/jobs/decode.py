"""The unit of the other figures: columns that are read and thrown away."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.jobs import EVALUATION, TEST, TRAIN
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import CATEGORY_LEVELS, SEGMENT_LEVELS

_SCORES = ("label", "score_old", "score_new")


def evaluation(folder: Path) -> Prepared:
    """The columns that the group metrics need."""
    names = (*_SCORES, *SEGMENT_LEVELS, "age")
    return lambda: _decode(folder, {EVALUATION: SEGMENT_LEVELS}, names)


def scores(folder: Path) -> Prepared:
    """The columns that an AUC needs."""
    return lambda: _decode(folder, {EVALUATION: ()}, _SCORES)


def train_and_test(folder: Path) -> Prepared:
    """Both tables whole."""
    return lambda: _decode(folder, dict.fromkeys((TRAIN, TEST), CATEGORY_LEVELS), None)


def _decode(
    folder: Path, texts: Mapping[str, Iterable[str]], names: Sequence[str] | None
) -> Mapping[str, float]:
    """Texts are read as the dictionaries that they are stored as."""
    rows = 0
    for name, coded in texts.items():
        with pq.ParquetFile(folder / name, pre_buffer=False, read_dictionary=list(coded)) as file:
            for group in range(file.num_row_groups):
                rows += file.read_row_group(group, columns=names, use_threads=False).num_rows
    return {"rows": rows}


JOBS: Mapping[str, Job] = {
    "evaluation": evaluation,
    "scores": scores,
    "train and test": train_and_test,
}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
