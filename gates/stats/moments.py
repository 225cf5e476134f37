"""Comparisons of which only sums over rows are known, for their joint test under random signs.

Few rows, those that weigh most, are given as rows and get real signs. The rest of a comparison is
a sum of many small terms, whose law is normal: its exact covariance is all that a draw needs.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.signflip import JITTER, MOST_NORMAL, STEPS, FlipPlan, Terms

_GROWTH, _MOST_JITTER = 100.0, 1e-2
Values = NDArray[np.float64]


class Moments(msgspec.Struct, frozen=True, eq=False):
    """Of all rows that are not given: what each comparison adds up to, and sums of products.

    `totals` (comparisons,); `products` (comparisons, comparisons): Σ over rows of the product of
    two comparisons' contributions.
    """

    totals: Values
    products: Values


def plan_moments(sums: Sequence[tuple[NDArray[np.intp], Values]], rest: Moments) -> FlipPlan:
    """The draws of comparisons given as (ascending units, values) and as moments of the rest.

    The caller has chosen the rows: none of the rest weighs more than 1/`FEW` of a comparison's sum
    of squares. Rows that only other comparisons need are given for all comparisons.

    Raises:
        ValueError: more than `MOST_NORMAL` comparisons, of which no covariance is held.
    """
    lengths = np.sqrt(
        [
            float(values @ values) + float(square)
            for (_, values), square in zip(sums, np.diagonal(rest.products), strict=True)
        ]
    )
    scaled = [
        Terms(units, np.rint(values * (STEPS / length)) / STEPS)
        for (units, values), length in zip(sums, lengths, strict=True)
    ]
    totals = np.rint(rest.totals * (STEPS / lengths)) / STEPS
    normal = np.flatnonzero(np.diagonal(rest.products) > 0)
    if len(normal) > MOST_NORMAL:
        raise ValueError(f"{len(normal):,} comparisons by moments; at most {MOST_NORMAL:,} fit")
    units = np.unique(np.concatenate([terms.positions for terms in scaled]))
    covariance = rest.products[np.ix_(normal, normal)]
    covariance /= lengths[normal, None]
    covariance /= lengths[normal]
    return FlipPlan(
        observed=np.array([terms.values.sum() for terms in scaled]) + totals,
        real=tuple(
            Terms(np.searchsorted(units, terms.positions), terms.values) for terms in scaled
        ),
        real_units=len(units),
        normal=normal,
        root=find_root(covariance),
    )


def find_root(covariance: Values) -> Values:
    """The lower triangular root; what rounding took from the variances is given back, and more.

    Variance that is added makes no p-value of harm smaller where the change is harm.
    """
    covariance, jitter = covariance.copy(), JITTER
    while jitter < _MOST_JITTER:
        covariance[np.diag_indices_from(covariance)] += jitter
        try:
            return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
        except np.linalg.LinAlgError:
            jitter *= _GROWTH
    raise ValueError("the products of the comparisons are not those of any rows")
