"""Gate `group_disparity`."""

import math
from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np

from gates.case import Case
from gates.effect import Effect, measure_effect
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.metrics import METRICS, CellCount, GroupMetric, Scored
from gates.rules.gate import Amount, Comparison, Correction, Gate, Item, NotApplicableError
from gates.rules.margin import cannot_tell
from gates.segments import Rows
from gates.settings import Probability
from gates.stats import influence
from gates.stats.disparity import Disparity, GroupRate, judge_difference, judge_ratio
from gates.stats.undefined import UndefinedError

_MEND = (
    "Compare the groups' training rows and labels; mend what made one fall behind, or choose the "
    "decision threshold with the gap in view."
)


class Demand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of one rate; without any limit its gap is shown and not judged."""

    worsening: Amount | None = None  # the largest accepted growth of a group's gap to the rest
    limit: Amount | None = None  # the largest accepted difference between two groups
    ratio: Probability | None = None  # the smallest accepted ratio, such as four fifths
    mode: Mode = Mode.GUARD


def _usual_demands() -> dict[GroupMetric, Demand]:
    """Demographic parity and equalized odds, neither of them worse than before."""
    return {
        "selection_rate": Demand(worsening=0.02),
        "true_positive_rate": Demand(worsening=0.05),
        "false_positive_rate": Demand(worsening=0.05),
    }


class _Group(msgspec.Struct, frozen=True):
    """One group's rows in each arena, and its rate under both models."""

    name: str
    rows: list[Rows | None]
    effect: Effect


class GroupDisparity(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that treats one group of people worse than the others than before.

    What it blocks: a group whose gap to everybody else provably grows by the accepted `worsening`
    or more (demographic parity by `selection_rate`, equal opportunity by `true_positive_rate`,
    equalized odds by that and `false_positive_rate`); and, where the owner sets them, a gap beyond
    `limit` or a ratio below `ratio` between any two groups.

    Why: the change is judged by default, not the level, because a pull request cannot be blamed
    for a gap it inherited. The largest gap between many small groups is large by chance alone, so
    it is shown and never judged; what is judged is each group against the rest, corrected.

    What it does not see: columns that are not in the data, and whether a gap is just. A group of
    fewer than `min_rows` in the rate's denominator is named as too small, never taken for 0 or 1.

    Example:
        group_disparity:
          features: [sex, race]
          metrics:
            selection_rate: {worsening: 0.02}
            true_positive_rate: {worsening: 0.05, limit: 0.35}
    """

    family: ClassVar[Family] = Family.FAIRNESS
    features: tuple[str, ...] = ()  # by default the dictionary's sensitive segments
    metrics: dict[GroupMetric, Demand] = msgspec.field(default_factory=_usual_demands)
    min_rows: int = 30

    def judge(self, case: Case) -> Iterator[Item]:
        """Per feature and rate: the gap as it is, its change, and its limits."""
        features = self.features or _sensitive_segments(case)
        if not features:
            raise NotApplicableError("the dictionary names no sensitive column with segments")
        levels = [d for d in self.metrics.values() if d.limit is not None or d.ratio is not None]
        if case.baseline is None and not levels:
            raise NotApplicableError("there is no baseline to compare with")
        for feature in features:
            for metric, demand in self.metrics.items():
                if case.baseline is not None:
                    yield from self._judge_change(case, feature, metric, demand)
                yield from self._judge_level(case, feature, metric, demand)

    def _judge_change(
        self, case: Case, feature: str, metric: GroupMetric, demand: Demand
    ) -> Iterator[Item]:
        groups, small = self._measure_groups(case, feature, metric)
        if len(groups) > 1:
            yield _show(feature, metric, groups)
        if demand.worsening is None:
            return
        limit = Limit(margin=demand.worsening, mode=demand.mode)
        if small or len(groups) < 2:  # noqa: PLR2004 - a gap has two sides
            names = ", ".join(f"{name} has {rows}" for name, rows in small.items())
            reason = f"needs two groups of {self.min_rows} rows in its denominator; {names}"
            subject = Subject(metric=f"{metric}_difference", column=feature)
            yield cannot_tell(subject, limit, reason)
        if len(groups) == 2 and not small:  # noqa: PLR2004 - each is the other's rest
            yield self._compare(case, feature, metric, groups[0], limit, alone=True)
        elif len(groups) > 1:
            for group in groups:
                yield self._compare(case, feature, metric, group, limit, alone=False)

    def _measure_groups(
        self, case: Case, feature: str, metric: GroupMetric
    ) -> tuple[list[_Group], dict[str, int]]:
        """Groups that are large enough, and the counted rows of those that are not."""
        by_arena = [arena.segments((feature,)) for arena in case.arenas]
        groups, small = [], {}
        for key in dict.fromkeys(key for segments in by_arena for key in segments):
            rows = [segments.get(key) for segments in by_arena]
            try:
                effect = measure_effect(METRICS[metric], case.arenas, rows)
            except UndefinedError:
                small[key[0]] = 0
                continue
            if effect.counted < self.min_rows:
                small[key[0]] = effect.counted
            else:
                groups.append(_Group(key[0], rows, effect))
        return groups, small

    def _compare(
        self,
        case: Case,
        feature: str,
        metric: GroupMetric,
        group: _Group,
        limit: Limit,
        *,
        alone: bool,
    ) -> Item:
        segment = {} if alone else {feature: group.name}
        subject = Subject(
            metric=f"{metric}_difference", column=feature if alone else None, segment=segment
        )
        try:
            rest = measure_effect(METRICS[metric], case.arenas, _others(case, group.rows))
        except UndefinedError as error:
            return cannot_tell(subject, limit, str(error))
        return _gap_change(subject, limit, group.effect, rest)

    def _judge_level(
        self, case: Case, feature: str, metric: GroupMetric, demand: Demand
    ) -> Iterator[Item]:
        if demand.limit is None and demand.ratio is None:
            return
        rates = _rates(case, feature, metric)
        alpha = case.settings.alpha.fairness
        subject = Subject(metric=f"{metric}_difference", column=feature)
        try:
            if demand.limit is not None:
                limit = Limit(ceiling=demand.limit, mode=demand.mode)
                yield _level(subject, limit, judge_difference(rates, demand.limit, alpha))
            subject = Subject(metric=f"{metric}_ratio", column=feature)
            if demand.ratio is not None:
                limit = Limit(floor=demand.ratio, mode=demand.mode)
                yield _level(subject, limit, judge_ratio(rates, demand.ratio, alpha))
        except UndefinedError as error:
            yield cannot_tell(subject, Limit(rule="two groups", mode=demand.mode), str(error))


def _sensitive_segments(case: Case) -> tuple[str, ...]:
    columns = case.candidate.dictionary.columns
    return tuple(name for name, entry in columns.items() if entry.sensitive and entry.segment)


def _others(case: Case, rows: list[Rows | None]) -> list[Rows | None]:
    """All rows of each arena that are not in the group."""
    others: list[Rows | None] = []
    for arena, at in zip(case.arenas, rows, strict=True):
        outside = np.ones(len(arena.rows), dtype=np.bool_)
        if at is not None:
            outside[at] = False
        others.append(np.flatnonzero(outside))
    return others


def _gap_change(subject: Subject, limit: Limit, group: Effect, rest: Effect) -> Comparison:
    """How much the distance between a group and the rest grew; less is better.

    The interval adds the two independent ones by squares: Zou & Donner, Statistics in Medicine 27
    (2008) 1693.
    """
    before, after = group.baseline - rest.baseline, group.candidate - rest.candidate
    sign = -1.0 if (after or before) < 0 else 1.0
    growth = sign * (after - before)
    (group_low, group_high), (rest_low, rest_high) = group.interval, rest.interval
    below = math.hypot(group.change - group_low, rest_high - rest.change)
    above = math.hypot(group_high - group.change, rest.change - rest_low)
    if sign < 0:
        below, above = above, below
    change = abs(after) - abs(before)
    # Where the gap changes sides it grows by less than it moves: the estimate is |after| − |before|
    # and the interval, which is of the movement, is shifted to it.
    shift = change - growth
    return Comparison(
        subject=subject,
        correction=Correction.FAIRNESS,
        limit=limit,
        greater_is_better=False,
        baseline=abs(before),
        candidate=abs(after),
        change=change,
        interval=(growth - below + shift, growth + above + shift),
        rows=np.concatenate([group.rows, rest.rows]),
        contributions=-sign * np.concatenate([group.contributions, -rest.contributions]),
        support=Support(rows=group.counted + rest.counted, groups=2),
        same=group.same and rest.same,
        mend=_MEND,
    )


def _show(feature: str, metric: str, groups: list[_Group]) -> Observation:
    """The largest difference between two groups before and after.

    Between many groups it is large by chance, so it is not judged, and only that between two has
    an interval.
    """
    low = min(groups, key=lambda group: group.effect.candidate)
    high = max(groups, key=lambda group: group.effect.candidate)
    before = max(g.effect.baseline for g in groups) - min(g.effect.baseline for g in groups)
    after = high.effect.candidate - low.effect.candidate
    subject = Subject(metric=f"{metric}_difference", column=feature)
    interval = None
    if len(groups) == 2:  # noqa: PLR2004 - a gap has two sides
        interval = _gap_change(subject, Limit(), high.effect, low.effect).interval
    return Observation(
        subject=subject,
        message=(
            f"{metric} by {feature}: between {low.name} ({low.effect.candidate:.3f}) and "
            f"{high.name} ({high.effect.candidate:.3f})."
        ),
        baseline=before,
        candidate=after,
        change=after - before,
        greater_is_better=False,
        interval=interval,
        support=Support(rows=sum(g.effect.counted for g in groups), groups=len(groups)),
    )


def _rates(case: Case, feature: str, metric: GroupMetric) -> tuple[GroupRate, ...]:
    """Hits and rows of each group on the candidate's own test rows."""
    return tuple(
        _rate(segment.name[feature], _part(case.scored, segment.rows), metric)
        for segment in case.candidate_segments((feature,))
    )


def _rate(name: str, scored: Scored, metric: GroupMetric) -> GroupRate:
    counted = METRICS[metric]
    assert isinstance(counted, CellCount)  # noqa: S101 - every `GroupMetric` is one
    ratio = influence.METRICS[counted.name].ratios[0]
    cells = influence.count_cells(scored.labels, scored.predictions)
    hits, rows = int(cells @ np.array(ratio.above)), int(cells @ np.array(ratio.below))
    return GroupRate(name, hits, rows)


def _part(scored: Scored, rows: Rows) -> Scored:
    return Scored(scored.labels[rows], scored.scores[rows], scored.predictions[rows])


def _level(subject: Subject, limit: Limit, found: Disparity) -> Finding:
    small = f" Too small to judge: {', '.join(found.too_small)}." if found.too_small else ""
    low, high = found.interval.lower, found.interval.upper
    return Finding(
        subject=subject,
        state=found.state,
        limit=limit,
        message=(
            f"{subject.text()}: {found.value:.4f} between {found.lowest} and {found.highest} "
            f"(limits {low:.4f} to {high:.4f}).{small}"
        ),
        mend="" if found.state is State.PASSED else _MEND,
        candidate=found.value,
        greater_is_better=limit.floor is not None,
        interval=(low, high),
        interval_of="candidate",
    )
