"""The AUC's change without bins, for the rare limit that lies within what the bins may hide."""

import msgspec
import numpy as np

from gates.reduction.changes import SummedChange
from gates.reduction.grids import Cuts
from gates.reduction.heavy import Heavy, Pick, open_bag
from gates.reduction.reduce import AUC, Codes, Reduced
from gates.reduction.sums import CELLS
from gates.stats.auc import auc_pseudo_values, delong
from gates.tables.engine import Engine, Scan

MOST_EXACT_ROWS = 500_000  # of a segment whose rows are held: 150 MB


def exact_auc_change(
    reduced: Reduced,
    engine: Engine,
    scan: Scan,
    cuts: Cuts = (),
    codes: Codes = (),
    *,
    confidence: float,
) -> SummedChange | None:
    """The change with DeLong's interval of the rows themselves, by one more pass.

    Its weights in the joint test stay those of the bins. `None` where there are too many rows;
    then the interval that the bins allow is the answer.

    Raises:
        UndefinedError: too few rows of a class.
    """
    binned = reduced.change(AUC, cuts, codes, confidence=confidence)
    if binned.counted > MOST_EXACT_ROWS:
        return None
    sums = reduced.sums
    sizes = tuple(sums.cuts[cut].size for cut in cuts)
    segments = int(np.prod(sizes, dtype=np.int64))
    cells = np.zeros((segments, CELLS), dtype=np.bool_)
    cells[int(np.ravel_multi_index(codes, sizes)) if cuts else 0] = True
    nothing = np.full((len(sums.features), segments), np.inf)
    kernel = Heavy(sums=sums, picks=(Pick(cuts, sizes, cells.reshape(-1), nothing),))
    rows = open_bag(engine.reduce(scan, kernel), sums).rows
    old, new = (auc_pseudo_values(rows.labels, each) for each in (rows.baseline, rows.candidate))
    return msgspec.structs.replace(
        binned,
        baseline=float(old[rows.labels].mean()),
        candidate=float(new[rows.labels].mean()),
        interval=delong(rows.labels, new - old).interval(confidence),
    )
