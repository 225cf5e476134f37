"""Gate `calibration`."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from gates.case.answers import Answers, Classified, Predicted
from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.case.segments import Rows, split_by
from gates.finding import Family, Limit, Mode
from gates.judging.declared import dictionaries_of
from gates.judging.margin import cannot_tell, mend_in, on_each_test_set, subject_in
from gates.judging.periods import time_segments
from gates.policy.settings import Columns
from gates.rules.gate import Gate, Item, Measurement, NotApplicableError, Share
from gates.rules.segment_regression import too_small
from gates.stats import calibration as stats
from gates.stats.estimate import Estimate
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats, Mask


class CalibrationGate(Gate, frozen=True, kw_only=True):
    """Blocks a model whose scores are not the probabilities that they claim to be.

    What it blocks: a calibration error provably above `ceiling`, on the candidate's test rows as a
    whole and in each period of the time column; where the pull request changes them, on the
    baseline's as well. With `segments: true` it is judged in each declared segment too, or in those
    by the columns that `segments` lists; all of them share one level, so that declaring forty does
    not mean that one fails by chance. The error is the typical distance between a score and the
    rate that comes true (root mean square over 15 bins), in units of probability, with the part
    that chance adds taken off: a calibrated model has about 0, however few its rows. Of many
    classes it is the decided one whose score is held to how often it is right.

    Why: the AUC knows ranks only. When a batch arrives broken, or the classes are reweighted, the
    ranks hold and every probability is off; whoever decides by them decides wrongly.

    What it does not see: scores that are wrong in both directions within one bin, and whether the
    pull request is to blame: it is the level that is judged. Segments of fewer than `min_rows` are
    counted and named as too small. A regression has no probabilities.

    Example:
        calibration: {ceiling: 0.02, segments: [sex, age]}
    """

    family: ClassVar[Family] = Family.METRICS
    ceiling: Share = 0.02
    segments: bool | tuple[Columns, ...] = False  # all that `gates.segments` declares, or these
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 300  # with fewer a good model looks like any
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement of all test rows, one per period of several, and one per segment."""
        if isinstance(case.scored, Predicted):
            raise NotApplicableError(
                "a regression has no probabilities; `group_disparity` and `segment_floor` with "
                "mean_absolute_error see where its predictions are off"
            )
        for of in on_each_test_set(case):
            yield from self._judge_rows(of)

    def _judge_rows(self, case: Case) -> Iterator[Item]:
        yield self._measure(case, np.arange(case.scored.rows), {})
        periods = time_segments(case.tested.test, *dictionaries_of(case))
        if len(periods) > 1:
            for period in periods:
                yield self._measure(case, case.positions(period.rows), period.name)
        for columns in self._columns(case):
            yield from self._judge_segments(case, columns)

    def _columns(self, case: Case) -> tuple[tuple[str, ...], ...]:
        if isinstance(self.segments, bool):
            return case.settings.segment_columns if self.segments else ()
        return tuple((each,) if isinstance(each, str) else each for each in self.segments)

    def _judge_segments(self, case: Case, columns: tuple[str, ...]) -> Iterator[Item]:
        small: list[int] = []
        for segment in split_by(columns, case.tested.test, case.tested.dictionary):
            rows = case.positions(segment.rows)
            if len(rows) >= self.min_rows:
                yield self._measure(case, rows, segment.name)
            else:
                small.append(len(rows))
        if small:
            yield too_small(case, columns, small, self.min_rows)

    def _measure(self, case: Case, rows: Rows, segment: dict[str, str]) -> Item:
        subject = subject_in(case, metric="calibration_error", segment=segment)
        limit = Limit(ceiling=self.ceiling, mode=self.mode)
        try:
            found = _calibration_of(case.scored, rows)
        except UndefinedError as error:
            return cannot_tell(subject, limit, str(error), len(rows))
        side = "high" if found.bias.value > 0 else "low"
        return Measurement(
            subject=subject,
            limit=limit,
            value=found.root_mean_square,
            interval=(found.interval.lower, found.interval.upper),
            p_value=_p_of_keeping(found, self.ceiling),
            mend=mend_in(
                case,
                f"These scores are on average {abs(found.bias.value):.4f} too {side}: find what "
                "changed in the rows or the class weights, then train or calibrate again.",
            ),
            baseline=_baseline_error(case, rows),
            support=case.scored.take(rows).support,
            rows_needed=_rows_needed(found, self.ceiling, len(rows)),
        )


def _calibration_of(answers: Answers, rows: Rows) -> stats.Calibration:
    part = answers.take(rows)
    right, probability = claims_of(part)
    return stats.measure_calibration(right, probability, CONFIDENCE, part.weights)


def claims_of(answers: Answers) -> tuple[Mask, Floats]:
    """What each row's score says comes true, and how often: the positive, or the decided class."""
    if isinstance(answers, Classified):
        return answers.labels == answers.predictions, answers.scores.max(axis=1)
    return answers.labels, answers.scores


def _baseline_error(case: Case, rows: Rows) -> float | None:
    """Of the baseline model on the same rows, where both sides have the same test set."""
    on_base = case.test_set_of is not None
    if case.baseline is None or (not on_base and (case.test_set.changed or case.test_set.seen)):
        return None
    return _calibration_of(case.arenas[0].baseline, rows).root_mean_square


def _rows_needed(found: stats.Calibration, ceiling: float, rows: int) -> int | None:
    """Rows that would leave the ceiling out of the interval, if the error stays what it is.

    At most so many: the square's interval shrinks with the root of the rows, or faster.
    """
    square = found.root_mean_square**2
    gap = abs(ceiling**2 - square)
    reach = found.interval.upper**2 - square
    needed = math.ceil(rows * (reach / gap) ** 2) if gap else 0
    return needed if needed > rows else None


def _p_of_keeping(found: stats.Calibration, ceiling: float) -> float:
    """P-value of a true error of at most the ceiling, by the width of the interval of its square.

    The squared error is the mean that is nearly normal; an estimate of 0 proves nothing.
    """
    if found.root_mean_square == 0:
        return 1.0
    square = found.root_mean_square**2
    error = (found.interval.upper**2 - square) / critical_z(CONFIDENCE)
    return Estimate(value=square, standard_error=error).p_at_most(ceiling**2)
