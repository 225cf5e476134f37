"""The rows of a table by what became of them between the baseline and the candidate."""

import msgspec
import numpy as np
import pyarrow as pa

from gates.case.case import Case
from gates.case.segments import Rows
from gates.evidence.folder import Evidence
from gates.judging.sides import TEST, tables_of
from gates.tables.arrow import places_in, valid_of


class Pairing(msgspec.Struct, frozen=True):
    """Places of rows in both tables: `new[i]` and `old[i]` are one row; the others stand alone."""

    new: Rows
    old: Rows
    added: Rows
    removed: Rows


def pair_rows(case: Case, file: str) -> Pairing | None:
    """Rows of both sides' tables of one name, by identifier; `None` where these are not known.

    A row without an identifier stands alone.
    """
    mine, theirs = _ids(case.candidate, file), None
    if case.baseline is not None:
        theirs = _ids(case.baseline, file)
    if mine is None or theirs is None:
        return None
    places = places_in(mine, theirs)
    if mine.null_count:
        places[~valid_of(mine)] = -1
    kept = np.flatnonzero(places >= 0)
    gone = np.ones(len(theirs), dtype=np.bool_)
    gone[places[kept]] = False
    return Pairing(kept, places[kept], np.flatnonzero(places < 0), np.flatnonzero(gone))


def _ids(side: Evidence, file: str) -> pa.Array | None:
    if file not in tables_of(side):
        return None
    return side.ids if file == TEST else side.train_ids
