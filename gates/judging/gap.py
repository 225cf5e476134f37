"""The gap between the mean of one group and that of all other rows, under both models."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.answers import Answers
from gates.case.arena import Arena
from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.case.segments import Rows
from gates.metrics.group import GroupMean
from gates.stats.interval import Interval
from gates.stats.multiplicity import SURE, Doubt
from gates.stats.paired import tango
from gates.stats.quantile import critical_z
from gates.stats.seeds import SeedSpread, measure_spread, widen
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import effective_rows, weighted_mean, weighted_tango
from gates.tables.table import Floats, Mask

if TYPE_CHECKING:
    from gates.case.case import Part
    from gates.case.streamed import Added, SummedSegment

T = TypeVar("T", bound=np.generic)


class Rate(msgspec.Struct, frozen=True):
    """A mean over counted rows; of a share, `hits` of `effective` rows (of equal weight)."""

    hits: float
    effective: float
    rows: int
    error: float | None = None  # of the mean, where it is no share

    @property
    def value(self) -> float:
        """The mean; `nan` without rows."""
        return self.hits / self.effective if self.rows else math.nan


class Gap(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How far a group lies from the rest, before and after; `growth` is of the distance.

    `contributions` (rows,) add up to the growth; `rows` are places in the union of all arenas.
    """

    before: float  # signed: group minus rest
    after: float
    interval: tuple[float, float]  # of the growth
    rows: Rows
    contributions: Floats
    counted: int
    same: bool
    doubt: Doubt = SURE
    added: "Added | None" = None  # instead of rows, where only sums are known: as harm

    @property
    def growth(self) -> float:
        """Distance after minus distance before."""
        return abs(self.after) - abs(self.before)


def rate_of(metric: GroupMean, answers: Answers, rows: Rows) -> Rate:
    """The mean of one model on some rows."""
    part = answers.take(rows)
    counted = metric.counted(part.labels)
    values = metric.values(part) if counted is None else metric.values(part)[counted]
    if part.weights is None or not len(values):
        count = len(values)
        hits = int(values.sum()) if metric.is_share else float(values.sum())
        return Rate(hits, count, count, _error(metric, values, None))
    weights = part.weights if counted is None else part.weights[counted]
    effective = effective_rows(weights)
    hits, error = float(np.average(values, weights=weights)), _error(metric, values, weights)
    return Rate(hits * effective, effective, len(values), error)


def _error(metric: GroupMean, values: Mask | Floats, weights: Floats | None) -> float | None:
    """Standard error of a mean that is no share; infinite where two rows are missing."""
    if metric.is_share:
        return None
    if len(values) < 2:  # noqa: PLR2004
        return math.inf
    return weighted_mean(values.astype(np.float64), weights).standard_error


def rates_of(metric: GroupMean, case: Case, rows: "Part") -> tuple[Rate, Rate]:
    """The mean of both models on some rows of the first arena."""
    if isinstance(rows, np.ndarray):
        first = case.arenas[0]
        return rate_of(metric, first.baseline, rows), rate_of(metric, first.candidate, rows)
    before, after = rows.rates(_name_of(metric))
    return Rate(*before, before[1]), Rate(*after, after[1])


def candidate_rate(metric: GroupMean, case: Case, rows: "Part") -> Rate:
    """The mean of the candidate on some of its own rows."""
    if isinstance(rows, np.ndarray):
        return rate_of(metric, case.scored, rows)
    return rates_of(metric, case, rows)[1]


def measure_gap(metric: GroupMean, case: Case, groups: "Sequence[Part | None]") -> Gap:
    """The gap of a group, given its rows in each arena; over two test sets, the mean of both.

    The growth is linear in each row's two answers once the sign of the gap before and after is
    known, so its standard error is that of a sum over rows, group and rest being strata.

    Raises:
        UndefinedError: in no arena the mean counts rows both of the group and of the rest.
    """
    if groups[0] is not None and not isinstance(groups[0], np.ndarray):
        return _gap_of_sums(metric, groups[0])
    every = [
        _side(metric, arena, group)
        for arena, group in zip(case.arenas, groups, strict=True)
        if isinstance(group, np.ndarray)
    ]
    sides = [side for side in every if side.both]
    if not sides:
        raise UndefinedError("the mean counts no row of the group, or none of the rest")
    before = sum(float(side.old.sum()) for side in sides) / len(sides)
    after = sum(float(side.new.sum()) for side in sides) / len(sides)
    was, now = _sign(before or after), _sign(after or before)
    parts = [(now * side.new - was * side.old) / len(sides) for side in sides]
    seen = [side.seen for side in sides]
    # A row may lie in both test sets: its stratum says in which, and on which side of the gap.
    codes = [4**at * (1 + side.inside) for at, side in enumerate(sides)]
    rows = _chosen([side.arena.union for side in sides], seen)
    strata, contributions = _chosen(codes, seen), _chosen(parts, seen)
    weights = _chosen([side.counted for side in sides], seen)
    if len(sides) > 1:
        rows, place = np.unique(rows, return_inverse=True)
        strata = np.bincount(place, weights=strata).astype(np.intp)
        contributions = np.bincount(place, weights=contributions).astype(np.float64)
        weights = np.bincount(place, weights=weights).astype(np.float64)
    growth = abs(after) - abs(before)
    weighted = sides[0].arena.candidate.weights is not None
    around = contributions - _expected(contributions, strata, weights if weighted else None)
    error = _standard_error(around, strata, case.groups, rows)
    below, above = _reaches(metric, sides, now) if was == now else (0.0, 0.0)
    reach = critical_z(CONFIDENCE) * error
    moved = contributions != 0
    interval = Interval(growth - max(reach, below), growth + max(reach, above))
    spread = _seed_spread(metric, case, groups)
    shown = interval if spread is None else widen(growth, interval, spread, CONFIDENCE)
    return Gap(
        before=before,
        after=after,
        interval=(shown.lower, shown.upper),
        doubt=Doubt(error=interval.width / 2 / critical_z(CONFIDENCE), spread=spread),
        rows=rows[moved],
        contributions=contributions[moved],
        counted=len(sides[0].seen),
        same=all(_same(metric, side.arena) for side in sides),
    )


def _seed_spread(
    metric: GroupMean, case: Case, groups: "Sequence[Part | None]"
) -> SeedSpread | None:
    """How far seeds alone move the distance of the group from the rest."""
    trainings = []
    for models, group in zip(case.retrained, groups, strict=True):
        if isinstance(group, np.ndarray):
            trainings += [[_distance(metric, each, group) for each in of] for of in models]
    return measure_spread([values for values in trainings if all(map(math.isfinite, values))])


def _distance(metric: GroupMean, answers: Answers, group: Rows) -> float:
    """From the group's mean to that of all other rows; `nan` where one of both has no rows."""
    weights = _weights_of(metric, answers)
    hits, inside = weights * metric.values(answers), weights[group]
    counted = np.count_nonzero(inside)
    if counted in (0, np.count_nonzero(weights)):
        return math.nan
    own, all_hits, size = float(hits[group].sum()), float(hits.sum()), float(inside.sum())
    return abs(own / size - (all_hits - own) / (float(weights.sum()) - size))


def _gap_of_sums(metric: GroupMean, segment: "SummedSegment") -> Gap:
    found, added = segment.gap(_name_of(metric), CONFIDENCE)
    return Gap(
        before=found.before,
        after=found.after,
        interval=(found.interval.lower, found.interval.upper),
        rows=np.empty(0, dtype=np.intp),
        contributions=np.empty(0),
        counted=found.counted,
        same=found.same,
        added=added,
    )


def _name_of(metric: GroupMean) -> str:
    """What sums know a rate by."""
    return "recall" if metric.kind == "true_positive_rate" else metric.kind


def _chosen(values: list[npt.NDArray[T]], places: list[Rows]) -> npt.NDArray[T]:
    """The values at some places of each array; the array itself where that is all of it."""
    chosen = [
        each if len(at) == len(each) else each[at] for each, at in zip(values, places, strict=True)
    ]
    return chosen[0] if len(chosen) == 1 else np.concatenate(chosen)


def _same(metric: GroupMean, arena: Arena) -> bool:
    if metric.is_of_scores:
        return arena.candidate.same_as(arena.baseline)
    return bool(np.array_equal(arena.baseline.predictions, arena.candidate.predictions))


class _Side(msgspec.Struct, frozen=True):
    """One arena: what each row adds to the gap under the old and the new model."""

    arena: Arena
    inside: Rows  # 1 in the group, 0 in the rest
    counted: Floats  # the row's weight, 0 where the mean does not count it
    old: Floats
    new: Floats
    seen: Rows  # places of the rows that the mean counts
    both: bool  # whether it counts rows of the group and of the rest


def _side(metric: GroupMean, arena: Arena, group: Rows) -> _Side:
    inside = np.zeros(len(arena.rows), dtype=np.intp)
    inside[group] = 1
    counted = _weights_of(metric, arena.candidate)
    sizes = np.bincount(inside, weights=counted, minlength=2)
    each = np.array([-1.0, 1.0]) / np.where(sizes > 0, sizes, 1.0)
    share = counted * each[inside]
    old, new = (share * metric.values(side) for side in (arena.baseline, arena.candidate))
    seen = np.flatnonzero(counted)
    return _Side(arena, inside, counted, old, new, seen, both=bool(sizes.all()))


def _weights_of(metric: GroupMean, answers: Answers) -> Floats:
    """The rows' weights, 0 where the mean does not count them."""
    of = metric.counted(answers.labels)
    if answers.weights is None:
        return np.ones(answers.rows) if of is None else of.astype(np.float64)
    return answers.weights if of is None else answers.weights * of


def _reaches(metric: GroupMean, sides: list[_Side], now: float) -> tuple[float, float]:
    """How far the growth's interval reaches down and up where few answers change.

    The intervals of group and rest, squared and added: Zou & Donner, Statistics in Medicine 27
    (2008) 1693. The normal law alone lets a gap of few rows pass far too often.
    """
    below, above = [], []
    for side in sides:
        moved = side.new - side.old
        for stratum in (0, 1):
            here = (side.inside == stratum) & (side.counted > 0)
            sign = -1.0 if stratum == 0 else 1.0
            change, interval = _change_of(metric, side, moved, here, sign)
            below.append(change - interval.lower)
            above.append(interval.upper - change)
    down, up = math.hypot(*below) / len(sides), math.hypot(*above) / len(sides)
    return (down, up) if now > 0 else (up, down)


def _change_of(
    metric: GroupMean, side: _Side, moved: Floats, here: Mask, sign: float
) -> tuple[float, Interval]:
    """What one stratum adds to the change of the gap: Tango's interval, or Student's."""
    weights = side.arena.candidate.weights
    if not metric.is_share:
        values = (metric.values(each)[here] for each in (side.arena.candidate, side.arena.baseline))
        new, old = values
        estimate = weighted_mean(sign * (new - old), None if weights is None else weights[here])
        return estimate.value, estimate.interval(CONFIDENCE)
    if weights is not None:
        moved = moved[here]
        interval = weighted_tango(moved > 0, moved < 0, weights[here], confidence=CONFIDENCE)
        return float(moved.sum()), interval
    rows = int(np.count_nonzero(here))
    gains, losses = (int(np.count_nonzero(way & here)) for way in (moved > 0, moved < 0))
    return (gains - losses) / rows, tango(gains, losses, rows, CONFIDENCE)


def _expected(contributions: Floats, strata: Rows, weights: Floats | None) -> Floats:
    """What a row would add if all rows of its stratum were alike."""
    sizes = np.maximum(np.bincount(strata), 1)
    means = np.bincount(strata, weights=contributions) / sizes
    if weights is None:
        return np.asarray(means[strata])
    heavy = np.bincount(strata, weights=weights) / sizes
    return np.asarray(means[strata] * weights / heavy[strata])


def _standard_error(around: Floats, strata: Rows, groups: Rows | None, rows: Rows) -> float:
    """Of a sum over strata of fixed size; rows that hang together are summed first."""
    if groups is None:
        sizes = np.maximum(np.bincount(strata), 1)
        freedom = np.maximum(sizes - 1, 1)
        return math.sqrt(float(np.sum(around**2 * (sizes / freedom)[strata])))
    sums = np.bincount(groups[rows], weights=around)
    count = len(np.unique(groups[rows]))
    return math.sqrt(count / max(count - 1, 1) * float(sums @ sums))


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0
