"""How much the rows of any table count, and which of them hang together."""

import numpy as np

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.evidence.outputs import read_weights
from gates.judging.sides import TEST
from gates.stats.growth import Places
from gates.tables.table import Floats, Table


def weights_of(side: Evidence, file: str, table: Table) -> Floats | None:
    """The weights of a side's rows by `gates.sample_weight`; `None` where all count alike.

    A training table without the column counts its rows alike: weights are asked of test rows.
    """
    name = side.settings.sample_weight
    if file == TEST:
        return side.weights
    return None if name is None or name not in table else read_weights(table, side.dictionary, name)


def units_of(case: Case, table: Table) -> Places | None:
    """A code per row of what it belongs with, -1 for itself; `None` where nothing groups rows."""
    name = case.group_column
    if name is None or name not in table:
        return None
    return table.categories(name).codes.astype(np.intp)


def independent_share(units: Places | None) -> float:
    """As how much of a row each row counts, where rows of a group are taken to be alike.

    Groups of equal size count as one row each; of unequal ones Kish's number, Survey Sampling
    (1965) §11.7. It is the cautious end: rows of a group need not be alike in what is compared.
    """
    if units is None or not len(units):
        return 1.0
    sizes = np.bincount(units[units >= 0])
    alone = int(np.count_nonzero(units < 0))
    return float(len(units) / (alone + np.sum(sizes.astype(np.float64) ** 2)))
