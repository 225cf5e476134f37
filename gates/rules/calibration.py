"""Gate `calibration`."""

from collections.abc import Iterator
from typing import ClassVar

from gates.case import Case
from gates.effect import CONFIDENCE
from gates.finding import Family, Limit, Mode, Observation, Subject, Support
from gates.rules.gate import Gate, Item, Measurement
from gates.rules.margin import cannot_tell
from gates.settings import Probability
from gates.stats.calibration import Calibration, measure_calibration
from gates.stats.estimate import Estimate
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

_MEND = (
    "Look at which rows the scores are off for (a new period, a reweighted training set), and "
    "recalibrate on validation rows like those that will be served."
)


class CalibrationGate(Gate, frozen=True, kw_only=True):
    """Blocks a model whose scores do not mean what they say.

    What it blocks: a typical distance between a score and the share of rows for which it comes
    true, over fifteen bins of equal size, that is provably beyond `ceiling`. The distance is
    debiased, so a calibrated model has none, however few rows there are.

    Why: AUC and recall do not change when every score is too high; prices, thresholds and
    decisions made from the scores do.

    What it does not see: one segment that is too high and another that is too low by as much, and
    whether the model ranks well.

    Example:
        calibration: {ceiling: 0.02}
    """

    family: ClassVar[Family] = Family.METRICS
    ceiling: Probability = 0.05
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """The calibration error of the candidate on its own test rows, and its bias beside it."""
        subject = Subject(metric="calibration_error")
        limit = Limit(ceiling=self.ceiling, mode=self.mode)
        rows = case.candidate.test.rows
        try:
            found = measure_calibration(case.scored.labels, case.scored.scores, CONFIDENCE)
        except UndefinedError as error:
            yield cannot_tell(subject, limit, str(error), rows)
            return
        yield Measurement(
            subject=subject,
            limit=limit,
            value=found.root_mean_square,
            interval=(found.interval.lower, found.interval.upper),
            p_value=_p_of_keeping(found, self.ceiling),
            mend=_MEND,
            support=Support(rows=rows, positives=int(case.scored.labels.sum())),
        )
        bias = found.bias
        yield Observation(
            subject=Subject(metric="mean score minus positive rate"),
            message="Above zero the scores are too high on average, below it too low.",
            candidate=bias.value,
            interval=(bias.interval(CONFIDENCE).lower, bias.interval(CONFIDENCE).upper),
            support=Support(rows=rows),
        )


def _p_of_keeping(found: Calibration, ceiling: float) -> float:
    """P-value of an error within the ceiling, by the lower half of its interval."""
    reach = found.root_mean_square - found.interval.lower
    estimate = Estimate(value=found.root_mean_square, standard_error=reach / critical_z(CONFIDENCE))
    return estimate.p_at_most(ceiling)
