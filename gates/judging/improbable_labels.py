"""Labels that a model finds improbable, by how sure it is of rows that it never saw."""

import numpy as np
import pyarrow as pa

from gates.case.answers import Task, Values
from gates.case.tested_rows import BASELINE_ON_OURS
from gates.evidence.folder import Evidence
from gates.quoting import quote
from gates.stats.confident import (
    Improbable,
    Ordinary,
    class_thresholds,
    improbable_classes,
    improbable_numbers,
    ordinary_errors,
)
from gates.stats.growth import Places
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask

_SHOWN = 10


class Judge:
    """What a model finds improbable: limits from some rows, asked about these or others."""

    def __init__(self, task: Task, labels: Values, scores: Floats) -> None:
        """Learn how sure the model is of rows with their labels.

        Args:
            task: the policy's.
            labels: of rows that the model did not learn from.
            scores: what it says of them.
        """
        self._limits: Floats | Ordinary
        if task == "regression":
            self._limits = ordinary_errors(scores - labels)
        else:
            self._limits = class_thresholds(_codes(labels), _probabilities(scores))

    def look(self, labels: Values, scores: Floats) -> Improbable:
        """Which of these labels are improbable."""
        if isinstance(self._limits, Ordinary):
            return improbable_numbers(scores - labels, self._limits)
        return improbable_classes(_codes(labels), _probabilities(scores), self._limits)


def fresh_rows(ids: pa.Array, labels: Values, old_ids: pa.Array, old_labels: Values) -> Mask:
    """Rows that the old table has not, or has with another label; shape (rows,)."""
    kept = places_in(ids, old_ids)
    fresh: Mask = kept < 0
    known = ~fresh
    fresh[known] = labels[known] != old_labels[kept[known]]
    return fresh


def baseline_scores(new: Evidence, old: Evidence, kept: Places) -> tuple[Floats, Mask]:
    """What the baseline's model says of the candidate's rows, and of which that is known.

    It is not asked about rows that it was trained on.
    """
    if new.has(BASELINE_ON_OURS):
        scores, known = (
            new.scores_for(BASELINE_ON_OURS, new.ids),
            np.ones(len(kept), dtype=np.bool_),
        )
    else:
        scores, known = old.scores[np.maximum(kept, 0)], kept >= 0
    if old.train_ids is not None:
        known = known & (places_in(new.ids, old.train_ids) < 0)
    return scores, known


def name_rows(ids: pa.Array, rows: Mask, doubt: Floats) -> str:
    """The oddest rows by their identifiers, in words; nothing where there is none."""
    at = np.flatnonzero(rows)
    if not len(at):
        return ""
    first = at[np.argsort(-doubt[at], kind="stable")][:_SHOWN]
    names = ", ".join(quote(ids[int(place)].as_py()) for place in first)
    return f" Look first at {names}."


def _codes(labels: Values) -> Places:
    return labels.astype(np.intp)


def _probabilities(scores: Floats) -> Floats:
    return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores
