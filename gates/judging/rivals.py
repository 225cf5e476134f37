"""Whom a model has to beat: a dummy, a simple model, people; and by how much it does."""

from typing import Any

import msgspec
import numpy as np

from gates.case.answers import Answers, Classified, Predicted, Scored, Task, Values, answer
from gates.case.case import Case
from gates.case.effect import CONFIDENCE, clustered, measure_effect, require_groups
from gates.case.segments import Rows
from gates.evidence.folder import Evidence
from gates.evidence.outputs import read_weights
from gates.finding import Limit, Subject, Support
from gates.judging.growth import rows_within
from gates.metrics.metric import Metric
from gates.rules.gate import Item, Measurement
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.quantile import critical_z
from gates.tables.arrow import places_in
from gates.tables.table import Floats

QUICK = "quick_baselines.parquet"
HUMAN = "human.parquet"
SIMPLE = "simple."  # how the columns of the simple model begin
MEDIAN_IS_BEST = "mean_absolute_error"  # of all constants; the mean is for every other metric


class Rival(msgspec.Struct, frozen=True, eq=False):
    """Somebody who answered the same rows; `own` is what the candidate says of them."""

    name: str  # in a sentence
    answers: Answers
    own: Answers
    groups: Rows | None

    @property
    def same(self) -> bool:
        """Whether both say the same of every row."""
        return self.own.same_as(self.answers)


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """How much better the candidate is; positive is better, whatever the metric's direction."""

    value: float
    interval: Interval
    rival: float  # the metric's values
    candidate: float

    def p_at_least(self, floor: float) -> float:
        """One-sided p-value of the hypothesis that the true gain is at least `floor`."""
        return _normal(self.value, self.interval.upper - self.value).p_at_least(floor)

    def p_at_most(self, ceiling: float) -> float:
        """One-sided p-value of the hypothesis that the true gain is at most `ceiling`."""
        return _normal(self.value, self.value - self.interval.lower).p_at_most(ceiling)

    def text(self) -> str:
        """`better by 0.027 (0.1936 against 0.2203; 95 % interval of the gain +0.025 to +0.028)`."""
        word = "better" if self.value > 0 else "worse"
        by = f"{word} by {abs(self.value):.4g}" if self.value else "no better"
        low, high = self.interval.lower, self.interval.upper
        return (
            f"{by} ({self.candidate:.4g} against {self.rival:.4g}; 95 % interval of the gain "
            f"{low:+.4g} to {high:+.4g})"
        )

    def rows_needed(self, floor: float, rows: int) -> int | None:
        """Rows that would tell such a gain from `floor`, power 80 %; `None` if these are enough.

        Source: the normal approximation of a one-sided test, as `Effect.rows_needed`.
        """
        low, high = self.interval.lower, self.interval.upper
        return rows_within(low, high, abs(self.value - floor), rows)


def measure_gain(metric: Metric[Any], rival: Rival) -> Gain:
    """The paired difference on the rows that both answered, groups of rows kept together.

    Raises:
        UndefinedError: the metric has no value here, or there are too few groups.
    """
    own = rival.own
    change = metric.change(rival.answers, own, CONFIDENCE)
    interval = change.interval
    if rival.groups is not None:
        if metric.shared_rows(own.labels) is None:
            require_groups(rival.groups, own.rarer)
        apart = clustered(change.contributions, rival.groups, own.weights).interval(CONFIDENCE)
        interval = Interval(min(interval.lower, apart.lower), max(interval.upper, apart.upper))
    difference = change.candidate - change.baseline
    better = metric.greater_is_better is True
    return Gain(
        value=difference if better else -difference,
        interval=interval if better else -interval,
        rival=change.baseline,
        candidate=change.candidate,
    )


def demand_gain(
    subject: Subject, limit: Limit, gain: Gain, support: Support, *, asked: str, mend: str
) -> Item:
    """A gain with a floor; the judge decides, and corrects for all measurements."""
    floor = limit.floor or 0.0
    return Measurement(
        subject=subject,
        limit=limit,
        value=gain.value,
        interval=(gain.interval.lower, gain.interval.upper),
        p_value=gain.p_at_least(floor),
        message=f"{subject.text()}: {gain.text()}; {asked}.",
        mend=mend,
        support=support,
        rows_needed=gain.rows_needed(floor, support.rows),
    )


def gain_over_base(metric: Metric[Any], case: Case) -> tuple[Gain, Support]:
    """What the model gains over the base's, with what chance in training adds where it is known.

    Raises:
        UndefinedError: the metric has no value here, or there are too few groups.
        NotComparableError: no row is known to both.
    """
    effect = measure_effect(metric, case)
    better = metric.greater_is_better is True
    change, interval = effect.change, Interval(*effect.interval)
    if effect.same:  # and what is the same has no uncertainty
        change, interval = 0.0, Interval(0.0, 0.0)
    gain = Gain(
        value=change if better else 0.0 - change,
        interval=interval if better else Interval(0.0 - interval.upper, 0.0 - interval.lower),
        rival=effect.baseline,
        candidate=effect.candidate,
    )
    return gain, effect.support


def dummy_of(case: Case, metric: str) -> Rival | None:
    """Who knows the training labels and no feature; `None` without training labels.

    Says each class's share of the training rows, or their mean (for an absolute error, the median);
    on the baseline's test rows, of the baseline's training rows.
    """
    evidence = case.tested
    train = evidence.train
    if train is None or train.rows == 0 or evidence.dictionary.label not in train:
        return None
    labels = evidence.labels_of(train)
    weights = None
    if (name := case.settings.sample_weight) is not None and name in train:
        weights = read_weights(train, evidence.dictionary, name)
    constant = _constant(case.settings.task, labels, weights, len(evidence.classes), metric)
    every = np.arange(case.scored.rows)
    return _scored_by(case, "a dummy", every, np.broadcast_to(constant, case.scored.scores.shape))


def simple_models(case: Case) -> list[Rival]:
    """This pull request's simple model and the base's, or one of them where they say the same."""
    new = _simple_of(case, case.candidate, "the simple model")
    old = _simple_of(case, case.baseline, "the base's simple model")
    if new is not None and old is not None and _say_the_same(new.answers, old.answers):
        return [new]
    return [each for each in (new, old) if each is not None]


def simple_of(case: Case) -> Rival | None:
    """The simple model that this pull request's pipeline trained; `None` where it has none."""
    return _simple_of(case, case.candidate, "the simple model")


def _simple_of(case: Case, whose: Evidence | None, name: str) -> Rival | None:
    """One side's simple model, on its own test rows or those that both sides label alike."""
    if whose is None or not whose.has(QUICK):
        return None
    tested, rows = case.tested, case.scored_rows
    places = rows if whose is tested else places_in(tested.ids, whose.ids)[rows]
    known = places >= 0
    known[known] = tested.labels[rows[known]] == whose.labels[places[known]]
    at = np.flatnonzero(known)
    if len(at) == 0:
        return None
    scores = whose.scores_for(QUICK, whose.ids, run=SIMPLE)
    return _scored_by(case, name, at, scores[places[at]])


def _say_the_same(one: Answers, other: Answers) -> bool:
    return one.rows == other.rows and one.same_as(other)


def people_of(case: Case, whose: Evidence) -> Rival | None:
    """Whoever answered some test rows by hand; `None` where they are none of these rows."""
    table = whose.table(HUMAN)
    places = places_in(case.tested.ids, whose.row_ids(table))[case.scored_rows]
    at = np.flatnonzero(places >= 0)
    if len(at) == 0:
        return None
    own = case.scored.take(at)
    said = whose.labels_of(table)[places[at]]
    return Rival("people", by_hand(own, said), own, _groups_of(case, at))


def by_hand(own: Answers, said: Values) -> Answers:
    """The answers of people to the rows of a model's: decisions without a probability."""
    labels, weights = own.labels, own.weights
    if isinstance(own, Scored):
        return Scored(labels, said.astype(np.float64), said, weights)
    if isinstance(own, Classified):
        scores: Floats = np.eye(own.classes)[said]
        return Classified(labels, scores, said, weights)
    return Predicted(labels, said, said, weights)


def _scored_by(case: Case, name: str, at: Rows, scores: Floats) -> Rival:
    """A rival that says the scores of the rows at positions of `scored`, shape (rows, …)."""
    own = case.scored.take(at)
    answers = answer(
        case.settings.task,
        own.labels,
        scores,
        decision_threshold=case.settings.decision_threshold,
        weights=own.weights,
    )
    return Rival(name, answers, own, _groups_of(case, at))


def _groups_of(case: Case, at: Rows) -> Rows | None:
    return None if case.candidate_groups is None else case.candidate_groups[at]


def _constant(
    task: Task, labels: Values, weights: Floats | None, classes: int, metric: str
) -> Floats:
    if task == "multiclass":
        counts = np.bincount(labels, weights=weights, minlength=classes)
        return np.asarray(counts / counts.sum(), dtype=np.float64)
    if task == "regression" and metric == MEDIAN_IS_BEST:
        return np.asarray(_median(labels, weights))
    return np.asarray(np.average(labels, weights=weights))


def _median(labels: Floats, weights: Floats | None) -> float:
    if weights is None:
        return float(np.median(labels))
    order = np.argsort(labels, kind="stable")
    reached = np.cumsum(weights[order])
    return float(labels[order][np.searchsorted(reached, reached[-1] / 2)])


def _normal(value: float, reach: float) -> Estimate:
    return Estimate(value=value, standard_error=max(0.0, reach) / critical_z(CONFIDENCE))
