"""One-sided p-values of harm, corrected for all comparisons that are made together."""

from collections.abc import Sequence
from math import isnan

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.moments import Moments, plan_moments
from gates.stats.seeds import SeedSpread, discount
from gates.stats.signflip import FlipPlan, draw_statistics, plan_flips
from gates.stats.undefined import UndefinedError

_CANCELLED = 1e-12  # of the largest contribution: what rounding leaves of a group's sum of zero


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a statistic less sure than the signs of its rows know.

    `own` is the change over the standard error of the metric's own interval, where that is known
    to be the more honest: signs of few rows say too much of a ratio such as precision, whose rows
    weigh unequally. `error` is the change's standard error, `spread` that of trainings beside it.
    """

    own: float | None = None
    error: float = 0.0
    spread: SeedSpread | None = None

    def temper(self, statistic: float) -> float:
        """The less harmful of the statistic and `own`, with the trainings' share in its error."""
        least = statistic if self.own is None else max(statistic, self.own)
        return least if self.spread is None else discount(least, self.error, self.spread)


SURE = Doubt()


class Comparison(msgspec.Struct, frozen=True, eq=False):
    """What each test row adds to one difference of a metric; only non-zero rows need listing.

    `rows` are positions among all test rows (from 0, any order), `values` the contributions,
    positive is better: new − old per row for a mean, `influence.paired_contributions` else. Scale
    is free. Comparisons of one `family` share a level alpha.
    """

    family: str
    rows: NDArray[np.intp]
    values: NDArray[np.float64]
    doubt: Doubt = SURE


def harm_p_values(
    comparisons: Sequence[Comparison],
    *,
    seed: bytes,
    draws: int = 10_000,
    groups: NDArray[np.intp] | None = None,
    rest: Moments | None = None,
) -> list[float]:
    """Step-down adjusted p-value per comparison of "the new model is no worse".

    The statistic is Σ R / sqrt(Σ R²), tempered by the comparison's doubt; its null law comes from
    random signs of the rows (of the groups where `groups` gives a code per test row), the same for
    all comparisons, so that overlapping segments and related metrics are not paid for twice. A
    p-value is (1 + draws at least as harmful) / (1 + draws). What nothing moves gets 1.
    Source: Westfall & Young, Resampling-Based Multiple Testing (1993), algorithm 2.8, for maxT as
    in Ge, Dudoit & Speed, Test 12 (2003); statistics.md §3.3.

    Where `rest` is given, the comparisons list only the rows that get a real sign, and it holds
    the moments of all other rows, comparison by comparison; then rows stand for themselves.

    Raises:
        UndefinedError: a contribution is not finite.
    """
    p_values = [1.0] * len(comparisons)
    summed = [_sum_by_unit(comparison, groups) for comparison in comparisons]
    remains = np.zeros(len(summed)) if rest is None else np.diagonal(rest.products)
    moved = [index for index, (_, values) in enumerate(summed) if len(values) or remains[index]]
    if not moved:
        return p_values
    chosen = [summed[index] for index in moved]
    plan = plan_flips(chosen) if rest is None else plan_moments(chosen, _select(rest, moved))
    plan = _temper(plan, [comparisons[index].doubt for index in moved])
    families = _order_families([comparisons[index].family for index in moved], plan)
    counts = _count_as_harmful(plan, families, seed=seed, draws=draws)
    for family in families:
        adjusted = np.maximum.accumulate((1 + counts[family]) / (1 + draws))
        for position, p_value in zip(family, adjusted, strict=True):
            p_values[moved[position]] = float(p_value)
    return p_values


def holm(p_values: Sequence[float]) -> list[float]:
    """Step-down Bonferroni: valid under any dependence. Source: Holm, Scand. J. Stat. 6 (1979).

    Not a number proves nothing: it counts as 1, and takes no other p-value along.
    """
    p_values = [1.0 if isnan(p_value) else p_value for p_value in p_values]
    count, running = len(p_values), 0.0
    adjusted = [0.0] * count
    for rank, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        running = max(running, (count - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted


def hochberg(p_values: Sequence[float]) -> list[float]:
    """Step-up, for independent or positively dependent tests.

    Source: Hochberg, Biometrika 75 (1988).
    """
    count, running = len(p_values), 1.0
    adjusted = [0.0] * count
    for rank, index in enumerate(sorted(range(count), key=lambda i: -p_values[i])):
        running = min(running, (rank + 1) * p_values[index])
        adjusted[index] = running
    return adjusted


def _sum_by_unit(
    comparison: Comparison, groups: NDArray[np.intp] | None
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The units that are flipped together (rows or groups) in ascending order, without zeros."""
    units, values = comparison.rows, comparison.values
    if len(units) != len(values):
        raise ValueError(f"{len(units)} rows for {len(values)} contributions")
    if not np.isfinite(values).all():
        raise UndefinedError("a contribution to a comparison is not a finite number")
    if groups is not None:
        units = groups[units]
    if groups is not None or (units[1:] <= units[:-1]).any():
        units, inverse = np.unique(units, return_inverse=True)
        values = np.bincount(inverse, weights=values, minlength=len(units)).astype(np.float64)
    moved = np.abs(values) > _CANCELLED * np.abs(comparison.values).max(initial=0.0)
    return (units, values) if moved.all() else (units[moved], values[moved])


def _temper(plan: FlipPlan, doubts: Sequence[Doubt]) -> FlipPlan:
    pairs = zip(doubts, plan.observed.tolist(), strict=True)
    observed = np.array([doubt.temper(statistic) for doubt, statistic in pairs])
    return msgspec.structs.replace(plan, observed=observed)


def _select(rest: Moments, chosen: list[int]) -> Moments:
    return Moments(rest.totals[chosen], rest.products[np.ix_(chosen, chosen)])


def _order_families(names: list[str], plan: FlipPlan) -> list[NDArray[np.intp]]:
    """Positions of each family's comparisons, the most harmful first."""
    families = []
    for name in dict.fromkeys(names):
        members = np.array([i for i, other in enumerate(names) if other == name], dtype=np.intp)
        families.append(members[np.argsort(plan.observed[members], kind="stable")])
    return families


def _count_as_harmful(
    plan: FlipPlan, families: list[NDArray[np.intp]], *, seed: bytes, draws: int
) -> NDArray[np.int64]:
    """Draws whose minimum over the comparisons still in play is at most the observed statistic."""
    counts = np.zeros(len(plan.observed), dtype=np.int64)
    for statistics in draw_statistics(plan, seed=seed, draws=draws):
        for family in families:
            minima = np.minimum.accumulate(statistics[family[::-1]], axis=0)[::-1]
            counts[family] += np.count_nonzero(minima <= plan.observed[family, None], axis=1)
    return counts
