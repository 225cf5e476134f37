"""The product's jobs by themselves, in units of reading the same columns and throwing them away."""

import math
from collections.abc import Iterator, Mapping

from benchmarks.beside import BY_GROUP, INTERVALS, OUR_DRIFT, PAIRS, TWINS
from benchmarks.ratios import show_fault, show_mb, show_seconds
from benchmarks.simulation.figures import Table
from benchmarks.tasks import Results, Task, ours

DECODE, DECODE_SCORES = ours("decode", "evaluation"), ours("decode", "scores")
DECODE_BOTH = ours("decode", "train and test")
AUC = ours("ranking", "difference")
ALL_GATES, FEW_GATES = ours("verdict", "all gates"), ours("verdict", "few gates")

UNITS: Mapping[Task, Task | None] = {  # what each task needs to read
    DECODE: None,
    DECODE_SCORES: None,
    DECODE_BOTH: None,
    BY_GROUP: DECODE,
    PAIRS: DECODE,
    INTERVALS: DECODE,
    AUC: DECODE_SCORES,
    TWINS: DECODE_BOTH,
    OUR_DRIFT: DECODE_BOTH,
    FEW_GATES: None,
    ALL_GATES: None,
}


def tabulate(results: Results, rows: int) -> Table:
    """Seconds, processor time and memory of each task of ours."""
    columns = ("job", "s", "CPU s", "MB", "× decode", "")
    return Table(f"By itself, {rows:,} rows", columns, list(_lines(results)))


def times_decode(results: Results, task: Task) -> float:
    """How often the task's columns could have been read; `nan` where that was not timed."""
    unit = UNITS[task]
    if unit is None or not {task, unit} <= results.keys() or results[task].ended != "done":
        return math.nan
    return results[task].seconds / results[unit].seconds


def _lines(results: Results) -> Iterator[tuple[str, ...]]:
    for task in UNITS:
        if task not in results:
            continue
        run, times = results[task], times_decode(results, task)
        yield (
            f"{task.topic}: {task.job}",
            show_seconds(run),
            f"{run.cpu_seconds:,.3g}",
            show_mb(run),
            "" if math.isnan(times) else f"{times:.1f}",
            show_fault(run),
        )
