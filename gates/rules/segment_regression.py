"""Gate `segment_regression`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from gates.case.answers import Task
from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.effect import Effect, measure_effect
from gates.evidence.folder import Evidence
from gates.finding import Family, Limit, Mode
from gates.judging.margin import (
    Margin,
    against_each,
    cannot_tell,
    compare,
    mend_in,
    subject_in,
    why_incomparable,
)
from gates.metrics import DirectedMetric, range_of
from gates.metrics.metric import Metric, Range
from gates.rules.gate import NOT_EMPTY, Change, Correction, Gate, Item, NotApplicableError
from gates.stats.undefined import UndefinedError

if TYPE_CHECKING:
    from gates.case.case import Part

_MEND = "Look at what the change did to these rows (training rows, labels, features), and mend it."


class Critical(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A segment with a margin of its own; it gets most of the segments' level alpha."""

    segment: dict[str, str]
    margin: Change
    mode: Mode = Mode.GUARD


class SegmentRegression(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that makes the model worse for one segment of the data.

    What it blocks: in any declared segment, a loss that is proven and at least as large as the
    margin. All metrics in all segments are tested together, so that declaring forty segments
    does not mean that one of them fails by chance. Where the pull request changes the test set, the
    baseline's own rows, in its segments and by its labels, are judged besides. With
    `references: [merge_base, anchor]` the same margins also bound the loss since the last release.

    Why: an average hides a broken segment. Flipping labels of one in ten positives can leave
    the AUC of a test set where it was while the model stops finding them.

    What it does not see: segments that nobody declared (`weak_segments` searches for them), and
    a segment that was weak before (`segment_floor`). Segments below `min_rows` are counted and
    named as too small, never taken for good. A critical segment that is too small, or that no row
    is in, is undecided by its own mode.

    Example:
        segment_regression:
          metrics:
            recall: {margin: 0.05}
          critical:
            - {segment: {sex: Female}, margin: 0.03, mode: strict}
    """

    family: ClassVar[Family] = Family.SEGMENTS
    metrics: Annotated[dict[DirectedMetric, Margin], NOT_EMPTY]
    critical: tuple[Critical, ...] = ()
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 30

    def asks(self, evidence: Evidence) -> Iterator[Ask]:
        """Each metric in each declared segment."""
        for columns in evidence.settings.segment_columns:
            yield from (Ask(metric, columns) for metric in self.metrics)

    def range_limited(self, task: Task) -> Range:
        """A critical segment's margin is of each metric, so of the narrowest."""
        return min((range_of(name, task) for name in self.metrics), key=lambda of: of.width)

    def judge(self, case: Case) -> Iterator[Item]:
        """One comparison per metric and segment; what is too small is counted in one finding."""
        if case.baseline is None:
            raise NotApplicableError("there is no baseline to compare with")
        if not case.settings.segments:
            raise NotApplicableError("`gates.segments` declares no segment")
        yield from against_each(case, self._judge_against)

    def _judge_against(self, case: Case) -> Iterator[Item]:
        if reason := why_incomparable(case):
            for name, _, margin in self._named(case):
                subject = subject_in(case, metric=name, key="segments")
                yield cannot_tell(subject, Limit(margin=margin.margin, mode=margin.mode), reason)
            for critical in self.critical:
                yield _not_judged(case, critical, reason)
            return
        for columns in case.settings.segment_columns:
            yield from self._judge_columns(case, columns)
        yield from self._judge_absent(case)

    def _judge_columns(self, case: Case, columns: tuple[str, ...]) -> Iterator[Item]:
        small: list[int] = []
        for segment, rows in _segments(case, columns):
            size = _size(rows)
            if size >= self.min_rows:
                for name, metric, margin in self._named(case):
                    yield self._judge_segment(
                        case, name, metric, margin, segment=segment, rows=rows
                    )
            elif (critical := self._critical(segment)) is not None:
                reason = f"{size} rows; at least {self.min_rows} are judged"
                yield _not_judged(case, critical, reason)
            elif not size and case.weighted:
                yield without_weight(case, segment)
            else:
                small.append(size)
        if small:
            yield too_small(case, columns, small, self.min_rows)

    def _named(self, case: Case) -> Iterator[tuple[str, Metric[Any], Margin]]:
        for named, margin in self.metrics.items():
            for name, metric in case.metrics(named).items():
                yield name, metric, margin

    def _judge_absent(self, case: Case) -> Iterator[Item]:
        """Critical segments that nobody looked at: misspelt, undeclared, or without a row."""
        declared = {frozenset(columns): columns for columns in case.settings.segment_columns}
        for critical in self.critical:
            columns = declared.get(frozenset(critical.segment))
            if columns is None:
                names = " × ".join(critical.segment)
                reason = f"`gates.segments` does not declare {names}"
                yield _not_judged(case, critical, reason)
            elif all(segment != critical.segment for segment, _ in _segments(case, columns)):
                yield _not_judged(case, critical, "no test row is in it")

    def _critical(self, segment: dict[str, str]) -> Critical | None:
        return next((each for each in self.critical if each.segment == segment), None)

    def _judge_segment(
        self,
        case: Case,
        name: str,
        metric: Metric[Any],
        margin: Margin,
        *,
        segment: dict[str, str],
        rows: "list[Part | None]",
    ) -> Item:
        critical = self._critical(segment)
        if critical is not None:
            margin = Margin(margin=critical.margin, mode=critical.mode)
        correction = Correction.SEGMENTS if critical is None else Correction.CRITICAL
        subject = subject_in(case, metric=name, segment=segment)
        try:
            effect: Effect = measure_effect(metric, case, rows)
        except UndefinedError as error:
            limit = Limit(margin=margin.margin, mode=margin.mode)
            return cannot_tell(subject, limit, str(error), _size(rows))
        return compare(
            name, metric, effect, margin, correction, subject=subject, mend=mend_in(case, _MEND)
        )


def _segments(
    case: Case, columns: tuple[str, ...]
) -> "Iterator[tuple[dict[str, str], list[Part | None]]]":
    """Every segment of any arena, with its rows in each."""
    by_arena = case.segments(columns)
    for values in dict.fromkeys(key for segments in by_arena for key in segments):
        rows = [segments.get(values) for segments in by_arena]
        yield dict(zip(columns, values, strict=True)), rows


def _size(rows: "list[Part | None]") -> int:
    return max(len(at) for at in rows if at is not None)


def _not_judged(case: Case, critical: Critical, reason: str) -> Item:
    limit = Limit(margin=critical.margin, mode=critical.mode)
    return cannot_tell(subject_in(case, segment=critical.segment), limit, reason)


def too_small(case: Case, columns: tuple[str, ...], sizes: list[int], min_rows: int) -> Item:
    """One finding for all segments that are too small to judge, with how many rows they hold."""
    many = "segment" if len(sizes) == 1 else "segments"
    return cannot_tell(
        subject_in(case, key=" × ".join(columns)),
        Limit(rule=f"at least {min_rows} rows", mode=Mode.GUARD),
        f"{len(sizes):,} {many} of fewer than {min_rows} rows, {sum(sizes):,} rows in all",
        sum(sizes),
    )


def without_weight(case: Case, segment: dict[str, str]) -> Item:
    """The finding of a segment none of whose rows counts."""
    return cannot_tell(
        subject_in(case, segment=segment),
        Limit(rule="rows with weight", mode=Mode.GUARD),
        "all its rows have weight 0, or a model was trained on them",
        0,
    )
