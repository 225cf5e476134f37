"""Gate `data_bias`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import msgspec

from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.finding import Family, Finding, Limit, Mode, Observation, Subject, Support
from gates.judging.declared import sensitive_anywhere
from gates.judging.group_labels import Split, Target, bands_of, places_of, targets_of
from gates.judging.growth import grown, most_telling, rows_to_tell, rows_within
from gates.judging.margin import cannot_tell
from gates.policy.settings import Columns
from gates.quoting import first_few, quote
from gates.rules.gate import Change, Gate, Item, LeastShare, Measurement, NotApplicableError
from gates.stats.estimate import Estimate
from gates.stats.growth import gap_level
from gates.stats.law import binomial_cdf
from gates.stats.proportion import wilson

MAX_GROUPS = 200  # of one feature; more are no groups of people
_MEND_SHARE = "Find the rows of this group that were lost, or collect more of them."
_MEND_RATE = (
    "Find out why the labels of this group moved away from those of the others: who labelled them, "
    "and which rows came or went."
)
_MEND_GROUPS = "Add rows of the groups that are named, or join them with others."

Shares = dict[str, Annotated[float, msgspec.Meta(ge=0, le=1)]]


class DataBias(Gate, frozen=True, kw_only=True):
    """Blocks data in which a group of people is lost, or labelled further apart from the others.

    What it blocks: a group whose share of the training or test rows provably falls below `ratio`
    of its declared share (`population`), or of the baseline's where none is declared; a group
    whose label rate moves away from that of everybody else by more than `worsening` since the
    baseline; and, with `limit`, a label rate further than that from everybody else's, whatever it
    was. Of many classes each has its rate; of numbers the mean is compared, in standard deviations
    of the label. Intersections are listed as in `[sex, race]`.

    Why: a model learns who was looked at, and what was said of them. Neither shows in a metric of
    the whole; and the gap that a biased label leaves in the test set looks like accuracy.

    Rows count by `gates.sample_weight` where the table has that column, and rows of one person or
    machine (the role group) are not taken for independent ones.

    What it does not see: groups that nobody recorded, and a bias that both sides have: a gap
    between groups may be the world's or the labels', which no table tells. Groups of fewer than
    `min_rows` are named and undecided. A missing value is a group of its own.

    Example:
        data_bias:
          features: [sex, race, [sex, race]]
          population: {sex: {Female: 0.48, Male: 0.52}}
    """

    family: ClassVar[Family] = Family.FAIRNESS
    features: tuple[Columns, ...] = ()  # by default either dictionary's sensitive segments
    # By column and level; a level that is not listed is not judged.
    population: dict[str, Shares] = msgspec.field(default_factory=dict)
    ratio: LeastShare = 0.8  # of a group's share to what it should be
    worsening: Change = 0.05  # of the gap between a group's label rate and that of the others
    limit: Change | None = None  # of that gap
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 30
    mode: Mode = Mode.GUARD

    def __post_init__(self) -> None:
        """Refuse shares that are more than everybody."""
        for column, shares in self.population.items():
            if sum(shares.values()) > 1 + 1e-6:
                raise ValueError(f"population: the shares by {column} add up to more than 1.")

    def judge(self, case: Case) -> Iterator[Item]:
        """Per feature: representation, the label's gap and its growth; each by the worst group."""
        bands, features = bands_of(case), self._features(case)
        if not features:
            raise NotApplicableError("the dictionary names no sensitive column with segments")
        if case.baseline is None and self.limit is None and not self.population:
            raise NotApplicableError(
                "there is no baseline to compare with, and neither `population` nor `limit` is set"
            )
        targets = targets_of(case.candidate)
        places = tuple(places_of(case, targets))
        for columns in features:
            if not (self.features or columns[0] in case.candidate.test):
                reason = "it is called sensitive, and this test table has no such column"
                yield self._cannot_tell(columns[0], reason)
                continue
            # A training table may lack what the model must not read; a test table may not.
            splits = [
                place.split(columns, bands)
                for place in places
                if place.name == "test" or place.has(columns)
            ]
            yield from self._judge_feature(case, columns, splits, targets)

    def _features(self, case: Case) -> list[tuple[str, ...]]:
        named = self.features or sensitive_anywhere(case)
        return [(each,) if isinstance(each, str) else each for each in named]

    def _judge_feature(
        self,
        case: Case,
        columns: tuple[str, ...],
        splits: Sequence[Split],
        targets: Sequence[Target],
    ) -> Iterator[Item]:
        column, alpha = " × ".join(columns), case.settings.alpha.other
        most = max((len(split.groups) for split in splits), default=0)
        if most > MAX_GROUPS:
            yield self._cannot_tell(column, f"{most:,} groups; at most {MAX_GROUPS} are judged")
            return
        told = [
            [each for split in splits for each in self._shares(split, columns)],
            [each for split in splits for each in self._growths(split, column, targets)],
            [each for split in splits for each in self._levels(split, column, targets)],
        ]
        yield from (most_telling(each, alpha) for each in told if each)
        small = [text for split in splits for text in split.small(self.min_rows)]
        if small or not any(told):
            reason = first_few(small) if small else "there are no two groups to compare"
            yield self._cannot_tell(column, f"{self.min_rows} rows are needed; {reason}")
        yield from _show(column, splits, targets, self.min_rows)

    def _shares(self, split: Split, columns: tuple[str, ...]) -> Iterator[Measurement]:
        """The groups' shares of the rows, against the population's or the baseline's."""
        column = " × ".join(columns)
        declared = self.population.get(column)
        if declared is not None:
            for level, share in declared.items():
                if share > 0:
                    yield self._against_population(split, column, level, share)
        elif split.old is not None:
            for group, rows in split.old.items():
                known = len(rows) >= self.min_rows or group not in split.groups
                if known and split.old_share(group) > 0:  # else all its rows weigh nothing
                    yield self._against_baseline(split, column, group)

    def _growths(
        self, split: Split, column: str, targets: Sequence[Target]
    ) -> Iterator[Measurement]:
        """How far each group's labels moved away from the others' since the baseline."""
        for group in split.large(self.min_rows):
            for at, target in enumerate(targets):
                if split.knows(group, self.min_rows):
                    before, growth = split.gap_growth(group, at)
                    yield grown(
                        Subject(metric="label gap", column=column),
                        before,
                        growth,
                        self.worsening,
                        mode=self.mode,
                        rows=split.rows,
                        message=(
                            f"{_say(split, group, at, target)}: {before + growth.value:.4f} "
                            f"apart, {before:.4f} at the baseline; up to {self.worsening:g} more "
                            "is accepted."
                        ),
                        mend=_MEND_RATE,
                    )

    def _levels(
        self, split: Split, column: str, targets: Sequence[Target]
    ) -> Iterator[Measurement]:
        """How far each group's labels lie from the others', where that has a limit."""
        if self.limit is None:
            return
        for group in split.large(self.min_rows):
            for at, target in enumerate(targets):
                gap = gap_level(split.halves(group, at))
                around = gap.interval(CONFIDENCE)
                yield Measurement(
                    subject=Subject(metric="label gap at all", column=column),
                    limit=Limit(ceiling=self.limit, mode=self.mode),
                    value=gap.value,
                    interval=(max(0.0, around.lower), around.upper),
                    p_value=gap.p_at_most(self.limit),
                    message=(
                        f"{_say(split, group, at, target)}: {gap.value:.4f} apart; up to "
                        f"{self.limit:g} is accepted."
                    ),
                    mend=_MEND_RATE,
                    support=Support(rows=split.rows),
                    rows_needed=rows_to_tell(
                        gap.standard_error, self.limit - gap.value, split.rows
                    ),
                )

    def _against_population(
        self, split: Split, column: str, level: str, share: float
    ) -> Measurement:
        value, (lower, upper), p_value = _judge_declared(split, level, self.ratio * share)
        ratio = value / share
        return Measurement(
            subject=Subject(metric="representation", column=column),
            limit=Limit(floor=self.ratio, mode=self.mode),
            value=ratio,
            interval=(lower / share, upper / share),
            p_value=p_value,
            message=(
                f"{quote(level)} is {value:.2%} of the {split.place.name} rows{_by_weight(split)} "
                f"and {share:.2%} of the declared population: a ratio of {ratio:.3f}; at least "
                f"{self.ratio:g} is accepted."
            ),
            mend=_MEND_SHARE,
            support=Support(rows=split.rows),
            rows_needed=rows_within(lower / share, upper / share, ratio - self.ratio, split.rows),
        )

    def _against_baseline(self, split: Split, column: str, group: str) -> Measurement:
        before = split.old_share(group)
        growth = split.share_growth(group)
        kept = Estimate(
            value=1 + growth.value / before,
            standard_error=growth.standard_error / before,
            degrees=growth.degrees,
        )
        around = kept.interval(CONFIDENCE)
        gone = f"is {split.share(group):.2%} of" if group in split.groups else "is gone from"
        return Measurement(
            subject=Subject(metric="representation", column=column),
            limit=Limit(floor=self.ratio, mode=self.mode),
            value=kept.value,
            interval=(max(0.0, around.lower), around.upper),
            p_value=kept.p_at_least(self.ratio),
            message=(
                f"{quote(group)} {gone} the {split.place.name} rows{_by_weight(split)} and was "
                f"{before:.2%} of the baseline's: a ratio of {kept.value:.3f}; at least "
                f"{self.ratio:g} is accepted."
            ),
            mend=_MEND_SHARE,
            support=Support(rows=split.rows),
            rows_needed=rows_to_tell(kept.standard_error, kept.value - self.ratio, split.rows),
        )

    def _cannot_tell(self, column: str, reason: str) -> Finding:
        subject = Subject(metric="groups", column=column)
        limit = Limit(rule=f"groups of {self.min_rows} rows or more", mode=self.mode)
        return cannot_tell(subject, limit, reason, mend=_MEND_GROUPS)


def _judge_declared(
    split: Split, level: str, least: float
) -> tuple[float, tuple[float, float], float]:
    """A group's share, its interval, and the p-value of "it is `least` or more".

    Exact where rows stand for themselves; else by the sandwich and Student's law.
    """
    side = split.place.new
    if side.weights is None and side.units is None:
        count = len(split.groups.get(level, ()))
        around = wilson(count, split.rows, CONFIDENCE)
        p_value = binomial_cdf(count, split.rows, least)
        return count / split.rows, (around.lower, around.upper), p_value
    found = split.share_estimate(level)
    around = found.interval(CONFIDENCE)
    limits = max(0.0, around.lower), min(1.0, around.upper)
    return found.value, limits, found.p_at_least(least)


def _by_weight(split: Split) -> str:
    return "" if split.place.new.weights is None else " by weight"


def _say(split: Split, group: str, at: int, target: Target) -> str:
    """Both means in words."""
    inside, outside = split.halves(group, at).means
    return (
        f"{target.name} in {split.place.name}: {target.say(inside)} of {quote(group)} and "
        f"{target.say(outside)} of the others"
    )


def _show(
    column: str, splits: Sequence[Split], targets: Sequence[Target], least: int
) -> Iterator[Observation]:
    """The groups whose labels lie furthest apart, in the first table that has two."""
    if len(targets) != 1:
        return
    for split in splits:
        target, groups = targets[0], split.groups.items()
        means = {
            name: split.halves(name, 0).means[0] for name, rows in groups if len(rows) >= least
        }
        if len(means) > 1:
            low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
            yield Observation(
                subject=Subject(metric="label gap", column=column),
                message=(
                    f"{target.name} in {split.place.name} by {quote(column)}: from "
                    f"{target.say(means[low])} of {quote(low)} to {target.say(means[high])} of "
                    f"{quote(high)}."
                ),
                candidate=means[high] - means[low],
                greater_is_better=False,
                support=Support(rows=split.rows, groups=len(means)),
            )
            return
