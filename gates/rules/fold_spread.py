"""Gate `fold_spread`."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec

from gates.case.answers import Answers
from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.bound import measure_value
from gates.judging.folds import FOLDS, read_folds
from gates.judging.lost import tell_lost
from gates.judging.margin import cannot_tell
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.rules.gate import NOT_EMPTY, Change, Gate, Item
from gates.stats.estimate import Estimate
from gates.stats.folds import FoldSpread as SpreadOfFolds
from gates.stats.folds import (
    compare_with_folds,
    mean_over_folds,
    measure_fold_spread,
    p_no_further,
)
from gates.stats.interval import Interval
from gates.stats.undefined import UndefinedError

_SHOWN = 10  # folds whose values are listed
_MEND_APART = (
    "Ask how the test rows differ from the training rows: another time, easier cases, rows that "
    "the model has seen, or rows of one group on both sides; draw the split again if they should "
    "not."
)
_MEND_SPREAD = (
    "Look at the fold that stands out: a kind of row that few folds hold, or a group that hangs "
    "together. More rows or a steadier training make folds alike."
)


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a metric may move between parts of the data, in its own unit."""

    distance: Change  # between the test rows and the mean over folds, to either side
    spread: Change | None = None  # one standard deviation over folds


class FoldSpread(Gate, frozen=True, kw_only=True):
    """Blocks a test value that cross-validation does not bear out.

    What it blocks: a metric on the test rows that is shown to lie further than `distance` from its
    mean over the folds of a cross-validation on the training rows, better or worse; and a standard
    deviation over folds that is shown to exceed `spread`. Each passes once that is ruled out;
    between the two it is undecided.

    Why: one split is one draw. A test value far better than what the folds say tells of an easy
    test set or of rows that the model has seen; one far worse of test rows of another kind, or of
    folds that share what the test rows do not: the rows of one person. Where folds lie far apart,
    the test value says little about the next data.

    The pipeline trains the folds (`gates.evidence.folds`: `row_id` of training rows, `fold`, and
    `score`, `score_<class>` or `prediction` by the model that never saw the row; the stage
    `pipeline/folds.py` keeps rows of one group in one fold). Folds share training rows, so the
    interval of their mean is the corrected one of Nadeau and Bengio (2003).

    What it does not see: folds that the pull request makes up; a leak that is in the folds and in
    the test rows alike, such as a feature that tells the label; and that folds learn from fewer
    rows than the model, so that they are a little worse: `distance` has to leave room for that.

    Example:
        fold_spread: {metrics: {roc_auc: {distance: 0.03, spread: 0.02}}}
    """

    family: ClassVar[Family] = Family.METRICS
    metrics: Annotated[dict[DirectedMetric, Spread], NOT_EMPTY]
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One or two findings per metric; few tests, so that they are corrected by themselves."""
        if not case.candidate.has(FOLDS):
            why = f"there was no cross-validation: the evidence has no {FOLDS}"
            yield tell_lost(case, FOLDS, why)
            return
        folds = read_folds(case)
        metrics = [
            (name, metric, allowed)
            for named, allowed in self.metrics.items()
            for name, metric in case.metrics(named).items()
        ]
        tests = sum(1 if each.spread is None else 2 for _, _, each in metrics)
        alpha = case.settings.alpha.other / tests  # Bonferroni
        for name, metric, allowed in metrics:
            for found in self._judge_metric(name, metric, allowed, folds, case):
                yield found if isinstance(found, Finding) else self._decide(found, alpha)

    def _judge_metric(
        self,
        name: str,
        metric: Metric[Any],
        allowed: Spread,
        folds: tuple[Answers, ...],
        case: Case,
    ) -> Iterator["Finding | _Judged"]:
        rows = sum(each.rows for each in folds)
        try:
            values = [metric.of(each, CONFIDENCE).value for each in folds]
            mean, spread = mean_over_folds(values), measure_fold_spread(values)
            value, _, test = measure_value(metric, case.scored, case.candidate_groups)
        except UndefinedError as error:
            limit = Limit(ceiling=allowed.distance, mode=self.mode)
            yield cannot_tell(Subject(key=f"{name} against the folds"), limit, str(error), rows)
            return
        better = (value > mean.value) is (metric.greater_is_better is True)
        apart = compare_with_folds(test.value, test.standard_error, mean)
        said = (
            f"{abs(apart.value):.4g} {'better' if better else 'worse'} than the folds say "
            f"({value:.4g} on the test rows, {_describe(values, mean)})"
        )
        yield _compare(name, apart, allowed.distance, said, case.scored.support)
        if allowed.spread is not None:
            support = Support(rows=rows, groups=len(folds))
            yield _measure(name, spread, values, allowed.spread, support)

    def _decide(self, found: "_Judged", alpha: float) -> Finding:
        """Passed where the whole interval keeps the ceiling, failed where a breach is proven."""
        if found.interval.upper <= found.ceiling:
            state, said = State.PASSED, ""
        elif found.p_value <= alpha:
            state, said = State.FAILED, ": it is proven to be more"
        else:
            state, said = State.UNDECIDED, ": these folds cannot tell"
        return Finding(
            subject=found.subject,
            state=state,
            limit=Limit(ceiling=found.ceiling, mode=self.mode),
            message=f"{found.message}, at most {found.ceiling:g} {found.accepted}{said}.",
            mend="" if state is State.PASSED else found.mend,
            candidate=found.value,
            greater_is_better=False,
            interval=(found.interval.lower, found.interval.upper),
            interval_of="candidate",
            p_value=found.p_value,
            support=found.support,
        )


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One value with a ceiling, before it is decided."""

    subject: Subject
    value: float
    interval: Interval
    p_value: float
    ceiling: float
    accepted: str
    message: str
    mend: str
    support: Support


def _compare(name: str, apart: Estimate, distance: float, said: str, support: Support) -> _Judged:
    """How far the value of the test rows lies from what the folds say."""
    subject, size = Subject(key=f"{name} against the folds"), abs(apart.value)
    reach = apart.interval(CONFIDENCE).width / 2
    return _Judged(
        subject=subject,
        value=size,
        interval=Interval(max(0.0, size - reach), size + reach),
        p_value=p_no_further(apart, distance),
        ceiling=distance,
        accepted="either way is accepted",
        message=f"{subject.text()}: {said}",
        mend=_MEND_APART,
        support=support,
    )


def _measure(
    name: str, spread: SpreadOfFolds, values: list[float], ceiling: float, support: Support
) -> _Judged:
    """How far the folds lie apart."""
    subject, interval = Subject(key=f"{name} by fold"), spread.interval(CONFIDENCE)
    return _Judged(
        subject=subject,
        value=spread.deviation,
        interval=interval,
        p_value=spread.p_at_most(ceiling),
        ceiling=ceiling,
        accepted="is accepted",
        message=(
            f"{subject.text()}: {_listed(values)}; one standard deviation is "
            f"{spread.deviation:.4g} (95 % interval {interval.lower:.4g} to {interval.upper:.4g})"
        ),
        mend=_MEND_SPREAD,
        support=support,
    )


def _describe(values: list[float], mean: Estimate) -> str:
    around = mean.interval(CONFIDENCE)
    return (
        f"{mean.value:.4g} over {len(values)} folds, 95 % interval {around.lower:.4g} to "
        f"{around.upper:.4g}"
    )


def _listed(values: list[float]) -> str:
    more = len(values) - _SHOWN
    shown = ", ".join(f"{value:.4g}" for value in values[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
