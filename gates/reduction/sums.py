"""Pass 2: counts of paired cells and sums of features, for every crossing that is asked for.

Every sum is of whole steps of a lattice in an int64, so it is exact on the lattice, whatever the
order. Against the exact sum of the floats, a sum of n rows is off by at most n/2 steps, and a sum
of squares lies between the exact one and n steps above it: intervals never get too narrow.
"""

from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.reduction.coding import Codes, Cut, place_codes
from gates.reduction.features import (
    Feature,
    FeatureSteps,
    Lattices,
    choose_lattices,
    step_feature,
)
from gates.reduction.grids import Cuts, Grid
from gates.reduction.scored_rows import CELLS, Columns, ScoredRows, read_rows

Steps = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Summed = tuple[Steps, ...]  # per grid (statistics, codes × CELLS)


class Table(msgspec.Struct, frozen=True, eq=False):
    """Sums over some columns; arrays end with the shape (sizes of the columns …, CELLS).

    `moved`, `nonzero`, `levels` and `level_squares` begin with the features.
    """

    cuts: Cuts
    rows: Steps
    moved: Floats
    nonzero: Steps
    levels: Floats
    level_squares: Floats
    products: dict[tuple[int, int], Floats]  # by places of features, the smaller first

    def products_of(self, one: int, other: int) -> Floats:
        """Sums of the products of two features."""
        return self.products[min(one, other), max(one, other)]


class Sums(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The kernel of pass 2; `row_count` is the survey's."""

    columns: Columns
    cuts: tuple[Cut, ...]
    grids: tuple[Grid, ...]
    features: tuple[Feature, ...] = ()
    row_count: int

    @cached_property
    def lattices(self) -> Lattices:
        """On what all sums are exact."""
        return choose_lattices(self.features, self.row_count)

    def start(self) -> Summed:
        """Of no row."""
        return tuple(
            np.zeros((self._statistics(grid), grid.codes * CELLS), dtype=np.int64)
            for grid in self.grids
        )

    def take(self, value: Summed, batch: pa.RecordBatch) -> Summed:
        """With the rows of a batch, whose faults the survey has counted."""
        if batch.num_rows == 0:
            return value
        rows, _ = read_rows(batch, self.columns)
        return self.add(value, rows, self.code(batch))

    def merge(self, one: Summed, other: Summed) -> Summed:
        """Of the rows of both."""
        for mine, theirs in zip(one, other, strict=True):
            mine += theirs  # noqa: PLW2901 - in place
        return one

    def code(self, batch: pa.RecordBatch) -> tuple[Codes, ...]:
        """The code of every row by each cut."""
        return tuple(cut.code(batch.column(cut.column)) for cut in self.cuts)

    def add(self, value: Summed, rows: ScoredRows, codes: tuple[Codes, ...]) -> Summed:
        """With these rows."""
        steps = [
            step_feature(place, feature, self.lattices, rows, codes)
            for place, feature in enumerate(self.features)
        ]
        products: dict[tuple[int, int], Steps] = {}
        for grid, into in zip(self.grids, value, strict=True):
            at = _place_rows(grid, rows, codes)
            np.add.at(into[0], at, 1)  # two thirds of the time of `bincount`, of any size
            for place, each in enumerate(steps):
                _add_feature(into[1 + 4 * place : 5 + 4 * place], at, each)
            for row, pair in enumerate(grid.products, start=1 + 4 * len(steps)):
                if pair not in products:
                    products[pair] = self._multiply(pair, steps)
                np.add.at(into[row], at, products[pair])
        return value

    def subtract(self, value: Summed, other: Summed) -> Summed:
        """Of the rows of the first without those of the second, exactly; uses up the second."""
        pairs = zip(value, other, strict=True)
        return tuple(np.subtract(mine, theirs, out=theirs) for mine, theirs in pairs)

    def table(self, value: Summed, cuts: Cuts) -> Table | None:
        """The sums over some columns, in ascending order; none where no grid holds them all."""
        homes = [at for at, grid in enumerate(self.grids) if {*cuts} <= {*grid.cuts}]
        if not homes:
            return None
        features, lattices = len(self.features), self.lattices
        flat = self._add_up(value, min(homes, key=lambda at: self.grids[at].codes), cuts)
        by_feature = flat[1 : 1 + 4 * features].reshape(features, 4, *flat.shape[1:])
        return Table(
            cuts=cuts,
            rows=flat[0],
            moved=_scale(by_feature[:, 0], [each.step for each in lattices.moved]),
            nonzero=flat[0] - by_feature[:, 1],
            levels=_scale(by_feature[:, 2], [each.step for each in lattices.levels]),
            level_squares=_scale(by_feature[:, 3], [each.step for each in lattices.level_squares]),
            products={
                (one, other): flat * lattices.products[one][other].step
                for at in homes
                for (one, other), flat in zip(
                    self.grids[at].products,
                    self._add_up(value, at, cuts)[1 + 4 * features :],
                    strict=True,
                )
            },
        )

    def _add_up(self, value: Summed, at: int, cuts: Cuts) -> Steps:
        """One grid's statistics over some of its columns."""
        grid = self.grids[at]
        away = tuple(1 + place for place, cut in enumerate(grid.cuts) if cut not in cuts)
        added: Steps = value[at].reshape(-1, *grid.sizes, CELLS).sum(axis=away)
        return added

    def _statistics(self, grid: Grid) -> int:
        return 1 + 4 * len(self.features) + len(grid.products)

    def _multiply(self, pair: tuple[int, int], steps: list[FeatureSteps]) -> Steps:
        one, other = pair
        lattice = self.lattices.products[one][other]
        values = steps[one].values * steps[other].values
        return lattice.round_up(values) if one == other else lattice.round(values)


def _place_rows(grid: Grid, rows: ScoredRows, codes: tuple[Codes, ...]) -> Codes:
    """The place of every row in a grid's tables."""
    at = place_codes(grid.cuts, grid.sizes, codes, len(rows.cells))
    at *= CELLS
    at += rows.cells
    return at


def _add_feature(into: Steps, at: Codes, steps: FeatureSteps) -> None:
    np.add.at(into[0], at, steps.moved)
    np.add.at(into[1], at[steps.still], 1)
    for row, level in enumerate(steps.level or (), start=2):
        np.add.at(into[row], at, level)


def _scale(sums: Steps, steps: list[float]) -> Floats:
    scale = np.array(steps).reshape(-1, *[1] * (sums.ndim - 1))
    return np.asarray(sums * scale, dtype=np.float64)
