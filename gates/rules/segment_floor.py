"""Gate `segment_floor`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np

from gates.case.ask import Ask
from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Family, Mode
from gates.judging.bound import limit_of, measure
from gates.judging.margin import mend_in, on_each_test_set, subject_in
from gates.metrics import DirectedMetric
from gates.rules.gate import NOT_EMPTY, Gate, Item, NotApplicableError, Value
from gates.rules.segment_regression import too_small, without_weight

if TYPE_CHECKING:
    from gates.case.case import Part

_MEND = "Add or relabel training rows of this segment, or say why it may be worse."


class SegmentFloor(Gate, frozen=True, kw_only=True):
    """Blocks a model that is too bad for one segment, whatever the baseline was.

    What it blocks: in any declared segment, a metric that is provably beyond its absolute limit;
    where the pull request changes the test set, on the baseline's test set as well.

    Why: a model that is good on average and useless for one group of people should not be
    served to that group, even if it always was so.

    What it does not see: segments that nobody declared, and segments of fewer than `min_rows`,
    which are counted and named as too small.

    Example:
        segment_floor:
          metrics: {accuracy: 0.75}
    """

    family: ClassVar[Family] = Family.SEGMENTS
    metrics: Annotated[dict[DirectedMetric, Value], NOT_EMPTY]
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 30
    mode: Mode = Mode.GUARD

    def asks(self, evidence: Evidence) -> Iterator[Ask]:
        """Each metric in each declared segment."""
        for columns in evidence.settings.segment_columns:
            yield from (Ask(metric, columns) for metric in self.metrics)

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per metric and segment; what is too small is counted in one finding."""
        if not case.settings.segments:
            raise NotApplicableError("`gates.segments` declares no segment")
        for of in on_each_test_set(case):
            yield from self._judge_segments(of)

    def _judge_segments(self, case: Case) -> Iterator[Item]:
        for columns in case.settings.segment_columns:
            small: list[int] = []
            for segment, rows in case.candidate_segments(columns):
                if not len(rows) and case.weighted:
                    yield without_weight(case, segment)
                elif len(rows) < self.min_rows:
                    small.append(len(rows))
                else:
                    yield from self._judge_segment(case, segment, rows)
            if small:
                yield too_small(case, columns, small, self.min_rows)

    def _judge_segment(self, case: Case, segment: dict[str, str], rows: "Part") -> Iterator[Item]:
        groups, answers = case.candidate_groups, case.judged_in(rows)
        for named, bound in self.metrics.items():
            for name, metric in case.metrics(named).items():
                yield measure(
                    subject_in(case, metric=name, segment=segment),
                    metric,
                    answers,
                    limit_of(metric, bound, self.mode),
                    groups=groups[rows]
                    if groups is not None and isinstance(rows, np.ndarray)
                    else None,
                    mend=mend_in(case, _MEND),
                )
