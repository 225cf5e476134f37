"""Gate `human_baseline`."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import msgspec

from gates.case.answers import Task
from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.finding import Family, Limit, Mode
from gates.judging.bound import measure_value
from gates.judging.margin import cannot_tell, mend_in, on_each_test_set, subject_in
from gates.judging.rivals import (
    HUMAN,
    Gain,
    Rival,
    demand_gain,
    measure_gain,
    people_of,
)
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.rules.gate import Change, Gate, Item, Level, NotApplicableError
from gates.stats.interval import Interval
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError

_USUAL: Mapping[Task, DirectedMetric] = MappingProxyType(
    {"binary": "accuracy", "multiclass": "accuracy", "regression": "mean_absolute_error"}
)
_OF_PROBABILITIES = frozenset(
    {"log_loss", "brier_score_loss", "roc_auc", "average_precision", "roc_auc_ovr"}
)
_MEND = (
    "Look at the rows that people get right and the model does not: what do they know that no "
    "feature says? Or leave such rows to people."
)
_NOTHING = (
    "no human-level performance is declared (`metrics: {accuracy: {level: 0.95, rows: 500, how: "
    f"…}}}}`), and there is no {HUMAN}"
)

Rows = Annotated[int, msgspec.Meta(ge=1)]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class People(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well people do it, and how far behind them a model may be.

    Without `level`, by the answers of people that come with the evidence.
    """

    margin: Change = 0.0
    level: Level | None = None  # the metric's value
    rows: Rows | None = None  # that people answered, of those that the metric counts
    interval: tuple[float, float] | None = None  # of 95 %, of a metric that is no share of rows
    how: Text | None = None  # it was measured

    def __post_init__(self) -> None:
        """Refuse a number that nobody can trace, and an interval that does not hold its value."""
        if self.level is None:
            if (self.rows, self.interval, self.how) != (None, None, None):
                raise ValueError(
                    "`rows`, `interval` and `how` say how `level` was measured; add it"
                )
            return
        if self.how is None:
            raise ValueError("`level` needs `how`: who answered which rows, and when")
        if not math.isfinite(self.level):
            raise ValueError(f"`level` is {self.level}; a metric is a finite number")
        low, high = self.interval or (self.level, self.level)
        if not low <= self.level <= high:
            raise ValueError(f"`interval` [{low:g}, {high:g}] does not hold `level` {self.level:g}")


class HumanBaseline(Gate, frozen=True, kw_only=True):
    """Blocks a model that does its task worse than people do, by more than a margin.

    What it blocks: a metric that is shown to lie further behind the human level than `margin`. It
    passes once that is ruled out; between the two it is undecided. The distance is always shown.

    Why: the human level says what can be had at all. Far below it there is something to win, near
    it more data and larger models win little, and above it a leak is as likely as skill.

    The human level is either declared, with how it was measured and on how many rows, so that its
    own uncertainty counts (for a metric that is no share of rows say its `interval`; without any it
    is taken as exact); or it is measured here, row by row, by the answers of people to test rows
    (`gates.evidence.human`: `row_id` and the label's column, for some rows or all; those of the
    base come first). People give answers, no probabilities: name metrics of answers. Where the pull
    request changes the test set, the baseline's rows are judged too.

    What it does not see: whether the people were experts, rushed, or those whose labels are the
    truth here; and rows that they never saw.

    Example:
        human_baseline:
          metrics:
            accuracy: {level: 0.93, rows: 500, how: "three nurses, May 2026", margin: 0.02}
    """

    family: ClassVar[Family] = Family.METRICS
    metrics: dict[DirectedMetric, People] = msgspec.field(default_factory=dict)
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per metric and test set."""
        whose = next((e for e in (case.baseline, case.candidate) if e and e.has(HUMAN)), None)
        declared = any(one.level is not None for one in self.metrics.values())
        if whose is None and not declared:
            raise NotApplicableError(_NOTHING)
        demands = self.metrics or {_USUAL[case.settings.task]: People()}
        for of in on_each_test_set(case):
            rival = None if whose is None else people_of(of, whose)
            for named, people in demands.items():
                for name, metric in of.metrics(named).items():
                    yield self._judge_metric(name, metric, people, rival, of)

    def _judge_metric(
        self, name: str, metric: Metric[Any], people: People, rival: Rival | None, case: Case
    ) -> Item:
        subject = subject_in(case, key=f"{name} against people")
        limit = Limit(floor=0.0 - people.margin, mode=self.mode)
        asked = "the model has to be as good"
        if people.margin:
            asked = f"at most {people.margin:g} behind is accepted"
        try:
            if people.level is not None:
                gain, against = _declared(metric, people, people.level, case)
                asked = f"{asked} ({_source(people)})"
            else:
                against = _measured(name, rival)
                gain = measure_gain(metric, against)
                asked = f"{asked} (people's own answers to {against.own.rows:,} test rows)"
        except UndefinedError as error:
            return cannot_tell(subject, limit, str(error), case.scored.rows)
        support, mend = against.own.support, mend_in(case, _MEND)
        return demand_gain(subject, limit, gain, support, asked=asked, mend=mend)


def _declared(metric: Metric[Any], people: People, level: float, case: Case) -> tuple[Gain, Rival]:
    """Two sets of rows that have nothing to do with each other: either limit by squares.

    Source: Zou & Donner, Statistics in Medicine 27 (2008) 1693.
    """
    value, own, _ = measure_value(metric, case.scored, case.candidate_groups)
    theirs = _interval_of(metric, people, level, case)
    sign = 1.0 if metric.greater_is_better else -1.0
    low = value - level - math.hypot(value - own.lower, theirs.upper - level)
    high = value - level + math.hypot(own.upper - value, level - theirs.lower)
    interval = Interval(low, high) if sign > 0 else Interval(-high, -low)
    answers = case.scored
    return (
        Gain(value=sign * (value - level), interval=interval, rival=level, candidate=value),
        Rival("people", answers, answers, None),
    )


def _interval_of(metric: Metric[Any], people: People, level: float, case: Case) -> Interval:
    if people.interval is not None:
        return Interval(*people.interval)
    counted = metric.shared_rows(case.scored.labels)
    if people.rows is None or counted is None or not 0 <= level <= 1:
        return Interval(level, level)
    found = wilson(level * people.rows, people.rows, CONFIDENCE)
    return Interval(min(found.lower, level), max(found.upper, level))


def _measured(name: str, rival: Rival | None) -> Rival:
    if name.partition(".")[0] in _OF_PROBABILITIES:
        raise UndefinedError("people give answers, no probabilities; name a metric of answers")
    if rival is None:
        raise UndefinedError(f"people answered none of the test rows ({HUMAN})")
    return rival


def _source(people: People) -> str:
    rows = f", {people.rows:,} rows" if people.rows else ""
    return f"{people.how}{rows}"
