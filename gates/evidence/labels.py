"""The label column of a table → values by the task, or a refusal that names what does not fit."""

import numpy as np

from gates.case.answers import Classes, Task, Values
from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary
from gates.tables.table import Floats, Mask, Table

LARGEST = 1e100  # of a number that is predicted: its square is a number still
_TWO = 2  # levels of a binary label
_SHOWN = 8


def classes_of(task: Task, dictionary: ColumnDictionary, where: str) -> tuple[str, ...]:
    """The classes in the order of the label's levels; none where the task has none.

    Args:
        task: what the policy says it is.
        dictionary: the column dictionary.
        where: what messages call it.

    Raises:
        EvidenceError: a multiclass label without two different levels.
    """
    if task != "multiclass":
        return ()
    name = dictionary.label
    levels = dictionary.columns[name].levels or ()
    if len(set(levels)) < max(_TWO, len(levels)):
        found = f"are {_listed(levels)}" if levels else "are not listed"
        raise EvidenceError(
            f"{where}: {name}: the label's levels {found}; a multiclass task has two or more "
            "different ones. Add `levels: [<class>, <class>, …]`, or mend `gates.task`."
        )
    return levels


def read_labels(task: Task, table: Table, dictionary: ColumnDictionary, where: str) -> Values:
    """Labels of a table, shape (rows,): booleans, places in the classes, or numbers.

    A binary text label's last level is the positive one.

    Raises:
        EvidenceError: a label is missing, or is not one of the task's.
    """
    name = dictionary.label
    if (gaps := int(table.missing(name).sum())) > 0:
        raise EvidenceError(
            f"{table.path}: the label {name!r} is missing in {gaps:,} of {table.rows:,} rows; "
            "every judged row needs one. Drop the rows, or label them."
        )
    if task == "multiclass":
        return _class_labels(table, name, classes_of(task, dictionary, where))
    if task == "regression":
        return _numeric_labels(table, name)
    if table.types[name] == "text":
        return _two_levels(table, name, dictionary.columns[name].levels, where)
    return _booleans(table, name)


def _booleans(table: Table, name: str) -> Mask:
    values = table.numbers(name)
    if not bool(np.isin(values, (0.0, 1.0)).all()):
        wrong = values[~np.isin(values, (0.0, 1.0))][0]
        raise EvidenceError(
            f"{table.path}: the label {name!r} holds {wrong:g}; a binary task has 0 and 1, or "
            "false and true. Write it as a boolean, or set `gates.task` to regression."
        )
    labels: Mask = values == 1.0
    return labels


def _two_levels(table: Table, name: str, levels: tuple[str, ...] | None, where: str) -> Mask:
    if levels is not None and len(levels) > _TWO:
        raise EvidenceError(
            f"{where}: {name}: the label has {len(levels)} levels, {_listed(levels)}; a binary "
            "task has two. Set `gates.task` to multiclass, or mend the levels."
        )
    if levels is None or len(levels) != _TWO:
        raise EvidenceError(
            f"{where}: {name}: the label is text, and which of its "
            "values is the positive one is not said. Add `levels: [<negative>, <positive>]`."
        )
    return np.asarray(_codes(table, name, levels) == 1)


def _class_labels(table: Table, name: str, classes: tuple[str, ...]) -> Classes:
    if table.types[name] in ("number", "datetime"):
        raise EvidenceError(
            f"{table.path}: the label {name!r} is stored as {table.types[name]}; classes are text, "
            "whole numbers or booleans. Write it so, or set `gates.task` to regression."
        )
    return _codes(table, name, classes)


def _codes(table: Table, name: str, levels: tuple[str, ...]) -> Classes:
    """Each row's place in the levels."""
    found = table.categories(name)
    for level in found.levels:
        if level not in levels:
            raise EvidenceError(
                f"{table.path}: the label {name!r} holds {level!r}; its levels are "
                f"{', '.join(levels)}. Mend the data, or the dictionary."
            )
    places = np.array([levels.index(level) for level in found.levels], dtype=np.intp)
    return places[found.codes]


def _numeric_labels(table: Table, name: str) -> Floats:
    kind = table.types[name]
    if kind not in ("number", "integer"):
        fitting = "binary" if kind == "boolean" else "binary or multiclass"
        raise EvidenceError(
            f"{table.path}: the label {name!r} is stored as {kind}; a regression predicts a "
            f"number. Write it as one, or set `gates.task` to {fitting}."
        )
    values = table.numbers(name)
    if (endless := int(np.count_nonzero(np.abs(values) > LARGEST))) > 0:
        raise EvidenceError(
            f"{table.path}: the label {name!r} is infinite or beyond {LARGEST:g} in {endless:,} of "
            f"{table.rows:,} rows; a regression has finite numbers. Drop the rows, or mend them."
        )
    return values


def _listed(levels: tuple[str, ...]) -> str:
    more = len(levels) - _SHOWN
    return ", ".join(levels[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
