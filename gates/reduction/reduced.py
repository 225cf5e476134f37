"""What the passes leave, asked by segment: every metric, interval and gap, as of the rows."""

from collections.abc import Iterator
from typing import get_args

import msgspec
import numpy as np

from gates.case.segments import MISSING
from gates.reduction.changes import (
    SummedChange,
    SummedValue,
    Tally,
    Weights,
    auc_change,
    auc_value,
    cell_change,
    cell_value,
    loss_change,
    loss_value,
    require_for_auc,
    tally_of,
)
from gates.reduction.coding import Cut
from gates.reduction.features import RankFeature
from gates.reduction.gaps import SummedGap, gap_of
from gates.reduction.grids import Cuts
from gates.reduction.joint import Contribution, Term
from gates.reduction.scored_rows import Columns, Loss
from gates.reduction.segment_scores import SegmentRankings
from gates.reduction.sums import Summed, Sums, Table
from gates.reduction.survey import Surveyed
from gates.stats import influence
from gates.stats.binned_auc import BinnedDifference, Ranking, binned_value

AUC = "roc_auc"
_SAME = 1e-9  # predictions closer than this are the same: statistics.md §0

Codes = tuple[int, ...]
Share = tuple[int, int]  # rows that count as hits, of so many rows


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked; segmentations are ascending places among the cuts, the whole is implied."""

    columns: Columns
    cuts: tuple[Cut, ...] = ()  # levels are found
    segmentations: tuple[Cuts, ...] = ()
    losses: tuple[Loss, ...] = ()
    ranked: bool = False  # the AUC of all rows
    ranked_segments: tuple[Cuts, ...] = ()  # segmentations whose segments' AUC is asked for
    joint: bool = True  # whether `correct` will be called


class Reduced:
    """What the passes left; asked by segmentation and codes, the whole being `()` and `()`."""

    def __init__(
        self,
        request: Request,
        surveyed: Surveyed,
        sums: Sums,
        summed: Summed,
        ranked: dict[Cuts, SegmentRankings],
    ) -> None:
        """Hold what was reduced; `reduce_evidence` makes it."""
        self.request = request
        self.surveyed = surveyed
        self.sums = sums
        self.summed = summed
        self._ranked = ranked
        self._tables: dict[Cuts, Table] = {}

    @property
    def rows(self) -> int:
        """All rows."""
        return self.surveyed.rows

    @property
    def same(self) -> bool:
        """Whether both models give every row the same score."""
        return self.surveyed.farthest <= _SAME

    def same_in(self, cuts: Cuts, codes: Codes) -> bool:
        """Whether no loss of a row of a segment differs; where none was asked, of any row."""
        losses = self.tally(cuts, codes).nonzero[: len(self.request.losses)]
        return self.same or (len(losses) > 0 and not losses.any())

    def segments(self, cuts: Cuts) -> Iterator[tuple[Codes, tuple[str, ...], int]]:
        """Each segment that has rows, in the order of levels: codes, values by column, rows."""
        sizes = self._table(cuts).rows.sum(axis=-1)
        for place in np.flatnonzero(sizes).tolist():
            codes = tuple(int(each) for each in np.unravel_index(place, sizes.shape))
            values = tuple(
                (*self.sums.cuts[cut].levels, MISSING)[code]
                for cut, code in zip(cuts, codes, strict=True)
            )
            yield codes, values, int(sizes[codes])

    def tally(self, cuts: Cuts = (), codes: Codes = ()) -> Tally:
        """The sums of one segment's rows."""
        return tally_of(self._table(cuts), codes)

    def change(
        self, metric: str, cuts: Cuts = (), codes: Codes = (), *, confidence: float
    ) -> SummedChange:
        """How much a metric changes in a segment.

        Raises:
            UndefinedError: it has no value there.
            KeyError: it was not asked for.
        """
        tally = self.tally(cuts, codes)
        if metric in get_args(Loss):
            return loss_change(self._loss_place(metric), tally, confidence)
        if metric != AUC:
            return cell_change(metric, tally, confidence)
        require_for_auc(tally)
        place, pair = self._ranking(cuts, codes)
        return auc_change(place, tally, *pair, confidence)

    def value(
        self, metric: str, cuts: Cuts = (), codes: Codes = (), *, confidence: float
    ) -> SummedValue:
        """The candidate's metric in a segment.

        Raises:
            UndefinedError: it has no value there.
            KeyError: it was not asked for.
        """
        tally = self.tally(cuts, codes)
        if metric in get_args(Loss):
            return loss_value(self._loss_place(metric), tally, confidence)
        if metric != AUC:
            return cell_value(metric, tally, confidence)
        require_for_auc(tally)
        return auc_value(self._area(cuts, codes), confidence)

    def gap(self, metric: str, cuts: Cuts, codes: Codes, *, confidence: float) -> SummedGap:
        """How much a group's distance from all other rows grows.

        Raises:
            UndefinedError: the rate counts no row of the group, or none of the rest.
        """
        group, whole = self.tally(cuts, codes).rows, self.tally().rows
        ratio = influence.METRICS[metric].ratios[0]
        return gap_of(ratio, group, whole - group, confidence)

    def rates(self, metric: str, cuts: Cuts, codes: Codes) -> tuple[Share, Share]:
        """A rate of a segment under both models: hits, and the rows that it counts."""
        ratio = influence.METRICS[metric].ratios[0]
        before, after = influence.split_cells(self.tally(cuts, codes).rows)
        above, below = np.array(ratio.above), np.array(ratio.below)
        return (
            (int(before @ above), int(before @ below)),
            (int(after @ above), int(after @ below)),
        )

    def term(self, change: SummedChange, cuts: Cuts, codes: Codes) -> Contribution:
        """What a change adds to the joint test, in the metric's own sign."""
        return (Term(cuts, codes, change.weights),)

    def gap_terms(self, gap: SummedGap, cuts: Cuts, codes: Codes) -> Contribution:
        """What a gap's growth, which is harm, adds to the joint test."""
        nothing = np.zeros(len(self.sums.features))
        return (
            Term((), (), Weights(-gap.rest, nothing)),
            Term(cuts, codes, Weights(gap.rest - gap.group, nothing)),
        )

    @property
    def whole_rankings(self) -> tuple[Ranking, Ranking]:
        """Both models' AUC over all rows, with its bound."""
        return self.surveyed.rankings

    def _table(self, cuts: Cuts) -> Table:
        if cuts not in self._tables:
            table = self.sums.table(self.summed, cuts)
            assert table is not None  # noqa: S101 - its segments were asked for, and not too many
            self._tables[cuts] = table
        return self._tables[cuts]

    def _loss_place(self, metric: str) -> int:
        return list(map(str, self.request.losses)).index(metric)

    def _area(self, cuts: Cuts, codes: Codes) -> BinnedDifference:
        if not cuts:
            assert self.surveyed.bins is not None  # noqa: S101 - asked for only where ranked
            return binned_value(self.surveyed.bins[1].binned(), self.whole_rankings[1])
        found = self._ranked[cuts]
        area = found.areas[int(np.ravel_multi_index(codes, found.feature.sizes))]
        assert area is not None  # noqa: S101 - it has enough rows of each class
        return area

    def _ranking(self, cuts: Cuts, codes: Codes) -> tuple[int, tuple[Ranking, Ranking]]:
        if not cuts:
            return len(self.request.losses), self.whole_rankings
        found = self._ranked[cuts]
        pair = found.rankings[int(np.ravel_multi_index(codes, found.feature.sizes))]
        assert pair is not None  # noqa: S101 - it has enough rows of each class
        place = next(
            at
            for at, each in enumerate(self.sums.features)
            if isinstance(each, RankFeature) and each.cuts == cuts
        )
        return place, pair
