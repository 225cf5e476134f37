"""The case that a verdict is about: both models' scores of the same rows.

When a pull request changes the test set, both models are scored on both, and what is judged is the
mean of the two differences: the model's part of the change (`statistics.md` §6). The baseline's own
rows, by its own labels, are judged by themselves as well: a pull request must not choose what it is
judged on (docs/decisions/0010).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gates.case.anchor import Anchor, NoAnchor
from gates.case.answers import Answers, answer
from gates.case.arena import Arena, NotComparableError
from gates.case.ask import Ask
from gates.case.described import describe_other_label, describe_test_set
from gates.case.grouped import group_all, group_candidate
from gates.case.joined import join_answers, retrained_on
from gates.case.segments import Rows, split_by
from gates.case.tested_rows import TestedRows
from gates.errors import EvidenceError, PolicyError
from gates.evidence.columns import Role
from gates.evidence.folder import Evidence
from gates.finding import PolicyChange, TestSet, TestSetOf
from gates.metrics import metrics_called
from gates.metrics.metric import Metric
from gates.policy.settings import Settings
from gates.tables.table import Floats

if TYPE_CHECKING:
    from gates.case.effect import Effect
    from gates.case.streamed import Streamed, SummedSegment

    Part = Rows | SummedSegment  # of an arena


class Case:
    """What gates judge: the settings, the candidate, the baseline where there is one.

    `reference` is the anchor's name where the baseline is the anchor, else `None`; `test_set_of`
    says whose test rows it is about where they are not the candidate's own.
    """

    test_set_of: TestSetOf | None = None

    def __init__(
        self,
        settings: Settings,
        candidate: Evidence,
        baseline: Evidence | None,
        policy_changes: tuple[PolicyChange, ...] = (),
        *,
        anchor: Anchor | NoAnchor | None = None,
        reference: str | None = None,
        asked: tuple[Ask, ...] = (),
        beside: "Case | None" = None,
    ) -> None:
        """Bring both sides together.

        Args:
            settings: the policy's.
            candidate: what is judged.
            baseline: what it is compared with, where there is anything.
            policy_changes: what the candidate's policy asks otherwise.
            anchor: the last release, or why there is none.
            reference: the anchor's name, where the baseline is the anchor.
            asked: what gates will ask, so that large evidence can be judged in passes.
            beside: of an anchor, the comparison with the merge base, whose labels are believed.

        Raises:
            EvidenceError: the two sides do not speak of the same label.
        """
        self.settings = settings
        self.candidate = candidate
        self.baseline = baseline
        self.policy_changes = policy_changes
        self.anchor = anchor
        self.reference = reference
        self.asked = asked
        self.tested_rows = TestedRows(candidate, baseline, settings.segment_columns)
        self.effects: list[tuple[Metric[Any], Effect]] = []  # of all rows, as they were measured
        self.beside = beside
        if reference is None and (differ := self.labels_differ):
            raise EvidenceError(
                f"{candidate.folder / 'columns.yaml'}: {differ}. Keep the label's name and meaning."
            )

    @cached_property
    def references(self) -> "tuple[Case, ...]":
        """The candidate against each reference: the merge base (this case), then the anchor."""
        anchor = self.anchor
        if self.baseline is None or not isinstance(anchor, Anchor):
            return (self,)
        name = anchor.side.tag or anchor.side.revision
        against = Case(
            self.settings,
            self.candidate,
            anchor.evidence,
            reference=name,
            asked=self.asked,
            beside=self,
        )
        return (self, against)

    @cached_property
    def streamed(self) -> "Streamed | None":
        """The case of evidence too large for memory, where passes over it can judge it.

        Raises:
            EvidenceError: a table cannot be read, or does not fit the others.
        """
        return None if isinstance(self._streamed, str) else self._streamed

    @property
    def why_by_rows(self) -> str:
        """Why all rows are needed in memory though they are many; nothing where they are not."""
        return self._streamed if isinstance(self._streamed, str) else ""

    @cached_property
    def _streamed(self) -> "Streamed | str | None":
        if not self.asked or not self.candidate.is_large:
            return None
        from gates.case.passes import stream  # noqa: PLC0415 - large tables need it

        return stream(self)

    def metrics(self, name: str) -> Mapping[str, Metric[Any]]:
        """What a metric of the policy stands for, by the name that is shown: one, or one per class.

        Raises:
            PolicyError: the task has no such metric.
        """
        task = self.settings.task
        found = metrics_called(name, task, self.candidate.classes)
        if not found:
            raise PolicyError(
                f"gates.task: {task} has no metric {name}. Mend the one or the other."
            )
        return found

    @cached_property
    def scored(self) -> Answers:
        """The candidate on its own test rows; those of weight 0 are left out."""
        return self.answer(self.candidate, self.counted, self.candidate.scores[self.counted])

    @property
    def judged(self) -> "Answers | SummedSegment":
        """`scored`, or the sums over its rows."""
        return self.scored if self.streamed is None else self.streamed.whole

    def judged_in(self, rows: "Rows | SummedSegment") -> "Answers | SummedSegment":
        """The candidate in one of its segments."""
        return self.scored.take(rows) if isinstance(rows, np.ndarray) else rows

    def repeated(self, scores: Floats) -> Answers:
        """What a repeated training says of the rows of `scored`."""
        return self.answer(self.candidate, self.counted, scores[self.counted])

    @property
    def tested(self) -> Evidence:
        """Whose test table it is that the candidate is judged on."""
        return self.candidate

    @cached_property
    def on_base(self) -> "Case | None":
        """The same two models on the baseline's own test rows, where these are others.

        `None` too where there are none that could be judged.
        """
        if self.baseline is None or self.reference or not self.test_set.changed:
            return None
        try:
            arena = self.arenas[-1]
        except NotComparableError:
            return None
        if not self.on_both and arena.side is not self.baseline:
            return None
        from gates.case.on_base import OnBase  # noqa: PLC0415 - which is a case itself

        return OnBase(self, arena)

    @property
    def on_both(self) -> bool:
        """Whether both models are scored on two test sets."""
        return len(self.arenas) > 1

    @property
    def weighted(self) -> bool:
        """Whether some rows count more than others."""
        return self.settings.sample_weight is not None

    @cached_property
    def counted(self) -> Rows | slice:
        """Places in the candidate's test table of the rows of `scored`."""
        weights = self.candidate.weights
        return slice(None) if weights is None else np.flatnonzero(weights > 0)

    @property
    def scored_rows(self) -> Rows:
        """Places in the test table of `tested` of the rows of `scored`, shape (rows,)."""
        return np.arange(self.candidate.test.rows)[self.counted]

    def positions(self, rows: Rows) -> Rows:
        """Positions in `scored` of rows of the candidate's test table."""
        if isinstance(self.counted, slice):
            return rows
        place = np.full(self.candidate.test.rows, -1, dtype=np.intp)
        place[self.counted] = np.arange(len(self.counted))
        return place[rows][place[rows] >= 0]

    def candidate_segments(
        self, columns: tuple[str, ...]
    ) -> "list[tuple[dict[str, str], Rows | SummedSegment]]":
        """Segments of the candidate's test rows: name, and positions in `scored` or sums."""
        if self.streamed is not None:
            found = self.streamed.segments(columns)
            return [(dict(zip(columns, key, strict=True)), each) for key, each in found.items()]
        return [
            (segment.name, self.positions(segment.rows))
            for segment in split_by(columns, self.candidate.test, self.candidate.dictionary)
        ]

    def segments(self, columns: tuple[str, ...]) -> "list[Mapping[tuple[str, ...], Part]]":
        """Per arena, positions in it by the values of the columns; or the sums, of one arena."""
        if self.streamed is not None:
            return [self.streamed.segments(columns)]
        return [arena.segments(columns) for arena in self.arenas]

    @cached_property
    def test_set(self) -> TestSet:
        """Which rows are judged, and how they differ from the baseline's."""
        return describe_test_set(self)

    @cached_property
    def arenas(self) -> tuple[Arena, ...]:
        """The test sets on which both models are scored: one, or both sides' where they differ.

        Rows that either model was trained on are left out: a model is not compared on what it
        has learnt by heart.

        Raises:
            NotComparableError: no baseline, or no rows that both models have scored.
        """
        return join_answers(self)

    @cached_property
    def retrained(self) -> "tuple[tuple[tuple[Answers, ...], ...], ...]":
        """By arena, the baseline's model and its repeats, where its training was repeated there.

        Only other seeds count: the same seed gives the same model, or should. The candidate's own
        repeats do not: a pull request must not say how wide the intervals are that judge it.
        """
        return tuple(tuple(retrained_on(self, arena)) for arena in self.arenas)

    @cached_property
    def candidate_groups(self) -> Rows | None:
        """Codes of what the rows of `scored` belong with, shape (rows,).

        `None` where the dictionary names no group, so that every row stands for itself. A row
        without a group is a group of its own.
        """
        return group_candidate(self)

    @cached_property
    def groups(self) -> Rows | None:
        """The same for the union of all arenas' rows and all of the candidate's."""
        return group_all(self)

    @property
    def union_rows(self) -> int:
        """One more than the largest place in the union of all arenas."""
        return 1 + max(int(arena.union.max()) for arena in self.arenas)

    @property
    def labels_differ(self) -> str:
        """What tells the two sides' labels apart; nothing where they are the same."""
        return describe_other_label(self)

    @property
    def group_column(self) -> str | None:
        """The column by which rows hang together, the baseline's first.

        A pull request must not say how wide its intervals are.
        """
        sides = [side for side in (self.baseline, self.candidate) if side is not None]
        names = [name for side in sides for name in side.dictionary.with_role(Role.GROUP)]
        return next((name for name in names if name in self.candidate.test), None)

    def answer(self, side: Evidence, rows: Rows | slice, scores: Floats) -> Answers:
        """What a model says of some rows of a side's test table, with that side's labels."""
        return answer(
            self.settings.task,
            side.labels[rows],
            scores,
            decision_threshold=self.settings.decision_threshold,
            weights=None if side.weights is None else side.weights[rows],
        )
