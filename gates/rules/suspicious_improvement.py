"""Gate `suspicious_improvement`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import msgspec

from gates.case.answers import Task
from gates.case.arena import NotComparableError
from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.effect import CONFIDENCE, Effect, measure_effect
from gates.evidence.columns import Role
from gates.evidence.folder import Evidence
from gates.finding import Family, Limit, Mode, Subject
from gates.judging.bound import measure
from gates.judging.margin import cannot_tell
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.quoting import quote
from gates.rules.gate import Change, Gate, Item, Measurement, NotApplicableError
from gates.stats.estimate import Estimate
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

_UP_TO_ONE = frozenset(
    {
        "roc_auc", "average_precision", "accuracy", "balanced_accuracy", "precision", "recall",
        "f1", "specificity", "macro_f1", "matthews_corrcoef", "cohen_kappa", "roc_auc_ovr", "r2",
    }
)  # fmt: skip
_USUAL: Mapping[Task, tuple[DirectedMetric, ...]] = MappingProxyType(
    {
        "binary": ("roc_auc", "log_loss"),
        "multiclass": ("accuracy", "log_loss"),
        "regression": ("r2", "mean_absolute_error"),
    }
)
_CHECKS = (
    "`train_test_overlap` and groups on both sides, `target_leakage` and features known only "
    "later, fits that see test rows, test labels that were made by a model"
)

Reduction = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Believed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest gain of a metric that is believed without a look, in its own unit."""

    largest_gain: Change


class SuspiciousImprovement(Gate, frozen=True, kw_only=True):
    """Blocks an improvement that is too good to be true, until somebody has looked for its cause.

    What it blocks: a gain against the baseline, on the same rows, that provably takes away more
    than `reduction` of the distance to a perfect score (of a loss: of the loss), or is provably
    larger than the `largest_gain` of a metric; and a score provably above `perfect` where that of
    the baseline was not. What may have caused it is named: new features, columns that became one,
    test rows that changed, and the gates that look for leaks.

    Why: progress comes in small steps. Who halves the error in one pull request has mostly let the
    label in: through a feature that is filled in afterwards, through rows that stand on both sides,
    or through labels that another model wrote. Leaks that no detector knows still show here.

    What it does not see: a leak that the baseline has already, or one that gains little; and
    whether the gain is honest. An honest one is waived, with the reason.

    Example:
        suspicious_improvement: {reduction: 0.5, perfect: 0.995}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    reduction: Reduction = 0.5  # of the distance to a perfect score
    perfect: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.995
    metrics: dict[DirectedMetric, Believed] = msgspec.field(default_factory=dict)
    mode: Mode = Mode.GUARD

    def asks(self, evidence: Evidence) -> Iterator[Ask]:
        """Each metric of all rows."""
        yield from (Ask(name) for name in self._names(evidence.settings.task))

    def judge(self, case: Case) -> Iterator[Item]:
        """Per metric: its gain against the baseline, and how near it is to perfect."""
        if case.baseline is None:
            raise NotApplicableError("there is no baseline to compare with")
        causes = _causes(case, case.baseline)
        for named in self._names(case.settings.task):
            for name, metric in case.metrics(named).items():
                yield from self._judge_metric(case, named, name, metric, causes)

    def _names(self, task: Task) -> tuple[DirectedMetric, ...]:
        return tuple(self.metrics) or _USUAL[task]

    def _judge_metric(
        self, case: Case, named: DirectedMetric, name: str, metric: Metric[Any], causes: str
    ) -> Iterator[Item]:
        subject = Subject(metric=f"{name}_gain")
        try:
            effect = measure_effect(metric, case)
        except (UndefinedError, NotComparableError) as error:
            yield cannot_tell(
                subject, Limit(rule="a gain that is believed", mode=self.mode), str(error)
            )
            return
        up_to_one = named in _UP_TO_ONE
        distance = 1 - effect.baseline if up_to_one else effect.baseline
        if distance > 0:
            yield self._judge_gain(name, effect, distance, causes, greater=up_to_one)
        if up_to_one and effect.baseline <= self.perfect:
            limit = Limit(ceiling=self.perfect, mode=self.mode)
            yield measure(
                Subject(metric=name),
                metric,
                case.judged,
                limit,
                groups=case.candidate_groups,
                mend=f"No real task is this easy. {causes}",
            )

    def _judge_gain(
        self, name: str, effect: Effect, distance: float, causes: str, *, greater: bool
    ) -> Measurement:
        sign = 1 if greater else -1
        value = sign * effect.change
        low, high = sorted(sign * limit for limit in effect.interval)
        ceiling = self.reduction * distance
        for named, believed in self.metrics.items():
            if named == name.partition(".")[0]:
                ceiling = min(ceiling, believed.largest_gain)
        error = (high - low) / 2 / critical_z(CONFIDENCE)
        better = f"{value / distance:.0%} of what was lacking" if value > 0 else "nothing gained"
        return Measurement(
            subject=Subject(metric=f"{name}_gain"),
            limit=Limit(ceiling=ceiling, mode=self.mode),
            value=value,
            interval=(low, high),
            p_value=Estimate(value=value, standard_error=error).p_at_most(ceiling),
            message=(
                f"{name}: {effect.baseline:.4f} → {effect.candidate:.4f}, {better}; a gain of up "
                f"to {ceiling:.4f} is believed without a second look."
            ),
            mend=causes,
            support=effect.support,
        )


def _causes(case: Case, baseline: Evidence) -> str:
    """What a reader should check, what this pull request did first."""
    places = "; at ".join((*_own_causes(case, baseline), _CHECKS))
    return f"Look first at {places}. If it is honest, waive it."


def _own_causes(case: Case, baseline: Evidence) -> Iterator[str]:
    before = baseline.dictionary.columns
    features = case.candidate.dictionary.features
    new = [name for name in features if name not in before]
    turned = [name for name in features if name in before and before[name].role is not Role.FEATURE]
    if new:
        yield f"the new {'features' if len(new) > 1 else 'feature'} {quote(*new)}"
    if turned:
        yield f"what was no feature before: {quote(*turned)}"
    tested = case.test_set
    if tested.changed:
        yield f"the test rows, {tested.added:,} new and {tested.removed:,} gone"
    if tested.seen:
        yield f"the {tested.seen:,} test rows that a model was trained on"
