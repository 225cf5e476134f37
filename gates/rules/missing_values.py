"""Gate `missing_values`."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.segments import Rows
from gates.evidence.columns import Description, Role, Type
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.bound import measure_share
from gates.judging.constant_columns import is_quantity, values_of
from gates.judging.declared import dictionaries_of
from gates.judging.periods import periods_of
from gates.judging.sides import tables_of
from gates.quoting import quote
from gates.rules.gate import Gate, Item
from gates.stats.proportion import p_share_at_most
from gates.tables.arrow import valid_of
from gates.tables.table import Mask, Table

_MEND = "Mend the export that lost the values, or raise the share in the dictionary."


class _Place(msgspec.Struct, frozen=True):
    """How many values are missing in a table, or in one period of it."""

    name: str
    missing: int
    rows: int

    @property
    def share(self) -> float:
        return self.missing / self.rows


class MissingValues(Gate, frozen=True, kw_only=True):
    """Blocks a column with more missing values than its dictionary entry accepts.

    What it blocks: any missing value where the dictionary accepts none (the default); a share of
    missing values provably above `missing: {max_share: …}`, in a table or in one period of its
    time column; and infinite numbers. Null and NaN are the same.

    Why: a batch whose column is empty is diluted by the rows that came before it. Looked at by
    year it is plain. A share is judged with its uncertainty: 2 of 30 rows say little about 5 %.

    What it does not see: missing values that are written as a value, such as "unknown" or -1
    (list them in `levels`, or look at `drift`); ignored columns; and columns with
    `missing: allowed`, whose share is shown.

    Example:
        missing_values: {mode: strict}
    """

    family: ClassVar[Family] = Family.DATA
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding or measurement per column."""
        dictionary, tables = case.candidate.dictionary, tables_of(case.candidate)
        listed = dictionaries_of(case)
        periods = {file: periods_of(table, *listed) for file, table in tables.items()}
        for name, entry in dictionary.columns.items():
            present = {file: table for file, table in tables.items() if name in table}
            if entry.role is Role.IGNORED or not present:
                continue
            yield from _judge_infinite(name, entry, present)
            places = [
                place
                for file, table in present.items()
                for place in _count(_missing(name, entry, table), file, periods[file])
            ]
            ceiling = entry.max_missing_share
            if ceiling == 0:
                yield _judge_none(name, places)
            elif ceiling == 1:
                yield _observe(name, places)
            else:
                yield self._judge_share(name, places, ceiling)

    def _judge_share(self, name: str, places: list[_Place], ceiling: float) -> Item:
        """The place with most evidence against the ceiling, corrected for the number of places."""
        p_values = [p_share_at_most(place.missing, place.rows, ceiling) for place in places]
        worst = min(range(len(places)), key=lambda at: (p_values[at], -places[at].share))
        place = places[worst]
        found = measure_share(
            Subject(column=name),
            place.missing,
            place.rows,
            Limit(ceiling=ceiling, mode=self.mode),
            message=(
                f"{quote(name)}: {place.missing:,} of {place.rows:,} values "
                f"({place.share:.2%}) are missing in {place.name}; {ceiling:.2%} are accepted."
            ),
            mend=_MEND,
        )
        return msgspec.structs.replace(found, p_value=min(1.0, len(places) * p_values[worst]))


def _missing(name: str, entry: Description, table: Table) -> Mask:
    if entry.type in (Type.TEXT, Type.IMAGE):  # too many levels to sort
        return ~valid_of(table.texts(name))
    values = values_of(name, entry, table)
    return np.asarray(np.isnan(values) if values.dtype.kind == "f" else values < 0)


def _count(mask: Mask, file: str, periods: Mapping[str, Rows]) -> Iterator[_Place]:
    if len(mask):
        yield _Place(file, int(np.count_nonzero(mask)), len(mask))
    for period, rows in periods.items():
        yield _Place(f"{file} where {period}", int(np.count_nonzero(mask[rows])), len(rows))


def _judge_none(name: str, places: list[_Place]) -> Finding:
    """No missing value is accepted: a count, which needs no test."""
    found = [place for place in places if place.missing]
    if not found:
        rows = sum(place.rows for place in places if " where " not in place.name)
        message = f"{quote(name)}: no value is missing in {rows:,} rows."
    else:
        narrow = max(found, key=lambda place: (place.share, place.missing))
        message = (
            f"{quote(name)}: {narrow.missing:,} of {narrow.rows:,} values ({narrow.share:.2%}) are "
            f"missing in {narrow.name}; the dictionary accepts none."
        )
    return Finding(
        subject=Subject(column=name),
        state=State.FAILED if found else State.PASSED,
        limit=Limit(ceiling=0.0, mode=Mode.STRICT),
        message=message,
        mend=_MEND if found else "",
        candidate=max((place.share for place in places), default=0.0),
        greater_is_better=False,
    )


def _observe(name: str, places: list[_Place]) -> Observation:
    worst = max(places, key=lambda place: place.share)
    return Observation(
        subject=Subject(column=name),
        message=(
            f"{quote(name)}: {worst.missing:,} of {worst.rows:,} values ({worst.share:.2%}) are "
            f"missing in {worst.name}; any share is accepted."
        ),
        candidate=worst.share,
    )


def _judge_infinite(
    name: str, entry: Description, tables: Mapping[str, Table]
) -> Iterator[Finding]:
    for file, table in tables.items():
        if not is_quantity(entry) or table.types[name] != "number":
            continue
        count = int(np.isinf(table.numbers(name)).sum())
        if count:
            yield Finding(
                subject=Subject(column=name, key="finite"),
                state=State.FAILED,
                limit=Limit(rule="finite numbers", mode=Mode.STRICT),
                message=(
                    f"{quote(name)}: {count:,} of {table.rows:,} values in {file} are infinite."
                ),
                mend="Find the division by zero or the overflow, and write a missing value.",
            )
