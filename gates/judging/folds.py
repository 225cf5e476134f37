"""A table of cross-validation → the answers of each fold's model to the rows it never saw."""

import numpy as np

from gates.case.answers import Answers, answer
from gates.case.case import Case
from gates.case.segments import Rows
from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.outputs import read_outputs, read_weights
from gates.tables.arrow import places_in
from gates.tables.table import Codes, Table

FOLDS = "folds.parquet"
MOST_FOLDS = 100
_FOLD = "fold"


def read_folds(case: Case) -> tuple[Answers, ...]:
    """By fold, what its model says of the training rows that it was not trained on.

    Raises:
        EvidenceError: a row is repeated or no training row, a fold is missing, or there are more
            than `MOST_FOLDS`.
    """
    evidence, table = case.candidate, case.candidate.table(FOLDS)
    rows, codes = _training_places(evidence, table), _folds_of(table)
    assert evidence.train is not None  # noqa: S101 - its rows were found
    labels = evidence.labels_of(evidence.train)[rows]
    scores = read_outputs(case.settings.task, table, evidence.classes)
    weights, name = None, case.settings.sample_weight
    if name is not None and name in evidence.train:
        weights = read_weights(evidence.train, evidence.dictionary, name)[rows]
    threshold = case.settings.decision_threshold
    counted = codes >= 0 if weights is None else weights > 0
    found = []
    for fold in range(int(codes.max(initial=-1)) + 1):
        at = np.flatnonzero((codes == fold) & counted)
        own = None if weights is None else weights[at]
        found.append(
            answer(
                case.settings.task,
                labels[at],
                scores[at],
                decision_threshold=threshold,
                weights=own,
            )
        )
    return tuple(found)


def _training_places(evidence: Evidence, table: Table) -> Rows:
    ids, trained = evidence.row_ids(table), evidence.train_ids
    if trained is None:
        raise EvidenceError(
            f"{table.path}: there is no training table with identifiers, whose labels its rows "
            "have. Let `gates.evidence.train` name it."
        )
    places = places_in(ids, trained)
    if (strange := np.flatnonzero(places < 0)).size:
        raise EvidenceError(
            f"{table.path}: {len(strange):,} of {len(ids):,} rows are no training rows, such as "
            f"{ids[int(strange[0])].as_py()!r}. Cross-validate on the training rows alone."
        )
    return places


def _folds_of(table: Table) -> Codes:
    if _FOLD not in table:
        raise EvidenceError(
            f"{table.path}: no column {_FOLD!r}, which says by which fold's model a row was "
            "scored. Write the column."
        )
    folds = table.categories(_FOLD)
    if (gaps := int(np.count_nonzero(folds.codes < 0))) > 0:
        raise EvidenceError(
            f"{table.path}: {gaps:,} of {table.rows:,} rows have no fold. Give every row one."
        )
    if len(folds.levels) > MOST_FOLDS:
        raise EvidenceError(
            f"{table.path}: {len(folds.levels):,} folds; at most {MOST_FOLDS} are read. Deal the "
            "rows into fewer."
        )
    return folds.codes
