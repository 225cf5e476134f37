"""The thirteen goals of speed and memory, each with its figures and whether it is kept."""

import math
from collections.abc import Callable, Iterator, Mapping

import msgspec

from benchmarks.alone import ALL_GATES, AUC, FEW_GATES, times_decode
from benchmarks.beside import (
    BY_GROUP,
    DRIFT,
    DUPLICATES,
    INTERVALS,
    ONE_COLUMN,
    OUR_DRIFT,
    PAIRS,
    TWINS,
    extrapolate,
)
from benchmarks.children import Run
from benchmarks.commands import CACHED, COMMENT, HELP, JUDGE_FEW
from benchmarks.ratios import lighter, quicker
from benchmarks.simulation.figures import Table
from benchmarks.tasks import Results, Task
from benchmarks.timing import Timed

STATED_ROWS, STATED_LARGE_ROWS = 1_000_000, 10_000_000  # where the goals themselves are set
_NOT_RUN = Run(seconds=math.nan, cpu_seconds=math.nan, peak_mb=math.nan, ended="not run")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """All results of one call: at some rows, at ten times as many, and of whole commands."""

    rows: int
    results: Results
    large: Results
    commands: Mapping[str, Timed]


class Part(msgspec.Struct, frozen=True):
    """One figure of a goal and its limit; `nan` where the figure was not taken."""

    figure: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Never by a figure that was not taken."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        if math.isnan(self.figure):
            return "–"
        return f"{self.figure:,.0f} {self.unit}" if self.figure >= 100 else self._short()

    def _short(self) -> str:
        return (
            f"{self.figure:.2g} {self.unit}"
            if self.figure < 10
            else f"{self.figure:.0f} {self.unit}"
        )


class Goal(msgspec.Struct, frozen=True):
    """What is promised, and the figures that say whether it is kept."""

    promise: str
    parts: Callable[[Taken], Iterator[Part]]
    large: bool = False  # whether it is promised for the larger tables


def tabulate(taken: Taken) -> Table:
    """One line a goal, in order."""
    lines = [
        (number, goal.promise, *_judge(goal, taken)) for number, goal in enumerate(GOALS, start=1)
    ]
    return Table("The goals", ("#", "goal", "figure", "kept"), lines)


def _judge(goal: Goal, taken: Taken) -> tuple[str, str]:
    """The figures, with their size where it is not the goal's own; and whether they keep it."""
    parts = list(goal.parts(taken))
    rows, stated = taken.rows, STATED_ROWS
    if goal.large:
        rows, stated = 10 * rows, STATED_LARGE_ROWS
    where = "" if rows == stated else f" ({rows:,} rows)"
    if any(math.isnan(part.figure) for part in parts) or not parts:
        kept = "not taken" if all(part.kept or math.isnan(part.figure) for part in parts) else "no"
    else:
        kept = "yes" if all(part.kept for part in parts) else "no"
    return " / ".join(map(str, parts)) + where if parts else "", kept


def _one_way(taken: Taken) -> Iterator[Part]:
    yield Part(times_decode(taken.large, INTERVALS), 5, "× decode")


def _two_way(taken: Taken) -> Iterator[Part]:
    yield Part(times_decode(taken.large, PAIRS), 5, "× decode")
    yield Part(times_decode(taken.large, PAIRS), 8, "× decode")


def _memory(taken: Taken) -> Iterator[Part]:
    yield Part(_of(taken.large, FEW_GATES).peak_mb, 300, "MB")


def _fairlearn(taken: Taken) -> Iterator[Part]:
    results = taken.results
    yield _times(quicker(_of(results, ONE_COLUMN), _of(results, BY_GROUP)), 100)
    yield _times(quicker(extrapolate(results) or _NOT_RUN, _of(results, INTERVALS)), 1_000)


def _duplicates(taken: Taken) -> Iterator[Part]:
    theirs, own = _of(taken.results, DUPLICATES), _of(taken.results, TWINS)
    yield Part(times_decode(taken.large, TWINS), 2.5, "× decode")
    yield _times(quicker(theirs, own), 200)
    yield _times(lighter(theirs, own), 15)


def _auc(taken: Taken) -> Iterator[Part]:
    run = _of(taken.large, AUC)
    yield Part(run.seconds, 0.6, "s")
    yield Part(run.peak_mb, 150, "MB")
    yield Part(run.values.get("bound", math.nan), 2e-5, "off at most")


def _drift(taken: Taken) -> Iterator[Part]:
    yield _times(quicker(_of(taken.results, DRIFT), _of(taken.results, OUR_DRIFT)), 50)


def _commands(taken: Taken) -> Iterator[Part]:
    for name, limit in ((HELP, 40), (COMMENT, 100), (JUDGE_FEW, 400)):
        yield _milliseconds(taken, name, limit)


def _cached(taken: Taken) -> Iterator[Part]:
    yield _milliseconds(taken, CACHED, 100)


def _verdict(taken: Taken) -> Iterator[Part]:
    run = _of(taken.results, ALL_GATES)
    yield Part(run.seconds, 8, "s")
    yield Part(run.peak_mb, 900, "MB")


def _nothing(_taken: Taken) -> Iterator[Part]:
    yield from ()


def _of(results: Results, task: Task) -> Run:
    """A run that came to its end, or else one without figures."""
    run = results.get(task, _NOT_RUN)
    return _NOT_RUN if run.ended == "not run" else run


def _times(ratio: float, limit: float) -> Part:
    return Part(ratio, limit, "×", at_least=True)


def _milliseconds(taken: Taken, name: str, limit: float) -> Part:
    timed = taken.commands.get(name)
    return Part(timed.median_ms if timed else math.nan, limit, "ms")


GOALS = (
    Goal("one-way slices, losses, intervals: ≤ 5 × decode", _one_way, large=True),
    Goal("two-way slices, counts / with sums: ≤ 5 × / ≤ 8 × decode", _two_way, large=True),
    Goal("metrics, segments, fairness: ≤ 300 MB at any size", _memory, large=True),
    Goal("fairlearn, values / 200 replicates: ≥ 100 × / ≥ 1,000 ×", _fairlearn),
    Goal("twins: ≤ 2.5 × decode; deepchecks ≥ 200 ×, memory ≥ 15 ×", _duplicates),
    Goal("near twins: recall 1, ≤ 3 × decode, ≤ 1 GB", _nothing, large=True),
    Goal("slices of 3 predicates: ≤ 0.8 s, ≤ 300 MB", _nothing),
    Goal("AUC difference: ≤ 0.6 s, ≤ 150 MB, bound ≤ 2e-5", _auc, large=True),
    Goal("drift, evidently ≥ 50 ×", _drift),
    Goal("`--help` ≤ 40 ms, comment ≤ 100 ms, judge 50,000 rows ≤ 400 ms", _commands),
    Goal("baseline from DVC's cache ≤ 100 ms", _cached),
    Goal("all gates on 3 tables: ≤ 8 s, ≤ 900 MB", _verdict),
    Goal("every engine the same bytes", _nothing),
)
