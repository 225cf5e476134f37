"""Gate `segment_regression`."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from gates.case import Case
from gates.effect import Effect, measure_effect
from gates.finding import Family, Limit, Mode, Subject
from gates.metrics import METRICS, DirectedMetric
from gates.rules.gate import Amount, Correction, Gate, Item, NotApplicableError
from gates.rules.margin import Margin, cannot_tell, compare
from gates.segments import Rows
from gates.stats.undefined import UndefinedError

_MEND = "Look at what the change did to these rows (training rows, labels, features), and mend it."


class Critical(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A segment with a margin of its own; it gets most of the segments' level alpha."""

    segment: dict[str, str]
    margin: Amount
    mode: Mode = Mode.GUARD


class SegmentRegression(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that makes the model worse for one segment of the data.

    What it blocks: in any declared segment, a loss that is proven and at least as large as the
    margin. All metrics in all segments are tested together, so that declaring forty segments
    does not mean that one of them fails by chance.

    Why: an average hides a broken segment. Flipping labels of one in ten positives can leave
    the AUC of a test set where it was while the model stops finding them.

    What it does not see: segments that nobody declared (`weak_segments` searches for them), and
    a segment that was weak before (`segment_floor`). Segments below `min_rows` are counted and
    named as too small, never taken for good.

    Example:
        segment_regression:
          metrics:
            recall: {margin: 0.05}
          critical:
            - {segment: {sex: Female}, margin: 0.03, mode: strict}
    """

    family: ClassVar[Family] = Family.SEGMENTS
    metrics: dict[DirectedMetric, Margin]
    critical: tuple[Critical, ...] = ()
    min_rows: int = 30

    def judge(self, case: Case) -> Iterator[Item]:
        """One comparison per metric and segment; what is too small is counted in one finding."""
        if case.baseline is None:
            raise NotApplicableError("there is no baseline to compare with")
        if not case.settings.segments:
            raise NotApplicableError("`gates.segments` declares no segment")
        for columns in case.settings.segment_columns:
            yield from self._judge_columns(case, columns)

    def _judge_columns(self, case: Case, columns: tuple[str, ...]) -> Iterator[Item]:
        by_arena = [arena.segments(columns) for arena in case.arenas]
        small: list[int] = []
        for values in dict.fromkeys(key for segments in by_arena for key in segments):
            rows = [segments.get(values) for segments in by_arena]
            size = max(len(at) for at in rows if at is not None)
            if size < self.min_rows:
                small.append(size)
                continue
            segment = dict(zip(columns, values, strict=True))
            for name, margin in self.metrics.items():
                yield self._judge_segment(case, name, margin, segment, rows)
        if small:
            yield too_small(columns, small, self.min_rows)

    def _judge_segment(
        self,
        case: Case,
        name: DirectedMetric,
        margin: Margin,
        segment: dict[str, str],
        rows: list[Rows | None],
    ) -> Item:
        critical = next((each for each in self.critical if each.segment == segment), None)
        if critical is not None:
            margin = Margin(margin=critical.margin, mode=critical.mode)
        correction = Correction.SEGMENTS if critical is None else Correction.CRITICAL
        try:
            effect: Effect = measure_effect(METRICS[name], case.arenas, rows)
        except UndefinedError as error:
            limit = Limit(margin=margin.margin, mode=margin.mode)
            size = max(len(at) for at in rows if at is not None)
            return cannot_tell(Subject(metric=name, segment=segment), limit, str(error), size)
        return compare(name, effect, margin, correction, segment=segment, mend=_MEND)


def too_small(columns: tuple[str, ...], sizes: list[int], min_rows: int) -> Item:
    """One finding for all segments that are too small to judge, with how many rows they hold."""
    return cannot_tell(
        Subject(key=" × ".join(columns)),
        Limit(rule=f"at least {min_rows} rows", mode=Mode.GUARD),
        f"{len(sizes):,} segments of fewer than {min_rows} rows, {sum(sizes):,} rows in all",
        sum(sizes),
    )
