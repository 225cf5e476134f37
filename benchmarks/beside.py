"""Which of our jobs stands beside which of a peer's, and the table of both."""

from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.children import Run
from benchmarks.ratios import (
    compare_values,
    lighter,
    quicker,
    show_mb,
    show_seconds,
    show_times,
)
from benchmarks.simulation.figures import Table
from benchmarks.tasks import Results, Task, ours

PEERS = ("fairlearn", "evidently", "deepchecks")
RUN_REPLICATES, ASKED_REPLICATES = 20, 200  # of fairlearn's bootstrap

ONE_COLUMN = Task("fairlearn", "one attribute")
BOOTSTRAP = Task("fairlearn", "intervals")
DUPLICATES = Task("deepchecks", "train-test duplicates")
DRIFT = Task("evidently", "drift")

SAME_COLUMN = ours("groups", "one column")
BY_GROUP, INTERVALS = ours("groups", "one by one"), ours("groups", "intervals")
PAIRS, PAIRS_WITH_LOSSES = ours("groups", "pairs"), ours("groups", "pairs with losses")
WEAK_SLICES = ours("slices", "weak")
TWINS, OUR_DRIFT = ours("rows", "twins"), ours("columns", "drift")


class Beside(msgspec.Struct, frozen=True):
    """A peer's job, and the one of ours that answers the same question or more."""

    theirs: Task
    they_do: str
    own: Task
    we_do: str


_SAME_WORK = "1 column, 1 model, 5 metrics"
_SEVEN = "7 columns, 2 models, 7 metrics"
_CHANGES = f"{_SEVEN} and a loss, intervals of their changes"
_PAIRS = "7 columns and 21 pairs, 2 models"
_FIRST = f"{_SAME_WORK}, {RUN_REPLICATES} bootstrap replicates"
TABLE = (
    Beside(ONE_COLUMN, _SAME_WORK, SAME_COLUMN, _SAME_WORK),
    Beside(ONE_COLUMN, _SAME_WORK, BY_GROUP, _SEVEN),
    Beside(Task("fairlearn", "two attributes"), "1 pair, 1 model, 5 metrics", PAIRS, _PAIRS),
    Beside(Task("fairlearn", "six attributes"), "6 columns, 1 model, 5 metrics", BY_GROUP, _SEVEN),
    Beside(BOOTSTRAP, _FIRST, INTERVALS, _CHANGES),
    Beside(Task("evidently", "quality by group"), "6 columns, 3 metrics", BY_GROUP, _SEVEN),
    Beside(
        Task("deepchecks", "segment performance"),
        "1 pair, accuracy",
        PAIRS_WITH_LOSSES,
        f"{_PAIRS}, with losses",
    ),
    Beside(
        Task("deepchecks", "weak segments"),
        "trees on a sample of 10,000 rows",
        WEAK_SLICES,
        "all slices of 3 predicates of 10 columns",
    ),
    Beside(DUPLICATES, "twins in 20 columns", TWINS, "twins in 20 columns, verified"),
    Beside(DRIFT, "drift of 19 columns", OUR_DRIFT, "drift of 20 columns"),
)


def list_tasks(against: Sequence[str]) -> tuple[Task, ...]:
    """Tasks of the table with these peers, each once, each peer's beside ours."""
    pairs = [(each.theirs, each.own) for each in TABLE if each.theirs.tool in against]
    return tuple(dict.fromkeys(task for pair in pairs for task in pair))


def tabulate(results: Results, rows: int) -> Table:
    """Seconds and memory of both sides, and whether they computed the same."""
    columns = ("peer", "does", "s", "MB", "gatepost does", "s", "MB", "quicker", "lighter")
    return Table(f"Beside its peers, {rows:,} rows", (*columns, "values"), list(_lines(results)))


def extrapolate(results: Results) -> Run | None:
    """What fairlearn's bootstrap would take with `ASKED_REPLICATES`: a replicate takes its time."""
    few, none = results.get(BOOTSTRAP), results.get(ONE_COLUMN)
    if few is None or none is None or few.ended != "done" or none.ended != "done":
        return None
    each = (few.seconds - none.seconds) / RUN_REPLICATES
    return msgspec.structs.replace(few, seconds=none.seconds + ASKED_REPLICATES * each)


def _lines(results: Results) -> Iterator[tuple[str, ...]]:
    for each in TABLE:
        if each.theirs not in results:
            continue
        theirs, own = results[each.theirs], results[each.own]
        yield _line(each, theirs, own)
        if each.theirs == BOOTSTRAP and (more := extrapolate(results)):
            words = f"the same with {ASKED_REPLICATES}, extrapolated"
            yield _line(msgspec.structs.replace(each, they_do=words), more, own)


def _line(each: Beside, theirs: Run, own: Run) -> tuple[str, ...]:
    return (
        *(each.theirs.tool, each.they_do, show_seconds(theirs), show_mb(theirs)),
        *(each.we_do, show_seconds(own), show_mb(own)),
        show_times(quicker(theirs, own), theirs),
        show_times(lighter(theirs, own), theirs),
        compare_values(theirs, own),
    )
