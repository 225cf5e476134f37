"""Policy and one model's evidence → what its limits ask of the number of rows.

The gates themselves say what they would judge; here is only added how much chance moves each.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.effect import CONFIDENCE, measure_effect
from gates.custom import Unloaded
from gates.finding import Finding, Limit, State, Subject
from gates.judge import levels_of
from gates.judging.declared import dictionaries_of
from gates.judging.margin import Margin, compare
from gates.judging.periods import time_segments
from gates.metrics import metrics_called
from gates.metrics.group import GroupMean, GroupMetric, group_means
from gates.metrics.metric import Metric
from gates.plan.plan import Counted, Family, Question, Skipped, families_of
from gates.policy.policy import Policy
from gates.rules.calibration import CalibrationGate, claims_of
from gates.rules.drift import Drift
from gates.rules.gate import Comparison, Correction, Gate, Item, Measurement, NotApplicableError
from gates.stats.calibration import measure_calibration
from gates.stats.quantile import critical_z
from gates.stats.sizing import Calibration, Distance, Level, PairedMean, PairedShare
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats

# They look at each row or column for itself: what they say does not wait for more rows.
WITHOUT_SIZE = frozenset(
    {
        "columns",
        "schema",
        "train_test_overlap",
        "target_leakage",
        "reported_metrics",
        "policy_change",
    }
)
MEASURED = "floors and ceilings"  # their family: Holm over all measurements of a verdict
_GAP = "_difference"
_POOLED_ROWS = 100  # of the whole test set, added to what a segment's own rows say


class Asked(msgspec.Struct, frozen=True):
    """All questions of a policy, the families that they are corrected in, and what was left out."""

    questions: tuple[Question, ...]
    families: tuple[Family, ...]
    skipped: tuple[Skipped, ...]


def ask(policy: Policy, case: Case) -> Asked:
    """What each gate would judge on these rows, and what its answer depends on.

    Args:
        policy: the limits.
        case: the model at hand as candidate, a second model as baseline.
    """
    heard: dict[str, list[Item]] = {}
    skipped = [
        Skipped(name, "judged one by one, whatever the number of rows")
        for name in policy.gates
        if name in WITHOUT_SIZE
    ]
    for name, gate in policy.gates.items():
        if name in WITHOUT_SIZE:
            continue
        if isinstance(gate, Unloaded):
            skipped.append(Skipped(name, "a gate of the repository's own, which is not run here"))
            continue
        try:
            heard[name] = list(gate.judge(case))
        except NotApplicableError as error:
            skipped.append(Skipped(name, str(error)))
    every = [item for items in heard.values() for item in items]
    spreads = _Spreads(case)
    return Asked(
        questions=tuple(
            question
            for name, items in heard.items()
            for question in _ask_gate(name, policy.gates[name], items, spreads)
        ),
        families=_families(policy, every),
        skipped=tuple(skipped),
    )


def _families(policy: Policy, items: list[Item]) -> tuple[Family, ...]:
    levels = levels_of(policy.settings.alpha, items)
    alphas = {correction.value: alpha for correction, alpha in levels.items()}
    alphas[MEASURED] = levels[Correction.OTHER]
    names = [item.correction.value for item in items if isinstance(item, Comparison)]
    names += [MEASURED for item in items if isinstance(item, Measurement)]
    return families_of(alphas, names)


def _ask_gate(name: str, gate: Gate, items: list[Item], spreads: "_Spreads") -> Iterator[Question]:
    if isinstance(gate, Drift):
        yield from _ask_drift(name, gate, items, spreads.case)
        return
    for item in items:
        if isinstance(item, Comparison):
            yield _ask_comparison(name, item, spreads)
        elif isinstance(item, Finding) and item.state is State.UNDECIDED:
            yield _ask_nothing(name, item)
        elif isinstance(item, Measurement) and isinstance(gate, CalibrationGate):
            yield _ask_calibration(name, item, spreads.case)
        elif isinstance(item, Measurement) and item.support is not None:
            yield _ask_level(name, item, spreads.case)


def _ask_nothing(name: str, item: Finding) -> Question:
    reason = item.message.removeprefix(f"{item.subject.text()}: ")
    return Question(
        gate=name,
        subject=item.subject,
        limit=item.limit,
        family="",
        counted=item.support.rows if item.support else 0,
        kind=None,
        support=item.support,
        reason=reason.removeprefix("cannot be judged: ").removesuffix("."),
    )


def _ask_comparison(name: str, item: Comparison, spreads: "_Spreads") -> Question:
    metric, shown = spreads.metric_of(item.subject), item.subject.metric or ""
    if metric is None:
        counts = _counts_of_mean(shown.removesuffix(_GAP))
        counted, variance = spreads.of_gap(item, spreads.mean_of(item.subject))
    else:
        counts, counted = counts_of(shown, spreads.case), item.counted
        variance = spreads.of(item, metric)
    share = metric is not None and _is_share(metric, spreads.case)
    return Question(
        gate=name,
        subject=item.subject,
        limit=item.limit,
        family=item.correction.value,
        counted=counted,
        counts=counts,
        kind=PairedShare(min(1.0, variance)) if share else PairedMean(variance**0.5),
        support=item.support,
    )


def _ask_level(name: str, item: Measurement, case: Case) -> Question:
    assert item.support is not None  # noqa: S101 - the caller looked
    low, high = item.interval
    counts = counts_of(item.subject.metric or "", case)
    counted = _count(counts, item.support.rows, item.support.positives)
    error = (high - low) / 2 / critical_z(CONFIDENCE)
    return Question(
        gate=name,
        subject=item.subject,
        limit=item.limit,
        family=MEASURED,
        counted=counted,
        counts=counts,
        kind=Level(
            value=item.value,
            spread=error * counted**0.5,
            is_floor=item.limit.floor is not None,
        ),
        support=item.support,
    )


def _ask_calibration(name: str, item: Measurement, case: Case) -> Question:
    answers = case.scored
    for period in time_segments(case.candidate.test, *dictionaries_of(case)):
        if period.name == item.subject.segment:
            answers = case.scored.take(case.positions(period.rows))
    right, probability = claims_of(answers)
    bins = measure_calibration(right, probability, CONFIDENCE, answers.weights).bins
    return Question(
        gate=name,
        subject=item.subject,
        limit=item.limit,
        family=MEASURED,
        counted=answers.rows,
        kind=Calibration(item.value, tuple(one.mean_score * (1 - one.mean_score) for one in bins)),
        support=item.support,
    )


def _ask_drift(name: str, gate: Drift, items: list[Item], case: Case) -> Iterator[Question]:
    """One question for all columns: it is the tables' sizes that decide."""
    train, test = case.candidate.train, case.candidate.test
    if train is None or not any(isinstance(item, Measurement) for item in items):
        return
    few, many = sorted((train.rows, test.rows))
    yield Question(
        gate=name,
        subject=Subject(key="any number, test against train"),
        limit=Limit(ceiling=gate.tolerance, mode=gate.mode),
        family=MEASURED,
        counted=few,
        kind=Distance(many),
    )


class _Spreads:
    """How much a row's difference varies between the two models, by what is compared."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._pooled: dict[str, float] = {}

    def metric_of(self, subject: Subject) -> Metric[Any] | None:
        """What is compared; `None` where it is a gap between groups."""
        name = subject.metric or ""
        return _named(name, self.case).get(name)

    def mean_of(self, subject: Subject) -> GroupMean:
        """The mean whose gap is compared."""
        name = (subject.metric or "").removesuffix(_GAP)
        kind: GroupMetric = name.partition(".")[0]  # type: ignore[assignment]  # the gate made it
        return group_means(kind, self.case.candidate.classes)[name]

    def of(self, item: Comparison, metric: Metric[Any]) -> float:
        """Variance per counted row; a segment's own, with some rows of the whole test set.

        They keep a segment in which nothing happened to change from looking like one in which
        nothing can.
        """
        own = _variance(item, self.case) * item.counted
        if not item.subject.segment:
            return own
        name = item.subject.metric or ""
        if name not in self._pooled:
            self._pooled[name] = self._of_all_rows(name, metric)
        return _pool(own, item.counted, self._pooled[name])

    def _of_all_rows(self, name: str, metric: Metric[Any]) -> float:
        try:
            effect = measure_effect(metric, self.case)
        except UndefinedError:
            return 0.0
        whole = compare(name, metric, effect, Margin(margin=1.0), Correction.OVERALL)
        return _variance(whole, self.case) * whole.counted

    def of_gap(self, item: Comparison, mean: GroupMean) -> tuple[int, float]:
        """Counted rows of the smaller side of a gap, and the variance per such row."""
        arena = self.case.arenas[0]
        labels = arena.candidate.labels
        of = mean.counted(labels)
        counted = np.ones(len(labels), dtype=np.bool_) if of is None else of
        columns = tuple(item.subject.segment) or tuple((item.subject.column or "").split(" × "))
        groups = arena.segments(columns)
        values = tuple(item.subject.segment.values()) or next(iter(groups))
        inside = int(counted[groups[values]].sum())
        few, many = sorted((inside, int(counted.sum()) - inside))
        old, new = (
            mean.values(side).astype(np.float64) for side in (arena.baseline, arena.candidate)
        )
        moved = float(np.mean((new - old)[counted] ** 2))
        return few, _pool(_variance(item, self.case) * few, few, moved * (1 + few / max(1, many)))


def _variance(item: Comparison, case: Case) -> float:
    """Of the change where there is none in truth, over rows or over what hangs together."""
    parts: Floats = item.contributions
    if case.groups is not None:
        parts = np.bincount(case.groups[item.rows], weights=parts).astype(np.float64)
    return float(parts @ parts)


def _pool(own: float, rows: int, pooled: float) -> float:
    return (own * rows + pooled * _POOLED_ROWS) / (rows + _POOLED_ROWS)


def counts_of(name: str, case: Case) -> Counted:
    """Which rows a metric counts, whatever the model says of them."""
    if case.settings.task != "binary":
        return "rows"
    metric = _named(name, case).get(name)
    both = np.array([False, True])
    shared = None if metric is None else metric.shared_rows(both)
    if shared is None or shared.all():
        return "rows"
    return "positives" if shared[1] else "negatives"


def _counts_of_mean(name: str) -> Counted:
    positives = name in ("true_positive_rate", "false_negative_rate")
    return "positives" if positives else "negatives" if name == "false_positive_rate" else "rows"


def _is_share(metric: Metric[Any], case: Case) -> bool:
    return metric.shared_rows(case.scored.labels) is not None


def _named(name: str, case: Case) -> Mapping[str, Metric[Any]]:
    bare = name.partition(".")[0]
    return metrics_called(bare, case.settings.task, case.candidate.classes)


def _count(counts: Counted, rows: int, positives: int | None) -> int:
    if counts == "rows" or positives is None:
        return rows
    return positives if counts == "positives" else rows - positives
