"""Metrics of both models by group, and how sure their change is, from sums over the rows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path

import msgspec

from benchmarks.jobs import EVALUATION
from benchmarks.measure import Job, Prepared, run_job
from benchmarks.tables_at_scale import SEGMENT_LEVELS
from gates.reduction.changes import cell_change, loss_change, tally_of
from gates.reduction.coding import Cut
from gates.reduction.features import LossFeature
from gates.reduction.grids import pair_needs, plan_grids
from gates.reduction.scored_rows import Columns
from gates.reduction.sums import Summed, Sums, Table
from gates.reduction.survey import Survey
from gates.stats import influence
from gates.stats.undefined import UndefinedError
from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import Scan, Source

COLUMNS = (*SEGMENT_LEVELS, "age")
AGE_EDGES, AGE_BANDS = (25.0, 45.0, 65.0), ("to 25", "to 45", "to 65", "older")
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
WHERE = Columns(
    label="rows.label",
    baseline="rows.score_old",
    candidate="rows.score_new",
    decision_threshold=0.5,
)
_CUTS = (
    *(Cut(column=f"rows.{name}") for name in SEGMENT_LEVELS),
    Cut(column="rows.age", levels=AGE_BANDS, edges=AGE_EDGES),
)
_SINGLE = tuple((at,) for at in range(len(COLUMNS)))
_PAIRS = tuple(combinations(range(len(COLUMNS)), 2))
_REGION_BY_PLAN = (0, 1)


class Reduced(msgspec.Struct, frozen=True):
    """The kernel of the second pass and what it left."""

    sums: Sums
    value: Summed

    def groups(self, cuts: tuple[int, ...]) -> Iterator[tuple[str, Table, tuple[int, ...]]]:
        """Every group that has rows: its name, its table, and where it stands there."""
        table = self.sums.table(self.value, cuts)
        assert table is not None
        columns = [(COLUMNS[at], self.sums.cuts[at].levels) for at in cuts]
        for codes in product(*(range(len(levels)) for _, levels in columns)):
            named = zip(columns, codes, strict=True)
            name = ", ".join(f"{column}={levels[code]}" for (column, levels), code in named)
            if table.rows[codes].any():
                yield name, table, codes


def one_by_one(folder: Path) -> Prepared:
    """Seven metrics of both models by each of seven columns."""

    def measure() -> Mapping[str, float]:
        reduced = _reduce(folder, _SINGLE)
        return {name: value for cuts in _SINGLE for name, value in _values(reduced, cuts)}

    return measure


def pairs(folder: Path) -> Prepared:
    """Counts by each of seven columns and by their 21 pairs; metrics of one of those."""
    return lambda: dict(_values(_reduce(folder, (*_SINGLE, *_PAIRS)), _REGION_BY_PLAN))


def pairs_with_losses(folder: Path) -> Prepared:
    """The same with sums of both models' losses and of their squares."""

    def measure() -> Mapping[str, float]:
        return dict(_values(_reduce(folder, (*_SINGLE, *_PAIRS), losses=True), _REGION_BY_PLAN))

    return measure


def intervals(folder: Path) -> Prepared:
    """By each of seven columns the change of seven metrics and of a loss, with their intervals."""

    def measure() -> Mapping[str, float]:
        reduced = _reduce(folder, _SINGLE, losses=True)
        return {name: value for cuts in _SINGLE for name, value in _changes(reduced, cuts)}

    return measure


def _reduce(
    folder: Path, segmentations: Sequence[tuple[int, ...]], *, losses: bool = False
) -> Reduced:
    columns = ("label", "score_old", "score_new", *COLUMNS)
    source = Source(name="rows", location=folder / EVALUATION, id="id", columns=columns)
    scan, engine = Scan(sources=(source,)), EmbeddedEngine()
    survey = Survey(columns=WHERE, cuts=_CUTS, losses=("log_loss",) if losses else ())
    found = engine.reduce(scan, survey)
    cuts = survey.cut(found)
    features = tuple(
        LossFeature(loss=loss, largest=moved, largest_level=level)
        for loss, (moved, level) in found.largest.items()
    )
    places = [tuple(range(len(features)))] * len(segmentations)
    needs = pair_needs(segmentations, places, joint=False)
    grids = plan_grids(needs, [cut.size for cut in cuts])
    sums = Sums(columns=WHERE, cuts=cuts, grids=grids, features=features, row_count=found.rows)
    return Reduced(sums, engine.reduce(scan, sums))


def _values(reduced: Reduced, cuts: tuple[int, ...]) -> Iterator[tuple[str, float]]:
    for group, table, codes in reduced.groups(cuts):
        before, after = influence.split_cells(table.rows[codes])
        for shown, name in SHOWN.items():
            metric = influence.METRICS[name]
            try:
                yield f"baseline's {shown} {group}", influence.value_of(metric, before)
                yield f"{shown} {group}", influence.value_of(metric, after)
            except UndefinedError:
                continue


def _changes(reduced: Reduced, cuts: tuple[int, ...]) -> Iterator[tuple[str, float]]:
    for group, table, codes in reduced.groups(cuts):
        tally = tally_of(table, codes)
        for shown, name in SHOWN.items():
            try:
                yield f"{shown} {group}", cell_change(name, tally, CONFIDENCE).candidate
            except UndefinedError:
                continue
        try:
            yield f"log loss {group}", loss_change(0, tally, CONFIDENCE).candidate
        except UndefinedError:
            continue


JOBS: Mapping[str, Job] = {
    "one by one": one_by_one,
    "pairs": pairs,
    "pairs with losses": pairs_with_losses,
    "intervals": intervals,
}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
