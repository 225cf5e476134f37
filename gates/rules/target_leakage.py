"""Gate `target_leakage`."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from gates.case.case import Case
from gates.evidence.columns import Role
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject
from gates.judging.carried import show_carried
from gates.judging.restated import restates
from gates.judging.sides import TEST, same_file
from gates.judging.telling import ALPHA, Pure, Telling, measure_column
from gates.quoting import first_few, quote
from gates.rules.gate import Gate, Item, NotApplicableError
from gates.stats.auc import roc_auc
from gates.stats.interval import confidence_of
from gates.stats.undefined import UndefinedError
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask
from gates.tables.words import read_words

_MEND = "Take it out, or show that its value is known before the label is, in a pull request apart."

Share = Annotated[float, msgspec.Meta(gt=0.5, lt=1)]


class TargetLeakage(Gate, frozen=True, kw_only=True):
    """Blocks a feature that gives the label away.

    What it blocks: a feature that is new in this pull request, or whose values it changes, or that
    says far less on the baseline's rows, and that alone ranks the test rows too well (the lower
    limit of its AUC, whichever way round, exceeds `max_auc`, or the AUC of the whole baseline
    model), or a repeated value of which nearly all rows are of the rarer class (the lower limit of
    its `purity`; also of "missing"; only where that class is at most 30 % of the rows). The same in
    an inherited feature is shown, and so is a value that restates one, under whatever name: its
    rows are a range of an inherited number, or levels of a category.

    Why: a field that is filled in only after the outcome makes any model look right until it is
    used. Such a field often has a moderate AUC, and one value that says it all.

    Of many classes each is told from the rest, corrected for their number; of a number, the rows
    above its median from those below.

    What it shows: a new or changed feature with which most of a proven gain comes. The baseline's
    scores are corrected by its bins alone, and what that gains in log loss (of a regression in
    squared error) is set against what the model gains. A good honest feature is shown, too: only
    who knows when it is filled in can tell it from a label hidden in noise, which nothing blocks.

    What it does not see: a leak that is spread over several features; whether a feature is known
    when the model predicts, which the dictionary says. Of tables that are judged in passes no
    share of the gain is shown. Without a baseline nothing is known to be new, so what shows is
    left undecided.

    Example:
        target_leakage: {max_auc: 0.95, purity: 0.90}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    max_auc: Share = 0.95
    purity: Share = 0.90

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per feature; observations of what is inherited or carries the gain."""
        table = case.candidate.test
        features = [name for name in case.candidate.dictionary.features if name in table]
        if not features:
            raise NotApplicableError("the test table has no feature")
        history = _History(case)
        targets = _targets_of(case.candidate)
        for name in features:
            try:
                yield from self._judge_feature(name, targets, history)
            except UndefinedError as error:
                raise NotApplicableError(f"the test rows have {error}") from error
        yield from show_carried(case, features, history.novelty)

    def _judge_feature(
        self, name: str, targets: "Sequence[_Target]", history: "_History"
    ) -> Iterator[Item]:
        """By the target that the feature gives away, else by the one that it says most about."""
        found = [self._measure(name, target, len(targets), history) for target in targets]
        telling = max(found, key=lambda each: (bool(each.signals or each.jumps), each.lower))
        yield from self._judge_telling(name, telling, history)

    def _measure(self, name: str, target: "_Target", of: int, history: "_History") -> "_Found":
        evidence, alpha = history.candidate, ALPHA / of
        telling = measure_column(
            name,
            evidence.dictionary.columns[name],
            evidence,
            self.purity,
            labels=target.labels,
            alpha=alpha,
        )
        whole = history.model_auc(target)
        ranks = telling.interval.lower > self.max_auc
        return _Found(target, telling, tuple(self._signals(telling)), ranks, whole, alpha)

    def _judge_telling(self, name: str, telling: "_Found", history: "_History") -> Iterator[Item]:
        signals, jumps = telling.signals, telling.jumps
        jump = f"exceeds the whole baseline model's {telling.whole:.4f}"
        if not (signals or jumps):
            yield _finding(name, telling, State.PASSED, "does not give the label away")
        elif history.is_first:
            text = "; ".join(signals)
            yield _finding(name, telling, State.UNDECIDED, f"{text}; there is no baseline to ask")
        elif history.is_new(name):
            restated = history.restated(telling.telling)
            if restated and not (telling.ranks or jumps):
                yield from _show(name, telling, f"{'; '.join(signals)}, as {restated} did before")
                return
            text = "; ".join([*signals, *([jump] if jumps else [])])
            yield _finding(name, telling, State.FAILED, f"{text}; {history.novelty(name)}")
        elif before := self._weaker_before(name, telling, history):
            text = "; ".join([*signals, *([jump] if jumps else [])])
            yield _finding(name, telling, State.FAILED, f"{text}; {before}")
        else:
            text = f"{'; '.join(signals) or jump}; inherited from the baseline"
            yield from _show(name, telling, text)

    def _weaker_before(self, name: str, found: "_Found", history: "_History") -> str:
        """That the baseline's rows do not say so much, in words; empty where they do.

        Other rows under an old name may bring what no value that both sides have shows.
        """
        told = history.tell_before(name, found, (0.5 + self.purity) / 2)
        if told is None:
            return ""
        by_auc = found.jumps or found.telling.interval.lower > self.max_auc
        if by_auc and told.interval.upper < found.telling.interval.lower:
            return f"on the baseline's rows its AUC is {told.auc:.4f}"
        if found.telling.pure_values and not told.pure_values:
            return "on the baseline's rows no value of it does"
        return ""

    def _signals(self, telling: Telling) -> Iterator[str]:
        if telling.interval.lower > self.max_auc:
            yield f"exceeds {self.max_auc:g}"
        if telling.pure_values:
            values = [value.text for value in telling.pure_values]
            yield f"names the rarer class by {first_few(values)}"


class _Target(msgspec.Struct, frozen=True, eq=False):
    """What a feature may give away: the positive class, one of many, or the larger half."""

    name: str  # in a sentence; nothing where there is but one
    labels: Mask
    scores: Floats | None = None  # of the whole model, for the same


class _Found(msgspec.Struct, frozen=True):
    """What one feature says about one target."""

    target: _Target
    telling: Telling
    signals: tuple[str, ...]
    ranks: bool  # the test rows too well
    whole: float  # the baseline model's AUC
    alpha: float

    @property
    def lower(self) -> float:
        """Limit of its AUC."""
        return self.telling.interval.lower

    @property
    def jumps(self) -> bool:
        """Whether it knows more than the whole baseline model."""
        return self.lower > self.whole


def _targets_of(evidence: Evidence, *, scored: bool = False) -> tuple[_Target, ...]:
    """Those of one side, with its model's scores where asked for."""
    labels, scores = evidence.labels, evidence.scores if scored else None
    if evidence.settings.task == "regression":
        return (_Target(" for labels above the median", labels > np.median(labels), scores),)
    if evidence.settings.task == "binary":
        return (_Target("", labels, scores),)
    return tuple(
        _Target(
            f" for {quote(level)} against the rest",
            labels == code,
            None if scores is None else scores[:, code],
        )
        for code, level in enumerate(evidence.classes)
        if bool((labels == code).any())
    )


class _History:
    """What the baseline knew of a feature; asked only where a signal shows."""

    def __init__(self, case: Case) -> None:
        self._case = case

    @property
    def is_first(self) -> bool:
        """Whether there is no baseline."""
        return self._case.baseline is None

    @property
    def candidate(self) -> Evidence:
        """Whose features are judged."""
        return self._case.candidate

    def model_auc(self, target: _Target) -> float:
        """Of the baseline model on its own test rows; infinite where it cannot be had."""
        return self._model_aucs.get(target.name, np.inf)

    @cached_property
    def _model_aucs(self) -> Mapping[str, float]:
        baseline, found = self._case.baseline, {}
        if baseline is not None:
            for target in _targets_of(baseline, scored=True):
                assert target.scores is not None  # noqa: S101 - they were asked for
                with contextlib.suppress(UndefinedError):
                    found[target.name] = roc_auc(target.labels, target.scores)
        return found

    def is_new(self, name: str) -> bool:
        """Whether the feature, or any of its values, is this pull request's doing."""
        return bool(self.novelty(name))

    def novelty(self, name: str) -> str:
        """What is new about the feature, in words; empty where nothing is."""
        baseline = self._case.baseline
        if baseline is None:
            return ""
        before = baseline.dictionary.columns.get(name)
        if before is None or name not in baseline.test:
            return "the column is new in this pull request"
        if before.role is not Role.FEATURE:
            return f"it was {before.role} and becomes a feature in this pull request"
        changed = 0 if same_file(self._case, TEST) else self._count_changed(name, baseline)
        return f"this pull request changes {changed:,} of its values" if changed else ""

    def restated(self, telling: Telling) -> str:
        """The inherited features that all pure values only restate; empty where one is news."""
        names: dict[str, None] = {}
        for value in telling.pure_values:
            name = next((each for each in self._known if self._restates(value, each)), None)
            if name is None:
                return ""
            names[quote(name)] = None
        return first_few(list(names))

    @cached_property
    def _known(self) -> tuple[str, ...]:
        """Features that the baseline's model had: unchanged ones, and such as are gone now."""
        new, old = self.candidate, self._case.baseline
        assert old is not None  # noqa: S101 - nothing is new without one
        kept = [name for name in new.dictionary.features if name in new.test]
        gone = [name for name in old.dictionary.features if name not in new.test]
        return (
            *(name for name in kept if not self.is_new(name)),
            *(name for name in gone if name in old.test),
        )

    def _restates(self, value: Pure, name: str) -> bool:
        new, old = self.candidate, self._case.baseline
        assert old is not None  # noqa: S101 - nothing is new without one
        if name in new.test:
            return restates(value.rows, name, new.dictionary.columns[name], new.test)
        rows = places_in(new.ids, old.ids)[value.rows]
        same = bool((rows >= 0).all())
        return same and restates(rows, name, old.dictionary.columns[name], old.test)

    def tell_before(self, name: str, found: "_Found", purity: float) -> Telling | None:
        """What the column says of the same target on the baseline's rows, where these are others.

        `None` too where the baseline has no rows to tell it by.
        """
        baseline = self._case.baseline
        if baseline is None or same_file(self._case, TEST):
            return None
        labels = [each.labels for each in _targets_of(baseline) if each.name == found.target.name]
        entry = baseline.dictionary.columns[name]
        with contextlib.suppress(UndefinedError):
            for each in labels:
                return measure_column(name, entry, baseline, purity, labels=each, alpha=found.alpha)
        return None

    def _count_changed(self, name: str, baseline: Evidence) -> int:
        """Test rows of both sides whose value differs."""
        new, old = self._case.candidate, baseline
        places = places_in(new.ids, old.ids)
        kept = np.flatnonzero(places >= 0)
        changed = np.zeros(len(kept), dtype=np.bool_)
        for mine, before in read_words(name, (new.test, old.test)):
            changed |= mine[kept] != before[places[kept]]
        return int(np.count_nonzero(changed))


def _show(name: str, found: _Found, text: str) -> Iterator[Item]:
    """What passes, and is worth a reader's look."""
    finding = _finding(name, found, State.PASSED, text)
    yield finding
    yield Observation(subject=finding.subject, message=finding.message, candidate=found.telling.auc)


def _finding(name: str, found: _Found, state: State, text: str) -> Finding:
    telling, interval = found.telling, found.telling.interval
    return Finding(
        subject=Subject(column=name),
        state=state,
        limit=Limit(rule="does not give the label away", mode=Mode.GUARD),
        message=(
            f"{quote(name)} alone has an AUC of {telling.auc:.4f}{found.target.name} (lower limit "
            f"{interval.lower:.4f}); it {text}."
        ),
        mend="" if state is State.PASSED else _MEND,
        candidate=telling.auc,
        interval=(interval.lower, interval.upper),
        interval_of="candidate",
        confidence=confidence_of(found.alpha),
    )
