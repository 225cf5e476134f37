"""The gap between the rate of one group and that of all other rows, under both models."""

import math
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case import Arena, Case
from gates.effect import CONFIDENCE
from gates.metrics import METRICS, CellCount, GroupMetric, Scored
from gates.segments import Rows
from gates.stats import influence
from gates.stats.paired import tango
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats, Mask

T = TypeVar("T", bound=np.generic)


class Rate(msgspec.Struct, frozen=True):
    """A rate as its hits of its counted rows."""

    hits: int
    rows: int

    @property
    def value(self) -> float:
        """The share of hits; `nan` without rows."""
        return self.hits / self.rows if self.rows else math.nan


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

    @property
    def growth(self) -> float:
        """Distance after minus distance before."""
        return abs(self.after) - abs(self.before)


def rate_of(metric: GroupMetric, scored: Scored, rows: Rows) -> Rate:
    """The rate of one model on some rows."""
    ratio = _ratio(metric)
    cells = influence.count_cells(scored.labels[rows], scored.predictions[rows])
    return Rate(int(cells @ np.array(ratio.above)), int(cells @ np.array(ratio.below)))


def measure_gap(metric: GroupMetric, case: Case, groups: list[Rows | None]) -> Gap:
    """The gap of a group, given its rows in each arena; over two test sets, the mean of both.

    The growth is linear in each row's two answers once the sign of the gap before and after is
    known, so its standard error is that of a sum over rows, group and rest being strata.

    Raises:
        UndefinedError: in no arena the rate counts rows both of the group and of the rest.
    """
    every = [
        _side(metric, arena, group)
        for arena, group in zip(case.arenas, groups, strict=True)
        if group is not None
    ]
    sides = [side for side in every if side.both]
    if not sides:
        raise UndefinedError("the rate counts no row of the group, or none of the rest")
    before = sum(float(side.old.sum()) for side in sides) / len(sides)
    after = sum(float(side.new.sum()) for side in sides) / len(sides)
    was, now = _sign(before or after), _sign(after or before)
    parts = [(now * side.new - was * side.old) / len(sides) for side in sides]
    seen = [side.counted > 0 for side in sides]
    # A row may lie in both test sets: its stratum says in which, and on which side of the gap.
    codes = [4**at * (1 + side.inside) for at, side in enumerate(sides)]
    rows = _chosen([side.arena.union for side in sides], seen)
    strata, contributions = _chosen(codes, seen), _chosen(parts, seen)
    if len(sides) > 1:
        rows, place = np.unique(rows, return_inverse=True)
        strata = np.bincount(place, weights=strata).astype(np.intp)
        contributions = np.bincount(place, weights=contributions).astype(np.float64)
    growth = abs(after) - abs(before)
    error = _standard_error(contributions, strata, case.groups, rows)
    below, above = _reaches(sides, now) if was == now else (0.0, 0.0)
    reach = critical_z(CONFIDENCE) * error
    moved = contributions != 0
    return Gap(
        before=before,
        after=after,
        interval=(growth - max(reach, below), growth + max(reach, above)),
        rows=rows[moved],
        contributions=contributions[moved],
        counted=int(sides[0].counted.sum()),
        same=all(_same(side.arena) for side in sides),
    )


def _chosen(values: list[npt.NDArray[T]], masks: list[Mask]) -> npt.NDArray[T]:
    return np.concatenate([each[mask] for each, mask in zip(values, masks, strict=True)])


def _same(arena: Arena) -> bool:
    return bool(np.array_equal(arena.baseline.predictions, arena.candidate.predictions))


class _Side(msgspec.Struct, frozen=True):
    """One arena: what each row adds to the gap under the old and the new model."""

    arena: Arena
    inside: Rows  # 1 in the group, 0 in the rest
    counted: Floats
    old: Floats
    new: Floats
    both: bool  # whether the rate counts rows of the group and of the rest


def _side(metric: GroupMetric, arena: Arena, group: Rows) -> _Side:
    inside = np.zeros(len(arena.rows), dtype=np.intp)
    inside[group] = 1
    ratio = _ratio(metric)
    before, after = (
        4 * inside + 2 * scored.labels + scored.predictions
        for scored in (arena.baseline, arena.candidate)
    )
    counted = np.array([*ratio.below, *ratio.below], dtype=np.float64)[before]
    sizes = np.bincount(inside, weights=counted, minlength=2)
    hits = np.array(ratio.above, dtype=np.float64)
    rest, group_part = -hits / max(sizes[0], 1.0), hits / max(sizes[1], 1.0)
    weights = np.concatenate([rest, group_part])
    return _Side(arena, inside, counted, weights[before], weights[after], both=bool(sizes.all()))


def _ratio(metric: GroupMetric) -> influence.Ratio:
    known = METRICS[metric]
    assert isinstance(known, CellCount)  # noqa: S101 - every `GroupMetric` is one
    return influence.METRICS[known.name].ratios[0]


def _reaches(sides: list[_Side], now: float) -> tuple[float, float]:
    """How far the growth's interval reaches down and up where few answers change.

    Tango's intervals of group and rest, squared and added: Zou & Donner, Statistics in Medicine 27
    (2008) 1693. The normal law alone lets a gap of few rows pass far too often.
    """
    below, above = [], []
    for side in sides:
        for stratum in (0, 1):
            here = (side.inside == stratum) & (side.counted > 0)
            moved = (side.new - side.old)[here]
            gains, losses = int(np.count_nonzero(moved > 0)), int(np.count_nonzero(moved < 0))
            interval = tango(gains, losses, len(moved), CONFIDENCE)
            change = (gains - losses) / len(moved)
            below.append(change - interval.lower)
            above.append(interval.upper - change)
    down, up = math.hypot(*below) / len(sides), math.hypot(*above) / len(sides)
    return (down, up) if now > 0 else (up, down)


def _standard_error(contributions: Floats, strata: Rows, groups: Rows | None, rows: Rows) -> float:
    """Of a sum over strata of fixed size; rows that hang together are summed first."""
    sizes = np.maximum(np.bincount(strata), 1)
    means = np.bincount(strata, weights=contributions) / sizes
    around = contributions - means[strata]
    if groups is None:
        freedom = np.maximum(sizes - 1, 1)
        return math.sqrt(float(np.sum(around**2 * (sizes / freedom)[strata])))
    sums = np.bincount(groups[rows], weights=around)
    count = len(np.unique(groups[rows]))
    return math.sqrt(count / max(count - 1, 1) * float(sums @ sums))


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0
