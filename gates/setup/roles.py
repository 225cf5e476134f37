"""What each column probably is: a guess by names and values, for the owner to mend."""

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gates.case.answers import Task
from gates.errors import UsageError
from gates.evidence.columns import Role, Type
from gates.reading.typed import nearest
from gates.setup.look import Column, Look

TO_BE_WRITTEN = "to be written"
_IDS = ("row_id", "id", "rowid", "uuid", "guid", "index", "key", "sample_id", "record_id")
_LABELS = ("label", "target", "y", "class", "outcome", "response", "y_true", "is_fraud", "churn")
_LABEL_KEYS = re.compile(r"(label|target|outcome|response)(_?(col(umn)?|name))?|y(_col(umn)?)?")
_ID_KEYS = re.compile(r"(row_?)?id(_?col(umn)?)?|index(_?col(umn)?)?")
_WEIGHT = re.compile(r"(.*_)?weights?")
_TIME = re.compile(r"(.*_)?(date|datetime|time|timestamp|year|month|week|day)(_.*)?|.*_at")
_KEY = re.compile(r"(.*_)?(id|uuid|key|number|code|hash)")
_SENSITIVE = re.compile(
    r"(.*_)?(sex|gender|race|ethnicity|ethnic|age|religion|nationality|disability|disabled|origin|"
    r"marital_status|pregnan\w+|orientation|citizenship)(_.*)?"
)
_POSITIVE = ("1", "true", "yes", "y", "positive", "pos", "bad", "fraud", "churned", "default")
_AGE_BANDS = (25, 45, 65)
_SEGMENTS_MAX, _SEGMENT_LEVELS_MAX = 3, 10
_SHOWN = 8


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One column's draft, and why it was drafted so where that is a guess."""

    name: str
    role: Role
    type: Type
    levels: tuple[str, ...] = ()
    missing_share: float = 0.0
    sensitive: bool = False
    segment: bool | tuple[float, ...] = False
    unit: str | None = None
    guess: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The dictionary's entries, the task, and what kept it from being complete."""

    entries: tuple[Entry, ...]
    task: Task
    label: Column | None
    lacks: tuple[str, ...]

    @property
    def segments(self) -> tuple[str, ...]:
        """Columns by which the test set is segmented."""
        return tuple(entry.name for entry in self.entries if entry.segment)

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Segmented columns that are sensitive."""
        return tuple(entry.name for entry in self.entries if entry.segment and entry.sensitive)


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the table: the options, the pipeline's params, the prediction table."""

    label: str | None = None
    id: str | None = None
    params: Any = None
    predicted: tuple[str, ...] = ()  # columns of the prediction table
    same_ids: str | None = None  # the column with the values of its `row_id`


def draft_columns(test: Look, train: Look | None, hints: Hints) -> Draft:
    """The dictionary of a test and a training table, with exactly one id and one label if it can.

    Raises:
        UsageError: an option names a column that there is not.
    """
    trained = train.columns if train else {}
    both = {**trained, **test.columns}
    columns = {name: _both(trained.get(name), column) for name, column in both.items()}
    for option, name in (("--label", hints.label), ("--id", hints.id)):
        if name is not None and name not in columns:
            known = nearest(name, list(columns))
            raise UsageError(f"{option} {name}: {test.path} has no such column; {known}")
    label = _find_label(columns, hints)
    row = _find_id(columns, hints, label)
    task = task_of(hints.predicted, columns[label] if label else None)
    whole = test.is_whole and (train is None or train.is_whole)
    entries = tuple(
        _entry(
            column,
            _role_of(column, {row: Role.ID, label: Role.LABEL}),
            task,
            whole=whole,
        )
        for column in columns.values()
    )
    lacks = [] if label else [f"--label COLUMN, which is one of {_shown(columns, row)}"]
    lacks += [] if row else [f"--id COLUMN, which is one of {_shown(columns, label)}"]
    return Draft(
        entries=_with_segments(entries, columns),
        task=task,
        label=columns[label] if label else None,
        lacks=tuple(lacks),
    )


def _shown(columns: Mapping[str, Column], taken: str | None) -> str:
    """The columns that may be meant, the last ones first: a label mostly stands there."""
    names = [name for name in reversed([*columns]) if name != taken]
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _find_label(columns: Mapping[str, Column], hints: Hints) -> str | None:
    if hints.label:
        return hints.label
    if named := _named_in(hints.params, _LABEL_KEYS, columns):
        return named
    classes = {name.removeprefix("score_") for name in hints.predicted if name.startswith("score_")}
    classed = [name for name, column in columns.items() if set(column.levels) == classes]
    if classes and classed:
        return classed[0]
    usual = [name for want in _LABELS for name in columns if name.lower() == want]
    two = [n for n, c in columns.items() if c.type is Type.BOOLEAN and n not in hints.predicted]
    return next(iter(usual or (two if len(two) == 1 else ())), None)


def _find_id(columns: Mapping[str, Column], hints: Hints, label: str | None) -> str | None:
    if hints.id:
        return hints.id
    fitting = [
        name
        for name, column in columns.items()
        if column.is_unique and column.type in (Type.TEXT, Type.INTEGER, Type.CATEGORY)
        if name != label
    ]
    named = _named_in(hints.params, _ID_KEYS, columns)
    shared = [name for name in fitting if name == hints.same_ids or name in hints.predicted]
    usual = [name for want in _IDS for name in fitting if name.lower() == want]
    keyed = [name for name in fitting if _KEY.fullmatch(name.lower())]
    first = [named] if named is not None and named in fitting else []
    return next(iter([*first, *shared, *usual, *keyed]), None)


def _named_in(tree: Any, key: re.Pattern[str], columns: Mapping[str, Column]) -> str | None:
    """The column that some key of the params names, looked for breadth first."""
    waiting = [tree]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, dict):
            for name, value in item.items():
                if key.fullmatch(str(name).lower()) and isinstance(value, str) and value in columns:
                    return value
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return None


def task_of(predicted: tuple[str, ...], label: Column | None) -> Task:
    """The task, by what the prediction table holds, else by the label's values."""
    if "score" in predicted:
        return "binary"
    if "prediction" in predicted:
        return "regression"
    if any(name.startswith("score_") for name in predicted):
        return "multiclass"
    if label is None or label.type is Type.BOOLEAN or label.distinct <= 2:  # noqa: PLR2004
        return "binary"
    return "regression" if label.type is Type.NUMBER or not label.levels else "multiclass"


def _role_of(column: Column, known: Mapping[str | None, Role]) -> Role:
    name = column.name.lower()
    if column.name in known:
        return known[column.name]
    if column.type is None:
        return Role.IGNORED
    if _WEIGHT.fullmatch(name) and column.type in (Type.NUMBER, Type.INTEGER):
        return Role.WEIGHT if name in ("weight", "sample_weight") else Role.FEATURE
    if column.type is Type.DATETIME or (_TIME.fullmatch(name) and _few_periods(column)):
        return Role.TIME
    if name.endswith("_id") or name == "group":
        return Role.IGNORED if column.is_unique else Role.GROUP
    looks = column.type is Type.TEXT or (column.type is Type.INTEGER and _KEY.fullmatch(name))
    return Role.IGNORED if column.is_unique and looks else Role.FEATURE


def _few_periods(column: Column) -> bool:
    return column.type is Type.INTEGER and bool(column.levels)


def _both(train: Column | None, test: Column) -> Column:
    """One column of two tables: levels and bounds of both, the larger share of missing values."""
    if train is None or train is test:
        return test
    share = max(one.missing / max(1, one.rows) for one in (train, test))
    levels = sorted({*train.levels, *test.levels}) if train.levels and test.levels else []
    kind = Type.TEXT if Type.TEXT in (train.type, test.type) else test.type
    lows = [one.low for one in (train, test) if one.low is not None]
    highs = [one.high for one in (train, test) if one.high is not None]
    return msgspec.structs.replace(
        test,
        type=kind,
        levels=tuple(levels),
        missing=math.ceil(share * test.rows),
        low=min(lows, default=None),
        high=max(highs, default=None),
    )


def _entry(column: Column, role: Role, task: Task, *, whole: bool) -> Entry:
    kind = column.type or Type.TEXT
    levels = column.levels if kind is Type.CATEGORY and role is Role.FEATURE and whole else ()
    guess = ""
    if column.type is None:
        guess = "holds what no table of evidence may hold: flatten it, or write the table without"
    elif role is Role.LABEL:
        kind, levels, guess = _label_of(column, task)
    elif role is Role.GROUP:
        guess = "rows with the same value count as one; feature or ignored if they do not"
    elif role is Role.IGNORED:
        guess = "looks like an identifier; give it the role feature if the model reads it"
    share = column.missing / max(1, column.rows)
    quantity = role is Role.FEATURE and kind is Type.INTEGER and column.is_unique
    return Entry(
        name=column.name,
        role=role,
        type=kind,
        levels=levels,
        missing_share=min(1.0, math.ceil(share * 150) / 100) if share else 0.0,
        sensitive=role is Role.FEATURE and _SENSITIVE.fullmatch(column.name.lower()) is not None,
        unit=TO_BE_WRITTEN if quantity else None,
        guess=guess,
    )


def _label_of(column: Column, task: Task) -> tuple[Type, tuple[str, ...], str]:
    if task == "regression":
        return column.type or Type.NUMBER, (), ""
    if column.type is Type.BOOLEAN or set(column.levels) <= {"0", "1"}:
        return Type.BOOLEAN, (), ""
    if task == "multiclass":
        return Type.CATEGORY, column.levels, "all classes of the sample; add those that it lacks"
    ordered = sorted(column.levels, key=lambda level: (level.lower() in _POSITIVE, level))
    return Type.CATEGORY, tuple(ordered), "the last level is the positive one"


def _with_segments(entries: tuple[Entry, ...], columns: Mapping[str, Column]) -> tuple[Entry, ...]:
    """Sensitive columns become segments; where there is none, the first few with few levels."""
    found: dict[str, bool | tuple[float, ...]] = {}
    for entry in entries:
        if entry.sensitive and (bands := _bands(entry, columns[entry.name])):
            found[entry.name] = bands
    if not found:
        few = [
            entry.name
            for entry in entries
            if entry.role is Role.FEATURE and _is_segment(entry, columns[entry.name])
        ]
        found = dict.fromkeys(few[:_SEGMENTS_MAX], True)
    return tuple(
        msgspec.structs.replace(entry, segment=found.get(entry.name, False)) for entry in entries
    )


def _bands(entry: Entry, column: Column) -> bool | tuple[float, ...]:
    if entry.type is Type.INTEGER and "age" in entry.name.lower() and column.high is not None:
        low, high = math.floor(column.low or 0), math.floor(column.high) + 1
        inner = [edge for edge in _AGE_BANDS if low < edge < high]
        return (float(min(low, 0)), *map(float, inner), float(high))
    return _is_segment(entry, column)


def _is_segment(entry: Entry, column: Column) -> bool:
    kinds = (Type.CATEGORY, Type.BOOLEAN)
    return entry.type in kinds and 1 < column.distinct <= _SEGMENT_LEVELS_MAX
