"""What all comparisons of a verdict have in common: the sums of products of their contributions."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gates.reduction.changes import Weights
from gates.reduction.coding import Codes
from gates.reduction.grids import Cuts
from gates.reduction.sums import Floats, Summed, Sums, Table
from gates.stats.moments import Moments
from gates.stats.undefined import UndefinedError

_BLOCK = 1 << 16  # pairs of terms at a time


class Term(msgspec.Struct, frozen=True, eq=False):
    """What every row of one segment adds; the whole has no cuts."""

    cuts: Cuts
    codes: tuple[int, ...]
    weights: Weights

    def __neg__(self) -> "Term":
        return Term(self.cuts, self.codes, -self.weights)


Contribution = tuple[Term, ...]  # a comparison, a sum over terms; positive is better


class _Block(msgspec.Struct, frozen=True, eq=False):
    """All terms of one segmentation."""

    cuts: Cuts
    owners: npt.NDArray[np.intp]  # places of the comparisons, (terms,)
    codes: npt.NDArray[np.intp]  # (terms, cuts)
    by_cell: Floats  # (terms, 8)
    by_feature: Floats  # (terms, features)


def joint_moments(sums: Sums, summed: Summed, comparisons: Sequence[Contribution]) -> Moments:
    """Totals of all comparisons and the products of every two of them, over the summed rows.

    Raises:
        UndefinedError: the rows that two of the segmentations share were not counted.
    """
    totals = np.zeros(len(comparisons))
    products = np.zeros((len(comparisons), len(comparisons)))
    blocks = _gather(comparisons)
    for at, one in enumerate(blocks):
        np.add.at(totals, one.owners, _total(sums, summed, one))
        for other in blocks[at:]:
            _add_products(products, sums, summed, one, other)
    return Moments(totals, products)


def _gather(comparisons: Sequence[Contribution]) -> list[_Block]:
    by_cuts: dict[Cuts, list[tuple[int, Term]]] = defaultdict(list)
    for owner, contribution in enumerate(comparisons):
        for term in contribution:
            by_cuts[term.cuts].append((owner, term))
    return [
        _Block(
            cuts,
            np.array([owner for owner, _ in terms], dtype=np.intp),
            np.array([term.codes for _, term in terms], dtype=np.intp).reshape(len(terms), -1),
            np.array([term.weights.by_cell for _, term in terms]),
            np.array([term.weights.by_feature for _, term in terms]),
        )
        for cuts, terms in by_cuts.items()
    ]


def _total(sums: Sums, summed: Summed, block: _Block) -> Floats:
    table = _table(sums, summed, block.cuts)
    at = tuple(block.codes.T)
    total = np.sum(table.rows[at] * block.by_cell, axis=1)
    for place in np.flatnonzero(block.by_feature.any(axis=0)):
        total += table.moved[(place, *at)].sum(axis=-1) * block.by_feature[:, place]
    return np.asarray(total)


def _add_products(products: Floats, sums: Sums, summed: Summed, one: _Block, other: _Block) -> None:
    cuts = tuple(sorted({*one.cuts, *other.cuts}))
    table = _table(sums, summed, cuts)
    step = max(1, _BLOCK // len(other.owners))
    for start in range(0, len(one.owners), step):
        some = slice(start, start + step)
        part = _Block(
            one.cuts,
            one.owners[some],
            one.codes[some],
            one.by_cell[some],
            one.by_feature[some],
        )
        found = _multiply(table, part, other)
        np.add.at(products, (part.owners[:, None], other.owners[None]), found)
        if one is not other:
            np.add.at(products, (other.owners[:, None], part.owners[None]), found.T)


def _multiply(table: Table, one: _Block, other: _Block) -> Floats:
    """Σ contribution × contribution for every term of one block with every term of the other."""
    shape = (len(one.owners), len(other.owners))
    agree = np.ones(shape, dtype=np.bool_)
    at: list[Codes] = []
    for cut in table.cuts:
        mine = one.codes[:, one.cuts.index(cut), None] if cut in one.cuts else None
        theirs = other.codes[None, :, other.cuts.index(cut)] if cut in other.cuts else None
        if mine is not None and theirs is not None:
            agree &= mine == theirs
        chosen = mine if mine is not None else theirs
        assert chosen is not None  # noqa: S101 - the table's cuts are those of either
        at.append(np.broadcast_to(chosen, shape))
    place = tuple(at)
    cells = (one.by_cell[:, None] * other.by_cell[None]) if _any(one, other) else None
    total = np.zeros(shape) if cells is None else np.sum(table.rows[place] * cells, axis=-1)
    mine_used, theirs_used = (
        np.flatnonzero(block.by_feature.any(axis=0)).tolist() for block in (one, other)
    )
    for feature in mine_used:
        moved = table.moved[(feature, *place)]
        total += one.by_feature[:, None, feature] * np.sum(moved * other.by_cell[None], axis=-1)
        for theirs_feature in theirs_used:
            both = one.by_feature[:, None, feature] * other.by_feature[None, :, theirs_feature]
            total += both * table.products_of(feature, theirs_feature)[place].sum(axis=-1)
    for feature in theirs_used:
        moved = table.moved[(feature, *place)]
        total += other.by_feature[None, :, feature] * np.sum(moved * one.by_cell[:, None], axis=-1)
    return np.where(agree, total, 0.0)


def _any(one: _Block, other: _Block) -> bool:
    return bool(one.by_cell.any() and other.by_cell.any())


def _table(sums: Sums, summed: Summed, cuts: Cuts) -> Table:
    table = sums.table(summed, cuts)
    if table is None:
        raise UndefinedError("rows that segments of these columns share were not counted")
    return table
