"""Pass 3: the few rows that weigh so much in a comparison that their signs must be real.

Those are all rows of a comparison that fewer than `FEW` rows move, and else every row that carries
more than 1/`FEW` of its sum of squares, of which there are fewer than `FEW` too.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.reduction.coding import Codes, place_codes
from gates.reduction.features import FeatureSteps, step_feature
from gates.reduction.grids import Cuts
from gates.reduction.joint import Contribution
from gates.reduction.scored_rows import CELLS, Mask, ScoredRows, read_rows
from gates.reduction.sums import Floats, Summed, Sums, Table
from gates.stats.moments import Moments
from gates.stats.signflip import FEW

Bag = npt.NDArray[np.int64]  # (rows, columns): rows as codes, label and bits of scores, unordered
_MORE = 4  # columns beside the codes: cell, label, both scores


class Pick(msgspec.Struct, frozen=True, eq=False):
    """Which rows of one segmentation are picked.

    `cells` (codes × CELLS,) says which paired cells of which segments; `above` (features, codes)
    beyond what distance from zero a feature is picked.
    """

    cuts: Cuts
    sizes: tuple[int, ...]
    cells: Mask
    above: Floats

    @property
    def is_empty(self) -> bool:
        """Whether it picks no row for certain."""
        return not self.cells.any() and not np.isfinite(self.above).any()


class Heavy(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel of pass 3; its value is a bag of rows, which `open_bag` puts in order."""

    sums: Sums
    picks: tuple[Pick, ...]

    def start(self) -> Bag:
        """No row."""
        return np.empty((0, len(self.sums.cuts) + _MORE), dtype=np.int64)

    def take(self, value: Bag, batch: pa.RecordBatch) -> Bag:
        """With the heavy rows of a batch."""
        if batch.num_rows == 0:
            return value
        rows, _ = read_rows(batch, self.sums.columns)
        codes = self.sums.code(batch)
        at = np.flatnonzero(choose_rows(self.sums, self.picks, rows, codes))
        if not len(at):
            return value
        found = np.stack(
            [
                *(each[at] for each in codes),
                rows.cells[at],
                rows.labels[at].astype(np.int64),
                rows.baseline[at].view(np.int64),
                rows.candidate[at].view(np.int64),
            ],
            axis=1,
        )
        return self.merge(value, found)

    def merge(self, one: Bag, other: Bag) -> Bag:
        """The rows of both."""
        return np.concatenate([one, other])


class HeavyRows(msgspec.Struct, frozen=True, eq=False):
    """The picked rows in an order that only their content decides."""

    rows: ScoredRows
    codes: tuple[Codes, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.rows.cells)

    def of(self, chosen: Mask) -> "HeavyRows":
        """Some of them."""
        rows = self.rows
        some = ScoredRows(
            rows.labels[chosen], rows.baseline[chosen], rows.candidate[chosen], rows.cells[chosen]
        )
        return HeavyRows(some, tuple(each[chosen] for each in self.codes))


def open_bag(bag: Bag, sums: Sums) -> HeavyRows:
    """Rows that are alike in everything are interchangeable, so any order of them is the same."""
    ordered = bag[np.lexsort(bag.T)]
    *codes, cells, labels, old, new = (np.ascontiguousarray(column) for column in ordered.T)
    rows = ScoredRows(
        labels.astype(np.bool_), old.view(np.float64), new.view(np.float64), cells.astype(np.uint8)
    )
    return HeavyRows(rows, tuple(each.astype(np.intp) for each in codes[: len(sums.cuts)]))


def choose_rows(
    sums: Sums, picks: Sequence[Pick], rows: ScoredRows, codes: tuple[Codes, ...]
) -> Mask:
    """Which rows any of the picks picks."""
    chosen = np.zeros(len(rows.cells), dtype=np.bool_)
    values = [feature.of(rows, codes)[0] for feature in sums.features]
    for pick in picks:
        place = place_codes(pick.cuts, pick.sizes, codes, len(chosen))
        chosen |= pick.cells[place * CELLS + rows.cells]
        for feature, limits in zip(values, pick.above, strict=True):
            if np.isfinite(limits).any():
                chosen |= np.abs(feature) > limits[place]
    return chosen


def contribute(
    heavy: HeavyRows, sums: Sums, comparisons: Sequence[Contribution]
) -> list[tuple[npt.NDArray[np.intp], Floats]]:
    """What the heavy rows add to each comparison: places of rows, and values that are not zero."""
    steps = [
        step_feature(place, feature, sums.lattices, heavy.rows, heavy.codes)
        for place, feature in enumerate(sums.features)
    ]
    return [_values(heavy, steps, contribution) for contribution in comparisons]


def pick_heavy(
    sums: Sums, summed: Summed, comparisons: Sequence[Contribution], moments: Moments
) -> tuple[Pick, ...]:
    """Which rows need a real sign; none where every comparison is a sum of many small terms."""
    picks: dict[Cuts, Pick] = {}
    tables: dict[Cuts, Table] = {}
    for contribution, square in zip(comparisons, np.diagonal(moments.products), strict=True):
        cuts = contribution[-1].cuts
        if cuts not in picks:
            found = sums.table(summed, cuts)
            assert found is not None  # noqa: S101 - the moments were made from it
            tables[cuts] = found
            picks[cuts] = _no_pick(found, sums)
        _add_to(picks[cuts], tables[cuts], contribution, float(square), sums)
    return tuple(pick for pick in picks.values() if not pick.is_empty)


def _no_pick(table: Table, sums: Sums) -> Pick:
    sizes = table.rows.shape[:-1]
    codes = int(np.prod(sizes))
    return Pick(
        table.cuts,
        sizes,
        np.zeros(codes * CELLS, dtype=np.bool_),
        np.full((len(sums.features), codes), np.inf),
    )


def _add_to(
    pick: Pick, table: Table, contribution: Contribution, square: float, sums: Sums
) -> None:
    """Lower the limits of a segmentation by one comparison.

    A comparison is one segment, by its cells or by one feature, or the whole and one segment.
    """
    *whole, term = contribution
    here = int(np.ravel_multi_index(term.codes, pick.sizes)) if pick.sizes else 0
    counts = table.rows.reshape(-1, CELLS)
    cells = pick.cells.reshape(-1, CELLS)
    for place in np.flatnonzero(term.weights.by_feature).tolist():
        weight = abs(float(term.weights.by_feature[place]))
        moved = int(table.nonzero[place].reshape(-1, CELLS)[here].sum())
        limit = 0.0 if moved < FEW else np.sqrt(square / FEW) / weight
        # Without it no row can be that heavy, and where no comparison has one, pass 3 is spared.
        if limit < sums.features[place].largest:
            pick.above[place, here] = min(pick.above[place, here], limit)
    if not whole and term.weights.by_feature.any():
        return
    outside = sum((each.weights.by_cell for each in whole), np.zeros(CELLS))
    weights = np.broadcast_to(outside, counts.shape).copy()
    weights[here] += term.weights.by_cell
    moved = int(counts[weights != 0].sum())
    cells |= (weights != 0) & ((moved < FEW) | (weights**2 > square / FEW)) & (counts > 0)


def _values(
    heavy: HeavyRows, steps: list[FeatureSteps], contribution: Contribution
) -> tuple[npt.NDArray[np.intp], Floats]:
    total = np.zeros(heavy.count)
    for term in contribution:
        inside = np.ones(heavy.count, dtype=np.bool_)
        for cut, code in zip(term.cuts, term.codes, strict=True):
            inside &= heavy.codes[cut] == code
        values = term.weights.by_cell[heavy.rows.cells]
        for weight, each in zip(term.weights.by_feature, steps, strict=True):
            if weight:
                values = values + weight * each.values
        total += np.where(inside, values, 0.0)
    moved = np.flatnonzero(total)
    return moved, total[moved]
