"""The case that a verdict is about: both models' scores of the same rows.

When a pull request changes the test set, both models are scored on both, and what is judged is the
mean of the two differences: the model's part of the change (`statistics.md` §6). The baseline's own
rows, by its own labels, are judged by themselves as well: a pull request must not choose what it is
judged on (docs/decisions/0010).
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from gates.case.answers import Answers, answer
from gates.case.arena import Arena, NotComparableError
from gates.case.ask import Ask
from gates.case.segments import Rows, split_by
from gates.case.tested_rows import TestedRows
from gates.errors import EvidenceError, PolicyError
from gates.evidence.columns import Role
from gates.evidence.folder import AGAIN, Evidence
from gates.finding import PolicyChange, Side, TestSet, TestSetOf
from gates.metrics import metrics_called
from gates.metrics.metric import Metric
from gates.policy.settings import Settings
from gates.tables.table import Floats, Mask

if TYPE_CHECKING:
    from gates.case.effect import Effect
    from gates.case.streamed import Streamed, SummedSegment

    Part = Rows | SummedSegment  # of an arena


__all__ = ["Anchor", "Arena", "Case", "NoAnchor", "NotComparableError"]


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The last release, which a candidate is compared with beside its merge base."""

    side: Side
    evidence: Evidence


class NoAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no anchor though the policy asks for one; not an error."""

    reason: str


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
        self._beside = beside
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
        return self._answer(self.candidate, self.counted, self.candidate.scores[self.counted])

    @property
    def judged(self) -> "Answers | SummedSegment":
        """`scored`, or the sums over its rows."""
        return self.scored if self.streamed is None else self.streamed.whole

    def judged_in(self, rows: "Rows | SummedSegment") -> "Answers | SummedSegment":
        """The candidate in one of its segments."""
        return self.scored.take(rows) if isinstance(rows, np.ndarray) else rows

    def repeated(self, scores: Floats) -> Answers:
        """What a repeated training says of the rows of `scored`."""
        return self._answer(self.candidate, self.counted, scores[self.counted])

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
        rows, weights = self.candidate.test.rows, self.candidate.weights
        alone = TestSet(
            changed=False,
            digest=self.candidate.test_digest,
            rows=rows,
            sample_weight=self.settings.sample_weight or "",
            weightless=0 if weights is None else int(np.count_nonzero(weights == 0)),
        )
        if self.baseline is None or self.streamed is not None:
            return alone
        of_rows = self.tested_rows
        unpredicted, learnt = (0, 0) if self.reference else of_rows.unjudged
        alone = msgspec.structs.replace(
            alone,
            seen=int(np.count_nonzero(of_rows.seen(self.candidate))),
            unpredicted=unpredicted,
            learnt=learnt,
        )
        if not of_rows.changed:
            return alone
        kept = int(np.count_nonzero(of_rows.same))
        return msgspec.structs.replace(
            alone,
            changed=True,
            added=rows - kept,
            removed=self.baseline.test.rows - kept,
            relabelled=len(of_rows.same) - kept,
            edited=of_rows.edited,
        )

    @cached_property
    def arenas(self) -> tuple[Arena, ...]:
        """The test sets on which both models are scored: one, or both sides' where they differ.

        Rows that either model was trained on are left out: a model is not compared on what it
        has learnt by heart.

        Raises:
            NotComparableError: no baseline, or no rows that both models have scored.
        """
        if self.baseline is None:
            raise NotComparableError("there is no baseline")
        if differ := self.labels_differ:
            raise NotComparableError(differ)
        arenas: tuple[Arena, ...]
        if not self.test_set.changed:
            arenas = (self._same_rows(self.baseline),)
        elif self.reference is None:
            arenas = (*self._own_rows(), self._base_rows(self.baseline))
        else:
            arenas = (self._kept_rows(self.baseline),)
        arenas = tuple(arena for arena in arenas if len(arena.rows))
        if not arenas:
            share = "the test sets share no row that neither model was trained on"
            run = (
                ", and no model was run on the other's; let `gates.evidence.predict` say how to "
                "run a model"
            )
            raise NotComparableError(share if self.reference else share + run)
        return arenas

    @cached_property
    def retrained(self) -> "tuple[tuple[tuple[Answers, ...], ...], ...]":
        """By arena, the baseline's model and its repeats, where its training was repeated there.

        Only other seeds count: the same seed gives the same model, or should. The candidate's own
        repeats do not: a pull request must not say how wide the intervals are that judge it.
        """
        return tuple(tuple(self._retrained_on(arena)) for arena in self.arenas)

    def _retrained_on(self, arena: Arena) -> Iterator[tuple[Answers, ...]]:
        model = self.baseline
        if model is None or model.test_digest != arena.side.test_digest:
            return
        repeats = model.repeats_for(arena.side.ids)
        seeds = [scores for run, scores in repeats.items() if run != AGAIN]
        if seeds:
            others = (self._answer(arena.side, arena.rows, each[arena.rows]) for each in seeds)
            yield (arena.baseline, *others)

    @cached_property
    def candidate_groups(self) -> Rows | None:
        """Codes of what the rows of `scored` belong with, shape (rows,).

        `None` where the dictionary names no group, so that every row stands for itself. A row
        without a group is a group of its own.
        """
        if self._group_column is None:
            return None
        codes = self.candidate.test.categories(self._group_column).codes.astype(np.intp)
        alone = codes < 0
        codes[alone] = len(codes) + np.flatnonzero(alone)
        return np.unique(codes[self.counted], return_inverse=True)[1]

    @cached_property
    def groups(self) -> Rows | None:
        """The same for the union of all arenas' rows and all of the candidate's."""
        name = self._group_column
        if name is None or any(name not in arena.side.test for arena in self.arenas):
            return None
        # The anchor may be compared on rows of the candidate that are in no arena of this case.
        everywhere = np.arange(self.candidate.test.rows)
        parts = [(self.candidate, everywhere, everywhere)]
        parts += [(arena.side, arena.rows, arena.union) for arena in self.arenas]
        rows = max(self.union_rows, self.candidate.test.rows)
        codes = np.arange(rows)
        known: dict[str, int] = {}
        for side, at, union in parts:
            column = side.test.categories(name)
            places = [known.setdefault(level, len(known)) for level in column.levels]
            own = column.codes[at]
            grouped = own >= 0
            codes[union[grouped]] = rows + np.array(places)[own[grouped]]
        return np.unique(codes, return_inverse=True)[1]

    @property
    def union_rows(self) -> int:
        """One more than the largest place in the union of all arenas."""
        return 1 + max(int(arena.union.max()) for arena in self.arenas)

    @property
    def labels_differ(self) -> str:
        """What tells the two sides' labels apart; nothing where they are the same."""
        if self.baseline is None:
            return ""
        new, old = self.candidate.dictionary.label, self.baseline.dictionary.label
        whose = self.reference or "the baseline"
        if new != old:
            return (
                f"the label is {new!r}, {whose}'s is {old!r}; models of different labels cannot be "
                "compared"
            )
        if self.candidate.classes != self.baseline.classes:
            ours, theirs = map(", ".join, (self.candidate.classes, self.baseline.classes))
            return (
                f"the label's levels are {ours}, {whose}'s are {theirs}; models of different "
                "classes cannot be compared"
            )
        return ""

    @property
    def _group_column(self) -> str | None:
        """The baseline's first: a pull request must not say how wide its intervals are."""
        sides = [side for side in (self.baseline, self.candidate) if side is not None]
        names = [name for side in sides for name in side.dictionary.with_role(Role.GROUP)]
        return next((name for name in names if name in self.candidate.test), None)

    def _same_rows(self, baseline: Evidence) -> Arena:
        new, rows = self.candidate, self.tested_rows.judged(self.candidate)
        old_scores = baseline.scores_for("predictions.parquet", new.ids)
        return Arena(
            side=new,
            rows=rows,
            baseline=self._answer(new, rows, old_scores[rows]),
            candidate=self._answer(new, rows, new.scores[rows]),
            union=rows,
        )

    def _own_rows(self) -> Iterator[Arena]:
        """The candidate's test set, where the baseline's model was run on it."""
        new, old_scores = self.candidate, self.tested_rows.baseline_answers
        if old_scores is None:
            return
        rows = self.tested_rows.judged(new)
        yield Arena(
            side=new,
            rows=rows,
            baseline=self._answer(new, rows, old_scores[rows]),
            candidate=self._answer(new, rows, new.scores[rows]),
            union=rows,
        )

    def _base_rows(self, baseline: Evidence) -> Arena:
        """The baseline's test set, by its labels, as far as the candidate's model was run on it."""
        rows = self.tested_rows.judged(baseline)
        rows = rows[self.tested_rows.answered[rows]]
        scores = self.tested_rows.answers
        return Arena(
            side=baseline,
            rows=rows,
            baseline=self._answer(baseline, rows, baseline.scores[rows]),
            candidate=self._answer(baseline, rows, scores[rows]),
            union=self.tested_rows.union[rows],
        )

    def _kept_rows(self, anchor: Evidence) -> Arena:
        """Rows of a release, but those that the merge base has corrected since."""
        new, of_rows = self.candidate, self.tested_rows
        at_new, at_old = of_rows.shared
        fair = self._as_at_the_merge_base(anchor)
        fair = fair & np.isin(at_new, of_rows.judged(new)) & np.isin(at_old, of_rows.judged(anchor))
        at_new, at_old = at_new[fair], at_old[fair]
        return Arena(
            side=new,
            rows=at_new,
            baseline=self._answer(anchor, at_old, anchor.scores[at_old]),
            candidate=self._answer(anchor, at_old, new.scores[at_new]),
            union=at_new,
        )

    def _as_at_the_merge_base(self, anchor: Evidence) -> Mask:
        """Which rows shared with the anchor the merge base labels alike; its word counts first."""
        _, at_old = self.tested_rows.shared
        fair, beside = self.tested_rows.same, self._beside
        if beside is None or beside.baseline is None or not beside.test_set.changed:
            return fair
        of_base = TestedRows(beside.baseline, anchor)
        by_base = np.full(anchor.test.rows, -1, dtype=np.intp)
        by_base[of_base.shared[1]] = of_base.same
        said = by_base[at_old]
        return np.where(said < 0, fair, said > 0)

    def _answer(self, side: Evidence, rows: Rows | slice, scores: Floats) -> Answers:
        return answer(
            self.settings.task,
            side.labels[rows],
            scores,
            decision_threshold=self.settings.decision_threshold,
            weights=None if side.weights is None else side.weights[rows],
        )
