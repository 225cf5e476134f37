"""Test rows that stand in train too, and how many chance alone explains."""

import msgspec
import numpy as np
import numpy.typing as npt

from gates.tables.duplicates import find_duplicates
from gates.tables.mixing import mix_words
from gates.tables.table import Table


class Twins(msgspec.Struct, frozen=True, kw_only=True):
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

    @property
    def share(self) -> float:
        """Of the test rows."""
        return self.found / self.rows


def count_twins(features: list[str], test: Table, train: Table, seed: str) -> Twins:
    """Count test rows with a twin in train, and training rows with a twin in the rest of train.

    The test that decides compares like with like: test rows, and as many rows drawn out of train,
    both against what remains of train. Source: statistics.md §7.3.
    """
    duplicates = find_duplicates(features, (test, train))
    tested, trained = duplicates.codes
    all_of_train = np.bincount(trained, minlength=duplicates.groups)
    count = max(1, min(test.rows, train.rows // 2))
    drawn = draw_rows(train.rows, count, seed)[duplicates.rows[1]]
    remains = np.bincount(trained[~drawn], minlength=duplicates.groups)
    repeated = np.count_nonzero(all_of_train[trained] > 1) / train.rows
    return Twins(
        rows=test.rows,
        found=int(np.count_nonzero(all_of_train[tested])),
        expected=float(repeated * test.rows),
        in_part=int(np.count_nonzero(remains[tested])),
        by_chance=int(np.count_nonzero(remains[trained[drawn]])),
        drawn=count,
    )


def draw_rows(rows: int, count: int, seed: str) -> npt.NDArray[np.bool_]:
    """Mark `count` of the rows, the same ones for the same seed on every machine."""
    start = np.uint64(int(seed[:16], 16))
    lots = mix_words(np.arange(rows, dtype=np.uint64), np.full(rows, start))  # no two alike
    if count >= rows:
        return np.ones(rows, dtype=np.bool_)
    drawn: npt.NDArray[np.bool_] = lots < np.partition(lots, count)[count]
    return drawn
