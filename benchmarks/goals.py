"""The thirteen goals of speed and memory, each with its figures and whether it is kept."""

import math
from collections.abc import Callable, Iterator, Mapping

import msgspec

from benchmarks.alone import (
    ALL_GATES,
    AUC,
    ENGINES,
    FEW_GATES,
    NEAR_IMAGES,
    NEAR_TEXTS,
    NEAR_TWINS,
    NO_SLICES,
    ONE_OFF,
    WORSE_SLICES,
    times_decode,
)
from benchmarks.beside import (
    BY_GROUP,
    DRIFT,
    DUPLICATES,
    INTERVALS,
    ONE_COLUMN,
    OUR_DRIFT,
    PAIRS,
    PAIRS_WITH_LOSSES,
    TWINS,
    WEAK_SLICES,
    extrapolate,
)
from benchmarks.children import Run
from benchmarks.commands import CACHED, COMMENT, HELP, JUDGE_FEW
from benchmarks.ratios import lighter, quicker
from benchmarks.simulation.figures import Table
from benchmarks.tasks import Results, Task
from benchmarks.timing import Timed

STATED_ROWS, LARGE = 1_000_000, 10_000_000  # of the tables that the goals are set for
_WHOLE = 10  # figures from here on need no decimals
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
    def was_taken(self) -> bool:
        """Whether there is a figure."""
        return not math.isnan(self.figure)

    @property
    def kept(self) -> bool:
        """Never by a figure that was not taken."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        if not self.was_taken:
            return "–"
        figure = f"{self.figure:.2g}" if self.figure < _WHOLE else f"{self.figure:,.0f}"
        return f"{figure} {self.unit}"


class Goal(msgspec.Struct, frozen=True):
    """What is promised, and the figures that say whether it is kept."""

    promise: str
    parts: Callable[[Taken], Iterator[Part]]
    stated_rows: int | None = STATED_ROWS  # of the synthetic tables, where they matter


def tabulate(taken: Taken) -> Table:
    """One line a goal, in order."""
    lines = [
        (number, goal.promise, *_judge(goal, taken)) for number, goal in enumerate(GOALS, start=1)
    ]
    return Table("The goals", ("#", "goal", "figure", "kept"), lines)


def _judge(goal: Goal, taken: Taken) -> tuple[str, str]:
    """The figures, with their size where it is not the goal's own; and whether they keep it."""
    parts = list(goal.parts(taken))
    rows = taken.rows * (goal.stated_rows or 0) // STATED_ROWS
    where = "" if not parts or rows in (0, goal.stated_rows) else f" ({rows:,} rows)"
    figures = " / ".join(map(str, parts)) + where
    if any(not part.kept and part.was_taken for part in parts):
        return figures, "no"
    return figures, "yes" if parts and all(part.was_taken for part in parts) else "not taken"


def _one_way(taken: Taken) -> Iterator[Part]:
    yield Part(times_decode(taken.large, INTERVALS), 5, "× decode")


def _two_way(taken: Taken) -> Iterator[Part]:
    yield Part(times_decode(taken.large, PAIRS), 5, "× decode")
    yield Part(times_decode(taken.large, PAIRS_WITH_LOSSES), 8, "× decode")


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


def _near_duplicates(taken: Taken) -> Iterator[Part]:
    run = _of(taken.large, NEAR_TWINS)
    yield Part(run.values.get("recall", math.nan), 1, "recall", at_least=True)
    yield Part(times_decode(taken.large, NEAR_TWINS), 3, "× decode")
    yield Part(run.peak_mb, 1_024, "MB")


def _near_copies(taken: Taken) -> Iterator[Part]:
    runs = [_of(taken.results, task) for task in (ONE_OFF, NEAR_TEXTS, NEAR_IMAGES)]
    for run in runs:
        yield Part(run.seconds, 60, "s")
    yield Part(max(run.peak_mb for run in runs), 2_048, "MB")


def _slices(taken: Taken) -> Iterator[Part]:
    weak, worse = _of(taken.results, WEAK_SLICES), _of(taken.results, WORSE_SLICES)
    nothing = _of(taken.results, NO_SLICES)
    yield Part(weak.seconds, 0.8, "s")
    yield Part(worse.seconds, 0.8, "s")
    yield Part(max(weak.peak_mb, worse.peak_mb), 300, "MB")
    yield Part(nothing.values.get("significant slices", math.nan), 0, "false")


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


def _engines(taken: Taken) -> Iterator[Part]:
    same = _of(taken.large, ENGINES).values.get("same bytes", math.nan)
    yield Part(same, 1, "of 1 alike", at_least=True)


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
    Goal("one-way slices, losses, intervals: ≤ 5 × decode", _one_way, LARGE),
    Goal("two-way slices, counts / with sums: ≤ 5 × / ≤ 8 × decode", _two_way, LARGE),
    Goal("metrics, segments, fairness: ≤ 300 MB at any size", _memory, LARGE),
    Goal("fairlearn, values / 200 replicates: ≥ 100 × / ≥ 1,000 ×", _fairlearn),
    Goal("twins: ≤ 2.5 × decode; deepchecks ≥ 200 ×, memory ≥ 15 ×", _duplicates),
    Goal("near twins: recall 1, ≤ 3 × decode, ≤ 1 GB", _near_duplicates, LARGE),
    Goal("slices of 3 predicates, weak / worse: ≤ 0.8 s, ≤ 300 MB, none false", _slices),
    Goal("AUC difference: ≤ 0.6 s, ≤ 150 MB, bound ≤ 2e-5", _auc, LARGE),
    Goal("drift, evidently ≥ 50 ×", _drift),
    Goal("`--help` ≤ 40 ms, comment ≤ 100 ms, judge 50,000 rows ≤ 400 ms", _commands, None),
    Goal("baseline from DVC's cache ≤ 100 ms", _cached, None),
    Goal("all gates on 3 tables: ≤ 8 s, ≤ 900 MB", _verdict),
    Goal("both engines the same bytes", _engines, LARGE),
    Goal("near copies, table / texts / pictures: ≤ 60 s, ≤ 2 GB", _near_copies),
)
