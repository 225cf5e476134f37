"""How much a metric changes between two models, on some rows of every arena."""

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.case import Case
from gates.case.segments import Rows
from gates.finding import Support
from gates.metrics.metric import Metric
from gates.metrics.values import value_of
from gates.stats.decomposition import TestSetValues, combine_differences
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.measured import PairedChange
from gates.stats.multiplicity import Doubt
from gates.stats.quantile import critical_z
from gates.stats.seeds import SeedSpread, measure_spread, widen
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import clustered_change
from gates.tables.table import Floats, Mask

if TYPE_CHECKING:
    from gates.case.case import Part
    from gates.case.streamed import Added, SummedSegment

CONFIDENCE = 0.95  # of every interval that is shown
MIN_GROUPS = 30  # below it the cluster-robust interval covers too little: statistics.md §2
MIN_POSITIVES = 30  # below it no loss of a ratio such as F1 is proven: statistics.md §2
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
    tested: Interval  # as the test rows alone give it, without the trainings' share
    is_share: bool  # a share of fixed rows, for which the rows' signs say all there is to say
    spread: SeedSpread | None = None  # of the metric over seeds, where trainings were repeated
    added: "Added | None" = None  # instead of rows and contributions, where only sums are known

    @property
    def change(self) -> float:
        """Candidate minus baseline."""
        return self.candidate - self.baseline

    @property
    def error(self) -> float:
        """The change's standard error by the test rows alone."""
        return self.tested.width / 2 / critical_z(CONFIDENCE)

    def doubt(self, *, greater_is_better: bool) -> Doubt:
        """What to doubt in the signs of the rows: see `multiplicity.Doubt`."""
        low, high = self.tested.lower, self.tested.upper
        away = high - self.change if greater_is_better else self.change - low
        gain = self.change if greater_is_better else -self.change
        own = None if self.is_share or away <= 0 else gain / away * critical_z(CONFIDENCE)
        positives = self.support.positives
        if own is not None and positives is not None and positives < MIN_POSITIVES:
            own = max(own, 0.0)  # of so few, neither law knows the tails
        return Doubt(own=own, error=self.error, spread=self.spread)

    def rows_needed(self, margin: float) -> int | None:
        """Rows that would rule out a loss of `margin`, if the true change were none.

        `None` where these rows are enough for that, or no number of rows is, so that not their
        number is in the way. Source: the normal approximation of a non-inferiority trial, 95 %
        two-sided, power 80 %; the trainings' variance does not shrink with the rows.
        """
        if margin <= 0 or not math.isfinite(self.error):
            return None
        trainings = 0.0 if self.spread is None else 2 * self.spread.variance
        room = (margin / (critical_z(CONFIDENCE) + critical_z(2 * POWER - 1))) ** 2 - trainings
        if room <= 0:
            return None
        needed = math.ceil(self.support.rows * self.error**2 / room)
        return needed if needed > self.support.rows else None


def measure_effect(
    metric: Metric[Any], case: Case, rows: "Sequence[Part | None] | None" = None
) -> Effect:
    """The change of a metric; over two test sets, the mean of the changes on each.

    Args:
        metric: what to measure.
        case: the test sets on which both models are scored.
        rows: positions in each arena, or the sums of a segment; all rows where left out, none of
            an arena where `None`.

    Raises:
        UndefinedError: the metric has no value in any arena, or too few groups of rows.
    """
    if case.streamed is not None:
        return _effect_of_sums(metric, case.streamed.whole if rows is None else rows[0])
    if rows is not None:
        return _effect_of_rows(metric, case, rows)
    known = next((effect for of, effect in case.effects if of == metric), None)
    if known is None:  # what wear is told by is a gate's metric, too
        known = _effect_of_rows(metric, case, None)
        case.effects.append((metric, known))
    return known


def _effect_of_rows(
    metric: Metric[Any], case: Case, rows: "Sequence[Part | None] | None"
) -> Effect:
    places = cast("Sequence[Rows | None] | None", rows)  # whoever has no sums has rows
    parts: list[_Part] = []
    refused = UndefinedError("no rows")
    for index, arena in enumerate(case.arenas):
        at = slice(None) if places is None else places[index]
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
                is_share=metric.shared_rows(new.labels) is not None,
                rarer=new.rarer,
            )
        )
    if not parts:
        raise refused
    return _combine(parts, case.groups, _seed_spread(metric, case, places))


def _effect_of_sums(metric: Metric[Any], part: "Part | None") -> Effect:
    segment = cast("SummedSegment", part)  # sums have one arena, which has every segment
    found, added = segment.change(metric, CONFIDENCE)
    return Effect(
        baseline=found.baseline,
        candidate=found.candidate,
        interval=(found.interval.lower, found.interval.upper),
        rows=np.empty(0, dtype=np.intp),
        contributions=np.empty(0),
        support=segment.support,
        counted=found.counted,
        same=segment.same,
        tested=found.interval,
        is_share=metric.shared_rows(np.empty(0, dtype=np.bool_)) is not None,
        added=added,
    )


def _seed_spread(
    metric: Metric[Any], case: Case, rows: Sequence[Rows | None] | None
) -> SeedSpread | None:
    """How far seeds alone move the metric on these rows, pooled over arenas and models."""
    trainings = []
    for index, models in enumerate(case.retrained):
        at = slice(None) if rows is None else rows[index]
        if at is None:
            continue
        for model in models:
            with contextlib.suppress(UndefinedError):
                trainings.append([value_of(metric, each.take(at)) for each in model])
    return measure_spread(trainings)


class _Part(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one arena adds to an effect."""

    union: Rows
    change: PairedChange
    support: Support
    weights: Floats | None
    same: bool
    is_share: bool
    rarer: Mask | None


def _combine(parts: list[_Part], groups: Rows | None, spread: SeedSpread | None) -> Effect:
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
        if not first.is_share:
            require_groups(groups[first.union], first.rarer)
        apart = clustered(contributions * len(rows), groups[rows], weights).interval(CONFIDENCE)
        interval = _wider(interval, apart)
    moved = contributions != 0
    before = sum(part.change.baseline for part in parts) / len(parts)
    after = sum(part.change.candidate for part in parts) / len(parts)
    shown = interval if spread is None else widen(after - before, interval, spread, CONFIDENCE)
    return Effect(
        baseline=before,
        candidate=after,
        interval=(shown.lower, shown.upper),
        rows=rows[moved],
        contributions=contributions[moved],
        support=first.support,
        counted=first.change.rows,
        same=all(part.same for part in parts),
        tested=interval,
        is_share=first.is_share,
        spread=spread,
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
    require_groups(groups)
    return clustered_change(values, groups, weights)


def require_groups(groups: Rows, rarer: Mask | None = None) -> None:
    """Refuse rows of too few groups, or whose rarer class is of too few.

    A share is honest with few groups that hold its rows, by its own interval; an area, a loss or
    an F1 is not: of thirty patients perhaps three have a positive row.

    Raises:
        UndefinedError: fewer than `MIN_GROUPS`.
    """
    if rarer is not None:
        require_groups(groups)
        groups = groups[rarer]
    count, whose = len(np.unique(groups)), "" if rarer is None else " of the rarer class"
    if count < MIN_GROUPS:
        raise UndefinedError(
            f"{count} groups of rows{whose}; rows that hang together need {MIN_GROUPS}"
        )


def _in_order(part: _Part) -> TestSetValues:
    order = np.argsort(part.union)
    return TestSetValues(part.union[order], part.change.contributions[order])
