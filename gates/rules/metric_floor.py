"""Gate `metric_floor`."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.evidence.folder import Evidence
from gates.finding import Family, Mode
from gates.judging.bound import limit_of, measure
from gates.judging.margin import mend_in, on_each_test_set, subject_in
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.rules.gate import NOT_EMPTY, Gate, Item, Value
from gates.stats.undefined import UndefinedError

_MEND = "Find what the model lost (segments, calibration, drift below), or argue for another floor."


class MetricFloor(Gate, frozen=True, kw_only=True):
    """Blocks a model whose metric lies beyond an absolute limit, whatever the baseline was.

    What it blocks: a metric that is provably below its floor (above its ceiling, where smaller is
    better) on the candidate's own test rows; where the pull request changes these, on the
    baseline's as well.

    Why: many small drops, each within its margin, add up. A floor is also all there is to judge
    a first pull request by, before there is a baseline.

    What it does not see: whether the pull request is to blame; a floor that was broken before
    blocks every pull request until it is mended or moved.

    Example:
        metric_floor:
          metrics: {roc_auc: 0.90, log_loss: 0.24}
    """

    family: ClassVar[Family] = Family.METRICS
    metrics: Annotated[dict[DirectedMetric, Value], NOT_EMPTY]
    mode: Mode = Mode.GUARD

    def asks(self, _evidence: Evidence) -> Iterator[Ask]:
        """Each metric of all rows."""
        yield from map(Ask, self.metrics)

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per metric, and per test set where the pull request changes it."""
        for of in on_each_test_set(case):
            for named, bound in self.metrics.items():
                for name, metric in of.metrics(named).items():
                    yield measure(
                        subject_in(of, metric=name),
                        metric,
                        of.judged,
                        limit_of(metric, bound, self.mode),
                        groups=of.candidate_groups,
                        baseline=_baseline_value(metric, of),
                        mend=mend_in(of, _MEND),
                    )


def _baseline_value(metric: Metric[Any], case: Case) -> float | None:
    """What the metric was, where both sides have the same test set."""
    if case.baseline is None or (case.test_set.changed and case.test_set_of is None):
        return None
    try:
        if case.streamed is not None:
            return case.streamed.whole.change(metric, CONFIDENCE)[0].baseline
        return metric.of(case.arenas[0].baseline, CONFIDENCE).value
    except UndefinedError:
        return None
