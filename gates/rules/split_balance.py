"""Gate `split_balance`."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case import Case
from gates.columns import ColumnDictionary, Role
from gates.effect import CONFIDENCE
from gates.evidence import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.rules.gate import Gate, Item, Measurement, NotApplicableError
from gates.rules.groups import bands_of
from gates.rules.growth import most_telling, rows_within
from gates.rules.sides import TEST, quote, same_file
from gates.segments import MISSING, split_by
from gates.stats.shift import Shift, cramers_v, kolmogorov_shift, total_variation_shift
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats, Table

_ALPHA = (1 - CONFIDENCE) / 2  # of either limit of an interval that is shown
_MEND = "Draw the split by a hash of the row's identifier over all rows, or stratify it."
_MEND_FEW = "Add rows of it to the test set and to train, or take the segment out of the policy."
_SHOWN = 3
_FEW_TIMES = 50  # up to which the shares of each are compared

Counts = Mapping[str, int]  # rows by level
Distance = Annotated[float, msgspec.Meta(ge=0, le=1)]


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

    What it does not see: columns that are neither label, time nor segment (see `drift`), and
    whether train itself represents the world (see `data_bias`). Test rows later than all of train
    are meant to be, so their times are not compared.

    Example:
        split_balance: {tolerance: 0.05, least_rows: 30}
    """

    family: ClassVar[Family] = Family.SPLIT
    tolerance: Distance = 0.05
    least_rows: Annotated[int, msgspec.Meta(ge=1)] = 30  # of each class and segment
    least_share: Distance | None = None  # of all rows that are test rows
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per label, segmentation and time; findings about who is missing."""
        sides = _sides(case)
        tests = 0
        for split in _splits(case, sides):
            yield from self._judge_split(case, split)
            tests += 1
        if "train" in sides:
            yield self._judge_size(sides["test"].table, sides["train"].table)
        elif not tests:
            raise NotApplicableError(
                "there is neither a training table nor a baseline with another test set, and no "
                "segment is declared"
            )

    def _judge_split(self, case: Case, split: "_Split") -> Iterator[Item]:
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

    def _measure(self, split: "_Split", other: str, old: "_Part") -> Measurement:
        new = split.sides["test"]
        shift, upper, moved = _distance(old, new, self.tolerance)
        against = "train" if other == "train" else "the baseline's test set"
        metric = "Kolmogorov distance" if new.numbers is not None else "total variation"
        return Measurement(
            subject=Subject(metric="balance", column=split.column),
            limit=Limit(ceiling=self.tolerance, mode=self.mode),
            value=shift.distance,
            interval=(shift.lower, min(1.0, max(upper, shift.distance))),
            p_value=shift.p_value,
            message=(
                f"{quote(split.column)}: {metric} {shift.distance:.4f} between test and {against}"
                f"{moved}; up to {self.tolerance:g} is accepted."
            ),
            mend=_MEND,
            support=Support(rows=new.rows),
            rows_needed=rows_within(shift.lower, upper, self.tolerance - shift.distance, new.rows),
        )

    def _judge_levels(self, case: Case, split: "_Split") -> Finding:
        """Whether each level has enough rows in test and train to be judged and learned."""
        gone, few = split.missing(self.least_rows, case.settings.alpha.other)
        limit = Limit(
            rule=f"at least {self.least_rows} rows of each in test and train", mode=self.mode
        )
        state = State.FAILED if gone else State.UNDECIDED if few else State.PASSED
        levels = len(split.levels)
        said = f"each of {levels:,} has {self.least_rows} rows or more"
        if gone or few:
            said = f"{'' if gone else 'cannot be judged: '}{_first_few([*gone, *few])}"
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


class _Part(msgspec.Struct, frozen=True, eq=False):
    """A column, or several together, of one table: rows by level, or the numbers themselves."""

    rows: int
    counts: Counts
    numbers: Floats | None = None


class _Split(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared between test, train and the baseline's test set."""

    column: str
    sides: Mapping[str, _Part]
    needs_rows: bool = False  # each level is asked for rows
    later: int = 0  # test rows after all of train, which are left out

    @property
    def levels(self) -> tuple[str, ...]:
        """All that occur on any side."""
        return tuple(dict.fromkeys(level for part in self.sides.values() for level in part.counts))

    def rows_needed(self, least_rows: int) -> int | None:
        """Test rows by which the rarest level would have enough, if all grow alike."""
        test = self.sides["test"]
        fewest = min((test.counts.get(level, 0) for level in self.levels), default=0)
        return math.ceil(test.rows * least_rows / fewest) if 0 < fewest < least_rows else None

    def missing(self, least_rows: int, alpha: float) -> tuple[list[str], list[str]]:
        """Levels that are gone from test or train by no chance, and those with too few rows."""
        gone: list[str] = []
        few: list[str] = []
        for name in ("test", "train"):
            for level in self.levels if name in self.sides else ():
                count = self.sides[name].counts.get(level, 0)
                if (
                    not count
                    and _chance_of_none(level, name, self.sides) * len(self.levels) <= alpha
                ):
                    gone.append(f"{quote(level)} has no row in {name}")
                elif count < least_rows:
                    few.append(f"{quote(level)} has {count:,} in {name}")
        return gone, few


class _Side(msgspec.Struct, frozen=True):
    """A table, and the evidence whose dictionary speaks of it."""

    evidence: Evidence
    table: Table


def _sides(case: Case) -> dict[str, _Side]:
    sides = {"test": _Side(case.candidate, case.candidate.test)}
    if case.candidate.train is not None and case.candidate.train.rows:
        sides["train"] = _Side(case.candidate, case.candidate.train)
    if case.baseline is not None and not same_file(case, TEST):
        sides["baseline"] = _Side(case.baseline, case.baseline.test)
    return sides


def _splits(case: Case, sides: Mapping[str, _Side]) -> Iterator[_Split]:
    dictionary, bands = case.candidate.dictionary, bands_of(case)
    yield from _split_label(dictionary.label, sides, case.settings.task == "regression")
    for columns in case.settings.segment_columns:
        having = _having(sides, *columns)
        parts = {name: _count_segments(side.table, columns, bands) for name, side in having.items()}
        if "test" in parts:
            yield _Split(column=" × ".join(columns), sides=parts, needs_rows=True)
    for name in dictionary.with_role(Role.TIME):
        having = _having(sides, name)
        if "test" in having and "train" in having:
            yield _split_time(name, having["test"].table, having["train"].table)


def _split_time(name: str, test: Table, train: Table) -> _Split:
    """The times of train and of those test rows that are not later than all of train."""
    if "text" in (test.types[name], train.types[name]):
        old, new = _text_times(train, name), _text_times(test, name)
        last = max((level for level, rows in old.items() if rows and level != MISSING), default="")
        kept = {level: rows for level, rows in new.items() if level == MISSING or level <= last}
        sides = {"train": _Part(train.rows, old), "test": _Part(sum(kept.values()), kept)}
    else:
        before, after = train.numbers(name), test.numbers(name)
        known = before[~np.isnan(before)]
        after = after[np.isnan(after) | (after <= (known.max() if len(known) else np.inf))]
        few = len(np.unique(np.concatenate([before, after]))) <= _FEW_TIMES
        part = _few_times if few else _many_times
        sides = {"train": part(before), "test": part(after)}
    return _Split(column=name, sides=sides, later=test.rows - sides["test"].rows)


def _text_times(table: Table, name: str) -> dict[str, int]:
    found = table.categories(name)
    return dict(zip((*found.levels, MISSING), found.counts().tolist(), strict=True))


def _few_times(values: Floats) -> _Part:
    missing = np.isnan(values)
    times, rows = np.unique(values[~missing], return_counts=True)
    names = [np.format_float_positional(time, trim="-") for time in times]
    counts = dict(zip(names, rows.tolist(), strict=True))
    return _Part(len(values), {**counts, MISSING: int(np.count_nonzero(missing))})


def _many_times(values: Floats) -> _Part:
    """With the missing ones above all others."""
    return _Part(len(values), {}, np.where(np.isnan(values), np.inf, values))


def _having(sides: Mapping[str, _Side], *columns: str) -> dict[str, _Side]:
    return {
        name: side for name, side in sides.items() if all(each in side.table for each in columns)
    }


def _split_label(
    label: str,
    sides: Mapping[str, _Side],
    numbers: bool,
) -> Iterator[_Split]:
    parts = {}
    for name, side in _having(sides, label).items():
        values = side.evidence.labels if name != "train" else side.evidence.labels_of(side.table)
        if numbers:
            parts[name] = _Part(len(values), {}, np.asarray(values, dtype=np.float64))
            continue
        levels = side.evidence.classes or ("negative", "positive")
        counts = np.bincount(values.astype(np.intp), minlength=len(levels)).tolist()
        parts[name] = _Part(len(values), dict(zip(levels, counts, strict=True)))
    if numbers and len(parts) == 1:
        return
    yield _Split(column=label, sides=parts, needs_rows=not numbers)


def _count_segments(table: Table, columns: tuple[str, ...], bands: ColumnDictionary) -> _Part:
    counts = {
        " and ".join(segment.name.values()): len(segment.rows)
        for segment in split_by(columns, table, bands)
    }
    return _Part(table.rows, counts)


def _distance(old: _Part, new: _Part, tolerance: float) -> tuple[Shift, float, str]:
    """The distance with its limits, and which level moved most."""
    if old.numbers is not None and new.numbers is not None:
        shift = kolmogorov_shift(old.numbers, new.numbers, tolerance, _ALPHA)
        reach = math.sqrt(-math.log(_ALPHA) / 2 * (1 / old.rows + 1 / new.rows))
        return shift, shift.distance + reach, ""
    levels = sorted({*old.counts, *new.counts})
    before, after = (_vector(part.counts, levels) for part in (old, new))
    shift = total_variation_shift(before, after, tolerance, _ALPHA)
    # The normal law's limit from the other side is the upper one.
    upper = total_variation_shift(before, after, tolerance, 1 - _ALPHA).lower
    was, now = before / before.sum(), after / after.sum()
    at = int(np.argmax(np.abs(now - was)))
    moved = f" (most moved {quote(levels[at])}, {was[at]:.1%} → {now[at]:.1%}"
    with contextlib.suppress(UndefinedError):  # of one level
        moved += f"; Cramér's V {cramers_v(np.stack([before, after])):.4f}"
    return shift, upper, f"{moved})"


def _vector(counts: Counts, levels: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.array([counts.get(level, 0) for level in levels], dtype=np.int64)


def _chance_of_none(level: str, name: str, sides: Mapping[str, _Part]) -> float:
    """How likely all rows of a level lie elsewhere, if they were as frequent here as there.

    Elsewhere is the other one of test and train, and for test the baseline's test set; of several
    the smallest chance counts, times their number. Source: Fisher's exact test for a count of 0,
    with the binomial in place of the hypergeometric.
    """
    here, others = sides[name], ("train", "baseline") if name == "test" else ("test",)
    chances = [
        (1 - here.rows / (here.rows + sides[each].rows)) ** sides[each].counts.get(level, 0)
        for each in others
        if each in sides
    ]
    return min(1.0, len(chances) * min(chances, default=1.0))


def _first_few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return "; ".join(names[:_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
