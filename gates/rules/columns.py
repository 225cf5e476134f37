"""Gate `columns`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.evidence.columns import ColumnDictionary, Description, Role, Type
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.sides import tables_of
from gates.quoting import quote
from gates.rules.gate import Gate, Item
from gates.tables.table import Table

_STORED_AS = {
    Type.NUMBER: ("number", "integer"),
    Type.INTEGER: ("integer", "number"),  # whole numbers with gaps are often stored as floats
    Type.BOOLEAN: ("boolean", "integer"),
    Type.CATEGORY: ("text", "integer", "boolean"),
    Type.TEXT: ("text",),
    Type.DATETIME: ("datetime",),
    Type.IMAGE: ("text",),  # its path
}
_NEVER_A_FEATURE = {
    Role.LABEL: "what the model is to predict",
    Role.ID: "an identifier of rows",
    Role.WEIGHT: "nearly an identifier of rows, and no fact that is known of a new one",
    Role.GROUP: "an identifier of groups of rows",
}
_SHOWN_FIELDS = ("type", "unit", "range", "missing", "sensitive", "segment", "known_at_prediction")
_MIN_ROWS = 100  # below, distinct values say little

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Columns(Gate, frozen=True, kw_only=True):
    """Blocks tables and a column dictionary that do not describe each other.

    What it blocks: a column that the dictionary does not list, a listed column that a table lacks,
    an entry without a description, a column stored as another type than listed, a dictionary
    without a feature; a column that the base declared label, id, weight or group and this pull
    request makes a feature; and a feature that looks like an identifier: a category, or text
    without blanks, whose values are nearly all distinct (`unique_share`), or whole numbers without
    a unit of which no two rows share one.

    Why: a dictionary tells features and label apart only while it is complete and its roles hold.
    The pull request edits its own dictionary, so the base's decides what may not become a feature:
    a model that learns from a row's identifier looks as good as before, until it meets new rows.
    Whatever else it edits there, such as a range or a level that now is allowed, is shown.

    What it does not see: an identifier stored as a number with a fraction, or one that was renamed
    and repeats; whether a description is true; features that are unknown when the model predicts.

    Example:
        columns: {unique_share: 0.95}
    """

    family: ClassVar[Family] = Family.DATA
    unique_share: Share = 0.95  # of distinct values, from which on a feature is an identifier

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per column, or one per demand that the column breaks."""
        dictionary, tables = case.candidate.dictionary, tables_of(case.candidate)
        base = None if case.baseline is None else case.baseline.dictionary
        yield _judge_features(dictionary)
        stored = [name for table in tables.values() for name in table.names]
        for name in dict.fromkeys([*dictionary.columns, *stored]):
            wrong = list(self._judge_column(name, dictionary, tables, base))
            yield from wrong or [_finding(name, "", State.PASSED, "is what the dictionary says")]
        if base is not None:
            yield from _observe_changes(base, dictionary)

    def _judge_column(
        self,
        name: str,
        dictionary: ColumnDictionary,
        tables: dict[str, Table],
        base: ColumnDictionary | None,
    ) -> Iterator[Finding]:
        entry = dictionary.columns.get(name)
        if entry is None:
            files = " and ".join(file for file, table in tables.items() if name in table)
            message = f"stands in {files}, but not in the dictionary"
            yield _failed(name, "listed", message, "List it in columns.yaml with its role.")
            return
        lacking = [file for file, table in tables.items() if name not in table]
        if lacking:
            message = f"is listed, but {' and '.join(lacking)} has no such column"
            yield _failed(name, "present", message, "Write the column, or take its entry out.")
        if not entry.description.strip():
            mend = "Say in columns.yaml what it is, with its unit and its source."
            yield _failed(name, "described", "has no description", mend)
        yield from _judge_type(name, entry, tables)
        if entry.role is Role.FEATURE:
            yield from _judge_former_role(name, base)
            yield from self._judge_uniqueness(name, entry, tables)

    def _judge_uniqueness(
        self, name: str, entry: Description, tables: dict[str, Table]
    ) -> Iterator[Finding]:
        table = max(tables.values(), key=lambda table: table.rows)
        if name not in table or table.rows < _MIN_ROWS:
            return
        distinct, filled = _count_distinct(name, entry, table)
        needed = filled if entry.type is Type.INTEGER else self.unique_share * filled
        if filled < _MIN_ROWS or distinct < needed:
            return
        message = (
            f"is a feature, but looks like an identifier: {distinct:,} distinct values in "
            f"{filled:,} rows of {table.path.name}"
        )
        mend = "Give it the role id or ignored; a whole number that is a quantity needs its unit."
        yield _failed(name, "not an identifier", message, mend)


def _count_distinct(name: str, entry: Description, table: Table) -> tuple[int, int]:
    """Distinct and present values of a column that may be an identifier; (0, 0) for any other."""
    quantity = entry.type is Type.INTEGER and entry.unit is not None
    if quantity or entry.type not in (Type.INTEGER, Type.CATEGORY, Type.TEXT):
        return 0, 0
    values = table.column(name)
    if entry.type is Type.TEXT and _is_prose(values):
        return 0, 0
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.nulls(len(values), values.type), values)
    elif pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    values = values.drop_null()
    return pc.count_distinct(values).as_py(), len(values)


def _is_prose(texts: pa.Array) -> bool:
    """Whether most distinct texts have several words, which identifiers have not."""
    levels = pc.unique(texts.drop_null())
    if pa.types.is_dictionary(levels.type):
        levels = pc.unique(levels.dictionary_decode())
    several = pc.match_substring(pc.utf8_trim_whitespace(levels), " ")
    return 2 * (pc.sum(several).as_py() or 0) > len(levels)


def _judge_features(dictionary: ColumnDictionary) -> Finding:
    count = len(dictionary.features)
    return Finding(
        subject=Subject(key="features and label"),
        state=State.PASSED if count >= 1 else State.FAILED,
        limit=Limit(rule="one label and at least one feature", mode=Mode.STRICT),
        message=f"The dictionary tells {count} features from the label {quote(dictionary.label)}.",
        mend="" if count >= 1 else "Give the columns that the model reads the role feature.",
    )


def _judge_type(name: str, entry: Description, tables: dict[str, Table]) -> Iterator[Finding]:
    wrong = [
        f"{table.types[name]} in {file}"
        for file, table in tables.items()
        if name in table and table.types[name] not in _STORED_AS[entry.type]
    ]
    if wrong:
        message = f"is listed as {entry.type}, but stored as {' and '.join(wrong)}"
        yield _failed(name, "type", message, "Write it as listed, or list it as it is.")


def _judge_former_role(name: str, base: ColumnDictionary | None) -> Iterator[Finding]:
    before = None if base is None else base.columns.get(name)
    if before is not None and before.role in _NEVER_A_FEATURE:
        message = (
            f"becomes a feature, but the base declares it {before.role}: "
            f"{_NEVER_A_FEATURE[before.role]}"
        )
        yield _failed(name, "role", message, f"Give it the role {before.role} again.")


def _observe_changes(base: ColumnDictionary, new: ColumnDictionary) -> Iterator[Observation]:
    """What the pull request makes of the dictionary that its data are judged by."""
    for name in dict.fromkeys([*base.columns, *new.columns]):
        before, after = base.columns.get(name), new.columns.get(name)
        messages: list[str] = []
        if before is None and after is not None:
            messages = [f"new column, {after.role}"]
        elif after is None and before is not None:
            messages = [f"column taken out, it was {before.role}"]
        elif before is not None and after is not None:
            messages = list(_edits(before, after))
        if messages:
            message = f"{quote(name)}: {'; '.join(messages)}."
            yield Observation(subject=Subject(column=name), message=message)


def _edits(before: Description, after: Description) -> Iterator[str]:
    if before.role is not after.role:
        yield f"{before.role} → {after.role}"
    if before.levels is not None and after.levels is not None:
        came = [level for level in after.levels if level not in before.levels]
        went = [level for level in before.levels if level not in after.levels]
        if came:
            yield f"levels now list {quote(*came)}"
        if went:
            yield f"levels no longer list {quote(*went)}"
    elif before.levels != after.levels:
        yield "levels are listed now" if after.levels else "levels are no longer listed"
    for field in _SHOWN_FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            yield f"{field} {_say(old)} → {_say(new)}"


def _say(value: object) -> str:
    """A field of the dictionary as it is written there; text from it is quoted."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return quote(value)
    return msgspec.json.encode(value).decode()


def _failed(name: str, demand: str, message: str, mend: str) -> Finding:
    return _finding(name, demand, State.FAILED, message, mend)


def _finding(name: str, demand: str, state: State, message: str, mend: str = "") -> Finding:
    return Finding(
        subject=Subject(column=name, key=demand or None),
        state=state,
        limit=Limit(rule=demand or "the dictionary and the tables agree", mode=Mode.STRICT),
        message=f"{quote(name)} {message}.",
        mend=mend,
    )
