"""How the labels, segments and times of test rows are spread, and those they should be like."""

import math
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.segments import MISSING, split_by
from gates.evidence.columns import ColumnDictionary, Role
from gates.evidence.folder import Evidence
from gates.judging.counted_rows import independent_share, units_of
from gates.judging.group_labels import bands_of
from gates.judging.sides import TEST, same_file
from gates.quoting import quote
from gates.tables.table import Floats, Table

_FEW_TIMES = 50  # up to which the shares of each are compared

Counts = Mapping[str, int]  # rows by level


class Part(msgspec.Struct, frozen=True, eq=False):
    """A column, or several together, of one table: rows by level, or the numbers themselves."""

    rows: int
    counts: Counts
    numbers: Floats | None = None


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared between test, train and the baseline's test set."""

    column: str
    sides: Mapping[str, Part]
    needs_rows: bool = False  # each level is asked for rows
    later: int = 0  # test rows after all of train, which are left out
    independent: Mapping[str, float] = msgspec.field(default_factory=dict)  # by side, of a row

    @property
    def levels(self) -> tuple[str, ...]:
        """All that occur on any side."""
        return tuple(dict.fromkeys(level for part in self.sides.values() for level in part.counts))

    def rows_needed(self, least_rows: int) -> int | None:
        """Test rows by which the rarest level would have enough, if all grow alike."""
        test = self.sides["test"]
        fewest = min((test.counts.get(level, 0) for level in self.levels), default=0)
        return math.ceil(test.rows * least_rows / fewest) if 0 < fewest < least_rows else None

    def missing(self, least_rows: int, alpha: float) -> tuple[list[str], list[str]]:
        """Levels that are gone from test or train by no chance, and those with too few rows."""
        gone: list[str] = []
        few: list[str] = []
        for name in ("test", "train"):
            for level in self.levels if name in self.sides else ():
                count = self.sides[name].counts.get(level, 0)
                if not count and self._chance_of_none(level, name) * len(self.levels) <= alpha:
                    gone.append(f"{quote(level)} has no row in {name}")
                elif count < least_rows:
                    few.append(f"{quote(level)} has {count:,} in {name}")
        return gone, few

    def _chance_of_none(self, level: str, name: str) -> float:
        """How likely all rows of a level lie elsewhere, if they were as frequent here as there.

        Elsewhere is the other one of test and train, and for test the baseline's test set; of
        several the smallest chance counts, times their number. Rows that hang together count as
        one. Source: Fisher's exact test for a count of 0, with the binomial in place of the
        hypergeometric.
        """
        here, others = self.sides[name], ("train", "baseline") if name == "test" else ("test",)
        chances = [
            (1 - here.rows / (here.rows + self.sides[each].rows))
            ** (self.sides[each].counts.get(level, 0) * self.independent.get(each, 1.0))
            for each in others
            if each in self.sides
        ]
        return min(1.0, len(chances) * min(chances, default=1.0))


class Side(msgspec.Struct, frozen=True):
    """A table, and the evidence whose dictionary speaks of it."""

    evidence: Evidence
    table: Table
    independent: float = 1.0  # as how much of a row each row counts


def split_sides(case: Case) -> dict[str, Side]:
    """The test table, train where it has rows, and the baseline's test table where it differs."""
    found = {"test": (case.candidate, case.candidate.test)}
    if case.candidate.train is not None and case.candidate.train.rows:
        found["train"] = (case.candidate, case.candidate.train)
    if case.baseline is not None and not same_file(case, TEST):
        found["baseline"] = (case.baseline, case.baseline.test)
    return {
        name: Side(evidence, table, independent_share(units_of(case, table)))
        for name, (evidence, table) in found.items()
    }


def splits_of(case: Case, sides: Mapping[str, Side]) -> Iterator[Split]:
    """What is compared: the label, each declared segmentation, each time."""
    independent = {name: side.independent for name, side in sides.items()}
    for split in _splits_of(case, sides):
        yield msgspec.structs.replace(split, independent=independent)


def _splits_of(case: Case, sides: Mapping[str, Side]) -> Iterator[Split]:
    dictionary, bands = case.candidate.dictionary, bands_of(case)
    yield from _split_label(dictionary.label, sides, case.settings.task == "regression")
    for columns in case.settings.segment_columns:
        having = _having(sides, *columns)
        parts = {name: _count_segments(side.table, columns, bands) for name, side in having.items()}
        if "test" in parts:
            yield Split(column=" × ".join(columns), sides=parts, needs_rows=True)
    for name in dictionary.with_role(Role.TIME):
        having = _having(sides, name)
        if "test" in having and "train" in having:
            yield _split_time(name, having["test"].table, having["train"].table)


def _split_time(name: str, test: Table, train: Table) -> Split:
    """The times of train and of those test rows that are not later than all of train."""
    if "text" in (test.types[name], train.types[name]):
        old, new = _text_times(train, name), _text_times(test, name)
        last = max((level for level, rows in old.items() if rows and level != MISSING), default="")
        kept = {level: rows for level, rows in new.items() if level == MISSING or level <= last}
        sides = {"train": Part(train.rows, old), "test": Part(sum(kept.values()), kept)}
    else:
        before, after = train.numbers(name), test.numbers(name)
        known = before[~np.isnan(before)]
        after = after[np.isnan(after) | (after <= (known.max() if len(known) else np.inf))]
        few = len(np.unique(np.concatenate([before, after]))) <= _FEW_TIMES
        part = _few_times if few else _many_times
        sides = {"train": part(before), "test": part(after)}
    return Split(column=name, sides=sides, later=test.rows - sides["test"].rows)


def _text_times(table: Table, name: str) -> dict[str, int]:
    found = table.categories(name)
    return dict(zip((*found.levels, MISSING), found.counts().tolist(), strict=True))


def _few_times(values: Floats) -> Part:
    missing = np.isnan(values)
    times, rows = np.unique(values[~missing], return_counts=True)
    names = [np.format_float_positional(time, trim="-") for time in times]
    counts = dict(zip(names, rows.tolist(), strict=True))
    return Part(len(values), {**counts, MISSING: int(np.count_nonzero(missing))})


def _many_times(values: Floats) -> Part:
    """With the missing ones above all others."""
    return Part(len(values), {}, np.where(np.isnan(values), np.inf, values))


def _having(sides: Mapping[str, Side], *columns: str) -> dict[str, Side]:
    return {
        name: side for name, side in sides.items() if all(each in side.table for each in columns)
    }


def _split_label(
    label: str,
    sides: Mapping[str, Side],
    numbers: bool,
) -> Iterator[Split]:
    parts = {}
    for name, side in _having(sides, label).items():
        values = side.evidence.labels if name != "train" else side.evidence.labels_of(side.table)
        if numbers:
            parts[name] = Part(len(values), {}, np.asarray(values, dtype=np.float64))
            continue
        levels = side.evidence.classes or ("negative", "positive")
        counts = np.bincount(values.astype(np.intp), minlength=len(levels)).tolist()
        parts[name] = Part(len(values), dict(zip(levels, counts, strict=True)))
    if numbers and len(parts) == 1:
        return
    yield Split(column=label, sides=parts, needs_rows=not numbers)


def _count_segments(table: Table, columns: tuple[str, ...], bands: ColumnDictionary) -> Part:
    counts = {
        " and ".join(segment.name.values()): len(segment.rows)
        for segment in split_by(columns, table, bands)
    }
    return Part(table.rows, counts)
