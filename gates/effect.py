"""How much a metric changes between two models, on some rows of every arena."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case import Case
from gates.finding import Support
from gates.metrics.metric import Metric
from gates.segments import Rows
from gates.stats.decomposition import TestSetValues, combine_differences
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.measured import PairedChange
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import clustered_change
from gates.tables.table import Floats

CONFIDENCE = 0.95  # of every interval that is shown
MIN_GROUPS = 30  # below it the cluster-robust interval covers too little: statistics.md §2
POWER = 0.8  # of the number of rows that is asked for


class Effect(msgspec.Struct, frozen=True, eq=False):
    """A metric under both models; `contributions` add up to the change, in the metric's sign.

    `rows` are places in the union of all arenas' rows.
    """

    baseline: float
    candidate: float
    interval: tuple[float, float]
    rows: npt.NDArray[np.intp]
    contributions: Floats
    support: Support
    counted: int  # rows that the metric counts, such as positives for recall
    same: bool

    @property
    def change(self) -> float:
        """Candidate minus baseline."""
        return self.candidate - self.baseline

    def rows_needed(self, margin: float) -> int | None:
        """Rows that would rule out a loss of `margin`, if the true change were none.

        `None` where these rows are enough for that, so that not their number is in the way.
        Source: the normal approximation of a non-inferiority trial, 95 % two-sided, power 80 %.
        """
        error = (self.interval[1] - self.interval[0]) / 2 / critical_z(CONFIDENCE)
        if margin <= 0 or not math.isfinite(error):
            return None
        reach = (critical_z(CONFIDENCE) + critical_z(2 * POWER - 1)) * error
        needed = math.ceil(self.support.rows * (reach / margin) ** 2)
        return needed if needed > self.support.rows else None


def measure_effect(
    metric: Metric[Any], case: Case, rows: Sequence[Rows | None] | None = None
) -> Effect:
    """The change of a metric; over two test sets, the mean of the changes on each.

    Args:
        metric: what to measure.
        case: the test sets on which both models are scored.
        rows: positions in each arena; all rows where left out, none of an arena where `None`.

    Raises:
        UndefinedError: the metric has no value in any arena, or too few groups of rows.
    """
    parts: list[_Part] = []
    refused = UndefinedError("no rows")
    for index, arena in enumerate(case.arenas):
        at = slice(None) if rows is None else rows[index]
        if at is None:
            continue
        old, new = arena.baseline.take(at), arena.candidate.take(at)
        try:
            change = metric.change(old, new, CONFIDENCE)
        except UndefinedError as error:
            refused = error
            continue
        parts.append(
            _Part(
                union=arena.union[at],
                change=change,
                support=new.support,
                weights=new.weights,
                same=old.same_as(new),
            )
        )
    if not parts:
        raise refused
    return _combine(parts, case.groups)


class _Part(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one arena adds to an effect."""

    union: Rows
    change: PairedChange
    support: Support
    weights: Floats | None
    same: bool


def _combine(parts: list[_Part], groups: Rows | None) -> Effect:
    first = parts[0]
    if len(parts) == 1:
        rows, contributions = first.union, first.change.contributions / len(first.union)
        interval = first.change.interval
    else:
        together = combine_differences(*map(_in_order, parts))
        rows = np.union1d(*(part.union for part in parts))
        contributions = together.contributions / len(rows)
        interval = _wider(together.estimate.interval(CONFIDENCE), _squared_and_added(parts))
    if groups is not None:
        # Where hardly a row changes, the spread over groups is too small; the metric's own
        # interval is honest there.
        weights = first.weights if len(parts) == 1 else None
        apart = clustered(contributions * len(rows), groups[rows], weights).interval(CONFIDENCE)
        interval = _wider(interval, apart)
    moved = contributions != 0
    return Effect(
        baseline=sum(part.change.baseline for part in parts) / len(parts),
        candidate=sum(part.change.candidate for part in parts) / len(parts),
        interval=(interval.lower, interval.upper),
        rows=rows[moved],
        contributions=contributions[moved],
        support=first.support,
        counted=first.change.rows,
        same=all(part.same for part in parts),
    )


def _squared_and_added(parts: list[_Part]) -> Interval:
    """The mean of the arenas' changes, from each arena's own interval as if they shared no row.

    Source: Zou & Donner, Statistics in Medicine 27 (2008) 1693.
    """
    changes = [part.change for part in parts]
    moves = [change.candidate - change.baseline for change in changes]
    below = [move - each.interval.lower for move, each in zip(moves, changes, strict=True)]
    above = [each.interval.upper - move for move, each in zip(moves, changes, strict=True)]
    mean = sum(moves) / len(moves)
    return Interval(mean - math.hypot(*below) / len(moves), mean + math.hypot(*above) / len(moves))


def _wider(one: Interval, other: Interval) -> Interval:
    """Both limits at their most cautious."""
    return Interval(min(one.lower, other.lower), max(one.upper, other.upper))


def clustered(values: Floats, groups: Rows, weights: Floats | None = None) -> Estimate:
    """The mean of values of rows that hang together, such as those of one person.

    Args:
        values: what each row adds to the mean, its weight included.
        groups: a code per row.
        weights: of the rows, where the values are a change's contributions.

    Raises:
        UndefinedError: fewer than `MIN_GROUPS` groups.
    """
    count = len(np.unique(groups))
    if count < MIN_GROUPS:
        raise UndefinedError(f"{count} groups of rows; rows that hang together need {MIN_GROUPS}")
    return clustered_change(values, groups, weights)


def _in_order(part: _Part) -> TestSetValues:
    order = np.argsort(part.union)
    return TestSetValues(part.union[order], part.change.contributions[order])
