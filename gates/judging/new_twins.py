"""Rows that are new since the baseline: how often they repeat a row that it knew, across the split.

A row that was copied before the split stands on both sides of it, and so do training rows among
themselves: within one pull request's tables it looks like chance. What the baseline knew was not
copied by it, so its rows say how often a row repeats one on the other side by chance.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.tables.arrow import booleans_of
from gates.tables.duplicates import Duplicates
from gates.tables.near_duplicates import find_near_duplicates
from gates.tables.one_off import count_one_off
from gates.tables.rounded import RoundedTable
from gates.tables.table import Mask, Table
from gates.tables.words import Rows

SIDES = ("test", "training")
_OTHER = (1, 0)


class NewTwins(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one side that repeat a single known row of the other: new ones, and known ones.

    Only a row that the other side has once counts: a copy repeats whatever row there is, most of
    which stand alone, while chance repeats what is frequent.
    """

    side: int  # of `SIDES`
    rows: int  # new
    found: int
    known: int
    by_chance: int  # of the known

    @property
    def share(self) -> float:
        """Of the new rows."""
        return self.found / self.rows

    @property
    def chance(self) -> float:
        """Of the known rows."""
        return self.by_chance / self.known

    @property
    def excess(self) -> float:
        """What chance does not explain, of the new rows."""
        return max(0.0, self.share - self.chance)


def find_known_rows(case: Case, train: Table) -> tuple[Mask, Mask]:
    """Which of the candidate's test and training rows the baseline has in either, by identifier."""
    old = case.baseline
    assert old is not None  # noqa: S101 - only a baseline knows rows
    known = old.ids if old.train_ids is None else pa.concat_arrays([old.ids, old.train_ids])
    ids = case.candidate.train_ids
    none = np.zeros(train.rows, dtype=np.bool_)
    return _is_in(case.candidate.ids, known), none if ids is None else _is_in(ids, known)


def _is_in(ids: pa.Array, known: pa.Array) -> Mask:
    return booleans_of(pc.is_in(ids, value_set=known.drop_null()))


def count_new_twins(duplicates: Duplicates, known: tuple[Mask, Mask]) -> Iterator[NewTwins]:
    """Count exact twins of either side's rows; of a side without new or known rows nothing."""
    for side, of in enumerate(known):
        repeats = np.zeros(len(of), dtype=np.bool_)
        repeats[duplicates.rows[side]] = _pool_sizes(duplicates, known, side) == 1
        yield from _compare(side, repeats, known)


def count_new_near_twins(
    features: list[str],
    tables: tuple[Table, Table],
    duplicates: Duplicates,
    known: tuple[Mask, Mask],
    differing: int,
) -> Iterator[NewTwins]:
    """Count rows that differ in up to `differing` features; rows with an exact twin left out."""
    sides = tuple(RoundedTable(table) for table in tables)
    for side, of in enumerate(known):
        asked = [np.full(len(each), at == side) for at, each in enumerate(known)]
        pool = [each & (at != side) for at, each in enumerate(known)]
        if differing == 1:
            counts = count_one_off(features, sides, asked, pool)
        else:
            pairs = find_near_duplicates(features, sides, asked, pool, differing=differing)
            counts = np.bincount(pairs.rows, minlength=sum(map(len, known)))
        first = 0 if side == 0 else len(known[0])
        repeats = counts[first : first + len(of)] == 1
        twinned = duplicates.rows[side][_pool_sizes(duplicates, known, side) > 0]
        repeats[twinned] = False
        yield from _compare(side, repeats, known)


def _pool_sizes(duplicates: Duplicates, known: Sequence[Mask], side: int) -> Rows:
    """For each row of a side that has twins, how many of them are known rows of the other side."""
    other = _OTHER[side]
    codes = duplicates.codes[other][known[other][duplicates.rows[other]]]
    return np.bincount(codes, minlength=duplicates.groups)[duplicates.codes[side]]


def _compare(side: int, repeats: Mask, known: Sequence[Mask]) -> Iterator[NewTwins]:
    of = known[side]
    rows = int(np.count_nonzero(of))
    if 0 < rows < len(of) and known[_OTHER[side]].any():
        yield NewTwins(
            side=side,
            rows=len(of) - rows,
            found=int(np.count_nonzero(repeats[~of])),
            known=rows,
            by_chance=int(np.count_nonzero(repeats[of])),
        )
