"""Gate `weak_segments`."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec

from gates.case.answers import Task
from gates.case.arena import NotComparableError
from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.margin import cannot_tell
from gates.judging.predicates import DEEP_COLUMNS, Searched, rows_of, searched_columns
from gates.judging.row_losses import RowLoss, row_losses, usual_loss
from gates.judging.searched_rows import Ground
from gates.judging.segment_advice import advise
from gates.metrics import range_of
from gates.metrics.metric import RATE, Range
from gates.rules.gate import Change, Gate, Item, Measurement, NotApplicableError
from gates.stats.covering import MIN_ROWS
from gates.stats.paired import paired_mean
from gates.stats.slices import (
    Slice,
    SliceSearch,
    find_weak_slices,
    find_worse_slices,
    rows_to_prove,
)
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats

_MARGIN = 0.1  # of a loss of probabilities; of a number, that part of the baseline's own loss
_SHARE_TO_SEE = 0.1  # of the rows: what a slice must hold to be worth finding
_SHOWN = 5
_WORSE = Subject(key="segments that got worse")
_WEAK = Subject(key="segments that are weak")

Predicates = Annotated[int, msgspec.Meta(ge=1, le=3)]


class WeakSegments(Gate, frozen=True, kw_only=True):
    """Searches all segments of up to three predicates for those where the model fails.

    What it blocks: a segment that nobody declared, and whose mean loss provably grew by more than
    `margin` against the baseline on the same rows (by default 0.1; of a regression a tenth of the
    baseline's mean loss). The `loss` is log_loss, brier_score_loss or error_rate, of a regression
    mean_absolute_error. Segments where the candidate is weaker than elsewhere, by more than
    `excess`, are named with what to do about their data; with `mode: strict` they block too.

    Why: nobody declares the segment that breaks. A predicate is one level of a column or one band
    of a number (the dictionary's, else quarters); all combinations of them are searched, and what
    is found must be surer than the best of so many would be by chance. Many segments overlap, so
    the shortest description of them is told.

    What it does not see: segments of fewer than 50 rows, or of four predicates; those of three
    beyond the 12 columns that are declared or sensitive, or split the rows most, and of 41 columns
    and more all beyond 40, unless `columns` names others; free text, images and identifiers; what
    was lost in many small steps (`segment_regression` with an anchor). Where rows hang together in
    groups, it looks at one row of each. Weak is a level: rows that are hard for every model are
    named too.

    Example:
        weak_segments: {margin: 0.1}
    """

    family: ClassVar[Family] = Family.SEGMENTS
    loss: RowLoss | None = None  # by default log loss, or of a regression the absolute error
    margin: Change | None = None  # largest growth of a segment's mean loss
    excess: Change = 0.0  # of a segment's mean loss over that of all rows
    columns: tuple[str, ...] = ()  # by default features, and declared and sensitive segments
    predicates: Predicates = 3
    mode: Mode = Mode.GUARD

    def __post_init__(self) -> None:
        """Refuse a margin that every change breaks."""
        if self.margin == 0:
            raise ValueError("margin 0: every model is worse somewhere; expected more than 0.")

    def range_limited(self, task: Task) -> Range:
        """Of the loss, whose mean it compares."""
        loss = self.loss or usual_loss(task)
        return RATE if loss == "error_rate" else range_of(loss, task)

    def judge(self, case: Case) -> Iterator[Item]:
        """What got worse against the baseline, then what is weak."""
        loss = self.loss or usual_loss(case.settings.task)
        if (loss == "mean_absolute_error") is not (case.settings.task == "regression"):
            raise NotApplicableError(f"`loss: {loss}` is none of a {case.settings.task} task")
        declared = [name for columns in case.settings.segment_columns for name in columns]
        side = case.candidate
        columns = searched_columns(side.test, side.dictionary, declared, self.columns)
        if not columns:
            raise NotApplicableError("no column splits the test rows; name some by `columns`")
        try:
            if case.baseline is not None:
                yield from self._judge_worse(case, loss, columns)
            yield from self._judge_weak(case, loss, columns)
        except UndefinedError as error:
            limit = Limit(rule="scores are probabilities", mode=Mode.STRICT)
            yield cannot_tell(_WEAK, limit, str(error))

    def _judge_worse(self, case: Case, loss: RowLoss, columns: list[Searched]) -> Iterator[Item]:
        try:
            arena = case.arenas[-1]  # the baseline's own rows, where the pull request changes them
        except NotComparableError as error:
            yield cannot_tell(_WORSE, Limit(rule="no worse", mode=self.mode), str(error))
            return
        old, new = row_losses(loss, arena.baseline), row_losses(loss, arena.candidate)
        margin = self._margin(loss, old)
        limit = Limit(ceiling=margin, mode=self.mode)
        if margin == 0 or arena.baseline.same_as(arena.candidate):
            yield _same(limit, len(new))
            return
        groups = None if case.groups is None else case.groups[arena.union]
        ground = Ground(arena.side, arena.rows, arena.candidate, columns, groups)
        alpha = case.settings.alpha.other
        found = self._find_worse(ground, new - old - margin, alpha)
        for each in found.shown[:_SHOWN]:
            answers = arena.candidate.take(ground.inside(each))
            advice = advise(case.candidate, ground.columns, each, answers, each.rows / ground.rows)
            yield _measure(each, ground, loss, (old, new), limit, mend=advice)
        if not found.shown:
            slice_rows = rows_to_prove(float((new - old).std()), margin, found.searched, alpha)
            yield _none_worse(
                loss, limit, found.searched, ground.rows, math.ceil(slice_rows / _SHARE_TO_SEE)
            )
            for each in self._find_worse(ground, new - old - margin / 10, alpha).shown[:_SHOWN]:
                yield _within(each, ground, loss, (old, new))

    def _margin(self, loss: RowLoss, old: Floats) -> float:
        if self.margin is not None:
            return self.margin
        return _MARGIN * (float(old.mean()) if loss == "mean_absolute_error" else 1.0)

    def _find_worse(self, ground: Ground, values: Floats, alpha: float) -> SliceSearch:
        return find_worse_slices(
            ground.codes,
            ground.weigh(values),
            alpha=alpha,
            predicates=self.predicates,
            deep=DEEP_COLUMNS,
        )

    def _judge_weak(self, case: Case, loss: RowLoss, columns: list[Searched]) -> Iterator[Item]:
        answers = case.scored
        losses = row_losses(loss, answers)
        ground = Ground(case.candidate, case.scored_rows, answers, columns, case.candidate_groups)
        average = float(ground.weigh(losses).sum() / ground.weights.sum())
        found = find_weak_slices(
            ground.codes,
            ground.weigh(losses - average),
            alpha=case.settings.alpha.segments,
            margin=self.excess,
            predicates=self.predicates,
            deep=DEEP_COLUMNS,
        )
        strict = self.mode is Mode.STRICT
        limit = Limit(ceiling=average + self.excess, mode=self.mode)
        if not (strict and found.shown):
            yield _count(limit, loss, ground.rows, found)
        for each in found.shown[:_SHOWN]:
            share = each.rows / ground.rows
            inside = answers.take(ground.inside(each))
            advice = advise(case.candidate, ground.columns, each, inside, share)
            value = ground.mean(losses, each)
            subject = Subject(metric=loss, segment=ground.name(each))
            message = (
                f"{subject.text()} is {value:.4f}, of all rows {average:.4f}; it holds "
                f"{each.rows:,} rows ({share:.1%})."
            )
            if strict:
                yield Finding(
                    subject=subject,
                    state=State.FAILED,
                    limit=limit,
                    message=message,
                    mend=advice,
                    candidate=value,
                    greater_is_better=False,
                    p_value=each.p_value,
                    support=Support(rows=each.rows),
                )
            else:
                yield Observation(
                    subject=subject,
                    message=f"{message} {advice}",
                    candidate=value,
                    greater_is_better=False,
                    support=Support(rows=each.rows),
                )


def _measure(
    found: Slice,
    ground: Ground,
    loss: RowLoss,
    losses: tuple[Floats, Floats],
    limit: Limit,
    *,
    mend: str,
) -> Measurement:
    before, after = (ground.mean(one, found) for one in losses)
    grown = ground.weigh(losses[1] - losses[0])[rows_of(found, ground.codes)]
    around = paired_mean(grown / float(ground.weights[rows_of(found, ground.codes)].mean()))
    interval = around.interval(CONFIDENCE)
    segment = ground.name(found)
    return Measurement(
        subject=Subject(metric=f"{loss}_growth", segment=segment),
        limit=limit,
        value=after - before,
        interval=(interval.lower, interval.upper),
        p_value=found.p_value,
        message=(
            f"{Subject(metric=loss, segment=segment).text()}: {before:.4f} → {after:.4f} on "
            f"{found.rows:,} rows, grown by {after - before:.4f}; of any segment "
            f"{limit.ceiling:.4g} is accepted."
        ),
        mend=mend,
        support=Support(rows=found.rows),
    )


def _within(
    found: Slice, ground: Ground, loss: RowLoss, losses: tuple[Floats, Floats]
) -> Observation:
    """A segment that provably got worse, though not provably by more than the margin."""
    before, after = (ground.mean(one, found) for one in losses)
    subject = Subject(metric=loss, segment=ground.name(found))
    return Observation(
        subject=subject,
        message=(
            f"{subject.text()} got worse, not provably beyond the margin: {before:.4f} → "
            f"{after:.4f} on {found.rows:,} rows."
        ),
        baseline=before,
        candidate=after,
        change=after - before,
        greater_is_better=False,
        support=Support(rows=found.rows),
    )


def _none_worse(loss: RowLoss, limit: Limit, searched: int, rows: int, needed: int) -> Finding:
    enough = rows >= needed
    share = (
        f"a segment of {_SHARE_TO_SEE:.0%} of the rows that loses {2 * (limit.ceiling or 0):.4g}"
    )
    message = (
        f"None of {searched:,} segments has provably lost more than {limit.ceiling:.4g} in {loss}, "
        f"on {rows:,} rows; {share} would be found."
        if enough
        else f"{_WORSE.text()}: cannot be judged: about {needed:,} rows would show {share}, here "
        f"are {rows:,}."
    )
    return Finding(
        subject=_WORSE,
        state=State.PASSED if enough else State.UNDECIDED,
        limit=limit,
        message=message,
        mend="" if enough else "Give the test set more rows, or accept a larger margin.",
        support=Support(rows=rows),
        rows_needed=None if enough else needed,
    )


def _same(limit: Limit, rows: int) -> Finding:
    return Finding(
        subject=_WORSE,
        state=State.PASSED,
        limit=limit,
        message="Identical predictions: no segment got worse.",
        support=Support(rows=rows),
    )


def _count(limit: Limit, loss: RowLoss, rows: int, found: SliceSearch) -> Finding:
    """How many segments are weak: named, and only in strict mode judged one by one."""
    enough = found.searched > 0
    named = "; the weakest are named, and block with `mode: strict`" if found.shown else ""
    return Finding(
        subject=_WEAK,
        state=State.PASSED if enough else State.UNDECIDED,
        limit=Limit(rule=f"weak segments are named ({loss})", mode=limit.mode),
        message=(
            f"{found.significant:,} of {found.searched:,} segments provably have a mean {loss} "
            f"above {limit.ceiling:.4f}{named}."
            if enough
            else f"{_WEAK.text()}: cannot be judged: of {rows:,} rows no segment has {MIN_ROWS}."
        ),
        mend="" if enough else "Give the test set more rows.",
        support=Support(rows=rows),
    )
