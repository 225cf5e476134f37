"""Gate `split_balance`."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.distances import (
    Distance,
    distance_of_counts,
    distance_of_numbers,
    say_most_moved,
)
from gates.judging.growth import most_telling, rows_within
from gates.judging.splits import Counts, Part, Split, split_sides, splits_of
from gates.quoting import first_few, quote
from gates.rules.gate import Gate, Item, LeastShare, Measurement, NotApplicableError, Share
from gates.stats.shift import Independent, cramers_v
from gates.stats.undefined import UndefinedError
from gates.tables.table import Table

_MEND = "Draw the split by a hash of the row's identifier over all rows, or stratify it."
_MEND_FEW = "Add rows of it to the test set and to train, or take the segment out of the policy."


class SplitBalance(Gate, frozen=True, kw_only=True):
    """Blocks a test set that does not represent what the model is made for.

    What it blocks: a label or a declared segmentation whose distance between test and train, or
    between this test set and the baseline's, or a time whose distance between test and train is
    provably larger than `tolerance`: the share of rows that would have to change (total variation;
    of numbers Kolmogorov's distance).
    A class or a declared segment that is gone from test or from train though the other has so many
    rows that chance does not explain it. With `least_share`, a test set below that share of all
    rows. A class or segment with fewer than `least_rows` rows is named, and undecided.

    Why: a metric is a mean over the test set. Where that has other people in it, or another
    quarter of the year, the metric is about them; and of a class with eight rows it says nothing.
    The association of split and level (Cramér's V) is shown beside the distance.

    A split deals rows, so each counts alike, whatever its weight; but where it deals persons or
    machines (the role group), the rows of one say no more than one row would.

    What it does not see: columns that are neither label, time nor segment (see `drift`), and
    whether train itself represents the world (see `data_bias`). Test rows later than all of train
    are meant to be, so their times are not compared.

    Example:
        split_balance: {tolerance: 0.05, least_rows: 30}
    """

    family: ClassVar[Family] = Family.SPLIT
    tolerance: Share = 0.05
    least_rows: Annotated[int, msgspec.Meta(ge=1)] = 30  # of each class and segment
    least_share: LeastShare | None = None  # of all rows that are test rows
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per label, segmentation and time; findings about who is missing."""
        sides = split_sides(case)
        tests = 0
        for split in splits_of(case, sides):
            yield from self._judge_split(case, split)
            tests += 1
        if "train" in sides:
            yield self._judge_size(sides["test"].table, sides["train"].table)
        elif not tests:
            raise NotApplicableError(
                "there is neither a training table nor a baseline with another test set, and no "
                "segment is declared"
            )

    def _judge_split(self, case: Case, split: "Split") -> Iterator[Item]:
        pairs = [
            self._measure(split, name, split.sides[name])
            for name in ("train", "baseline")
            if name in split.sides and split.sides[name].rows and split.sides["test"].rows
        ]
        if pairs:
            yield most_telling(pairs, case.settings.alpha.other)
        if split.later:
            yield Observation(
                subject=Subject(metric="later", column=split.column),
                message=(
                    f"{split.later:,} test rows come after all training rows by "
                    f"{quote(split.column)}; their times are not compared."
                ),
            )
        if split.needs_rows:
            yield self._judge_levels(case, split)

    def _measure(self, split: "Split", other: str, old: "Part") -> Measurement:
        new = split.sides["test"]
        independent = split.independent[other], split.independent["test"]
        found, moved = _distance(old, new, self.tolerance, independent)
        shift, upper = found.shift, found.upper
        against = "train" if other == "train" else "the baseline's test set"
        return Measurement(
            subject=Subject(metric="balance", column=split.column),
            limit=Limit(ceiling=self.tolerance, mode=self.mode),
            value=shift.distance,
            interval=(shift.lower, upper),
            p_value=shift.p_value,
            message=(
                f"{quote(split.column)}: {found.metric} {shift.distance:.4f} between test and "
                f"{against}{moved}; up to {self.tolerance:g} is accepted."
            ),
            mend=_MEND,
            support=Support(rows=new.rows),
            rows_needed=rows_within(shift.lower, upper, self.tolerance - shift.distance, new.rows),
        )

    def _judge_levels(self, case: Case, split: "Split") -> Finding:
        """Whether each level has enough rows in test and train to be judged and learned."""
        gone, few = split.missing(self.least_rows, case.settings.alpha.other)
        limit = Limit(
            rule=f"at least {self.least_rows} rows of each in test and train", mode=self.mode
        )
        state = State.FAILED if gone else State.UNDECIDED if few else State.PASSED
        levels = len(split.levels)
        said = f"each of {levels:,} has {self.least_rows} rows or more"
        if gone or few:
            said = f"{'' if gone else 'cannot be judged: '}{first_few([*gone, *few])}"
        return Finding(
            subject=Subject(metric="rows", column=split.column),
            state=state,
            limit=limit,
            message=f"rows by {quote(split.column)}: {said}.",
            mend="" if state is State.PASSED else _MEND_FEW,
            support=Support(rows=split.sides["test"].rows, groups=levels),
            rows_needed=split.rows_needed(self.least_rows) if state is State.UNDECIDED else None,
        )

    def _judge_size(self, test: Table, train: Table) -> Item:
        rows = test.rows + train.rows
        share = test.rows / max(1, rows)
        message = f"{test.rows:,} of {rows:,} rows ({share:.1%}) are test rows."
        subject = Subject(key="share of test rows")
        if self.least_share is None:
            return Observation(subject=subject, message=message, candidate=share)
        kept = share >= self.least_share
        return Finding(
            subject=subject,
            state=State.PASSED if kept else State.FAILED,
            limit=Limit(floor=self.least_share, mode=self.mode),
            message=message,
            mend="" if kept else "Keep more rows for the test set.",
            candidate=share,
            greater_is_better=True,
            support=Support(rows=test.rows),
        )


def _distance(
    old: Part, new: Part, tolerance: float, independent: Independent
) -> tuple[Distance, str]:
    """The distance with its limits, and which level moved most."""
    if old.numbers is not None and new.numbers is not None:
        return distance_of_numbers(old.numbers, new.numbers, tolerance, independent), ""
    levels = sorted({*old.counts, *new.counts})
    before, after = (_vector(part.counts, levels) for part in (old, new))
    moved = f" ({say_most_moved(levels, before, after)}"
    with contextlib.suppress(UndefinedError):  # of one level
        moved += f"; Cramér's V {cramers_v(np.stack([before, after])):.4f}"
    return distance_of_counts(before, after, tolerance, independent), f"{moved})"


def _vector(counts: Counts, levels: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.array([counts.get(level, 0) for level in levels], dtype=np.int64)
