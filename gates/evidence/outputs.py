"""A prediction table → what the model says of each row by the task, or a refusal.

Also the column of sample weights, which is refused in the same spirit.
"""

import numpy as np

from gates.case.answers import Task
from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary, Role
from gates.evidence.labels import LARGEST
from gates.tables.table import Floats, Table

PREDICTION, SCORE, SCORE_OF = "prediction", "score", "score_"
PROBABILITY_SLACK = 1e-9  # a float's rounding, not a score outside [0, 1]
SUM_SLACK = 1e-6  # of the classes' probabilities of a row
_SHOWN = 8


def read_outputs(task: Task, table: Table, classes: tuple[str, ...], run: str = "") -> Floats:
    """Scores of shape (rows,) or (rows, classes) in [0, 1], or predicted numbers, shape (rows,).

    A table of several trainings holds each one's columns under its name and a dot, such as
    `seed_21.score`; `run` is that prefix.

    Raises:
        EvidenceError: a column is missing, or a value is none that the task has.
    """
    if task == "binary":
        return _probabilities(table, _column(task, table, f"{run}{SCORE}"))
    if task == "regression":
        return _finite(table, _column(task, table, f"{run}{PREDICTION}"), "predictions")
    names = [f"{run}{SCORE_OF}{each}" for each in classes]
    for name in table.names:
        if name.startswith(f"{run}{SCORE_OF}") and name not in names:
            raise EvidenceError(
                f"{table.path}: the column {name!r} is of no class; the label's levels are "
                f"{', '.join(classes)}. Mend its name, or the dictionary."
            )
    scores = np.stack([_probabilities(table, _column(task, table, name)) for name in names], axis=1)
    _refuse_wrong_sums(table, scores)
    return scores


def read_weights(table: Table, dictionary: ColumnDictionary, name: str) -> Floats:
    """The sample weights of a table's rows, shape (rows,): finite, none negative, not all 0.

    Raises:
        EvidenceError: the column is missing, has another role, or holds what is no weight.
    """
    place = f"{table.path}: {name!r}, which `gates.sample_weight` names,"
    entry = dictionary.columns.get(name)
    if entry is not None and entry.role is not Role.WEIGHT:
        raise EvidenceError(
            f"{place} has the role {entry.role} in columns.yaml; a weight is no {entry.role}. "
            "Give it the role weight, or name another column."
        )
    if entry is None or name not in table:
        where = "columns.yaml" if entry is None else "the table"
        raise EvidenceError(f"{place} is not in {where}. Write the column, or take the key away.")
    if table.types[name] not in ("number", "integer"):
        raise EvidenceError(
            f"{place} is stored as {table.types[name]}; weights are numbers. Write it as numbers."
        )
    weights = table.numbers(name)
    if (bad := int(np.count_nonzero(~np.isfinite(weights)))) > 0:
        raise EvidenceError(
            f"{place} is missing, NaN or infinite in {bad:,} of {table.rows:,} rows; every row "
            "needs a weight. Mend the rows; a row that should not count has the weight 0."
        )
    if (below := int(np.count_nonzero(weights < 0))) > 0:
        raise EvidenceError(
            f"{place} is negative in {below:,} of {table.rows:,} rows, such as "
            f"{float(weights.min()):g}; a weight is 0 or more. Mend the rows."
        )
    if not bool(weights.any()):
        raise EvidenceError(
            f"{place} is 0 in all {table.rows:,} rows, so that nothing counts. Mend the column."
        )
    return weights


def _column(task: Task, table: Table, name: str) -> str:
    if name in table:
        return name
    others = {
        "binary": SCORE in table,
        "regression": PREDICTION in table,
        "multiclass": any(each.startswith(SCORE_OF) for each in table.names),
    }
    fitting = [other for other, has in others.items() if has and other != task]
    hint = f" Or set `gates.task` to {fitting[0]}, whose columns it has." if fitting else ""
    more = len(table.names) - _SHOWN
    known = ", ".join(table.names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    raise EvidenceError(
        f"{table.path}: no column {name!r}, which a {task} task needs; it has {known}. "
        f"Write the column.{hint}"
    )


def _probabilities(table: Table, name: str) -> Floats:
    scores = _finite(table, name, "scores")
    outside = (scores < -PROBABILITY_SLACK) | (scores > 1 + PROBABILITY_SLACK)
    if bool(outside.any()):
        whose = "the positive class's" if name == SCORE else "the class's"
        raise EvidenceError(
            f"{table.path}: {int(outside.sum()):,} of {len(scores):,} scores lie outside "
            f"[0, 1], such as {scores[outside][0]:g}. Write {whose} probability."
        )
    return np.clip(scores, 0.0, 1.0)


def _finite(table: Table, name: str, what: str) -> Floats:
    values = table.numbers(name)
    finite = np.abs(values) <= LARGEST
    if not bool(finite.all()):
        raise EvidenceError(
            f"{table.path}: {int((~finite).sum()):,} of {len(values):,} {what} are missing, "
            f"NaN or infinite. Mend the model's output; a row without a {what[:-1]} cannot be "
            "judged."
        )
    return values


def _refuse_wrong_sums(table: Table, scores: Floats) -> None:
    sums = scores.sum(axis=1)
    wrong = np.abs(sums - 1) > SUM_SLACK
    if bool(wrong.any()):
        raise EvidenceError(
            f"{table.path}: the classes' scores add up to 1 in all but {int(wrong.sum()):,} of "
            f"{len(sums):,} rows; one row's to {sums[wrong][0]:.9g}. Write probabilities."
        )
