"""Gate `segment_floor`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from gates.case import Case
from gates.finding import Family, Mode
from gates.metrics import DirectedMetric
from gates.rules.bound import limit_of, measure
from gates.rules.gate import NOT_EMPTY, Gate, Item, NotApplicableError
from gates.rules.segment_regression import too_small, without_weight
from gates.segments import Segment

_MEND = "Add or relabel training rows of this segment, or say why it may be worse."


class SegmentFloor(Gate, frozen=True, kw_only=True):
    """Blocks a model that is too bad for one segment, whatever the baseline was.

    What it blocks: in any declared segment, a metric that is provably beyond its absolute limit.

    Why: a model that is good on average and useless for one group of people should not be
    served to that group, even if it always was so.

    What it does not see: segments that nobody declared, and segments of fewer than `min_rows`,
    which are counted and named as too small.

    Example:
        segment_floor:
          metrics: {accuracy: 0.75}
    """

    family: ClassVar[Family] = Family.SEGMENTS
    metrics: Annotated[dict[DirectedMetric, float], NOT_EMPTY]
    min_rows: int = 30
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per metric and segment; what is too small is counted in one finding."""
        if not case.settings.segments:
            raise NotApplicableError("`gates.segments` declares no segment")
        for columns in case.settings.segment_columns:
            small: list[int] = []
            for segment in case.candidate_segments(columns):
                if not len(segment.rows) and case.weighted:
                    yield without_weight(segment.name)
                elif len(segment.rows) < self.min_rows:
                    small.append(len(segment.rows))
                else:
                    yield from self._judge_segment(case, segment)
            if small:
                yield too_small(columns, small, self.min_rows)

    def _judge_segment(self, case: Case, segment: Segment) -> Iterator[Item]:
        rows, groups = segment.rows, case.candidate_groups
        answers = case.scored.take(rows)
        for named, bound in self.metrics.items():
            for name, metric in case.metrics(named).items():
                yield measure(
                    name,
                    metric,
                    answers,
                    limit_of(metric, bound, self.mode),
                    groups=None if groups is None else groups[rows],
                    segment=segment.name,
                    mend=_MEND,
                )
