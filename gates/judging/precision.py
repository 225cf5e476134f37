"""How closely scores can be compared that were stored with few digits."""

import numpy as np

from gates.tables.table import Floats

SINGLE = 2.0**-20  # eight steps between numbers of 32 bits just below 1: what they agree to


def tolerance_between(asked: float, *scores: Floats) -> float:
    """The tolerance that is asked for; at least `SINGLE` where some scores have 32 bits at most.

    A closer agreement says nothing there: such scores were rounded by more when they were written,
    and what computes in 32 bits adds up in another order when other rows come along.
    """
    stored = any(len(each) and _fits_single(each) for each in scores)
    return max(asked, SINGLE) if stored else asked


def _fits_single(scores: Floats) -> bool:
    """Whether 32 bits hold all of them, and some need the last 8: round numbers fit anything."""
    with np.errstate(over="ignore"):
        short = scores.astype(np.float32)
    return bool((short == scores).all() and (short.view(np.uint32) & 0xFF).any())
