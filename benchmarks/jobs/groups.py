"""Metrics of both models by group, and how sure their change is."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from benchmarks.jobs import EVALUATION
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import SEGMENT_LEVELS
from gates.columns import ColumnDictionary, Description, Role, Type
from gates.segments import split_by
from gates.stats import influence
from gates.tables.table import Table

COLUMNS = (*SEGMENT_LEVELS, "age")
AGE_BANDS = (0.0, 25.0, 45.0, 65.0, 91.0)
CONFIDENCE = 0.95
SHOWN = {  # as fairlearn and evidently call what they show by group
    "selection_rate": "selection_rate",
    "true_positive_rate": "recall",
    "false_positive_rate": "false_positive_rate",
    "false_negative_rate": "false_negative_rate",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
}
_ONE_BY_ONE = tuple((name,) for name in COLUMNS)


def one_by_one(folder: Path) -> Prepared:
    """Seven metrics of both models by each of seven columns."""
    return lambda: _measure(folder, _ONE_BY_ONE)


def pairs(folder: Path) -> Prepared:
    """Seven metrics of both models by each of seven columns and each of their 21 pairs."""
    return lambda: _measure(folder, (*_ONE_BY_ONE, *combinations(COLUMNS, 2)))


def intervals(folder: Path) -> Prepared:
    """The first job, and the interval of every metric's change between the models."""
    return lambda: _measure(folder, _ONE_BY_ONE, with_intervals=True)


def _measure(
    folder: Path, groupings: Sequence[tuple[str, ...]], *, with_intervals: bool = False
) -> Mapping[str, float]:
    table = Table(folder / EVALUATION)
    labels, old, new = (
        table.numbers(name) > 0 for name in ("label", "predicted_old", "predicted_new")
    )
    values: dict[str, float] = {}
    for names in groupings:
        for segment in split_by(names, table, _dictionary()):
            subject = ", ".join(f"{name}={level}" for name, level in segment.name.items())
            at = segment.rows
            cells = influence.count_paired_cells(labels[at], old[at], new[at])
            before, after = influence.split_cells(cells)
            for shown, name in SHOWN.items():
                metric = influence.METRICS[name]
                values[f"baseline's {shown} {subject}"] = influence.value_of(metric, before)
                values[f"{shown} {subject}"] = influence.value_of(metric, after)
                if with_intervals:
                    influence.paired_cell_interval(metric, cells, CONFIDENCE)
    return values


def _dictionary() -> ColumnDictionary:
    category = Description(role=Role.FEATURE, type=Type.CATEGORY)
    age = Description(role=Role.FEATURE, type=Type.INTEGER, segment=AGE_BANDS)
    return ColumnDictionary(columns={**dict.fromkeys(SEGMENT_LEVELS, category), "age": age})


JOBS: Mapping[str, Job] = {"one by one": one_by_one, "pairs": pairs, "intervals": intervals}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
