"""Gate `quick_baseline`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from gates.case.answers import Task
from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, State, Subject
from gates.judging.margin import cannot_tell, mend_in, on_each_test_set, subject_in
from gates.judging.rivals import (
    QUICK,
    Rival,
    demand_gain,
    dummy_of,
    measure_gain,
    simple_models,
)
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.rules.gate import Gate, Item, LeastGain, NotApplicableError
from gates.stats.undefined import UndefinedError

USUAL: Mapping[Task, DirectedMetric] = MappingProxyType(
    {"binary": "log_loss", "multiclass": "log_loss", "regression": "mean_absolute_error"}
)
_MEND = (
    "Find out what the model has not learnt that a simple one has (features lost on the way, wrong "
    "labels, too little training), or ship the simple one."
)
_MEND_SAME = "Train a model that says something of its own, or ship the simple one."
_MEND_GONE = (
    f"Let the pipeline write {QUICK} again (`gates.evidence.quick_baselines`), or take the gate "
    "away in a pull request of its own."
)


class Demand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much a metric has to be better, in its own unit."""

    gain: LeastGain = 0.0


class QuickBaseline(Gate, frozen=True, kw_only=True):
    """Blocks a model that is no better than a dummy or a simple model.

    What it blocks: a model that is shown to gain less than `gain` in a metric over a dummy, which
    knows the training labels and no feature, or over a simple model on the same test rows; also
    one that says the same as they do. It passes once the gain is shown (the lower limit of the
    paired interval reaches `gain`); between the two it is undecided.

    Why: a model that does not beat an afternoon's work is not worth its cost, and more often there
    is a bug: labels shuffled, features lost, training cut short. A metric of its own tells nobody
    that: an accuracy of 0.94 is bad where 0.95 of the rows are of one class.

    The dummy is made here, of the training labels: the share of each class, the mean, or for an
    absolute error the median. The simple model's answers come from the pipeline
    (`gates.evidence.quick_baselines`: `row_id` and `simple.score`, `simple.score_<class>` or
    `simple.prediction`; `pipeline/quick.py` is a stage that writes them for any task).

    The base's simple model is asked as well, on the rows that both sides label alike; where the
    pull request changes the test set, all of them on the baseline's rows too.

    What it does not see: a dummy that is worse because the training rows were resampled; and what
    another seed would have given.

    Example:
        quick_baseline: {metrics: {log_loss: {gain: 0.005}}}
    """

    family: ClassVar[Family] = Family.METRICS
    metrics: dict[DirectedMetric, Demand] = msgspec.field(default_factory=dict)  # the usual one
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per metric, rival and test set."""
        had = case.baseline is not None and case.baseline.has(QUICK)
        gone = had and not case.candidate.has(QUICK)
        if gone:
            yield self._tell_gone()
        judged = [item for of in on_each_test_set(case) for item in self._judge_rivals(of)]
        if not (judged or gone):
            raise NotApplicableError(f"there are no training labels and no {QUICK}")
        yield from judged

    def _judge_rivals(self, case: Case) -> Iterator[Item]:
        simple = simple_models(case)
        demands = self.metrics or {USUAL[case.settings.task]: Demand()}
        for named, demand in demands.items():
            dummy = dummy_of(case, named)
            for name, metric in case.metrics(named).items():
                for rival in (*([] if dummy is None else [dummy]), *simple):
                    yield self._judge_rival(case, name, metric, rival, demand.gain)

    def _judge_rival(
        self, case: Case, name: str, metric: Metric[Any], rival: Rival, gain: float
    ) -> Item:
        subject = subject_in(case, key=f"{name} against {rival.name}")
        limit = Limit(floor=gain, mode=self.mode)
        if rival.same:
            return Finding(
                subject=subject,
                state=State.FAILED,
                limit=limit,
                message=f"The model says the same of every row as {rival.name} does.",
                mend=mend_in(case, _MEND_SAME),
                candidate=0.0,
                greater_is_better=True,
                support=rival.own.support,
            )
        try:
            found = measure_gain(metric, rival)
        except UndefinedError as error:
            return cannot_tell(subject, limit, str(error), rival.own.rows)
        asked = f"a gain of {gain:g} is asked for" if gain else "any gain will do, once it is shown"
        support, mend = rival.own.support, mend_in(case, _MEND)
        return demand_gain(subject, limit, found, support, asked=asked, mend=mend)

    def _tell_gone(self) -> Finding:
        return Finding(
            subject=Subject(key="the simple model"),
            state=State.UNDECIDED,
            limit=Limit(rule="a simple model of the same rows", mode=self.mode),
            message=f"The base trains a simple model, this pull request none: it has no {QUICK}.",
            mend=_MEND_GONE,
        )
