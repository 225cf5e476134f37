"""What a row adds to a difference of two models: of its loss, or of its AUC pseudo-value."""

from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from gates.reduction.coding import Codes, Floats, place_codes
from gates.reduction.lattice import Lattice, choose_lattice
from gates.reduction.scored_rows import Loss, ScoredRows, losses_of
from gates.stats.binned_auc import Ranking, bin_scores


class LossFeature(msgspec.Struct, frozen=True, kw_only=True):
    """New minus old loss; beside it the candidate's own loss is summed."""

    loss: Loss
    largest: float  # no difference is farther from zero, by the survey
    largest_level: float  # of the candidate's loss

    def of(self, rows: ScoredRows, _codes: tuple[Codes, ...]) -> tuple[Floats, Floats | None]:
        """The difference and the candidate's loss of every row."""
        new = losses_of(self.loss, rows.labels, rows.candidate)
        return new - losses_of(self.loss, rows.labels, rows.baseline), new


class RankFeature(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """New minus old AUC pseudo-value within the row's segment; the whole where `cuts` is empty.

    `old` and `new` have the shape (segments, 2, bins): a value per class and bin.
    """

    cuts: tuple[int, ...] = ()  # places of the segmentation's columns among all cuts
    sizes: tuple[int, ...] = ()
    old: Floats
    new: Floats

    @cached_property
    def largest(self) -> float:
        """The largest distance from zero that a row can have."""
        least = min(float(self.new.min() - self.old.max()), 0.0)
        return max(float(self.new.max() - self.old.min()), -least)

    @property
    def largest_level(self) -> float:
        """Nothing is summed beside the difference."""
        return 0.0

    def of(self, rows: ScoredRows, codes: tuple[Codes, ...]) -> tuple[Floats, Floats | None]:
        """The difference of every row."""
        bins = self.old.shape[2]
        start = place_codes(self.cuts, self.sizes, codes, len(rows.labels))
        start *= 2
        start += rows.labels
        start *= bins
        old = _look_up(self.old, start, bin_scores(rows.baseline, bins))
        new = _look_up(self.new, start, bin_scores(rows.candidate, bins))
        return np.subtract(new, old, out=new), None


def _look_up(values: Floats, start: Codes, bins: Codes) -> Floats:
    bins += start
    return values.reshape(-1).take(bins)  # two thirds of the time of an index


Feature = LossFeature | RankFeature


def rank_whole(old: Ranking, new: Ranking) -> RankFeature:
    """The feature of the AUC over all rows."""
    return RankFeature(old=old.values[None], new=new.values[None])


class Lattices(msgspec.Struct, frozen=True):
    """On what the sums of some features are exact, for so many rows."""

    moved: tuple[Lattice, ...]
    levels: tuple[Lattice, ...]
    level_squares: tuple[Lattice, ...]
    products: tuple[tuple[Lattice, ...], ...]


def choose_lattices(features: tuple[Feature, ...], rows: int) -> Lattices:
    """The finest ones that cannot overflow."""
    return Lattices(
        moved=tuple(choose_lattice(each.largest, rows) for each in features),
        levels=tuple(choose_lattice(each.largest_level, rows) for each in features),
        level_squares=tuple(choose_lattice(each.largest_level**2, rows) for each in features),
        products=tuple(
            tuple(choose_lattice(one.largest * other.largest, rows) for other in features)
            for one in features
        ),
    )


Steps = npt.NDArray[np.int64]


class FeatureSteps(msgspec.Struct, frozen=True, eq=False):
    """One feature of a batch, on its lattices."""

    values: Floats
    moved: Steps
    still: Codes  # places of the rows that it leaves where they are
    level: tuple[Steps, Steps] | None  # the candidate's loss and its square


def step_feature(
    place: int, feature: Feature, lattices: Lattices, rows: ScoredRows, codes: tuple[Codes, ...]
) -> FeatureSteps:
    """The feature of every row, rounded; squares are rounded up."""
    values, levels = feature.of(rows, codes)
    moved = lattices.moved[place].round(values)
    still = np.flatnonzero(values == 0)
    if levels is None:
        return FeatureSteps(values, moved, still, None)
    squares = lattices.level_squares[place].round_up(levels * levels)
    return FeatureSteps(values, moved, still, (lattices.levels[place].round(levels), squares))
