"""All comparisons of a verdict, tested together from sums; with a pass for the few heavy rows."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.reduction.heavy import (
    Heavy,
    HeavyRows,
    Pick,
    choose_rows,
    contribute,
    open_bag,
    pick_heavy,
)
from gates.reduction.joint import Contribution, joint_moments
from gates.reduction.reduced import Reduced
from gates.reduction.sums import Floats
from gates.stats import multiplicity
from gates.stats.moments import Moments
from gates.stats.multiplicity import SURE, Doubt
from gates.stats.undefined import UndefinedError
from gates.tables.engine import Engine, Scan

MOST_TOGETHER = 500  # comparisons whose covariance is held, so that all fits into 300 MB
_CANCELLED = 1e-12  # of a comparison's sum of squares: what rounding leaves of a rest of nothing

Places = npt.NDArray[np.intp]
Given = tuple[Places, Floats]  # heavy rows of a comparison, and what they add


class Comparison(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What every row adds to one difference of a metric, positive is better; see `multiplicity`."""

    family: str
    contribution: Contribution
    doubt: Doubt = SURE


class _Batch(msgspec.Struct, frozen=True, eq=False):
    """Comparisons whose joint law is known; `squares` (comparisons,) are over all their rows."""

    members: Sequence[Comparison]
    squares: Floats
    picks: tuple[Pick, ...]


def correct(
    reduced: Reduced,
    engine: Engine,
    scan: Scan,
    comparisons: Sequence[Comparison],
    *,
    seed: bytes,
    draws: int = 10_000,
) -> list[float]:
    """The adjusted p-value of harm of every comparison, in that order.

    More than `MOST_TOGETHER` of them, or segments of columns that were not crossed, are tested
    batch by batch, in their order; a family's p-values are then multiplied by the number of its
    batches, which holds under any dependence between them (Bonferroni).
    """
    batches = _batch(reduced, comparisons)
    heavy = _take_out(reduced, engine, scan, tuple(p for batch in batches for p in batch.picks))
    shares = Counter(
        family for batch in batches for family in {member.family for member in batch.members}
    )
    p_values: list[float] = []
    for place, batch in enumerate(batches):
        given, rest = _split(reduced, batch, heavy)
        found = multiplicity.harm_p_values(
            [
                multiplicity.Comparison(member.family, *each, member.doubt)
                for member, each in zip(batch.members, given, strict=True)
            ],
            seed=seed + place.to_bytes(4, "big") if place else seed,
            draws=draws,
            rest=rest,
        )
        p_values += [
            min(1.0, p_value * shares[member.family])
            for member, p_value in zip(batch.members, found, strict=True)
        ]
    return p_values


def _batch(reduced: Reduced, comparisons: Sequence[Comparison]) -> list[_Batch]:
    if not comparisons:
        return []
    half = len(comparisons) // 2
    if len(comparisons) <= MOST_TOGETHER:
        contributions = [each.contribution for each in comparisons]
        try:
            moments = joint_moments(reduced.sums, reduced.summed, contributions)
        except UndefinedError:
            if not half:
                raise
        else:
            picks = pick_heavy(reduced.sums, reduced.summed, contributions, moments)
            squares = np.diagonal(moments.products).copy()  # a view would keep all the products
            return [_Batch(comparisons, squares, picks)]
    return [*_batch(reduced, comparisons[:half]), *_batch(reduced, comparisons[half:])]


def _take_out(
    reduced: Reduced, engine: Engine, scan: Scan, picks: tuple[Pick, ...]
) -> HeavyRows | None:
    """The heavy rows of all batches, by one pass; none where there is none."""
    if not picks:
        return None
    return open_bag(engine.reduce(scan, Heavy(sums=reduced.sums, picks=picks)), reduced.sums)


def _split(reduced: Reduced, batch: _Batch, heavy: HeavyRows | None) -> tuple[list[Given], Moments]:
    """What the batch's own heavy rows add to every comparison, and the moments of the rest."""
    contributions = [each.contribution for each in batch.members]
    if heavy is None or not batch.picks:
        nothing = np.empty(0, dtype=np.intp), np.empty(0)
        moments = joint_moments(reduced.sums, reduced.summed, contributions)
        return [nothing] * len(contributions), moments
    sums = reduced.sums
    own = heavy.of(choose_rows(sums, batch.picks, heavy.rows, heavy.codes))
    without = sums.subtract(reduced.summed, sums.add(sums.start(), own.rows, own.codes))
    rest = joint_moments(sums, without, contributions)
    # Where all rows of a comparison are heavy, rounding must not leave a rest of it.
    kept = np.diagonal(rest.products) > _CANCELLED * batch.squares
    rest = Moments(rest.totals * kept, rest.products * np.outer(kept, kept))
    return contribute(own, sums, contributions), rest
