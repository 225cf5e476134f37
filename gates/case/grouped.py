"""Which rows of a case hang together, such as those of one person, as codes of their groups."""

from typing import TYPE_CHECKING

import numpy as np

from gates.case.segments import Rows

if TYPE_CHECKING:
    from gates.case.case import Case


def group_candidate(case: "Case") -> Rows | None:
    """Codes of what the rows of `scored` belong with, shape (rows,); see `group_all`."""
    if case.group_column is None:
        return None
    codes = case.candidate.test.categories(case.group_column).codes.astype(np.intp)
    alone = codes < 0
    codes[alone] = len(codes) + np.flatnonzero(alone)
    return np.unique(codes[case.counted], return_inverse=True)[1]


def group_all(case: "Case") -> Rows | None:
    """The same for the union of all arenas' rows and all of the candidate's.

    `None` where the dictionary names no group, so that every row stands for itself. A row without
    a group is a group of its own.
    """
    name = case.group_column
    if name is None or any(name not in arena.side.test for arena in case.arenas):
        return None
    # The anchor may be compared on rows of the candidate that are in no arena of this case.
    everywhere = np.arange(case.candidate.test.rows)
    parts = [(case.candidate, everywhere, everywhere)]
    parts += [(arena.side, arena.rows, arena.union) for arena in case.arenas]
    rows = max(case.union_rows, case.candidate.test.rows)
    codes = np.arange(rows)
    known: dict[str, int] = {}
    for side, at, union in parts:
        column = side.test.categories(name)
        places = [known.setdefault(level, len(known)) for level in column.levels]
        own = column.codes[at]
        grouped = own >= 0
        codes[union[grouped]] = rows + np.array(places)[own[grouped]]
    return np.unique(codes, return_inverse=True)[1]
