"""The part of a case that is about the baseline's own test rows."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gates.case.answers import Answers
from gates.case.arena import Arena
from gates.case.case import Case
from gates.case.segments import Rows
from gates.evidence.folder import Evidence
from gates.finding import TestSetOf

if TYPE_CHECKING:
    from gates.case.streamed import SummedSegment


class OnBase(Case):
    """Two models on the baseline's own test rows alone, by the baseline's labels and weights."""

    test_set_of = TestSetOf.BASELINE

    def __init__(self, whole: Case, arena: Arena) -> None:
        """The part of a case that one of its arenas is."""
        super().__init__(whole.settings, whole.candidate, whole.baseline)
        self._whole = whole
        self.arenas = (arena,)
        self.scored = arena.candidate
        self.test_set = whole.test_set

    @property
    def retrained(self) -> "tuple[tuple[tuple[Answers, ...], ...], ...]":
        """Of the baseline's rows, the last arena's."""
        return self._whole.retrained[-1:]

    @property
    def tested(self) -> Evidence:
        """The baseline."""
        return self.arenas[0].side

    @property
    def groups(self) -> Rows | None:
        """Those of the whole case: all comparisons of a verdict are tested together."""
        return self._whole.groups

    @cached_property
    def candidate_groups(self) -> Rows | None:
        """Codes of what the rows of `scored` belong with."""
        groups = self.groups
        return (
            None
            if groups is None
            else np.unique(groups[self.arenas[0].union], return_inverse=True)[1]
        )

    @property
    def scored_rows(self) -> Rows:
        """Places in the baseline's test table of the rows of `scored`, shape (rows,)."""
        return self.arenas[0].rows

    def positions(self, rows: Rows) -> Rows:
        """Positions in `scored` of rows of the baseline's test table."""
        place = np.full(self.tested.test.rows, -1, dtype=np.intp)
        place[self.arenas[0].rows] = np.arange(len(self.arenas[0].rows))
        return place[rows][place[rows] >= 0]

    def candidate_segments(
        self, columns: tuple[str, ...]
    ) -> "list[tuple[dict[str, str], Rows | SummedSegment]]":
        """Segments by the baseline's columns: name, and positions in `scored`."""
        found = self.arenas[0].segments(columns)
        return [(dict(zip(columns, values, strict=True)), rows) for values, rows in found.items()]
