"""The case that a verdict is about: both models' scores of the same rows.

When a pull request changes the test set, both models are scored on both, and what is judged is the
mean of the two differences: the model's part of the change (`statistics.md` §6).
"""

from functools import cached_property

import msgspec
import numpy as np

from gates.errors import EvidenceError, GatesError
from gates.evidence import Evidence
from gates.finding import PolicyChange, TestSet
from gates.metrics import Scored
from gates.segments import Rows, Segment, split_by
from gates.settings import Settings
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask


class NotComparableError(GatesError):
    """The two models cannot be brought onto the same rows."""


class Arena(msgspec.Struct, frozen=True, dict=True):
    """One test set on which both models are scored.

    `union` are the rows' places among all rows of all arenas, shape (rows,); `share` is the
    arena's weight in a difference, and the shares of all arenas add up to 1.
    """

    side: Evidence  # whose test set it is
    rows: Rows  # of that side's test table
    baseline: Scored
    candidate: Scored
    union: Rows
    share: float

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


class Case:
    """What gates judge: the settings, the candidate, the baseline where there is one."""

    def __init__(
        self,
        settings: Settings,
        candidate: Evidence,
        baseline: Evidence | None,
        policy_changes: tuple[PolicyChange, ...] = (),
    ) -> None:
        """Bring both sides together.

        Raises:
            EvidenceError: the two sides do not speak of the same label.
        """
        self.settings = settings
        self.candidate = candidate
        self.baseline = baseline
        self.policy_changes = policy_changes
        if baseline is not None and baseline.dictionary.label != candidate.dictionary.label:
            raise EvidenceError(
                f"{candidate.folder / 'columns.yaml'}: the label is "
                f"{candidate.dictionary.label!r}, the baseline's is "
                f"{baseline.dictionary.label!r}; models of different labels cannot be compared. "
                "Keep the label's name and meaning."
            )

    @cached_property
    def scored(self) -> Scored:
        """The candidate on its own test rows."""
        return self._score(self.candidate.labels, self.candidate.scores)

    def candidate_segments(self, columns: tuple[str, ...]) -> list[Segment]:
        """Segments of the candidate's test rows."""
        return list(split_by(columns, self.candidate.test, self.candidate.dictionary))

    @cached_property
    def test_set(self) -> TestSet:
        """Which rows are judged, and how they differ from the baseline's."""
        rows, digest = self.candidate.test.rows, self.candidate.test_digest
        if self.baseline is None or self.baseline.test_digest == digest:
            return TestSet(changed=False, digest=digest, rows=rows)
        kept = len(self._kept[0])
        removed = self.baseline.test.rows - kept
        return TestSet(changed=True, digest=digest, rows=rows, added=rows - kept, removed=removed)

    @cached_property
    def arenas(self) -> tuple[Arena, ...]:
        """The test sets on which both models are scored: one, or both sides' where they differ.

        Raises:
            NotComparableError: no baseline, or no rows that both models have scored.
        """
        if self.baseline is None:
            raise NotComparableError("there is no baseline")
        if not self.test_set.changed:
            return (self._same_rows(self.baseline),)
        crossed = ("baseline_predictions.parquet", "predictions_on_baseline_test.parquet")
        if all(map(self.candidate.has, crossed)):
            return self._both_test_sets(self.baseline)
        return (self._kept_rows(self.baseline),)

    @property
    def union_rows(self) -> int:
        """How many distinct rows the arenas hold together."""
        return 1 + max(int(arena.union.max()) for arena in self.arenas)

    def _same_rows(self, baseline: Evidence) -> Arena:
        candidate = self.candidate
        every = np.arange(candidate.test.rows)
        scores = baseline.scores_for("predictions.parquet", candidate.ids)
        return Arena(
            side=candidate,
            rows=every,
            baseline=self._score(candidate.labels, scores),
            candidate=self.scored,
            union=every,
            share=1.0,
        )

    def _both_test_sets(self, baseline: Evidence) -> tuple[Arena, ...]:
        new = self.candidate
        every = np.arange(new.test.rows)
        old_on_new = new.scores_for("baseline_predictions.parquet", new.ids)
        new_on_old = new.scores_for("predictions_on_baseline_test.parquet", baseline.ids)
        at_new, at_old = self._kept
        union = np.arange(new.test.rows, new.test.rows + baseline.test.rows)
        union[at_old] = at_new
        removed = np.ones(baseline.test.rows, dtype=np.bool_)
        removed[at_old] = False
        union[removed] = new.test.rows + np.arange(int(removed.sum()))
        return (
            Arena(
                side=new,
                rows=every,
                baseline=self._score(new.labels, old_on_new),
                candidate=self.scored,
                union=every,
                share=0.5,
            ),
            Arena(
                side=baseline,
                rows=np.arange(baseline.test.rows),
                baseline=self._score(baseline.labels, baseline.scores),
                candidate=self._score(baseline.labels, new_on_old),
                union=union,
                share=0.5,
            ),
        )

    def _kept_rows(self, baseline: Evidence) -> Arena:
        at_new, at_old = self._kept
        if len(at_new) == 0:
            raise NotComparableError(
                "the test sets share no row, and neither model was run on the other's; let "
                "`gates.evidence.predict` say how to run a model on given rows"
            )
        return Arena(
            side=self.candidate,
            rows=at_new,
            baseline=self._score(self.candidate.labels[at_new], baseline.scores[at_old]),
            candidate=self._score(self.candidate.labels[at_new], self.candidate.scores[at_new]),
            union=np.arange(len(at_new)),
            share=1.0,
        )

    @cached_property
    def _kept(self) -> tuple[Rows, Rows]:
        """Places of the rows in both test sets with one label: the candidate's, the baseline's."""
        assert self.baseline is not None  # noqa: S101 - asked for only where there is one
        old = places_in(self.candidate.ids, self.baseline.ids)
        new = np.flatnonzero(old >= 0)
        same = self.candidate.labels[new] == self.baseline.labels[old[new]]
        return new[same], old[new[same]]

    def _score(self, labels: Mask, scores: Floats) -> Scored:
        return Scored(labels, scores, scores >= self.settings.decision_threshold)
