"""Gate `identifier_feature`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.case import Case
from gates.columns import Description, Type
from gates.evidence import Evidence
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.rules.gate import Gate, Item, NotApplicableError
from gates.rules.sides import quote
from gates.stats.sequence import correlate
from gates.tables.arrow import values_of
from gates.tables.table import Floats, Table

_MEND = "Give it the role ignored and train without it: a new row's name says nothing of its label."
_MIN_ROWS = 100  # fewer distinct values say little
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
        orders = [] if table.rows < _MIN_ROWS else list(_orders(evidence, table))
        for name in features:
            yield self._judge_feature(name, evidence, table, orders)

    def _judge_feature(
        self, name: str, evidence: Evidence, table: Table, orders: "list[tuple[str, Floats]]"
    ) -> Finding:
        if table.rows < _MIN_ROWS:
            return self._finding(name, table, State.UNDECIDED, f"has {table.rows:,} rows only")
        distinct, filled = _count_distinct(name, table)
        share = distinct / max(1, filled)
        if filled >= _MIN_ROWS and share >= self.unique_share:
            told = f"{distinct:,} distinct values in {filled:,} rows of {table.path.name}"
            if _equals_id(name, evidence, table):
                return self._finding(name, table, State.FAILED, "equals the row's identifier")
            if _names_by_type(evidence.dictionary.columns[name], name, table):
                return self._finding(name, table, State.FAILED, f"names its row: {told}", share)
            for order, places in orders:
                if (found := self._runs_along(name, table, places)) is not None:
                    text = f"runs along with {order} (correlation {found:.5f}), {told}"
                    return self._finding(name, table, State.FAILED, text, found)
        return self._finding(name, table, State.PASSED, "is no identifier of rows", share)

    def _runs_along(self, name: str, table: Table, places: Floats) -> float | None:
        if table.types[name] == "text":
            return None
        found = correlate(table.numbers(name), places)
        return found if found >= self.correlation else None

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
    values = table.column(name)
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


def _orders(evidence: Evidence, table: Table) -> Iterator[tuple[str, Floats]]:
    """The rows' places, and the numbers in their identifiers where each has one."""
    yield "the order of the rows", np.arange(table.rows, dtype=np.float64)
    key = evidence.dictionary.id
    if key not in table:
        return
    digits = pc.struct_field(
        pc.extract_regex(table.texts(key), rf"^\D*(?P<number>\d{{1,{_DIGITS}}})$"), "number"
    )
    if digits.null_count == 0 and len(digits):
        numbers = values_of(pc.cast(digits, pa.float64()), np.float64)
        yield f"the number in {quote(key)}", np.asarray(numbers, dtype=np.float64)
