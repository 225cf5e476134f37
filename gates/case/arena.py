"""One test set on which two models are scored."""

from functools import cached_property

import msgspec
import numpy as np

from gates.case.answers import Answers
from gates.case.segments import Rows, split_by
from gates.errors import GatesError
from gates.evidence.folder import Evidence


class NotComparableError(GatesError):
    """The two models cannot be brought onto the same rows."""


class Arena(msgspec.Struct, frozen=True, dict=True):
    """One test set on which both models are scored.

    `union` are the rows' places among all rows of all arenas, shape (rows,).
    """

    side: Evidence  # whose test set it is
    rows: Rows  # of that side's test table
    baseline: Answers
    candidate: Answers
    union: Rows

    def segments(self, columns: tuple[str, ...]) -> dict[tuple[str, ...], Rows]:
        """Positions in this arena's arrays, by the values of the columns; each row once."""
        if columns not in self._segments:
            place = np.full(self.side.test.rows, -1, dtype=np.intp)
            place[self.rows] = np.arange(len(self.rows))
            self._segments[columns] = {
                tuple(segment.name.values()): place[segment.rows][place[segment.rows] >= 0]
                for segment in split_by(columns, self.side.test, self.side.dictionary)
            }
        return self._segments[columns]

    @cached_property
    def _segments(self) -> dict[tuple[str, ...], dict[tuple[str, ...], Rows]]:
        return {}
