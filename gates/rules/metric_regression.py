"""Gate `metric_regression`."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from gates.case.arena import Arena
from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.effect import CONFIDENCE, measure_effect
from gates.evidence.folder import Evidence
from gates.finding import Family, Limit, Mode, Observation, Subject, Support
from gates.judging.margin import (
    Margin,
    against_each,
    cannot_tell,
    compare,
    mend_in,
    subject_in,
    why_incomparable,
)
from gates.judging.rivals import demand_gain, gain_over_base
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.rules.gate import NOT_EMPTY, Correction, Gate, Item, LeastGain, NotApplicableError
from gates.stats.decomposition import Square
from gates.stats.undefined import UndefinedError

_MEND = "See which segments got worse, and mend or revert the change that touches them."
_MEND_GAIN = (
    "Improve the model until the gain is shown, or leave it as it is: what changes no answer owes "
    "no gain."
)
_MEND_SINCE = (
    "Lost since the last release, by this change and those before it: win it back, or tag a "
    "release that accepts the loss."
)


class MetricDemand(Margin, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest loss that the owner accepts, and the smallest gain that is asked for."""

    gain: LeastGain | None = None  # over the merge base's model, where this one is another


class MetricRegression(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that makes a metric worse than it was at the merge base.

    What it blocks: a loss that is both proven (one-sided, corrected for every comparison of the
    verdict) and at least as large as the accepted margin, on the whole test set. Where the pull
    request changes the test set, that is the mean over both, and the baseline's own rows by its own
    labels besides: nobody chooses the rows and labels by which his model is judged. With
    `references: [merge_base, anchor]` the same margin also bounds the loss since the last release,
    so that many small losses do not add up unseen. With `gain`, a model that answers otherwise than
    the merge base's also has to be shown to be better by as much; where every answer is as it was,
    none is owed. Which metrics there are depends on the task; of many classes, `recall`,
    `precision` and `f1` are judged for each, as an average hides rare ones.

    Why: two models scored on the same rows can be told apart far more sharply than two numbers
    in two files; a drop that noise explains does not block, and one that it does not explain is
    not waved through because the number still looks good.

    What it does not see: a drop in one segment that the rest hides (`segment_regression`), and a
    metric that was bad already (`metric_floor`). With `mode: guard` an undecided comparison
    passes with a warning that says how many rows would decide it; with `strict` it blocks.

    Example:
        metric_regression:
          metrics:
            log_loss: {margin: 0.01, mode: strict, gain: 0.002}
            recall: {margin: 0.03}
    """

    family: ClassVar[Family] = Family.METRICS
    metrics: Annotated[dict[DirectedMetric, MetricDemand], NOT_EMPTY]

    def asks(self, _evidence: Evidence) -> Iterator[Ask]:
        """Each metric of all rows."""
        yield from map(Ask, self.metrics)

    def judge(self, case: Case) -> Iterator[Item]:
        """One comparison per metric, on all rows that both models have scored."""
        if case.baseline is None:
            raise NotApplicableError("there is no baseline to compare with")
        yield from against_each(case, self._judge_against)

    def _judge_against(self, case: Case) -> Iterator[Item]:
        reason = why_incomparable(case)
        for named, demand in self.metrics.items():
            for name, metric in case.metrics(named).items():
                if reason:
                    subject = subject_in(case, metric=name)
                    limit = Limit(margin=demand.margin, mode=demand.mode)
                    yield cannot_tell(subject, limit, reason)
                else:
                    yield from _judge_metric(name, metric, demand, case)
                    yield from _judge_gain(name, metric, demand, case)


def _judge_gain(name: str, metric: Metric[Any], demand: MetricDemand, case: Case) -> Iterator[Item]:
    """What a new model must gain over that of the merge base, where any is asked for."""
    if demand.gain is None or case.reference is not None:
        return
    subject = subject_in(case, key=f"{name} gained over the baseline")
    limit = Limit(floor=demand.gain, mode=demand.mode)
    try:
        if measure_effect(metric, case).same:
            return
        found, support = gain_over_base(metric, case)
    except UndefinedError as error:
        yield cannot_tell(subject, limit, str(error), case.tested.test.rows)
        return
    asked = f"a new model has to gain {demand.gain:g}"
    yield demand_gain(subject, limit, found, support, asked=asked, mend=mend_in(case, _MEND_GAIN))


def _judge_metric(name: str, metric: Metric[Any], margin: Margin, case: Case) -> Iterator[Item]:
    subject = subject_in(case, metric=name)
    try:
        effect = measure_effect(metric, case)
    except UndefinedError as error:
        # Without a value there is nothing to guard: an unjudged metric never passes.
        limit = Limit(margin=margin.margin, mode=Mode.STRICT)
        yield cannot_tell(subject, limit, str(error), case.tested.test.rows)
        return
    mend = mend_in(case, _MEND, since=_MEND_SINCE)
    yield compare(name, metric, effect, margin, Correction.OVERALL, subject=subject, mend=mend)
    if case.streamed is None and case.on_both:
        yield _show_split(name, metric, *case.arenas)


def _show_split(name: str, metric: Metric[Any], on_new: Arena, on_old: Arena) -> Observation:
    """How much of the difference that the two reports show is the model, how much the test set."""
    square = Square(
        old_on_old=metric.of(on_old.baseline, CONFIDENCE).value,
        new_on_old=metric.of(on_old.candidate, CONFIDENCE).value,
        old_on_new=metric.of(on_new.baseline, CONFIDENCE).value,
        new_on_new=metric.of(on_new.candidate, CONFIDENCE).value,
    )
    whole = square.new_on_new - square.old_on_old
    return Observation(
        subject=Subject(metric=name, key="both test sets"),
        message=(
            f"{name} {square.old_on_old:.4f} → {square.new_on_new:.4f} ({whole:+.4f}): "
            f"{square.model_effect:+.4f} is the model, {square.test_set_effect:+.4f} the test set."
        ),
        baseline=square.old_on_old,
        candidate=square.new_on_new,
        change=whole,
        support=Support(rows=len(on_new.rows)),
    )
