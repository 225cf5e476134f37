"""Groups of rows in train and test, in the candidate and in the baseline, and their labels."""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from gates.case.answers import Values
from gates.case.case import Case
from gates.case.segments import Rows, split_by
from gates.evidence.columns import ColumnDictionary
from gates.evidence.folder import Evidence
from gates.judging.counted_rows import units_of, weights_of
from gates.judging.sides import TEST, same_file, tables_of
from gates.quoting import quote
from gates.stats.estimate import Estimate
from gates.stats.growth import (
    Halves,
    Overlap,
    Places,
    Sample,
    gap_growth,
    mean_growth,
    overlap_of,
)
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask, Table

Groups = Mapping[str, Rows]
_NOTHING = Estimate(value=0.0, standard_error=0.0)
_NO_ROWS = overlap_of(np.zeros(0, dtype=np.intp), 0)
_TWO = 2


class Target(msgspec.Struct, frozen=True):
    """What a label says: that it is positive, one of many classes, or a number of some size."""

    name: str
    code: int | None  # of the class that counts; None of numbers
    scale: float = 1.0

    def values(self, labels: Values) -> Floats:
        """What each row adds to the mean of its group."""
        if self.code is None:
            return np.asarray(labels, dtype=np.float64) / self.scale
        return np.asarray(labels == self.code, dtype=np.float64)

    def say(self, mean: float) -> str:
        """A mean in the label's own unit, or a share."""
        return f"{mean * self.scale:.4g}" if self.code is None else f"{mean:.2%}"


class Side(msgspec.Struct, frozen=True, eq=False):
    """A table of one side, with each row's value for each target, and how its rows count."""

    table: Table
    values: tuple[Floats, ...]
    weights: Floats | None = None
    units: Places | None = None

    @property
    def counted(self) -> Floats:
        """The rows' weights, or ones."""
        return np.ones(self.table.rows) if self.weights is None else self.weights

    @property
    def rows(self) -> int:
        """Those that count: a row without weight is none."""
        return self.table.rows if self.weights is None else int(np.count_nonzero(self.weights))

    def groups(self, columns: tuple[str, ...], bands: ColumnDictionary) -> Groups:
        """Places of the rows of each group that count; a missing value makes one of its own."""
        found = {
            " and ".join(segment.name.values()): segment.rows
            for segment in split_by(columns, self.table, bands)
        }
        if self.weights is None:
            return found
        counting = {name: rows[self.weights[rows] > 0] for name, rows in found.items()}
        return {name: rows for name, rows in counting.items() if len(rows)}


class Place(msgspec.Struct, frozen=True, eq=False):
    """One table of the candidate, and the baseline's of that name, with the rows in common."""

    name: str
    new: Side
    old: Side | None
    kept: Overlap

    @property
    def same(self) -> bool:
        """Whether both sides have the very same table."""
        return self.old is self.new

    def has(self, columns: tuple[str, ...]) -> bool:
        """Whether the candidate's table has all of a feature's columns."""
        return all(name in self.new.table for name in columns)

    def split(self, columns: tuple[str, ...], bands: ColumnDictionary) -> "Split":
        """By a feature, or several together; a number by the bands of a dictionary."""
        groups, old = self.new.groups(columns, bands), None
        if self.same:
            old = groups
        elif self.old is not None and all(name in self.old.table for name in columns):
            old = self.old.groups(columns, bands)
        return Split(self, groups, old)


class Split(msgspec.Struct, frozen=True, eq=False):
    """The groups of one table by one feature, and the baseline's where it has the feature."""

    place: Place
    groups: Groups
    old: Groups | None

    @property
    def rows(self) -> int:
        """Of the candidate's table, those that count."""
        return self.place.new.rows

    @property
    def old_rows(self) -> int:
        """Of the baseline's table; 0 where there is none."""
        return 0 if self.place.old is None else self.place.old.rows

    def large(self, least: int) -> list[str]:
        """Groups with enough rows, and as many outside; of two only one, as each is the other."""
        fitting = [
            name
            for name, rows in self.groups.items()
            if len(rows) >= least and self.rows - len(rows) >= least
        ]
        return fitting[:1] if len(self.groups) == _TWO else fitting

    def knows(self, group: str, least: int) -> bool:
        """Whether the baseline has rows enough of a group, and of the others."""
        rows = len(self.old.get(group, ())) if self.old is not None else 0
        return least <= rows <= self.old_rows - least

    def small(self, least: int) -> Iterator[str]:
        """Groups with too few rows, and those that are gone, in words."""
        for name in dict.fromkeys([*self.groups, *(self.old or {})]):
            count = len(self.groups.get(name, ()))
            if count < least:
                yield f"{quote(name)} has {count} in {self.place.name}"

    def share(self, group: str) -> float:
        """Of the candidate's rows, by weight; 0 where there are none."""
        return _share_in(self.place.new, self.groups, group).mean

    def old_share(self, group: str) -> float:
        """Of the baseline's rows, by weight."""
        return 0.0 if self.place.old is None else _share_in(self.place.old, self.old, group).mean

    def share_estimate(self, group: str) -> Estimate:
        """The group's share with its error, of rows that weigh or hang together."""
        nothing = np.zeros(0)
        new = _share_in(self.place.new, self.groups, group)
        alone = overlap_of(np.full(self.place.new.table.rows, -1, dtype=np.intp), 0)
        return mean_growth(Sample(nothing, nothing), new, alone)

    def share_growth(self, group: str) -> Estimate:
        """Of the group's share of all rows since the baseline."""
        if self.place.same or self.place.old is None:
            return _NOTHING
        old = _share_in(self.place.old, self.old, group)
        return mean_growth(old, _share_in(self.place.new, self.groups, group), self.place.kept)

    def halves(self, group: str, target: int) -> Halves:
        """The candidate's labels inside and outside of a group."""
        return _halves(self.place.new, self.groups, group, target)

    def gap_growth(self, group: str, target: int) -> tuple[float, Estimate]:
        """The baseline's distance of the group's labels from the others', and its growth."""
        new = self.halves(group, target)
        if self.place.same or self.place.old is None:
            return abs(new.gap), _NOTHING
        old = _halves(self.place.old, self.old, group, target)
        return abs(old.gap), gap_growth(old, new, self.place.kept)


def _share_in(side: Side, groups: Groups | None, group: str) -> Sample:
    marks = _marks(groups or {}, group, side.table.rows).astype(np.float64)
    return Sample(marks, side.counted, side.units)


def _halves(side: Side, groups: Groups | None, group: str, target: int) -> Halves:
    inside = _marks(groups or {}, group, side.table.rows)
    return Halves(side.values[target], inside, side.weights, side.units)


def bands_of(case: Case) -> ColumnDictionary:
    """One dictionary for both sides' segments: the baseline's where it has the segment.

    A pull request must not draw the bands anew by which its own rows are judged, and bands of two
    sorts cannot be compared.
    """
    mine = case.candidate.dictionary
    if case.baseline is None:
        return mine
    theirs = case.baseline.dictionary.columns
    kept = {name: entry for name, entry in theirs.items() if entry.segment}
    return ColumnDictionary(columns={**mine.columns, **kept})


def places_of(case: Case, targets: tuple[Target, ...]) -> Iterator[Place]:
    """Test and train, where they have rows and labels."""
    new, old = case.candidate, case.baseline
    before = {} if old is None else tables_of(old)
    for file, table in tables_of(new).items():
        if not table.rows or new.dictionary.label not in table:
            continue
        mine, theirs, kept = _side(case, new, file, targets), None, _NO_ROWS
        if all(same_file(case, name) for name in (file, "columns.yaml")):
            theirs = mine
        elif old is not None and file in before and before[file].rows:
            theirs = _side(case, old, file, targets)
            kept = overlap_of(_kept(new, old, file), before[file].rows)
        yield Place(file.removesuffix(".parquet"), mine, theirs, kept)


def targets_of(evidence: Evidence) -> tuple[Target, ...]:
    """The positive class, each of many, or the number in standard deviations."""
    label = evidence.dictionary.label
    if evidence.settings.task == "binary":
        return (Target(f"rate of {quote(label)}", 1),)
    if evidence.settings.task == "multiclass":
        names = enumerate(evidence.classes)
        return tuple(Target(f"rate of {quote(name)}", code) for code, name in names)
    labels = np.asarray(evidence.labels, dtype=np.float64)
    largest = float(np.abs(labels).max(initial=0.0)) or 1.0  # whose square may be no number
    spread = float((labels / largest).std()) * largest
    return (Target(f"mean {quote(label)}", None, spread or largest),)


def _side(case: Case, evidence: Evidence, file: str, targets: tuple[Target, ...]) -> Side:
    table = tables_of(evidence)[file]
    labels = evidence.labels if file == TEST else evidence.labels_of(table)
    values = tuple(target.values(labels) for target in targets)
    return Side(table, values, weights_of(evidence, file, table), units_of(case, table))


def _kept(new: Evidence, old: Evidence, file: str) -> Places:
    if file == TEST:
        return places_in(new.ids, old.ids)
    if new.train_ids is None or old.train_ids is None:
        return np.full(0 if new.train is None else new.train.rows, -1, dtype=np.intp)
    return places_in(new.train_ids, old.train_ids)


def _marks(groups: Groups, group: str, rows: int) -> Mask:
    marks = np.zeros(rows, dtype=np.bool_)
    at = groups.get(group)
    if at is not None:
        marks[at] = True
    return marks
