"""The test rows of two sides: which are the same, and which a model was trained on.

Rows are known by their identifier. What they are worth, label and weight, the baseline says where
both sides have them: a pull request must not choose what it is judged by.
"""

from functools import cached_property

import numpy as np

from gates.case.segments import Rows
from gates.evidence.columns import Role
from gates.evidence.folder import Evidence
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask
from gates.tables.words import read_words

OURS_ON_BASELINE_TEST = "predictions_on_baseline_test.parquet"
BASELINE_ON_OURS = "baseline_predictions.parquet"
_GROUPING = (Role.GROUP, Role.TIME)
_SAME = 1e-9  # answers closer than this are the same: statistics.md §0
_RECODED = 0.5  # share of the shared rows from which on other features are another coding


class TestedRows:
    """A candidate's test rows beside those of a baseline, where there is one."""

    __test__ = False  # pytest must not take it for a test

    def __init__(
        self,
        candidate: Evidence,
        baseline: Evidence | None,
        segments: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        """Nothing is read before it is asked for; `segments` are the policy's columns."""
        self.candidate = candidate
        self._segments = segments
        self.baseline = baseline
        self._seen: dict[tuple[int, int, str], Mask] = {}
        self._differ: dict[str, Mask] = {}

    @cached_property
    def shared(self) -> tuple[Rows, Rows]:
        """Places of the rows in both test sets, by their identifiers: ours, the baseline's."""
        old = places_in(self.candidate.ids, self._base.ids)
        new = np.flatnonzero(old >= 0)
        return new, old[new]

    @cached_property
    def same(self) -> Mask:
        """Which of the shared rows have one label and one weight."""
        at_new, at_old = self.shared
        same: Mask = self.candidate.labels[at_new] == self._base.labels[at_old]
        weights, weighed = self.candidate.weights, self._base.weights
        if weights is not None and weighed is not None:
            same = same & (weights[at_new] == weighed[at_old])
        return same

    @cached_property
    def changed(self) -> bool:
        """Whether the test sets differ, or how they are judged; of large ones a digest is no proof.

        They differ in rows, labels, weights, in the features of some rows, or in what segments and
        groups are made of. Features that are recoded throughout are no other test set.
        """
        new, old = self.candidate, self.baseline
        if old is None:
            return False
        if new.has_rows_of(old):
            return self.bands_differ
        if new.is_large:
            same = int(np.count_nonzero(self.same)) == new.test.rows == old.test.rows
        else:
            same = old.test_digest == new.test_digest
        return not same or self.bands_differ or self.edited > 0

    @cached_property
    def edited(self) -> int:
        """Shared rows with the same label, and other values by which they are known or judged."""
        moved = self.regrouped if self.recoded else self.regrouped | ~self.unmoved
        return int(np.count_nonzero(self.same & moved))

    @cached_property
    def recoded(self) -> bool:
        """Whether half of the shared rows or more have other features.

        Then features were computed otherwise, and a model that was trained on the new ones says
        nothing sensible of the old: each model is believed what it says in its own coding.
        """
        return bool(len(self.unmoved)) and float(np.mean(~self.unmoved)) >= _RECODED

    @cached_property
    def regrouped(self) -> Mask:
        """Which of the shared rows have another value in a column of `grouping`."""
        moved = np.zeros(len(self.shared[0]), dtype=np.bool_)
        for name in self.grouping:
            moved |= self.differ_in(name)
        return moved

    @cached_property
    def grouping(self) -> list[str]:
        """Columns by which rows are judged apart or together, that both test tables have.

        Segments of the policy; groups, periods and what is sensitive as the baseline says it.
        """
        entries = self._base.dictionary.columns
        named = [name for columns in self._segments for name in columns]
        named += [
            name for name, each in entries.items() if each.sensitive or each.role in _GROUPING
        ]
        return [name for name in dict.fromkeys(named) if self.in_both(name)]

    @property
    def bands_differ(self) -> bool:
        """Whether the dictionaries cut a column that both have into other segments."""
        new, old = self.candidate.dictionary.columns, self._base.dictionary.columns
        return any(new[name].segment != old[name].segment for name in new if name in old)

    @cached_property
    def union(self) -> Rows:
        """Places of the baseline's rows among all rows of both: ours first, then the others."""
        at_new, at_old = self.shared
        places = np.arange(self._base.test.rows) + self.candidate.test.rows
        places[at_old] = at_new
        return places

    @cached_property
    def answered(self) -> Mask:
        """Of which of the baseline's test rows the candidate's model says anything.

        Of all of them where it was run on them, else of those that are in its own test set too.
        """
        if self.candidate.has(OURS_ON_BASELINE_TEST):
            return np.ones(self._base.test.rows, dtype=np.bool_)
        known = np.zeros(self._base.test.rows, dtype=np.bool_)
        known[self.shared[1]] = True
        return known

    @cached_property
    def answers(self) -> Floats:
        """What it says of them, 0 where it says nothing; see `Evidence.scores_for`.

        Of a row that both test sets have with the same features a model has one answer, so that two
        files cannot say two things of it.
        """
        new, old = self.candidate, self._base
        at_new, at_old = self.shared
        if not new.has(OURS_ON_BASELINE_TEST):
            scores = np.zeros((old.test.rows, *new.scores.shape[1:]))
            scores[at_old] = new.scores[at_new]
            return scores
        scores = new.scores_for(OURS_ON_BASELINE_TEST, old.ids).copy()
        scores[at_old[self._own]] = new.scores[at_new[self._own]]
        return scores

    @property
    def baseline_answers(self) -> Floats | None:
        """What the baseline's model says of the candidate's rows; `None` where it was not run."""
        if not self.candidate.has(BASELINE_ON_OURS):
            return None
        at_new, at_old = self.shared
        scores = self.candidate.scores_for(BASELINE_ON_OURS, self.candidate.ids).copy()
        scores[at_new[self._own]] = self._base.scores[at_old[self._own]]
        return scores

    @cached_property
    def _own(self) -> Mask:
        """Shared rows of which each model's word on its own test row counts for both."""
        return np.ones_like(self.unmoved) if self.recoded else self.unmoved

    @cached_property
    def same_model(self) -> bool:
        """Whether the candidate says of all of the baseline's rows what the baseline says.

        Where it was not run on them, its answers to its own rows of those names are taken.
        """
        asked = bool(self.answered.all())
        return asked and np.allclose(self.answers, self._base.scores, rtol=_SAME, atol=_SAME)

    @cached_property
    def unmoved(self) -> Mask:
        """Which of the shared rows have the same features, as far as both tables have them."""
        same = np.ones(len(self.shared[0]), dtype=np.bool_)
        for name in self.candidate.dictionary.features:
            if self.in_both(name):
                same &= ~self.differ_in(name)
        return same

    def in_both(self, name: str) -> bool:
        """Whether both test tables have a column."""
        return name in self.candidate.test and name in self._base.test

    def differ_in(self, name: str) -> Mask:
        """Which of the shared rows have another value in a column that both tables have."""
        tables = self.candidate.test, self._base.test
        if tables[0] is tables[1]:
            return np.zeros(len(self.shared[0]), dtype=np.bool_)
        if name not in self._differ:
            at_new, at_old = self.shared
            differ = np.zeros(len(at_new), dtype=np.bool_)
            for new, old in read_words(name, tables):
                differ |= new[at_new] != old[at_old]
            self._differ[name] = differ
        return self._differ[name]

    @cached_property
    def unjudged(self) -> tuple[int, int]:
        """Rows of the baseline's test set that say nothing of the candidate though they could.

        How many of them it was not run on, and on how many it was trained, which the baseline was
        not. Both are the pull request's doing.
        """
        if self.baseline is None:
            return 0, 0
        side = self.baseline if self.changed else self.candidate
        ours = ~self.seen_by(self.baseline, side)
        if side.weights is not None:
            ours &= side.weights > 0
        learnt = self.seen_by(self.candidate, side)
        if not self.changed:
            return 0, int(np.count_nonzero(ours & learnt))
        known = self.answered
        return int(np.count_nonzero(ours & ~known)), int(np.count_nonzero(ours & known & learnt))

    def judged(self, side: Evidence) -> Rows:
        """Rows that neither model was trained on and that have a weight above 0."""
        seen = self.seen(side)
        return np.flatnonzero(~seen if side.weights is None else ~seen & (side.weights > 0))

    def seen(self, side: Evidence) -> Mask:
        """Which of a side's test rows either model was trained on."""
        seen = self.seen_by(self.candidate, side)
        return seen if self.baseline is None else seen | self.seen_by(self.baseline, side)

    def seen_by(self, model: Evidence, side: Evidence) -> Mask:
        """Which of a side's test rows one model was trained on; two may have one training table."""
        about = id(side), id(model.train), model.dictionary.id
        if about not in self._seen:
            seen = np.zeros(side.test.rows, dtype=np.bool_)
            if model.train_ids is not None:  # looked for among the test rows, which are fewer
                at = places_in(model.train_ids, side.ids)
                seen[at[at >= 0]] = True
            self._seen[about] = seen
        return self._seen[about]

    @property
    def _base(self) -> Evidence:
        assert self.baseline is not None  # noqa: S101 - asked for only where there is one
        return self.baseline
