"""Gate `levels`."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.evidence.columns import Description, Role, Type
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.constant_columns import could_be_chance, find_constant
from gates.judging.lost import find_lost
from gates.judging.sides import TEST, TRAIN, same_file, tables_of
from gates.quoting import quote
from gates.rules.gate import Gate, Item, Measurement, NotApplicableError, Share
from gates.stats.absence import Absence, find_absent, rows_to_rule_out
from gates.tables.table import Table

_ROLES = (Role.FEATURE, Role.LABEL)
_TYPES = (Type.CATEGORY, Type.BOOLEAN)
_UNSEEN = "the model never saw them"
_GONE = "they are gone"
_MEND_UNSEEN = "Give train rows of these levels, or map them to levels that it has."
_MEND_GONE = "Find where the rows of these levels went, or what they are called now."
_MEND_CONSTANT = "Mend the export, or give the column the role ignored until it is mended."

Counts = npt.NDArray[np.int64]


class Levels(Gate, frozen=True, kw_only=True):
    """Blocks levels that the model never saw, levels that are gone, and columns that lost all.

    What it blocks: levels of a category (a feature, the label, a segment or sensitive column) that
    test rows have and train never had; levels that the baseline's train or test table had and the
    candidate's lacks; where they provably hold more than `share` of the rows, and chance does not
    explain that they are missing. And a feature with several values in one of train and test and a
    single one in the other.

    Why: a level that a model never saw is guessed, and a level that vanished is a group of people
    who are no longer served or no longer tested. Both look valid, row by row. A rare level is
    missing from a sample by chance, though, and of many rare levels some always are: what counts
    is that all rows of a level would hardly have been dealt to one side.

    What it does not see: levels that the dictionary does not list (`schema`), levels that became
    rarer (`drift`), levels of free text; what train and test of the baseline lacked already, and
    levels of at most `share`, which are shown.

    Example:
        levels: {share: 0.01}
    """

    family: ClassVar[Family] = Family.DATA
    share: Share = 0.01  # of rows in such levels of a column
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per category, and one finding per feature that lost all values but one.

        Raises:
            NotApplicableError: there is nothing to compare with, or no column with levels.
        """
        if not _has_rows(case.candidate.train) and case.baseline is None:
            raise NotApplicableError("there is neither a training table nor a baseline")
        if lost := find_lost(case, TRAIN):
            yield lost
            return
        found = False
        for name, entry in case.candidate.dictionary.columns.items():
            if not (entry.role in _ROLES or entry.segment or entry.sensitive):
                continue
            for item in (*self._judge_levels(case, name, entry), *_constants(case, name, entry)):
                found = found or not isinstance(item, Observation)
                yield item
        if not found:
            raise NotApplicableError("no feature and no label is a category with levels")

    def _judge_levels(self, case: Case, name: str, entry: Description) -> Iterator[Item]:
        if entry.type not in _TYPES:
            return
        losses = [_Loss.of(name, entry, pair, self.share) for pair in _pairs(case, name)]
        if not losses:
            return
        worst = min(losses, key=lambda one: (one.absence.p_value, -one.absence.interval.upper))
        absence = worst.absence
        yield Measurement(
            subject=Subject(column=name),
            limit=Limit(ceiling=self.share, mode=self.mode),
            value=absence.share,
            interval=(absence.interval.lower, absence.interval.upper),
            p_value=min(1.0, len(losses) * absence.p_value),
            message=_say(name, losses, self.share),
            mend=_MEND_UNSEEN if worst.pair.what == _UNSEEN else _MEND_GONE,
            support=Support(rows=worst.rows),
            rows_needed=rows_to_rule_out(absence.share, self.share, CONFIDENCE),
        )
        for loss in losses:
            yield from loss.observe(name)


class _Pair(msgspec.Struct, frozen=True):
    """Two tables, by the names that a reader knows them by: what one has and the other lacks.

    `known` are levels that were missing so before.
    """

    what: str
    having: str
    has: Table
    lacking: str
    lacks: Table
    known: frozenset[str] = frozenset()


class _Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Levels of one table that another lacks."""

    pair: _Pair
    names: tuple[str, ...]
    counts: Counts
    rows: int
    absence: Absence

    @classmethod
    def of(cls, name: str, entry: Description, pair: _Pair, share: float) -> "_Loss":
        """Count; of a column whose levels are listed, `schema` judges the other ones."""
        has, lacks = pair.has.categories(name), pair.lacks.categories(name)
        names = tuple(
            level
            for level in sorted({*has.levels, *lacks.levels} - pair.known)
            if entry.levels is None or level in entry.levels
        )
        counts, others = (
            _count(dict(zip(part.levels, part.counts()[:-1].tolist(), strict=True)), names)
            for part in (has, lacks)
        )
        # One more level holds all other rows, so that shares are of all rows.
        rows, rest = pair.has.rows, pair.lacks.rows
        counts = np.append(counts, rows - counts.sum())
        others = np.append(others, max(1, rest - int(others.sum())))
        return cls(
            pair=pair,
            names=names,
            counts=counts,
            rows=rows,
            absence=find_absent(counts, others, share, CONFIDENCE),
        )

    def say(self) -> str:
        """Which levels, in how many rows, are missing where."""
        places = self.absence.certain
        count = int(self.counts[list(places)].sum())
        levels = quote(*(self.names[at] for at in places))
        return (
            f"{self.pair.lacking} has no row of {levels}, {self.pair.having} has {count:,} of "
            f"{self.rows:,} ({count / self.rows:.2%}): {self.pair.what}"
        )

    def observe(self, name: str) -> Iterator[Observation]:
        """Levels that chance may have kept away."""
        places = self.absence.by_chance
        if places:
            count = int(self.counts[list(places)].sum())
            levels = quote(*(self.names[at] for at in places))
            yield Observation(
                subject=Subject(column=name),
                message=(
                    f"{quote(name)}: {self.pair.lacking} has no row of {levels}, "
                    f"{self.pair.having} has {count:,} of {self.rows:,}; it may be chance."
                ),
                candidate=count / self.rows,
            )


def _count(counts: dict[str, int], names: tuple[str, ...]) -> Counts:
    return np.array([counts.get(name, 0) for name in names], dtype=np.int64)


def _say(name: str, losses: list[_Loss], share: float) -> str:
    told = [loss.say() for loss in losses if loss.absence.certain]
    if told:
        return f"{quote(name)}: {'; '.join(told)}. {share:.2%} are accepted."
    kept = "; ".join(f"{loss.pair.lacking} has {_all_of(loss)}" for loss in losses)
    least = max(losses, key=lambda one: one.absence.interval.upper)
    could = least.absence.interval.upper
    few = f"; of {least.rows:,} rows, {could:.1%} could be of missing ones" if could > share else ""
    return f"{quote(name)}: {kept}{few}."


def _all_of(loss: _Loss) -> str:
    few = len(loss.absence.by_chance)
    but = f" but {few:,} that chance may have kept away" if few else ""
    return f"every level of {loss.pair.having}{but}"


def _pairs(case: Case, name: str) -> Iterator[_Pair]:
    """What can be missing where."""
    train, test = case.candidate.train, case.candidate.test
    if train is not None and _has_rows(train) and name in train and name in test:
        yield _Pair(_UNSEEN, "test", test, "train", train, _unseen_before(case.baseline, name))
    if case.baseline is None:
        return
    new, old = tables_of(case.candidate), tables_of(case.baseline)
    for file in (TRAIN, TEST):
        both = file in new and file in old and not same_file(case, file)
        if both and name in new[file] and name in old[file] and old[file].rows and new[file].rows:
            table = file.removesuffix(".parquet")
            yield _Pair(_GONE, f"the baseline's {table}", old[file], table, new[file])


def _unseen_before(baseline: Evidence | None, name: str) -> frozenset[str]:
    """Levels of the baseline's test rows that its own train lacked: nobody's doing now."""
    if baseline is None or baseline.train is None or not baseline.train.rows:
        return frozenset()
    if name not in baseline.train or name not in baseline.test:
        return frozenset()
    tested, trained = (part.categories(name).levels for part in (baseline.test, baseline.train))
    return frozenset(tested) - frozenset(trained)


def _constants(case: Case, name: str, entry: Description) -> Iterator[Finding]:
    """A feature that has one value in train or test only, where no baseline tells `schema` so."""
    tables = tables_of(case.candidate)
    if entry.role is not Role.FEATURE or TRAIN not in tables or _was_there(case, name):
        return
    if entry.type in (Type.TEXT, Type.IMAGE) or not all(name in one for one in tables.values()):
        return
    sides = ((TEST, TRAIN), (TRAIN, TEST))  # of levels that train lacks the model never saw them
    for file, other in sides[:1] if entry.type in _TYPES else sides:
        table, rest = tables[file], tables[other]
        if table.types[name] != rest.types[name]:
            return
        dead = find_constant(name, entry, table)
        alive = find_constant(name, entry, rest) is None and rest.rows > 0
        if dead and alive and not could_be_chance(name, entry, table, rest):
            yield Finding(
                subject=Subject(column=name, key="several values"),
                state=State.FAILED,
                limit=Limit(rule="several values in train and test", mode=Mode.STRICT),
                message=f"{quote(name)}: in {file} {dead.text}; {other} has several values.",
                mend=_MEND_CONSTANT,
            )


def _was_there(case: Case, name: str) -> bool:
    return case.baseline is not None and name in case.baseline.test


def _has_rows(table: Table | None) -> bool:
    return table is not None and table.rows > 0
