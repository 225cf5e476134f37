"""The rows in which segments are searched, with their levels."""

import numpy as np

from gates.case.answers import Answers
from gates.case.segments import Rows
from gates.evidence.folder import Evidence
from gates.judging.predicates import Searched, name_of, rows_of
from gates.judging.twins import draw_rows
from gates.stats.slices import Slice
from gates.stats.weighted import require_weights
from gates.tables.mixing import mix_words
from gates.tables.table import Codes, Floats

MOST_ROWS = 1_000_000  # beyond them, so many are drawn: what more would show is too small to matter
_LOT = "5ea2c4ed"  # whichever; the same rows in every run


class Ground:
    """Rows that are searched: all that count, or one row of each group; at most `MOST_ROWS`.

    `at` are their positions among the answers.
    """

    def __init__(
        self,
        side: Evidence,
        rows: Rows,
        answers: Answers,
        columns: list[Searched],
        groups: Rows | None,
    ) -> None:
        """Choose the rows and code their columns.

        Args:
            side: whose test table it is.
            rows: places in that table of the answers.
            answers: of these rows.
            columns: to search.
            groups: what the rows belong with, where rows do not stand for themselves.
        """
        self.columns = [column for column in columns if column.name in side.test]
        self.at = _draw(np.arange(len(rows)) if groups is None else _one_of_each(groups))
        self.codes: list[Codes] = [
            column.codes(side.test)[rows[self.at]] for column in self.columns
        ]
        self.weights = require_weights(answers.weights, len(rows))[self.at]
        self.weighted = answers.weights is not None

    @property
    def rows(self) -> int:
        """How many are searched."""
        return len(self.at)

    def weigh(self, values: Floats) -> Floats:
        """What each searched row adds to a sum."""
        return np.asarray(self.weights * values[self.at])

    def inside(self, found: Slice) -> Rows:
        """Positions among the answers of the searched rows that a slice holds."""
        return np.asarray(self.at[rows_of(found, self.codes)])

    def mean(self, values: Floats, found: Slice) -> float:
        """Of a slice, by the rows' weights."""
        inside = rows_of(found, self.codes)
        weights = self.weights[inside]
        return float((weights * values[self.at][inside]).sum() / weights.sum())

    def name(self, found: Slice) -> dict[str, str]:
        """What a slice is called."""
        return name_of(self.columns, found)


def _draw(places: Rows) -> Rows:
    return places[draw_rows(len(places), MOST_ROWS, _LOT)] if len(places) > MOST_ROWS else places


def _one_of_each(groups: Rows) -> Rows:
    """The place of one row of each group, the same ones in every run."""
    places = np.arange(len(groups), dtype=np.uint64)
    order = np.argsort(mix_words(places, np.zeros_like(places)), kind="stable")
    return np.sort(order[np.unique(groups[order], return_index=True)[1]])
