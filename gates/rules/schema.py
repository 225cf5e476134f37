"""Gate `schema`."""

from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar

import numpy as np

from gates.case.case import Case
from gates.case.segments import Rows
from gates.evidence.columns import Description, Role, Type
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.constant_columns import (
    Constant,
    constant_periods,
    could_be_chance,
    find_constant,
    find_period_constants,
)
from gates.judging.declared import dictionaries_of
from gates.judging.lost import find_lost
from gates.judging.periods import periods_of
from gates.judging.sides import TRAIN, same_file, tables_of
from gates.quoting import quote
from gates.rules.gate import Gate, Item
from gates.tables.table import Table

_WITHOUT_VALUES = (Role.IGNORED, Role.ID)
_WITH_SEVERAL_VALUES = (Role.FEATURE, Role.LABEL)

Tables = Mapping[str, Table]
Periods = Mapping[str, Mapping[str, Rows]]


class Schema(Gate, frozen=True, kw_only=True):
    """Blocks values that the column dictionary does not allow, and columns that went dead.

    What it blocks: a level that the dictionary does not list, a number outside its range, a
    fraction where whole numbers are listed; and a column that became constant: over a whole table
    that had several values at the baseline, or in one period of the time column where the other
    periods have several. A level that is listed and does not occur is no fault: it may be rare.

    Why: a broken export writes a valid-looking constant as readily as a missing value. A model
    still answers, the AUC hardly moves, and its probabilities are wrong from the next batch on.

    What it does not see: values that changed their meaning and stayed in range (`drift`), missing
    values (`missing_values`), ignored columns, and a constant that the baseline has too, which is
    shown. A period or table of fewer than 30 rows, or one whose only value nearly all other rows
    share, counts as chance.

    Example:
        schema: {}
    """

    family: ClassVar[Family] = Family.DATA

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per column, or one per demand that the column breaks."""
        dictionary, tables = case.candidate.dictionary, tables_of(case.candidate)
        if lost := find_lost(case, TRAIN):
            yield lost
        listed = dictionaries_of(case)
        periods = {file: periods_of(table, *listed) for file, table in tables.items()}
        for name, entry in dictionary.columns.items():
            present = {file: table for file, table in tables.items() if name in table}
            if entry.role in _WITHOUT_VALUES or not present:
                continue
            found: list[Item] = [
                *_judge_levels(name, entry, present),
                *_judge_range(name, entry, present),
                *_judge_whole_numbers(name, entry, present),
            ]
            if entry.role in _WITH_SEVERAL_VALUES:
                found += _judge_constants(case, name, entry, present, periods)
            found += _observe_levels(case, name, entry, present)
            yield from found
            if not any(isinstance(item, Finding) for item in found):
                yield _passed(name)


def _judge_levels(name: str, entry: Description, tables: Tables) -> Iterator[Finding]:
    if entry.levels is None:
        return
    listed = set(entry.levels)
    for file, table in tables.items():
        found = table.categories(name)
        unknown = [at for at, level in enumerate(found.levels) if level not in listed]
        if unknown:
            rows = int(found.counts()[unknown].sum())
            message = (
                f"{file} has levels in {rows:,} of {table.rows:,} rows that the dictionary does "
                f"not list: {quote(*(found.levels[at] for at in unknown))}"
            )
            yield _failed(name, "levels", message, "Mend the values, or list the levels.")


def _judge_range(name: str, entry: Description, tables: Tables) -> Iterator[Finding]:
    if entry.range is None:
        return
    low, high = entry.range
    for file, table in tables.items():
        if table.types[name] == "text":
            continue  # gate `columns` says so
        values = table.numbers(name)
        outside = values[(values < low) | (values > high)]
        if len(outside):
            message = (
                f"{file} has {len(outside):,} of {table.rows:,} values outside [{low:g}, {high:g}],"
                f" from {outside.min():g} to {outside.max():g}"
            )
            yield _failed(name, "range", message, "Mend the values or their unit, or the range.")


def _judge_whole_numbers(name: str, entry: Description, tables: Tables) -> Iterator[Finding]:
    for file, table in tables.items():
        kind = table.types[name]
        if entry.type is Type.INTEGER and kind == "number":
            values = table.numbers(name)
            wrong = values[np.isfinite(values) & (values != np.floor(values))]
            expected = "whole numbers"
        elif entry.type is Type.BOOLEAN and kind == "integer":
            values = table.numbers(name)
            wrong = values[(values != 0) & (values != 1) & ~np.isnan(values)]
            expected = "0 and 1"
        else:
            continue
        if len(wrong):
            message = (
                f"{file} has {len(wrong):,} of {table.rows:,} values, such as {wrong[0]:g}, where "
                f"the dictionary lists {expected}"
            )
            yield _failed(name, "whole numbers", message, "Mend the values, or list another type.")


def _judge_constants(
    case: Case, name: str, entry: Description, tables: Tables, periods: Periods
) -> Iterator[Item]:
    """Constants that this pull request brings block; those that the baseline has too are shown."""
    brought: list[Constant] = []
    for file, table in tables.items():
        before = _baseline_table(case, name, file)
        whole = find_constant(name, entry, table)
        if whole is not None:
            if before is None or could_be_chance(name, entry, table, before):
                yield _observe(name, f"in {whole.place} {whole.text}")
            else:
                brought.append(whole)
            continue
        for dead in find_period_constants(name, entry, table, periods[file]):
            if dead.period in _known_periods(case, name, entry, file, periods[file]):
                yield _observe(name, f"in {dead.place} {dead.text}, as at the baseline")
            else:
                brought.append(dead)
    if brought:
        places = "; ".join(f"in {dead.place} {dead.text}" for dead in brought)
        mend = "Mend the export, or give the column the role ignored until it is mended."
        yield _failed(name, "several values", f"{places}; other rows have several values", mend)


def _known_periods(
    case: Case, name: str, entry: Description, file: str, periods: Mapping[str, Rows]
) -> Collection[str]:
    """Periods in which the column was constant at the baseline."""
    before = _baseline_table(case, name, file)
    if before is None or case.baseline is None:
        return ()
    if same_file(case, file):
        return periods
    return constant_periods(name, entry, before, periods_of(before, case.baseline.dictionary))


def _observe_levels(case: Case, name: str, entry: Description, tables: Tables) -> Iterator[Item]:
    """Levels that came or went, where the dictionary does not say which there are."""
    if entry.type is not Type.CATEGORY or entry.levels is not None:
        return
    for file, table in tables.items():
        before = _baseline_table(case, name, file)
        if before is None or same_file(case, file):
            continue
        old, new = before.categories(name).levels, table.categories(name).levels
        came, went = sorted({*new} - {*old}), sorted({*old} - {*new})
        if came:
            yield _observe(name, f"new levels in {file}: {quote(*came)}")
        if went:
            yield _observe(name, f"levels gone from {file}: {quote(*went)}")


def _baseline_table(case: Case, name: str, file: str) -> Table | None:
    table = None if case.baseline is None else tables_of(case.baseline).get(file)
    return table if table is not None and name in table else None


def _observe(name: str, message: str) -> Observation:
    return Observation(subject=Subject(column=name), message=f"{quote(name)}: {message}.")


def _failed(name: str, demand: str, message: str, mend: str) -> Finding:
    return Finding(
        subject=Subject(column=name, key=demand),
        state=State.FAILED,
        limit=Limit(rule=demand, mode=Mode.STRICT),
        message=f"{quote(name)}: {message}.",
        mend=mend,
    )


def _passed(name: str) -> Finding:
    return Finding(
        subject=Subject(column=name),
        state=State.PASSED,
        limit=Limit(rule="values as the dictionary says", mode=Mode.STRICT),
        message=f"{quote(name)}: every value is one that the dictionary allows.",
    )
