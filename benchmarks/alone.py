"""The product's jobs by themselves, in units of reading the same columns and throwing them away."""

import math
from collections.abc import Iterator

import msgspec

from benchmarks.beside import (
    BY_GROUP,
    INTERVALS,
    OUR_DRIFT,
    PAIRS,
    PAIRS_WITH_LOSSES,
    TWINS,
    WEAK_SLICES,
)
from benchmarks.ratios import show_fault, show_mb, show_seconds
from benchmarks.simulation.figures import Table
from benchmarks.tasks import Results, Task, ours

DECODE, DECODE_SCORES = ours("decode", "evaluation"), ours("decode", "scores")
DECODE_BOTH = ours("decode", "train and test")
AUC = ours("ranking", "difference")
WORSE_SLICES, NO_SLICES = ours("slices", "worse"), ours("slices", "nothing")
ENGINES = ours("engines", "both")
NEAR_TWINS = ours("rows", "near twins")
ONE_OFF, NEAR_TEXTS = ours("copies", "one off"), ours("copies", "texts")
NEAR_IMAGES = ours("copies", "images")
ALL_GATES, FEW_GATES = ours("verdict", "all gates"), ours("verdict", "few gates")


class Alone(msgspec.Struct, frozen=True):
    """A task of ours, and the task that only reads what it needs."""

    task: Task
    does: str
    unit: Task | None = None
    at_large: bool = True  # whether it is run on ten times the rows as well


TABLE = (
    Alone(DECODE, "decode a label, 2 scores, 7 columns"),
    Alone(DECODE_SCORES, "decode a label, 2 scores"),
    Alone(DECODE_BOTH, "decode train and test, 20 columns each"),
    Alone(BY_GROUP, "by 7 columns: counts, 7 metrics of 2 models", DECODE),
    Alone(INTERVALS, "by 7 columns: counts, losses, 8 changes with intervals", DECODE),
    Alone(PAIRS, "by 7 columns and 21 pairs: counts", DECODE),
    Alone(PAIRS_WITH_LOSSES, "by 7 columns and 21 pairs: counts, losses", DECODE),
    Alone(AUC, "AUC difference with its interval", DECODE_SCORES),
    Alone(TWINS, "twins in 20 columns, verified", DECODE_BOTH),
    Alone(NEAR_TWINS, "near twins, 2 of 20 columns may differ", DECODE_BOTH),
    Alone(ONE_OFF, "near twins, 1 of 20 columns may differ, rounded: the gate", DECODE_BOTH),
    Alone(NEAR_TEXTS, "near copies of texts of 20 to 59 words", at_large=False),
    Alone(NEAR_IMAGES, "near copies of pictures by their hashes", at_large=False),
    Alone(OUR_DRIFT, "drift of 20 columns, the gate", DECODE_BOTH, at_large=False),
    Alone(WEAK_SLICES, "weak slices, 3 predicates, 10 columns", at_large=False),
    Alone(WORSE_SLICES, "slices that got worse", at_large=False),
    Alone(NO_SLICES, "the same where nothing did", at_large=False),
    Alone(ENGINES, "7 columns: counts, losses, AUC, here and by a local Spark (its memory apart)"),
    Alone(FEW_GATES, "verdict: metrics, segments, fairness"),
    Alone(ALL_GATES, "verdict: all gates, train and test as well", at_large=False),
)


def tabulate(results: Results, rows: int) -> Table:
    """Seconds, processor time and memory of each task of ours."""
    columns = ("job", "s", "CPU s", "MB", "× decode", "")
    return Table(f"By itself, {rows:,} rows", columns, list(_lines(results)))


def times_decode(results: Results, task: Task) -> float:
    """How often the task's columns could have been read; `nan` where that was not timed."""
    unit = next(each.unit for each in TABLE if each.task == task)
    if unit is None or not {task, unit} <= results.keys() or results[task].ended != "done":
        return math.nan
    return results[task].seconds / results[unit].seconds


def _lines(results: Results) -> Iterator[tuple[str, ...]]:
    for each in TABLE:
        if each.task not in results:
            continue
        run, times = results[each.task], times_decode(results, each.task)
        yield (
            each.does,
            show_seconds(run),
            f"{run.cpu_seconds:,.3g}",
            show_mb(run),
            "" if math.isnan(times) else f"{times:.1f}",
            show_fault(run),
        )
