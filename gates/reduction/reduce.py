"""Two models' scores of any number of rows → every metric, interval and gap of every segment.

`reduce_evidence` runs the passes; `Reduced` answers like row-level evidence does. All comparisons
of a verdict are tested together by `correct`, in the module beside.
"""

import math
from collections.abc import Iterator
from typing import get_args

import msgspec
import numpy as np

from gates.case.segments import MISSING
from gates.errors import EvidenceError
from gates.metrics.binary import MIN_OF_EACH_CLASS
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
from gates.reduction.features import Feature, LossFeature, RankFeature, rank_whole
from gates.reduction.gaps import SummedGap, gap_of
from gates.reduction.grids import MAX_CODES, Cuts, Grid, pair_needs, plan_grids
from gates.reduction.joint import Contribution, Term
from gates.reduction.scored_rows import Columns, Loss, largest_loss
from gates.reduction.segment_scores import (
    MOST_RANKED,
    SegmentRankings,
    SegmentScores,
    rank_segments,
)
from gates.reduction.sums import Summed, Sums, Table
from gates.reduction.survey import Survey, Surveyed
from gates.stats import influence
from gates.stats.binned_auc import BinnedDifference, Ranking, binned_value
from gates.tables.engine import Engine, Scan

AUC = "roc_auc"
_SAME = 1e-9  # predictions closer than this are the same: statistics.md §0


class TooManySegmentsError(Exception):
    """The columns of a segmentation have more combinations of levels than can be held."""

    def __init__(self, cuts: Cuts, segments: int) -> None:
        """Say which columns, and how many combinations."""
        super().__init__(f"{segments:,} combinations")
        self.cuts = cuts
        self.segments = segments


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


def reduce_evidence(engine: Engine, scan: Scan, request: Request) -> Reduced:
    """Run the passes over all rows: two, or three where the AUC of segments is asked for.

    Raises:
        EvidenceError: a table cannot be read, or a label or a score cannot be judged.
        TooManySegmentsError: a segmentation has too many combinations of levels.
    """
    ranked = request.ranked or bool(request.ranked_segments)
    survey = Survey(columns=request.columns, cuts=request.cuts, ranked=ranked)
    surveyed = engine.reduce(scan, survey)
    if surveyed.faults:
        raise _refuse(surveyed, request.columns)
    cuts = survey.cut(surveyed)
    _refuse_many(request, cuts)
    by_segment = _rank_all(engine, scan, request, surveyed, cuts)
    features = _list_features(request, surveyed, by_segment)
    sums = Sums(
        columns=request.columns,
        cuts=cuts,
        grids=_plan(request, cuts, features),
        features=features,
        row_count=surveyed.rows,
    )
    return Reduced(request, surveyed, sums, engine.reduce(scan, sums), by_segment)


def _refuse_many(request: Request, cuts: tuple[Cut, ...]) -> None:
    for each in request.segmentations:
        segments = math.prod(cuts[cut].size for cut in each)
        if segments > (MOST_RANKED if each in request.ranked_segments else MAX_CODES):
            raise TooManySegmentsError(each, segments)


def _rank_all(
    engine: Engine, scan: Scan, request: Request, surveyed: Surveyed, cuts: tuple[Cut, ...]
) -> dict[Cuts, SegmentRankings]:
    if not request.ranked_segments or surveyed.bins is None:
        return {}
    kernel = SegmentScores(
        columns=request.columns, cuts=cuts, segmentations=request.ranked_segments
    )
    counted = engine.reduce(scan, kernel)
    return {
        each: rank_segments(
            each, tuple(cuts[at].size for at in each), counts, surveyed.bins, MIN_OF_EACH_CLASS
        )
        for each, counts in zip(request.ranked_segments, counted, strict=True)
    }


def _list_features(
    request: Request, surveyed: Surveyed, by_segment: dict[Cuts, SegmentRankings]
) -> tuple[Feature, ...]:
    features: list[Feature] = []
    for loss in request.losses:
        old, new = (largest_loss(loss, least) for least in surveyed.least_likely)
        features.append(LossFeature(loss=loss, largest=max(old, new), largest_level=new))
    negatives, positives = surveyed.cells.reshape(2, 4).sum(axis=1)
    if request.ranked and surveyed.bins is not None and min(negatives, positives) > 0:
        features.append(rank_whole(*surveyed.rankings))
    return (*features, *(each.feature for each in by_segment.values()))


def _plan(
    request: Request, cuts: tuple[Cut, ...], features: tuple[Feature, ...]
) -> tuple[Grid, ...]:
    segmentations = ((), *request.segmentations)
    of_each = [
        tuple(
            place
            for place, feature in enumerate(features)
            if isinstance(feature, LossFeature) or feature.cuts == each
        )
        for each in segmentations
    ]
    needs = pair_needs(segmentations, of_each, joint=request.joint)
    return plan_grids(needs, [cut.size for cut in cuts])


def _refuse(surveyed: Surveyed, columns: Columns) -> EvidenceError:
    found = surveyed.faults
    said = {
        f"{columns.label}: the label is missing": found.no_label,
        f"{columns.label}: the label is neither 0 nor 1": found.wrong_label,
        f"{columns.baseline}: the score is missing, NaN or infinite": found.no_baseline_score,
        f"{columns.baseline}: the score lies outside [0, 1]": found.wrong_baseline_score,
        f"{columns.candidate}: the score is missing, NaN or infinite": found.no_candidate_score,
        f"{columns.candidate}: the score lies outside [0, 1]": found.wrong_candidate_score,
    }
    what = "; ".join(
        f"{text} in {rows:,} of {surveyed.rows:,} rows" for text, rows in said.items() if rows
    )
    return EvidenceError(f"{what}. Mend or drop these rows; each needs a label and two scores.")
