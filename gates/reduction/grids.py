"""Which columns are crossed: few large tables of counts, of which all smaller ones are sums."""

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement
from math import prod

import msgspec

MOST_CODES = 1 << 13  # of a grid that holds several tables: its sums stay in the cache
MAX_CODES = 1 << 17  # of a grid that cannot be smaller

Cuts = tuple[int, ...]  # ascending places of columns


class Grid(msgspec.Struct, frozen=True):
    """A table over some columns, and which products of features it holds beside their sums."""

    cuts: Cuts
    sizes: tuple[int, ...]
    products: tuple[tuple[int, int], ...]

    @property
    def codes(self) -> int:
        """How many combinations of codes there are."""
        return prod(self.sizes)


class Need(msgspec.Struct, frozen=True):
    """A table that is asked for."""

    cuts: Cuts
    products: tuple[tuple[int, int], ...] = ()


def pair_needs(
    segmentations: Sequence[Cuts], features_of: Sequence[tuple[int, ...]], *, joint: bool
) -> list[Need]:
    """What the segmentations' values need, and where `joint` the covariance of all of them.

    Args:
        segmentations: each by its columns; the whole is `()`.
        features_of: the features that each of them sums.
        joint: whether rows that two segmentations share are needed, for every two of them.
    """
    needs = []
    pairs = combinations_with_replacement(range(len(segmentations)), 2)
    for one, other in pairs:
        if one == other or joint:
            cuts = tuple(sorted({*segmentations[one], *segmentations[other]}))
            features = sorted({*features_of[one], *features_of[other]})
            needs.append(Need(cuts, tuple(combinations_with_replacement(features, 2))))
    return needs


def plan_grids(needs: Iterable[Need], sizes: Sequence[int]) -> tuple[Grid, ...]:
    """Few grids that hold every need; a need of more than `MAX_CODES` combinations is left out.

    The largest come first; each joins the grid that it makes least larger.
    """
    bins: list[tuple[set[int], set[tuple[int, int]]]] = []
    for need in sorted(needs, key=lambda need: (-_codes(need.cuts, sizes), need.cuts)):
        if _codes(need.cuts, sizes) > MAX_CODES:
            continue
        home = min(
            (each for each in bins if _fits(each[0] | {*need.cuts}, each[0], sizes)),
            key=lambda each: (
                _codes(each[0] | {*need.cuts}, sizes) / _codes(each[0], sizes),
                sorted(each[0]),
            ),
            default=None,
        )
        if home is None:
            bins.append(({*need.cuts}, {*need.products}))
        else:
            home[0].update(need.cuts)
            home[1].update(need.products)
    return tuple(
        Grid(
            tuple(sorted(cuts)), tuple(sizes[cut] for cut in sorted(cuts)), tuple(sorted(products))
        )
        for cuts, products in bins
    )


def _fits(together: set[int], alone: set[int], sizes: Sequence[int]) -> bool:
    return together == alone or _codes(together, sizes) <= MOST_CODES


def _codes(cuts: Iterable[int], sizes: Sequence[int]) -> int:
    return prod(sizes[cut] for cut in cuts)
