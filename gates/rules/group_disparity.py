"""Gate `group_disparity`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.segments import split_by
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, Subject, Support
from gates.judging.declared import has_groups, sensitive_in
from gates.judging.gap import Rate, measure_gap, rates_of
from gates.judging.group_gaps import Bound, judge_gaps
from gates.judging.margin import (
    against_each,
    cannot_tell,
    mend_in,
    on_each_test_set,
    subject_in,
    why_incomparable,
)
from gates.metrics.group import GroupMean, GroupMetric, group_means, group_names
from gates.policy.settings import Columns
from gates.quoting import first_few
from gates.rules.gate import (
    Change,
    Comparison,
    Correction,
    Gate,
    Item,
    LeastShare,
    NotApplicableError,
)
from gates.stats.undefined import UndefinedError

if TYPE_CHECKING:
    from gates.case.case import Part

MAX_GROUPS = 200  # each is compared with all other rows
_MEND = (
    "Compare the groups' training rows and labels; mend what made one fall behind, or choose the "
    "decision threshold with the gap in view."
)


class Demand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of one rate; without any limit its gap is shown and not judged."""

    worsening: Change | None = None  # the largest accepted growth of a group's gap to the rest
    limit: Change | None = None  # the largest accepted difference between two groups
    ratio: LeastShare | None = None  # the smallest accepted ratio, such as four fifths
    mode: Mode = Mode.GUARD

    @property
    def levels(self) -> int:
        """How many bounds it sets to the level, whatever it was before."""
        return (self.limit is not None) + (self.ratio is not None)

    @property
    def worsens_only(self) -> bool:
        """Whether it asks nothing of the level, so that there must be a baseline."""
        return not self.levels

    @property
    def is_only_shown(self) -> bool:
        """Whether it asks nothing at all."""
        return self.worsens_only and self.worsening is None


def _usual_demands() -> dict[GroupMetric, Demand]:
    """Demographic parity and equalized odds, neither of them worse than before."""
    return {
        "selection_rate": Demand(worsening=0.02),
        "true_positive_rate": Demand(worsening=0.05),
        "false_positive_rate": Demand(worsening=0.05),
    }


class _Group(msgspec.Struct, frozen=True):
    """One group: its rows in each arena, and its rate in the first, under both models."""

    values: tuple[str, ...]
    rows: "list[Part | None]"
    before: Rate
    after: Rate

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return " and ".join(self.values)


class GroupDisparity(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that treats one group of people worse than the others than before.

    What it blocks: a group whose gap to everybody else provably grows by the accepted `worsening`
    or more (demographic parity by `selection_rate`, equal opportunity by `true_positive_rate`,
    equalized odds by that and `false_positive_rate`, calibration within groups by
    `calibration_error`, the mean of score minus label); and, where the owner sets them, a gap
    beyond `limit` or a ratio below `ratio` between any two groups. Of many classes each has its
    rates; a regression has `mean_error`, `mean_absolute_error` and `mean_prediction`, in the
    label's unit. Where the pull request changes the test set, the baseline's own rows are judged
    besides; with `references: [merge_base, anchor]` the same `worsening` also bounds the growth
    since the last release.

    Why: the change is judged by default, not the level, because a pull request cannot be blamed
    for a gap it inherited. The largest gap between many small groups is large by chance alone, so
    it is shown and never judged; what is judged is each group against the rest, corrected.

    What it does not see: columns that are not in the data, and whether a gap is just. A group of
    fewer than `min_rows` in the rate's denominator is named as too small, never taken for 0 or 1;
    a missing value is a group of its own, and one that is gone since the baseline is named.

    Example:
        group_disparity:
          features: [sex, race]
          metrics:
            selection_rate: {worsening: 0.02}
            true_positive_rate: {worsening: 0.05, limit: 0.35}
    """

    family: ClassVar[Family] = Family.FAIRNESS
    features: tuple[Columns, ...] = ()  # by default either dictionary's sensitive segments
    metrics: dict[GroupMetric, Demand] = msgspec.field(default_factory=_usual_demands)
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 30

    def __post_init__(self) -> None:
        """Refuse a gate that would only show."""
        if all(demand.is_only_shown for demand in self.metrics.values()):
            raise ValueError("no rate has a limit; give one `worsening`, `limit` or `ratio`.")
        error = self.metrics.get("calibration_error")
        if error is not None and error.ratio is not None:
            raise ValueError("calibration_error: a ratio is of rates; set a `limit`.")

    def judge(self, case: Case) -> Iterator[Item]:
        """Per feature and mean: the gap as it is, its change, and its limits."""
        task, classes = case.settings.task, case.candidate.classes
        if not set(self.metrics) <= set(group_names(task)):
            known = ", ".join(group_names(task))
            raise NotApplicableError(f"name its `metrics`; those of a {task} task are {known}")
        features, gone = self._features(case), list(self._name_unlisted(case))
        if not (features or gone):
            raise NotApplicableError("the dictionary names no sensitive column with segments")
        if case.baseline is None and all(d.worsens_only for d in self.metrics.values()):
            raise NotApplicableError("there is no baseline to compare with")
        every = [
            _Compared(columns, name, mean, demand)
            for columns in features
            for named, demand in self.metrics.items()
            for name, mean in group_means(named, classes).items()
        ]
        # The levels share theirs: each of them may be broken by chance.
        levels = sum(each.demand.levels for each in every) * (1 + (case.on_base is not None))
        alpha = case.settings.alpha.fairness / max(1, levels)
        yield from gone
        for columns in features:
            yield from self._name_vanished(case, columns)
        if case.baseline is not None:
            yield from against_each(case, lambda against: self._judge_changes(against, every))
        for of in on_each_test_set(case):
            for compared in every:
                if of is case or compared.is_in(of.tested):
                    yield from judge_gaps(
                        of,
                        compared.columns,
                        compared.mean,
                        compared.bounds(of),
                        alpha=alpha,
                        mend=mend_in(of, _MEND),
                    )

    def _judge_changes(self, case: Case, every: "list[_Compared]") -> Iterator[Item]:
        """Against one reference, on one test set."""
        reason = why_incomparable(case)
        for compared in every:
            if case.test_set_of is not None and not compared.is_in(case.tested):
                continue  # a column that is new, so not on the baseline's rows
            why = reason or compared.why_unknown(case)
            if not why:
                yield from self._judge_change(case, compared)
            elif compared.demand.worsening is not None:
                limit = Limit(margin=compared.demand.worsening, mode=compared.demand.mode)
                yield cannot_tell(compared.subject("difference", case), limit, why)

    def _name_unlisted(self, case: Case) -> Iterator[Finding]:
        """Columns that the baseline calls sensitive, and by which these rows cannot be split."""
        if self.features or case.baseline is None:
            return
        judged = self._features(case)
        for name in sensitive_in(case.baseline.dictionary):
            if (name,) not in judged:
                yield cannot_tell(
                    Subject(metric="groups", column=name),
                    Limit(rule="every sensitive column stays", mode=self._mode),
                    "the baseline's dictionary calls it sensitive, with segments, and this one not",
                )

    @property
    def _mode(self) -> Mode:
        """The strictest of any demand."""
        strict = any(demand.mode is Mode.STRICT for demand in self.metrics.values())
        return Mode.STRICT if strict else Mode.GUARD

    def _name_vanished(self, case: Case, columns: tuple[str, ...]) -> Iterator[Finding]:
        """Groups that the baseline's test set has and this one has not."""
        old, new = case.baseline, case.candidate
        if old is None or new.has_rows_of(old) or case.streamed is not None:
            return
        if not all(name in old.test for name in columns):
            return
        before, after = (
            {" and ".join(each.name.values()): len(each.rows) for each in split}
            for split in (split_by(columns, side.test, side.dictionary) for side in (old, new))
        )
        gone = [f"{name} had {rows:,} rows" for name, rows in before.items() if name not in after]
        if not gone:
            return
        limit = Limit(rule="every group stays", mode=self._mode)
        yield cannot_tell(
            Subject(metric="groups", column=" × ".join(columns)),
            limit,
            f"the baseline's test set has groups that this one has not: {first_few(gone)}",
        )

    def asks(self, evidence: Evidence) -> Iterator[Ask]:
        """Each rate in each group by the columns that the policy or the candidate names."""
        for columns in self._named(sensitive_in(evidence.dictionary)):
            yield from (Ask(metric, columns) for metric in self.metrics)

    def _features(self, case: Case) -> list[tuple[str, ...]]:
        """Those of the policy, or what either dictionary calls sensitive."""
        names = sensitive_in(case.candidate.dictionary)
        if case.baseline is not None and case.streamed is None:  # sums are of what was asked
            theirs = sensitive_in(case.baseline.dictionary)
            names += [name for name in theirs if has_groups(case.candidate, name)]
        return self._named(names)

    def _named(self, sensitive: list[str]) -> list[tuple[str, ...]]:
        named = self.features or dict.fromkeys(sensitive)
        return [(each,) if isinstance(each, str) else each for each in named]

    def _judge_change(self, case: Case, compared: "_Compared") -> Iterator[Item]:
        columns, mean, demand = compared.columns, compared.mean, compared.demand
        limit = Limit(margin=demand.worsening, mode=demand.mode)
        subject = compared.subject("difference", case)
        every = _groups(case, columns, mean)
        groups = [group for group in every if group.after.rows >= self.min_rows]
        small = [group for group in every if group.after.rows < self.min_rows]
        if len(groups) > 1 and case.test_set_of is None and case.reference is None:
            yield _show(case, compared, groups)
        if demand.worsening is None:
            return
        if small or len(groups) < 2:  # noqa: PLR2004 - a gap has two sides
            names = first_few([f"{group.name} has {group.after.rows}" for group in small])
            reason = f"needs two groups of {self.min_rows} rows in its denominator; {names}"
            yield cannot_tell(subject, limit, reason)
        if len(every) == 2 and not small:  # noqa: PLR2004 - each is the other's rest
            yield _compare(subject, limit, mean, case, groups[0])
        elif len(groups) > MAX_GROUPS:
            reason = f"{len(groups):,} groups; at most {MAX_GROUPS} are compared with the rest"
            yield cannot_tell(subject, limit, reason)
        elif len(groups) > 1:
            for group in groups:
                segment = dict(zip(columns, group.values, strict=True))
                one = subject_in(case, metric=subject.metric, segment=segment)
                yield _compare(one, limit, mean, case, group)


class _Compared(msgspec.Struct, frozen=True):
    """One mean by one feature, with what is demanded of it."""

    columns: tuple[str, ...]
    name: str
    mean: GroupMean
    demand: Demand

    @property
    def column(self) -> str:
        """What a sentence calls the feature."""
        return " × ".join(self.columns)

    def is_in(self, side: Evidence) -> bool:
        """Whether a test table has all columns of the feature."""
        return all(name in side.test for name in self.columns)

    def why_unknown(self, case: Case) -> str:
        """Why rows that it is compared on have no such groups; nothing where they have."""
        known = case.on_base is None or self.is_in(case.on_base.tested)
        return "" if known else "the baseline's test table has no such column"

    def bounds(self, case: Case) -> list[Bound]:
        """What is demanded of the level, whatever it was before."""
        found, mode = [], self.demand.mode
        if self.demand.limit is not None:
            limit = Limit(ceiling=self.demand.limit, mode=mode)
            found.append((self.subject("difference", case), limit))
        if self.demand.ratio is not None:
            found.append((self.subject("ratio", case), Limit(floor=self.demand.ratio, mode=mode)))
        return found

    def subject(self, what: str, case: Case) -> Subject:
        """The difference or the ratio of the mean between groups."""
        return subject_in(case, metric=f"{self.name}_{what}", column=self.column)


def _groups(case: Case, columns: tuple[str, ...], mean: GroupMean) -> list[_Group]:
    """The groups of the first arena, with their means there."""
    by_arena = case.segments(columns)
    return [
        _Group(values, [segments.get(values) for segments in by_arena], *rates_of(mean, case, rows))
        for values, rows in by_arena[0].items()
    ]


def _compare(subject: Subject, limit: Limit, mean: GroupMean, case: Case, group: _Group) -> Item:
    try:
        gap = measure_gap(mean, case, group.rows)
    except UndefinedError as error:
        return cannot_tell(subject, limit, str(error), group.after.rows)
    return Comparison(
        subject=subject,
        correction=Correction.FAIRNESS,
        limit=limit,
        greater_is_better=False,
        baseline=abs(gap.before),
        candidate=abs(gap.after),
        change=gap.growth,
        interval=gap.interval,
        rows=gap.rows,
        contributions=-gap.contributions,
        added=gap.added,
        support=Support(rows=gap.counted, groups=2),
        counted=gap.counted,
        same=gap.same,
        doubt=gap.doubt,
        mend=mend_in(case, _MEND),
    )


def _show(case: Case, compared: _Compared, groups: list[_Group]) -> Observation:
    """The largest difference between two groups before and after.

    Between many groups it is large by chance, so it is not judged, and only that between two has
    an interval.
    """
    low = min(groups, key=lambda group: group.after.value)
    high = max(groups, key=lambda group: group.after.value)
    befores = [group.before.value for group in groups]
    before, after = max(befores) - min(befores), high.after.value - low.after.value
    return Observation(
        subject=compared.subject("difference", case),
        message=(
            f"{compared.name} by {compared.column}: between {low.name} ({low.after.value:.3f}) and "
            f"{high.name} ({high.after.value:.3f})."
        ),
        baseline=before,
        candidate=after,
        change=after - before,
        greater_is_better=False,
        interval=_interval(case, compared.mean, low) if len(groups) == 2 else None,  # noqa: PLR2004
        support=Support(rows=sum(group.after.rows for group in groups), groups=len(groups)),
    )


def _interval(case: Case, mean: GroupMean, group: _Group) -> tuple[float, float] | None:
    try:
        return measure_gap(mean, case, group.rows).interval
    except UndefinedError:
        return None
