"""Between pass 1 and 2, where segments are ranked: counts of scores by segment, class and bin."""

from math import prod

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.reduction.coding import Cut, place_codes
from gates.reduction.features import RankFeature
from gates.reduction.grids import Cuts
from gates.reduction.scored_rows import Columns, read_rows
from gates.reduction.survey import ScoreBins
from gates.stats.binned_auc import (
    BINS,
    BinnedDifference,
    BinnedScores,
    Ranking,
    bin_scores,
    binned_value,
    rank_bins,
)

MOST_CELLS = 1 << 19  # segments × bins of one segmentation: 16 MB for both classes and models
MOST_BINS, LEAST_BINS = 1 << 13, 1 << 8
MOST_RANKED = MOST_CELLS // LEAST_BINS  # segments of a segmentation

Counts = npt.NDArray[np.int64]  # (2 models, segments, 2 classes, bins)


class SegmentScores(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel: one array of counts per segmentation."""

    columns: Columns
    cuts: tuple[Cut, ...]
    segmentations: tuple[Cuts, ...]

    def start(self) -> tuple[Counts, ...]:
        """Of no row."""
        return tuple(
            np.zeros((2, self._segments(cuts), 2, choose_bins(self._segments(cuts))), np.int64)
            for cuts in self.segmentations
        )

    def take(self, value: tuple[Counts, ...], batch: pa.RecordBatch) -> tuple[Counts, ...]:
        """With the rows of a batch."""
        if batch.num_rows == 0:
            return value
        rows, _ = read_rows(batch, self.columns)
        codes = tuple(cut.code(batch.column(cut.column)) for cut in self.cuts)
        for cuts, into in zip(self.segmentations, value, strict=True):
            bins = into.shape[-1]
            sizes = tuple(self.cuts[cut].size for cut in cuts)
            start = place_codes(cuts, sizes, codes, batch.num_rows)
            start *= 2
            start += rows.labels
            start *= bins
            for model, scores in enumerate((rows.baseline, rows.candidate)):
                np.add.at(into[model].reshape(-1), start + bin_scores(scores, bins), 1)
        return value

    def merge(self, one: tuple[Counts, ...], other: tuple[Counts, ...]) -> tuple[Counts, ...]:
        """Of the rows of both."""
        for mine, theirs in zip(one, other, strict=True):
            mine += theirs  # noqa: PLW2901 - in place
        return one

    def _segments(self, cuts: Cuts) -> int:
        return prod(self.cuts[cut].size for cut in cuts)


class SegmentRankings(msgspec.Struct, frozen=True, eq=False):
    """Both models' rankings in the segments of one segmentation; none where too few are of a class.

    `rankings` and `areas`, the candidate's, are by the code of the segment among all combinations.
    """

    feature: RankFeature
    rankings: tuple[tuple[Ranking, Ranking] | None, ...]
    areas: tuple[BinnedDifference | None, ...]


def choose_bins(segments: int) -> int:
    """As many as fit, so that hundreds of segments have fewer bins each."""
    bins = MOST_BINS
    while bins > LEAST_BINS and bins * segments > MOST_CELLS:
        bins //= 2
    return bins


def rank_segments(
    cuts: Cuts,
    sizes: tuple[int, ...],
    counts: Counts,
    whole: tuple[ScoreBins, ScoreBins],
    least: int,
) -> SegmentRankings:
    """The rankings of segments with at least so many rows of each class, and their feature."""
    bins = counts.shape[-1]
    mixed = [_mix(each, bins) for each in whole]
    values = np.zeros(counts.shape)
    rankings: list[tuple[Ranking, Ranking] | None] = []
    areas: list[BinnedDifference | None] = []
    for code in range(counts.shape[1]):
        if counts[0, code].sum(axis=-1).min() < least:
            rankings.append(None)
            areas.append(None)
            continue
        before, after = (
            BinnedScores(counts[model, code, 1], counts[model, code, 0], mixed[model])
            for model in (0, 1)
        )
        old, new = rank_bins(before), rank_bins(after)
        values[0, code], values[1, code] = old.values, new.values
        rankings.append((old, new))
        areas.append(binned_value(after, new))
    feature = RankFeature(cuts=cuts, sizes=sizes, old=values[0], new=values[1])
    return SegmentRankings(feature, tuple(rankings), tuple(areas))


def _mix(scores: ScoreBins, bins: int) -> npt.NDArray[np.bool_]:
    """Which of fewer bins hold more than one score, by the whole's."""
    only = scores.only.reshape(bins, BINS // bins)
    highest = np.where(np.isinf(only), -np.inf, only).max(axis=1)
    # NaN, where a bin holds several, makes the comparison false.
    return np.asarray(~(only.min(axis=1) >= highest), dtype=np.bool_)
