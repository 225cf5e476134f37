"""Groups of rows in train and test, in the candidate and in the baseline, and their labels."""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from gates.case.answers import Values
from gates.case.case import Case
from gates.case.segments import Rows, split_by
from gates.evidence.columns import ColumnDictionary
from gates.evidence.folder import Evidence
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
    """A table of one side, with each row's value for each target."""

    table: Table
    values: tuple[Floats, ...]

    def groups(self, columns: tuple[str, ...], bands: ColumnDictionary) -> Groups:
        """Places of the rows of each group; a missing value makes a group of its own."""
        return {
            " and ".join(segment.name.values()): segment.rows
            for segment in split_by(columns, self.table, bands)
        }


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
        """Of the candidate's table."""
        return self.place.new.table.rows

    @property
    def old_rows(self) -> int:
        """Of the baseline's table; 0 where there is none."""
        return 0 if self.place.old is None else self.place.old.table.rows

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

    def share_growth(self, group: str) -> Estimate:
        """Of the group's share of all rows since the baseline."""
        if self.place.same:
            return _NOTHING
        before = _marks(self.old or {}, group, self.old_rows).astype(np.float64)
        after = _marks(self.groups, group, self.rows).astype(np.float64)
        old, new = Sample(before, np.ones(len(before))), Sample(after, np.ones(len(after)))
        return mean_growth(old, new, self.place.kept)

    def halves(self, group: str, target: int) -> Halves:
        """The candidate's labels inside and outside of a group."""
        return Halves(self.place.new.values[target], _marks(self.groups, group, self.rows))

    def gap_growth(self, group: str, target: int) -> tuple[float, Estimate]:
        """The baseline's distance of the group's labels from the others', and its growth."""
        new = self.halves(group, target)
        if self.place.same or self.place.old is None:
            return abs(new.gap), _NOTHING
        inside = _marks(self.old or {}, group, self.old_rows)
        old = Halves(self.place.old.values[target], inside)
        return abs(old.gap), gap_growth(old, new, self.place.kept)


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
        mine, theirs, kept = _side(new, file, table, targets), None, _NO_ROWS
        if all(same_file(case, name) for name in (file, "columns.yaml")):
            theirs = mine
        elif old is not None and file in before and before[file].rows:
            theirs = _side(old, file, before[file], targets)
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


def _side(evidence: Evidence, file: str, table: Table, targets: tuple[Target, ...]) -> Side:
    labels = evidence.labels if file == TEST else evidence.labels_of(table)
    return Side(table, tuple(target.values(labels) for target in targets))


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
