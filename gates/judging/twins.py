"""Test rows that stand in train too, and how many chance alone explains."""

import msgspec
import numpy as np
import numpy.typing as npt

from gates.tables.duplicates import Duplicates, find_duplicates
from gates.tables.mixing import mix_words
from gates.tables.near_duplicates import find_near_duplicates
from gates.tables.one_off import find_one_off
from gates.tables.rounded import RoundedTable
from gates.tables.table import Table

Mask = npt.NDArray[np.bool_]


class Twins(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How many test rows have all their features in common with a training row, and by chance.

    `in_part` and `by_chance` are counts against one and the same part of the training rows: those
    of the test rows, and those of `drawn` training rows that were drawn out of it.
    """

    rows: int
    found: int
    expected: float
    in_part: int
    by_chance: int
    drawn: int
    drawn_rows: Mask  # of train
    twinned: Mask  # of test, then of train: rows with a twin in the part
    duplicates: Duplicates  # of test and train

    @property
    def share(self) -> float:
        """Of the test rows."""
        return self.found / self.rows

    @property
    def chance(self) -> float:
        """The share that chance gives."""
        return self.expected / self.rows


class NearTwins(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows nearly equal a row of a part of train, of those that equal none of it.

    Rows with an exact twin there count on neither side of a share: a training table that repeats
    itself has more of them than a test table, and would make chance look small.
    """

    rows: int  # of test, without an exact twin in the part
    in_part: int
    by_chance: int
    drawn: int  # of train, without an exact twin in the part
    part: int  # rows of train that were not drawn
    complete: bool  # else there may be more of both

    @property
    def share(self) -> float:
        """Of the test rows; 0 where each has an exact twin."""
        return self.in_part / max(self.rows, 1)

    @property
    def chance(self) -> float:
        """Of the drawn training rows; 0 where each has an exact twin."""
        return self.by_chance / max(self.drawn, 1)


def count_twins(features: list[str], test: Table, train: Table, seed: str) -> Twins:
    """Count test rows with a twin in train, and training rows with a twin in the rest of train.

    The test that decides compares like with like: test rows, and as many rows drawn out of train,
    both against what remains of train. Source: statistics.md §7.3.
    """
    duplicates = find_duplicates(features, (test, train))
    tested, trained = duplicates.codes
    all_of_train = np.bincount(trained, minlength=duplicates.groups)
    count = max(1, min(test.rows, train.rows // 2))
    lots = draw_rows(train.rows, count, seed)
    drawn = lots[duplicates.rows[1]]
    remains = np.bincount(trained[~drawn], minlength=duplicates.groups)
    twinned = np.zeros(test.rows + train.rows, dtype=np.bool_)
    twinned[duplicates.rows[0]] = remains[tested] > 0
    twinned[test.rows + duplicates.rows[1]] = remains[trained] > 0
    repeated = np.count_nonzero(all_of_train[trained] > 1) / train.rows
    return Twins(
        rows=test.rows,
        found=int(np.count_nonzero(all_of_train[tested])),
        expected=float(repeated * test.rows),
        in_part=int(np.count_nonzero(remains[tested])),
        by_chance=int(np.count_nonzero(remains[trained[drawn]])),
        drawn=count,
        drawn_rows=lots,
        twinned=twinned,
        duplicates=duplicates,
    )


def count_near_twins(
    features: list[str], test: Table, train: Table, twins: Twins, differing: int
) -> NearTwins:
    """Count rows equal to one of train in all but `differing` features, of those equal to none.

    Numbers with a fraction are compared to a part in a thousand. Test rows and drawn training rows
    are sought in what remains of train, as in `count_twins`.
    """
    tables = RoundedTable(test), RoundedTable(train)
    drawn = twins.drawn_rows
    asked = np.ones(test.rows, dtype=np.bool_), drawn
    pool = np.zeros(test.rows, dtype=np.bool_), ~drawn
    complete = True
    if differing == 1:
        near = find_one_off(features, tables, asked, pool)
    else:
        pairs = find_near_duplicates(features, tables, asked, pool, differing=differing)
        near = np.zeros(test.rows + train.rows, dtype=np.bool_)
        near[pairs.rows] = True
        complete = pairs.complete
    alone = ~twins.twinned
    near &= alone
    return NearTwins(
        rows=int(np.count_nonzero(alone[: test.rows])),
        in_part=int(np.count_nonzero(near[: test.rows])),
        by_chance=int(np.count_nonzero(near[test.rows :])),
        drawn=int(np.count_nonzero(alone[test.rows :] & drawn)),
        part=train.rows - twins.drawn,
        complete=complete,
    )


def draw_rows(rows: int, count: int, seed: str) -> Mask:
    """Mark `count` of the rows, the same ones for the same seed on every machine."""
    start = np.uint64(int(seed[:16], 16))
    lots = mix_words(np.arange(rows, dtype=np.uint64), np.full(rows, start))  # no two alike
    if count >= rows:
        return np.ones(rows, dtype=np.bool_)
    drawn: Mask = lots < np.partition(lots, count)[count]
    return drawn
