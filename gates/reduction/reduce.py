"""Two models' scores of any number of rows → what the passes leave, which `Reduced` answers from.

All comparisons of a verdict are tested together by `correct`, in the module beside.
"""

import math

from gates.errors import EvidenceError
from gates.metrics.binary import MIN_OF_EACH_CLASS
from gates.reduction.coding import Cut
from gates.reduction.features import Feature, LossFeature, rank_whole
from gates.reduction.grids import MAX_CODES, Cuts, Grid, pair_needs, plan_grids
from gates.reduction.reduced import Reduced, Request
from gates.reduction.scored_rows import Columns, largest_loss
from gates.reduction.segment_scores import (
    MOST_RANKED,
    SegmentRankings,
    SegmentScores,
    rank_segments,
)
from gates.reduction.sums import Sums
from gates.reduction.survey import Survey, Surveyed
from gates.tables.engine import Engine, Scan


class TooManySegmentsError(Exception):
    """The columns of a segmentation have more combinations of levels than can be held."""

    def __init__(self, cuts: Cuts, segments: int) -> None:
        """Say which columns, and how many combinations."""
        super().__init__(f"{segments:,} combinations")
        self.cuts = cuts
        self.segments = segments


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
