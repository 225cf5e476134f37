"""Gate `rare_class`."""

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np

from gates.case.answers import Answers, Classified, Scored, Values
from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.effect import measure_effect
from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, Subject, Support
from gates.judging.bound import measure
from gates.judging.margin import (
    Margin,
    against_each,
    cannot_tell,
    compare,
    mend_in,
    on_each_test_set,
    subject_in,
    why_incomparable,
)
from gates.metrics import RareMetric, binary
from gates.metrics.metric import RATE, Metric, Range
from gates.rules.gate import (
    NOT_EMPTY,
    Change,
    Correction,
    Gate,
    Item,
    LeastShare,
    Measurement,
    NotApplicableError,
)
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.undefined import UndefinedError
from gates.tables.table import Mask

_MEND = (
    "Collect or relabel training rows of this class, weigh it more, or choose the decision "
    "threshold with it in view."
)
_BY_ROWS = "it needs all rows at once, and these are judged in passes"

_POSITIVE = "positive"


class Demand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of a metric of each rare class: a floor, a largest loss, or both."""

    floor: LeastShare | None = None
    margin: Change | None = None
    mode: Mode = Mode.GUARD

    def __post_init__(self) -> None:
        """Refuse a demand that asks nothing."""
        if self.floor is None and self.margin is None:
            raise ValueError("asks nothing; give it a `floor`, a `margin`, or both.")


def _usual_demands() -> dict[RareMetric, Demand]:
    return {"recall": Demand(margin=0.1), "precision": Demand(margin=0.1)}


class RareClass(Gate, frozen=True, kw_only=True):
    """Blocks a model that fails, or got worse, on the rarest class.

    What it blocks: a recall, precision, F1 or average precision of the rarest class (the `rarest`
    ones, or those that `classes` names) that is provably below its `floor`, or that provably fell
    by its `margin` or more against the baseline. Of two classes that is the one with fewer rows,
    positive or not; of many, each is told from all others.

    Why: the class that a model is built to find is often one row in a hundred. Accuracy hardly
    knows it, and an average over classes gives it away against easier ones.

    What it does not see: which rows of the class are missed (`weak_segments` does), and a class
    that nobody labels. A class of fewer than `min_rows` test rows is undecided, with the number of
    rows that would hold so many; so is one that has vanished. An average precision needs 50 rows of
    the class, and all rows in memory.

    Example:
        rare_class:
          metrics:
            recall: {floor: 0.4, margin: 0.1}
    """

    family: ClassVar[Family] = Family.SEGMENTS
    metrics: Annotated[dict[RareMetric, Demand], NOT_EMPTY] = msgspec.field(
        default_factory=_usual_demands
    )
    rarest: Annotated[int, msgspec.Meta(ge=1)] = 1
    classes: tuple[str, ...] = ()
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 30

    def asks(self, evidence: Evidence) -> Iterator[Ask]:
        """Each metric of the positive class, which mostly is the rarer one."""
        if evidence.settings.task == "binary":
            yield from (Ask(name) for name in self.metrics if name != "average_precision")

    def judge(self, case: Case) -> Iterator[Item]:
        """Per rare class and metric: its floor, and its change."""
        if case.settings.task == "regression":
            raise NotApplicableError("a regression has no classes")
        if case.baseline is None and all(demand.floor is None for demand in self.metrics.values()):
            raise NotApplicableError("there is no baseline to compare with, and no `floor`")
        for of in on_each_test_set(case):
            yield from self._judge_floors(of)
        if case.baseline is not None:
            yield from against_each(case, self._judge_changes)

    def _judge_floors(self, case: Case) -> Iterator[Item]:
        for rare in self._rare(case):
            for name, demand in self.metrics.items():
                if demand.floor is not None:
                    limit = Limit(floor=demand.floor, mode=demand.mode)
                    subject = subject_in(case, metric=rare.called(name))
                    yield self._too_few(rare, subject, limit) or _judge_floor(
                        case, rare, name, subject, limit
                    )

    def _judge_changes(self, case: Case) -> Iterator[Item]:
        reason = why_incomparable(case)
        for rare in self._rare(case):
            for name, demand in self.metrics.items():
                if demand.margin is None:
                    continue
                limit = Limit(margin=demand.margin, mode=demand.mode)
                subject = subject_in(case, metric=rare.called(name))
                if reason:
                    yield cannot_tell(subject, limit, reason)
                    continue
                yield self._too_few(rare, subject, limit) or _judge_change(
                    case, rare, name, subject, Margin(margin=demand.margin, mode=demand.mode)
                )

    def _too_few(self, rare: "_Rare", subject: Subject, limit: Limit) -> Finding | None:
        if rare.rows >= self.min_rows:
            return None
        about = f"of {rare.of_rows:,} test rows {rare.rows:,} are of this class"
        needed = math.ceil(self.min_rows * rare.of_rows / rare.rows) if rare.rows else None
        more = f", about {needed:,} would hold so many" if needed else ""
        found = cannot_tell(subject, limit, f"{about}; at least {self.min_rows} are judged{more}")
        return msgspec.structs.replace(
            found, rows_needed=needed, support=Support(rows=rare.of_rows, positives=rare.rows)
        )

    def _rare(self, case: Case) -> list["_Rare"]:
        """The named classes, or the rarest ones by their test rows; ties by their order."""
        alone = case.settings.task == "binary"
        names = ("negative", _POSITIVE) if alone else case.candidate.classes
        counts = _counts(case, len(names))
        every = [
            _Rare(name, code, rows, sum(counts), alone=alone and name == _POSITIVE)
            for code, (name, rows) in enumerate(zip(names, counts, strict=True))
        ]
        if self.classes:
            unknown = sorted(set(self.classes) - set(names))
            if unknown:
                raise EvidenceError(
                    f"gates.rare_class.classes: {unknown[0]!r} is no class of the label, which has "
                    f"{', '.join(names)}. Name one of these, or mend the label's levels."
                )
            return [one for one in every if one.name in self.classes]
        at_most = len(every) - 1  # one class is what the others are rarer than
        return sorted(every, key=lambda one: (one.rows, -one.code))[: min(self.rarest, at_most)]


def _counts(case: Case, classes: int) -> list[int]:
    """Test rows of each class."""
    if case.streamed is not None:
        support = case.judged.support
        positives = support.positives or 0
        return [support.rows - positives, positives]
    counts: list[int] = np.bincount(case.scored.labels.astype(np.intp), minlength=classes).tolist()
    return counts


class _Rare(msgspec.Struct, frozen=True):
    """A class, which stands for itself against all others."""

    name: str
    code: int
    rows: int
    of_rows: int
    alone: bool  # the class that a binary metric's bare name is about

    def called(self, metric: str) -> str:
        """The metric's name, with the class that it is about."""
        return metric if self.alone else f"{metric}.{self.name}"


class OfClass(msgspec.Struct, frozen=True):
    """A metric of a binary task, of one class against all others."""

    code: int
    metric: Metric[Scored]
    greater_is_better: bool | None = True
    range: Range = RATE

    def of(self, answers: Answers, confidence: float) -> ModelValue:
        """The metric of one model."""
        return self.metric.of(self._alone(answers), confidence)

    def change(self, baseline: Answers, candidate: Answers, confidence: float) -> PairedChange:
        """The metric of two models on the same rows."""
        return self.metric.change(self._alone(baseline), self._alone(candidate), confidence)

    def shared_rows(self, labels: Values) -> Mask | None:
        """The rows of which the metric is a share under any model."""
        return self.metric.shared_rows(labels.astype(np.intp) == self.code)

    def _alone(self, answers: Answers) -> Scored:
        scores = answers.scores
        if isinstance(answers, Classified):
            scores = scores[:, self.code]
        elif not self.code:
            scores = 1 - scores
        labels = answers.labels.astype(np.intp) == self.code
        predictions = answers.predictions.astype(np.intp) == self.code
        return Scored(labels, scores, predictions, answers.weights)


def _metric(case: Case, rare: _Rare, name: str) -> Metric[Any]:
    """A metric of the class; of what is summed in passes, the task's own.

    Raises:
        UndefinedError: passes do not sum it.
    """
    if case.streamed is None:
        return OfClass(rare.code, binary.METRICS[name])
    if name == "average_precision" or not rare.alone:
        raise UndefinedError(_BY_ROWS)
    return binary.METRICS[name]


def _judge_floor(case: Case, rare: _Rare, name: str, subject: Subject, limit: Limit) -> Item:
    try:
        metric = _metric(case, rare, name)
    except UndefinedError as error:
        return cannot_tell(subject, limit, str(error), rare.of_rows)
    found = measure(
        subject,
        metric,
        case.judged,
        limit,
        groups=case.candidate_groups,
        mend=mend_in(case, _MEND),
    )
    if not isinstance(found, Measurement):
        return found
    support = Support(rows=rare.of_rows, positives=rare.rows)
    return msgspec.structs.replace(found, support=support, rows_needed=_rows_needed(found, rare))


def _rows_needed(found: Measurement, rare: _Rare) -> int | None:
    """Test rows whose interval would leave the floor out, if the value stays what it is."""
    floor = found.limit.floor
    gap = abs(found.value - floor) if floor is not None else 0.0
    reach = (found.interval[1] - found.interval[0]) / 2
    if gap == 0 or not math.isfinite(reach):
        return None
    needed = math.ceil(rare.of_rows * (reach / gap) ** 2)
    return needed if needed > rare.of_rows else None


def _judge_change(case: Case, rare: _Rare, name: str, subject: Subject, margin: Margin) -> Item:
    limit = Limit(margin=margin.margin, mode=margin.mode)
    try:
        metric = _metric(case, rare, name)
        effect = measure_effect(metric, case)
    except UndefinedError as error:
        return cannot_tell(subject, limit, str(error), rare.of_rows)
    found = compare(
        name,
        metric,
        effect,
        margin,
        Correction.SEGMENTS,
        subject=subject,
        mend=mend_in(case, _MEND, since=_MEND),
    )
    support = Support(rows=effect.support.rows, positives=rare.rows)
    return msgspec.structs.replace(found, support=support)
