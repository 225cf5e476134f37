"""Metrics of both models by group, and how sure their change is, from sums over the rows."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

import msgspec

from benchmarks.jobs import EVALUATION
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import SEGMENT_LEVELS
from gates.reduction.coding import Cut
from gates.reduction.grids import Cuts
from gates.reduction.reduce import reduce_evidence
from gates.reduction.reduced import Reduced, Request
from gates.reduction.scored_rows import Columns, Loss
from gates.stats import influence
from gates.stats.undefined import UndefinedError
from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import Scan, Source

NAMES = (*SEGMENT_LEVELS, "age")
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
LOSS: Loss = "log_loss"
_CUTS = (
    *(Cut(column=f"rows.{name}") for name in SEGMENT_LEVELS),
    Cut(column="rows.age", levels=("to 25", "to 45", "to 65", "older"), edges=(25.0, 45.0, 65.0)),
)
_SINGLE: tuple[Cuts, ...] = tuple((at,) for at in range(len(NAMES)))
_PAIRS: tuple[Cuts, ...] = tuple(combinations(range(len(NAMES)), 2))
_REGION_BY_PLAN = (0, 1)
_COLUMNS = Columns(
    label="rows.label",
    baseline="rows.score_old",
    candidate="rows.score_new",
    decision_threshold=0.5,
)
COUNTS = Request(columns=_COLUMNS, cuts=_CUTS, segmentations=_SINGLE, joint=False)
SUMS = Request(columns=_COLUMNS, cuts=_CUTS, segmentations=_SINGLE, losses=(LOSS,), joint=False)
ALL = msgspec.structs.replace(SUMS, ranked=True)
RANKING = Request(columns=_COLUMNS, ranked=True, joint=False)
FIVE = tuple(SHOWN)[:5]  # that fairlearn is asked for


def reduce_rows(folder: Path, request: Request) -> Reduced:
    """What the product leaves of all rows."""
    return reduce_evidence(EmbeddedEngine(), scan_rows(folder, request), request)


def scan_rows(folder: Path, request: Request) -> Scan:
    """The table, and the columns of it that are needed."""
    asked = request.columns
    needed = (asked.label, asked.baseline, asked.candidate, *(cut.column for cut in request.cuts))
    names = tuple(dict.fromkeys(each.removeprefix("rows.") for each in needed))
    source = Source(name="rows", location=folder / EVALUATION, id="id", columns=names)
    return Scan(sources=(source,))


def one_column(folder: Path) -> Prepared:
    """Five metrics of one model by one column: no more than fairlearn is asked for."""
    columns = msgspec.structs.replace(_COLUMNS, baseline=_COLUMNS.candidate)
    request = Request(columns=columns, cuts=_CUTS[:1], segmentations=((0,),), joint=False)

    def measure() -> Mapping[str, float]:
        values = _values(reduce_rows(folder, request), (0,))
        return {name: value for name, value in values if name.split()[0] in FIVE}

    return measure


def one_by_one(folder: Path) -> Prepared:
    """Seven metrics of both models by each of seven columns."""

    def measure() -> Mapping[str, float]:
        reduced = reduce_rows(folder, COUNTS)
        return {name: value for cuts in _SINGLE for name, value in _values(reduced, cuts)}

    return measure


def intervals(folder: Path) -> Prepared:
    """By each of seven columns the change of seven metrics and of a loss, with their intervals."""

    def measure() -> Mapping[str, float]:
        reduced = reduce_rows(folder, SUMS)
        return {name: value for cuts in _SINGLE for name, value in _changes(reduced, cuts)}

    return measure


def pairs(folder: Path) -> Prepared:
    """Counts by each of seven columns and by their 21 pairs; metrics of one of those."""
    return lambda: _reduce_pairs(folder, COUNTS)


def pairs_with_losses(folder: Path) -> Prepared:
    """The same with sums of both models' losses and of their squares."""
    return lambda: _reduce_pairs(folder, SUMS)


def _reduce_pairs(folder: Path, request: Request) -> Mapping[str, float]:
    asked = msgspec.structs.replace(request, segmentations=(*_SINGLE, *_PAIRS))
    return dict(_values(reduce_rows(folder, asked), _REGION_BY_PLAN))


def _values(reduced: Reduced, cuts: Cuts) -> Iterator[tuple[str, float]]:
    table = reduced.sums.table(reduced.summed, cuts)
    assert table is not None
    for codes, levels, _ in reduced.segments(cuts):
        group = _name(cuts, levels)
        before, after = influence.split_cells(table.rows[codes])
        for shown, name in SHOWN.items():
            metric = influence.METRICS[name]
            try:
                yield f"baseline's {shown} {group}", influence.value_of(metric, before)
                yield f"{shown} {group}", influence.value_of(metric, after)
            except UndefinedError:
                continue


def _changes(reduced: Reduced, cuts: Cuts) -> Iterator[tuple[str, float]]:
    for codes, levels, _ in reduced.segments(cuts):
        for shown, name in {**SHOWN, str(LOSS): str(LOSS)}.items():
            try:
                change = reduced.change(name, cuts, codes, confidence=CONFIDENCE)
            except UndefinedError:
                continue
            yield f"{shown} {_name(cuts, levels)}", change.candidate


def _name(cuts: Cuts, levels: tuple[str, ...]) -> str:
    pairs = zip((NAMES[at] for at in cuts), levels, strict=True)
    return ", ".join(f"{name}={level}" for name, level in pairs)


JOBS: Mapping[str, Job] = {
    "one column": one_column,
    "one by one": one_by_one,
    "intervals": intervals,
    "pairs": pairs,
    "pairs with losses": pairs_with_losses,
}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
