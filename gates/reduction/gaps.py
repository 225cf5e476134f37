"""The gap between a group's rate and that of all other rows, from counts of paired cells.

The formulas are those of `gates.judging.gap` for one test set of rows that stand for themselves.
"""

import math

import msgspec
import numpy as np

from gates.reduction.sums import Floats, Steps
from gates.stats.influence import Ratio
from gates.stats.interval import Interval
from gates.stats.paired import tango
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

_OLD = np.array([0, 0, 1, 1, 2, 2, 3, 3])  # the old model's cell of each paired cell
_NEW = np.array([0, 1, 0, 1, 2, 3, 2, 3])


class SummedGap(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A group's signed distance from the rest under both models, and its growth.

    `group` and `rest` (8,) are what a row of each paired cell adds to the growth, by its side.
    """

    before: float
    after: float
    interval: Interval  # of the growth
    counted: int
    same: bool  # whether both models answer alike on all rows
    group: Floats
    rest: Floats

    @property
    def growth(self) -> float:
        """Distance after minus distance before."""
        return abs(self.after) - abs(self.before)


def gap_of(ratio: Ratio, group: Steps, rest: Steps, confidence: float) -> SummedGap:
    """The gap of a rate whose denominator the labels determine, from both sides' paired cells.

    Raises:
        UndefinedError: the rate counts no row of the group, or none of the rest.
    """
    below, above = (np.array(each, dtype=np.float64) for each in (ratio.below, ratio.above))
    counts = np.stack([rest, group]) * below[_OLD]
    sizes = counts.sum(axis=1)
    if not sizes.all():
        raise UndefinedError("the mean counts no row of the group, or none of the rest")
    weights = np.array([[-1.0], [1.0]]) * above / sizes[:, None]
    before, after = (float(np.sum(counts * weights[:, side])) for side in (_OLD, _NEW))
    was, now = _sign(before or after), _sign(after or before)
    parts = np.where(below[_OLD] > 0, now * weights[:, _NEW] - was * weights[:, _OLD], 0.0)
    growth = abs(after) - abs(before)
    reach = critical_z(confidence) * _standard_error(parts, counts, sizes)
    down, up = _reaches(weights, counts, now, confidence) if was == now else (0.0, 0.0)
    moved = (group + rest).reshape(2, 4)[:, 1:3]
    return SummedGap(
        before=before,
        after=after,
        interval=Interval(growth - max(reach, down), growth + max(reach, up)),
        counted=int(sizes.sum()),
        same=not moved.any(),
        group=parts[1],
        rest=parts[0],
    )


def _reaches(weights: Floats, counts: Floats, now: float, confidence: float) -> tuple[float, float]:
    """Tango's intervals of both sides, squared and added: see `gates.judging.gap`."""
    below, above = [], []
    for side, rows in zip(weights, counts, strict=True):
        moved = side[_NEW] - side[_OLD]
        gains, losses = int(rows[moved > 0].sum()), int(rows[moved < 0].sum())
        size = int(rows.sum())
        interval, change = tango(gains, losses, size, confidence), (gains - losses) / size
        below.append(change - interval.lower)
        above.append(interval.upper - change)
    down, up = math.hypot(*below), math.hypot(*above)
    return (down, up) if now > 0 else (up, down)


def _standard_error(parts: Floats, counts: Floats, sizes: Floats) -> float:
    """Of a sum over group and rest, each of fixed size."""
    means = np.sum(parts * counts, axis=1) / sizes
    around = np.sum(counts * (parts - means[:, None]) ** 2, axis=1)
    return math.sqrt(float(np.sum(around * sizes / np.maximum(sizes - 1, 1))))


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0
