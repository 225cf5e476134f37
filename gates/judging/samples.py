"""Which values a column of numbers is compared with: rows of both sides, and samples of rows."""

from collections.abc import Iterator

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.segments import Rows
from gates.judging.declared import dictionaries_of
from gates.judging.kept_rows import Pairing, pair_rows
from gates.judging.periods import periods_of
from gates.judging.sides import TEST, TRAIN, same_file, tables_of
from gates.judging.twins import draw_rows
from gates.tables.table import Floats, Table

_MOST_PERIODS = 12
_MOST_VALUES = 200_000  # of a sample: more would tell hardly more about a share of 1 %


class Values(msgspec.Struct, frozen=True):
    """Rows of a table; all of them where none are named."""

    table: Table
    rows: Rows | None = None

    def of(self, name: str) -> Floats:
        """Of a column; missing as NaN."""
        values = self.table.numbers(name)
        return values if self.rows is None else values[self.rows]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Two sets of values, whose distributions should be alike; `of` rows are judged by them."""

    what: str
    old: Values
    new: Values
    of: int
    is_new: bool = False  # beside the baseline, whose unit may have been another
    before: tuple[Values, Values] | None = None  # the same two of the baseline


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A table of both sides whose rows are paired where they can be, and samples to compare."""

    name: str
    old: Table
    new: Table
    pairing: Pairing | None
    samples: tuple[Sample, ...]

    def has(self, name: str) -> bool:
        """Whether a column holds numbers on both sides."""
        return holds_numbers(name, self.old) and holds_numbers(name, self.new)

    def has_lost(self, name: str) -> bool:
        """Whether a column held numbers and holds something else now."""
        return holds_numbers(name, self.old) and name in self.new and not self.has(name)


def places_of(case: Case) -> Iterator[Place]:
    """Tables that changed beside the baseline's; their periods; test beside train."""
    new = tables_of(case.candidate)
    old = {} if case.baseline is None else tables_of(case.baseline)
    changed = [file for file in (TRAIN, TEST) if file in new and not same_file(case, file)]
    for file in changed:
        if file in old:
            yield _beside_baseline(case, file, old[file], new[file])
        if samples := tuple(_periods(case, file, new[file], old.get(file))):
            yield Place(
                name=_short(file), old=new[file], new=new[file], pairing=None, samples=samples
            )
    if changed and TRAIN in new:
        train, test = new[TRAIN], new[TEST]
        before = (Values(old[TRAIN]), Values(old[TEST])) if TRAIN in old else None
        sample = Sample(
            what="test beside train",
            old=Values(train),
            new=Values(test),
            of=test.rows,
            before=before,
        )
        yield Place(name="test", old=train, new=test, pairing=None, samples=(sample,))


def _beside_baseline(case: Case, file: str, old: Table, new: Table) -> Place:
    pairing, name = pair_rows(case, file), _short(file)
    rows, what = None, f"{name} beside the baseline's"
    if pairing is not None and len(pairing.new):
        rows, what = pairing.added, f"the new rows of {name} beside the baseline's"
    sample = Sample(what=what, old=Values(old), new=Values(new, rows), of=new.rows, is_new=True)
    samples = () if rows is not None and len(rows) == 0 else (sample,)
    return Place(name=name, old=old, new=new, pairing=pairing, samples=samples)


def _periods(case: Case, file: str, table: Table, before: Table | None) -> Iterator[Sample]:
    """Each period of a table beside its other ones."""
    periods = periods_of(table, *dictionaries_of(case))
    if not 1 < len(periods) <= _MOST_PERIODS:
        return
    known = {}
    if before is not None and case.baseline is not None:
        known = periods_of(before, case.baseline.dictionary)
    for period, rows in periods.items():
        at_base = None
        if before is not None and period in known and len(known) > 1:
            at_base = (
                Values(before, _others(before, known[period])),
                Values(before, known[period]),
            )
        yield Sample(
            what=f"{_short(file)} where {period} beside the other rows",
            old=Values(table, _others(table, rows)),
            new=Values(table, rows),
            of=len(rows),
            before=at_base,
        )


def _others(table: Table, rows: Rows) -> Rows:
    mask = np.ones(table.rows, dtype=np.bool_)
    mask[rows] = False
    return np.flatnonzero(mask)


def _short(file: str) -> str:
    return file.removesuffix(".parquet")


def holds_numbers(name: str, table: Table) -> bool:
    """Whether a table has a column, stored as numbers."""
    return name in table and table.types[name] in ("number", "integer")


def sizes_of(values: Values, name: str) -> Floats:
    """The values that a factor would move."""
    found = values.of(name)
    sizes = np.asarray(found[np.isfinite(found) & (found != 0)])
    return sizes if len(sizes) <= _MOST_VALUES else sizes[draw_rows(len(sizes), _MOST_VALUES, "0")]
