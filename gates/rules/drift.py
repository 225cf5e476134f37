"""Gate `drift`."""

import math
from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.segments import MISSING
from gates.evidence.columns import Description, Role, Type
from gates.finding import Family, Limit, Mode, Observation, Subject, Support
from gates.judging.constant_columns import is_quantity
from gates.judging.counted_rows import independent_share, units_of
from gates.judging.distances import (
    Counts,
    Distance,
    distance_of_counts,
    distance_of_numbers,
    say_most_moved,
)
from gates.judging.lost import find_lost
from gates.judging.sides import TEST, TRAIN, same_file, tables_of
from gates.quoting import quote
from gates.rules.gate import Gate, Item, Measurement, NotApplicableError, Share
from gates.stats.shift import Independent
from gates.tables.table import Floats, Table

_MOST_TIMES = 1000  # the rows that there are: more would say nothing to anybody
_MEND = "Find what changed in how this column is made; if the world changed, train on the new rows."


class Pair(msgspec.Struct, frozen=True):
    """Two tables whose columns should be alike."""

    name: str
    old: Table
    new: Table
    independent: Independent


class Drift(Gate, frozen=True, kw_only=True):
    """Blocks tables whose columns are distributed otherwise than where the model learned.

    What it blocks: a feature, or the label's share, whose distance between the candidate's test
    and training rows, or between either table and the baseline's, is provably larger than
    `tolerance`. The distance is Kolmogorov's for numbers and total variation for categories: the
    largest gap between two cumulative shares, or the share of rows that would have to change.
    A missing value counts as a level, and as the largest number. Above `notice` it is shown.
    Rows of one group (the role group) say no more than one row would; weights do not count, because
    what is compared is which rows came in.

    Why: a test of "no difference at all" fails on any two large tables, and a fixed limit of an
    index such as PSI on any two small ones. A distance has a meaning, and its one-sided limit says
    whether the rows show it.

    What it does not see: columns that move together while each stays as it was; free text and
    images; ignored columns, identifiers, weights and times.

    Example:
        drift: {tolerance: 0.10, notice: 0.05}
    """

    family: ClassVar[Family] = Family.DATA
    tolerance: Share = 0.10
    notice: Share = 0.05
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per column: of the pair of tables that is furthest apart."""
        pairs = list(_pairs(case))
        if lost := find_lost(case, TRAIN):
            yield lost
        elif not pairs:
            raise NotApplicableError("there is neither a training table nor a baseline")
        for name, entry in case.candidate.dictionary.columns.items():
            if entry.role not in (Role.FEATURE, Role.LABEL) or not _has_levels_or_size(entry):
                continue
            distances = [
                _measure(name, entry, pair, self.tolerance)
                for pair in pairs
                if _comparable(name, entry, pair)
            ]
            if distances:
                yield from self._judge_column(name, distances)

    def _judge_column(self, name: str, distances: list["_Distance"]) -> Iterator[Item]:
        # Of pairs that are all within the tolerance, the one that could be furthest from it.
        worst = min(distances, key=lambda each: (each.found.shift.p_value, -each.found.upper))
        metric, shift = worst.found.metric, worst.found.shift
        subject = Subject(metric=metric, column=name)
        seen = ", ".join(f"{each.found.shift.distance:.4f} {each.pair.name}" for each in distances)
        moved = worst.say_what_moved(name) if self.notice < shift.lower else worst.moved
        message = f"{metric} of {quote(name)}: {seen}{moved}"
        yield Measurement(
            subject=subject,
            limit=Limit(ceiling=self.tolerance, mode=self.mode),
            value=shift.distance,
            interval=(shift.lower, worst.found.upper),
            p_value=min(1.0, len(distances) * shift.p_value),
            message=f"{message}; up to {self.tolerance:g} is accepted.",
            mend=_MEND,
            support=Support(rows=worst.rows),
            rows_needed=worst.rows_needed(self.tolerance),
        )
        if self.notice < shift.lower and worst.found.upper <= self.tolerance:
            yield Observation(subject=subject, message=f"{message}.", candidate=shift.distance)


class _Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How far a column of two tables is apart, and what a reader should know of it."""

    found: Distance
    pair: Pair
    moved: str
    rows: int  # of the smaller table

    def rows_needed(self, tolerance: float) -> int | None:
        """Rows of either table with which the interval would leave the tolerance on one side."""
        distance, upper = self.found.shift.distance, self.found.upper
        reach, away = max(upper - distance, distance - self.found.shift.lower), distance - tolerance
        if abs(away) * _MOST_TIMES <= reach:
            return None
        return math.ceil(self.rows * max(1.0, (reach / away) ** 2))

    def say_what_moved(self, name: str) -> str:
        """Where the distance is largest, of numbers as well."""
        return self.moved or _say_where(
            _numbers(name, self.pair.old), _numbers(name, self.pair.new)
        )


def _measure(name: str, entry: Description, pair: Pair, tolerance: float) -> _Distance:
    if _has_size(entry):
        old, new = _numbers(name, pair.old), _numbers(name, pair.new)
        found, moved = distance_of_numbers(old, new, tolerance, pair.independent), ""
    else:
        levels, before, after = _counts(name, pair)
        found = distance_of_counts(before, after, tolerance, pair.independent)
        moved = f"; {say_most_moved(levels, before, after)}"
    return _Distance(found=found, pair=pair, moved=moved, rows=min(pair.old.rows, pair.new.rows))


def _pairs(case: Case) -> Iterator[Pair]:
    new = tables_of(case.candidate)
    if TRAIN in new and new[TRAIN].rows:
        yield _pair(case, "test against train", new[TRAIN], new[TEST])
    if case.baseline is None:
        return
    old = tables_of(case.baseline)
    for file in (TRAIN, TEST):
        if file in new and file in old and not same_file(case, file):
            what = f"{file.removesuffix('.parquet')} against baseline"
            yield _pair(case, what, old[file], new[file])


def _pair(case: Case, name: str, old: Table, new: Table) -> Pair:
    shares = [independent_share(units_of(case, table)) for table in (old, new)]
    return Pair(name, old, new, (shares[0], shares[1]))


def _has_levels_or_size(entry: Description) -> bool:
    return entry.type not in (Type.TEXT, Type.IMAGE)


def _has_size(entry: Description) -> bool:
    return is_quantity(entry) and entry.type is not Type.BOOLEAN


def _comparable(name: str, entry: Description, pair: Pair) -> bool:
    """Whether both tables have rows and the column, stored as what it is listed as."""
    tables = (pair.old, pair.new)
    if not all(name in table and table.rows for table in tables):
        return False
    return not _has_size(entry) or all(table.types[name] != "text" for table in tables)


def _numbers(name: str, table: Table) -> Floats:
    """A column of numbers, with the missing ones above all others."""
    values = table.numbers(name)
    missing = np.isnan(values)
    return np.where(missing, np.inf, values) if missing.any() else values


def _counts(name: str, pair: Pair) -> tuple[tuple[str, ...], Counts, Counts]:
    """Rows by level in both tables; the missing ones last."""
    old, new = pair.old.categories(name), pair.new.categories(name)
    levels = sorted({*old.levels, *new.levels})
    place = {level: at for at, level in enumerate(levels)}
    counts = []
    for part in (old, new):
        count = np.zeros(len(levels) + 1, dtype=np.int64)
        count[[*(place[level] for level in part.levels), len(levels)]] = part.counts()
        counts.append(count)
    return (*levels, MISSING), counts[0], counts[1]


def _say_where(old: Floats, new: Floats) -> str:
    """The value up to which the shares of both sides differ most."""
    values = np.unique(np.concatenate([old, new]))
    before, after = (
        np.searchsorted(np.sort(part), values, side="right") / len(part) for part in (old, new)
    )
    at = int(np.argmax(np.abs(after - before).round(12)))  # the first of equal ones
    if at + 2 == len(values) and np.isinf(values[-1]):  # only missing values lie above
        return f"; missing {1 - before[at]:.1%} → {1 - after[at]:.1%}"
    return f"; up to {values[at]:g} lie {before[at]:.1%} → {after[at]:.1%}"
