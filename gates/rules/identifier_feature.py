"""Gate `identifier_feature`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.evidence.columns import Description, Type
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError
from gates.stats.sequence import correlate
from gates.tables.arrow import values_of
from gates.tables.table import Floats, Table

_MEND = "Give it the role ignored and train without it: a new row's name says nothing of its label."
_MIN_ROWS = 100  # fewer distinct values say little
_LOOK = 1_000  # rows that show in most columns that values repeat
_ROUGHLY = 0.9  # of the correlation, that a thousand rows show where all have it
_DIGITS = 15  # of a number that a float holds exactly

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class IdentifierFeature(Gate, frozen=True, kw_only=True):
    """Blocks a feature that names the row instead of describing it.

    What it blocks: a feature that equals the row's identifier; one that runs along with the rows or
    with the number in their identifiers, as a running number does (a straight line: their
    correlation is at least `correlation`, with a value of its own for nearly every row); and a
    category, a text without blanks or a whole number without unit and range of whose values
    `unique_share` or more are distinct.

    Why: a model that learns by name looks as good as before, because the split drew its test rows
    among the same names, and knows nothing of the next row. A running number also tells when, and
    in which batch, a row came in: positives are often appended as a block.

    What it does not see: an identifier that was hashed into a number with a fraction; names of
    groups, which repeat (`group_leakage`). A measure that is spread evenly looks like a running
    number where the table is sorted by it: shuffle the rows.

    Example:
        identifier_feature: {unique_share: 0.95, correlation: 0.999}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    unique_share: Share = 0.95  # of distinct values, from which on a feature names its row
    correlation: Share = 0.999  # with the rows' order, from which on it is a running number
    mode: Mode = Mode.STRICT

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per feature that could be an identifier."""
        evidence = case.candidate
        tables = [table for table in (evidence.train, evidence.test) if table is not None]
        table = max(tables, key=lambda each: each.rows)
        features = [
            name
            for name in evidence.dictionary.features
            if name in table and _could_name(evidence.dictionary.columns[name], name, table)
        ]
        if not features:
            raise NotApplicableError("no feature is a number, a whole number, a category or a text")
        orders = _Orders(evidence, table)
        for name in features:
            yield self._judge_feature(name, evidence, table, orders)

    def _judge_feature(
        self, name: str, evidence: Evidence, table: Table, orders: "_Orders"
    ) -> Finding:
        if table.rows < _MIN_ROWS:
            return self._finding(name, table, State.UNDECIDED, f"has {table.rows:,} rows only")
        entry = evidence.dictionary.columns[name]
        named = _names_by_type(entry, name, table)
        along = None if table.types[name] == "text" else self._runs_along(name, table, orders)
        if not named and along is None:  # a measure may well be unique
            return self._finding(name, table, State.PASSED, "is no identifier of rows")
        distinct, filled = _count_distinct(name, table)
        share = distinct / max(1, filled)
        if filled < _MIN_ROWS or distinct == 1 or share < self.unique_share:
            return self._finding(name, table, State.PASSED, "is no identifier of rows", share)
        told = f"{distinct:,} distinct values in {filled:,} rows of {table.path.name}"
        if named and _equals_id(name, evidence, table):
            text = "equals the row's identifier"
        elif named or along is None:
            text = f"names its row: {told}"
        else:
            text = f"runs along with {along[0]} (correlation {along[1]:.5f}), {told}"
        return self._finding(name, table, State.FAILED, text, share)

    def _runs_along(self, name: str, table: Table, orders: "_Orders") -> tuple[str, float] | None:
        values, some = table.numbers(name), slice(None, None, max(1, table.rows // _LOOK))
        for order, places in orders.known:
            if correlate(values[some], places[some]) < self.correlation * _ROUGHLY:
                continue
            found = correlate(values, places)
            if found >= self.correlation:
                return order, found
        return None

    def _finding(
        self, name: str, table: Table, state: State, text: str, value: float | None = None
    ) -> Finding:
        return Finding(
            subject=Subject(column=name),
            state=state,
            limit=Limit(
                rule="describes its row and does not name it",
                mode=Mode.GUARD if state is State.UNDECIDED else self.mode,
            ),
            message=(
                f"{quote(name)} {text}: cannot be judged."
                if state is State.UNDECIDED
                else f"{quote(name)} {text}."
            ),
            mend=_MEND if state is State.FAILED else "",
            candidate=value,
            support=Support(rows=table.rows),
            rows_needed=_MIN_ROWS if state is State.UNDECIDED else None,
        )


def _could_name(entry: Description, name: str, table: Table) -> bool:
    """Whether values of its kind can name rows: not flags, levels that are listed, or images."""
    if entry.type in (Type.BOOLEAN, Type.IMAGE, Type.DATETIME) or entry.levels:
        return False
    return not (entry.type is Type.TEXT and _is_prose(table, name))


def _names_by_type(entry: Description, name: str, table: Table) -> bool:
    """Whether nearly unique values of its kind are names rather than measures."""
    if entry.type is Type.INTEGER:
        return entry.unit is None and entry.range is None
    return entry.type in (Type.CATEGORY, Type.TEXT) and table.types[name] != "number"


def _count_distinct(name: str, table: Table) -> tuple[int, int]:
    """Distinct and present values; of the first rows only, where more than half of them repeat."""
    for piece in table.pieces(name):
        distinct, filled = _count(piece)
        if filled >= _LOOK and 2 * distinct < filled:
            return distinct, filled
        break
    return _count(table.column(name))


def _count(values: pa.Array) -> tuple[int, int]:
    if pa.types.is_null(values.type):
        return 0, 0
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.nulls(len(values), values.type), values)
    values = values.drop_null()
    return int(pc.count_distinct(values).as_py()), len(values)


def _is_prose(table: Table, name: str) -> bool:
    """Whether most distinct texts have several words."""
    levels = pc.unique(table.texts(name).drop_null())
    several = pc.sum(pc.match_substring(pc.utf8_trim_whitespace(levels), " ")).as_py() or 0
    return 2 * int(several) > len(levels)


def _equals_id(name: str, evidence: Evidence, table: Table) -> bool:
    key = evidence.dictionary.id
    if key not in table:
        return False
    same = pc.sum(pc.cast(pc.equal(table.texts(name), table.texts(key)), pa.int64())).as_py() or 0
    return 2 * int(same) > table.rows


class _Orders:
    """The rows' places, and the numbers in their identifiers; made where a feature asks for it."""

    def __init__(self, evidence: Evidence, table: Table) -> None:
        self._key, self._table = evidence.dictionary.id, table

    @cached_property
    def known(self) -> list[tuple[str, Floats]]:
        """By what a reader calls them."""
        orders = [("the order of the rows", np.arange(self._table.rows, dtype=np.float64))]
        numbers = self._numbers()
        if numbers is not None:
            orders.append((f"the number in {quote(self._key)}", numbers))
        return orders

    def _numbers(self) -> Floats | None:
        """Where every identifier ends in a number."""
        if self._key not in self._table:
            return None
        texts = self._table.texts(self._key)
        if any(not text or not text[-1].isdigit() for text in texts[:_LOOK].to_pylist()):
            return None
        pattern = rf"^\D*(?P<number>\d{{1,{_DIGITS}}})$"
        found = pc.extract_regex(texts, pattern)
        digits = pc.struct_field(found, "number")
        if digits.null_count or not len(digits):
            return None
        return np.asarray(values_of(pc.cast(digits, pa.float64()), np.float64), dtype=np.float64)
