"""Gate `version_leakage`."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.evidence.columns import Role
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.lost import tell_lost
from gates.judging.margin import cannot_tell
from gates.judging.sides import TRAIN, same_file
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError, Share
from gates.stats.leakage import excess_p_value
from gates.tables.arrow import places_in
from gates.tables.duplicates import find_duplicates
from gates.tables.table import Mask, Table

_MEND = (
    "Draw the split by a hash of what stays the same, such as the {entity}, so that "
    "nothing changes sides from one version to the next. A test window that moves on is allowed by "
    "`version_leakage.share` on the default branch."
)
_MEND_COPIES = (
    "Take the copies out of the training table; a row that has been a test row must not be trained "
    "on under another name."
)
_MEND_NAMES = "Write both tables with the row identifier and the group, in this and every version."


class VersionLeakage(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that trains on what tested the version before it.

    What it blocks: rows of the baseline's test set that are training rows now (by identifier, more
    than `share` of them); rows that left the test set and stand in the new training rows under
    another name, equal in every feature and the label, more often than chance explains by `excess`;
    and, where the dictionary names a group such as a person or a machine, groups that changed
    sides between the versions (more than `share` of them).

    Why: each version alone may be split cleanly, and still the new model has learnt the rows by
    which the old one is judged. Then the two cannot be compared, and whoever tuned on the old test
    set has put it into training. New rows of a person whose answer is known make a test easy.

    What it does not see: versions before the baseline; copies with a changed value; rows without an
    identifier, or whose identifiers change with every run. What stands on both sides of one version
    is looked at by `train_test_overlap` and `group_leakage`; what was so at the baseline is not
    this change's doing.

    Example:
        version_leakage: {share: 0.0, excess: 0.0}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    share: Share = 0.0  # of the baseline's test rows, and of the groups, that change sides
    excess: Share = 0.0  # of the rows that left the test set, above what chance gives

    def judge(self, case: Case) -> Iterator[Item]:
        """Findings about rows by name, rows by content, and groups."""
        old, new = case.baseline, case.candidate
        if old is None:
            raise NotApplicableError("there is no baseline, so there is one version only")
        if new.train is None or new.train.rows == 0:
            yield tell_lost(case, TRAIN, f"there are no training rows ({TRAIN})")
            return
        if new.has_rows_of(old) and same_file(case, TRAIN):
            yield self._named(0, old.test.rows, _ROWS)
            return
        yield self._judge_names(case, old)
        yield from self._judge_copies(case, old, new.train)
        yield from self._judge_groups(old, new)

    def _judge_names(self, case: Case, old: Evidence) -> Finding:
        if case.candidate.train_ids is None:
            return _undecided(_ROWS, f"{TRAIN} has no column {quote(case.candidate.dictionary.id)}")
        rows = case.tested_rows
        learnt = rows.seen_by(case.candidate, old) & ~rows.seen_by(old, old)
        return self._named(int(np.count_nonzero(learnt)), old.test.rows, _ROWS)

    def _named(
        self, count: int, rows: int, key: str, what: str = "", entity: str = "row's identifier"
    ) -> Finding:
        share = count / rows if rows else 0.0
        kept = share <= self.share
        message = what or (
            f"{count:,} of the baseline's {rows:,} test rows ({share:.2%}) are training rows now."
        )
        return Finding(
            subject=Subject(key=key),
            state=State.PASSED if kept else State.FAILED,
            limit=Limit(ceiling=self.share, mode=Mode.STRICT),
            message=message,
            mend="" if kept else _MEND.format(entity=entity),
            candidate=share,
            greater_is_better=False,
            support=Support(rows=rows),
        )

    def _judge_copies(self, case: Case, old: Evidence, train: Table) -> Iterator[Finding]:
        """Rows that left the test set, in training rows that the baseline did not have."""
        left = np.ones(old.test.rows, dtype=np.bool_)
        left[case.tested_rows.shared[1]] = False
        if case.candidate.train_ids is not None:
            left &= ~case.tested_rows.seen_by(case.candidate, old)  # those are known by name
        fresh = _fresh_rows(case.candidate, old)
        names = _compared(case, old)
        if not left.any() or not fresh.any() or not names:
            return
        duplicates = find_duplicates(names, (old.test, train))
        tested, trained = duplicates.codes
        new_ones = fresh[duplicates.rows[1]]
        copies = np.bincount(trained[new_ones], minlength=duplicates.groups) > 0
        gone = left[duplicates.rows[0]]
        found = _Found(
            left=int(np.count_nonzero(left)),
            copied=int(np.count_nonzero(copies[tested[gone]])),
            fresh=int(np.count_nonzero(fresh)),
            others=int(np.count_nonzero(~left) + np.count_nonzero(~fresh)),
            by_chance=int(
                np.count_nonzero(copies[tested[~gone]])
                + np.count_nonzero(copies[trained[~new_ones]])
            ),
        )
        yield self._copied(found, case.settings.alpha.other)

    def _copied(self, seen: "_Found", alpha: float) -> Finding:
        left, chance = seen.left, seen.by_chance / seen.others if seen.others else 0.0
        share = seen.copied / left
        extra = max(0, seen.copied - int(self.excess * left))
        p_value = excess_p_value(extra, left, seen.by_chance, seen.others) if seen.others else 0.0
        excess = max(0.0, share - chance)
        failed = p_value <= alpha and excess > self.excess
        return Finding(
            subject=Subject(key=_COPIES),
            state=State.FAILED if failed else State.PASSED,
            limit=Limit(ceiling=self.excess, mode=Mode.STRICT),
            message=(
                f"{seen.copied:,} of {left:,} rows that left the test set ({share:.2%}) "
                f"equal one of {seen.fresh:,} new training rows in every feature and the label; "
                f"about {chance * left:,.0f} are expected by chance."
            ),
            mend=_MEND_COPIES if failed else "",
            candidate=excess,
            greater_is_better=False,
            p_value=p_value,
            support=Support(rows=left),
        )

    def _judge_groups(self, old: Evidence, new: Evidence) -> Iterator[Finding]:
        named = (*old.dictionary.with_role(Role.GROUP), *new.dictionary.with_role(Role.GROUP))
        for name in dict.fromkeys(named):
            before, now = _values(old, name), _values(new, name)
            if before is None or now is None:
                # Nobody can be asked for what the version before did not write.
                mode = Mode.GUARD if before is None else Mode.STRICT
                which = "baseline's tables" if before is None else "candidate's tables"
                yield _undecided(_groups(name), f"the {which} have no such column", mode)
                continue
            (tested, trained), (tests, trains) = before, now
            learnt = _both(_without(tested, trained), trains)
            freed = _both(_without(trained, tested), tests)
            moved, groups = pc.unique(pa.concat_arrays([learnt, freed])), len(tested) + len(trained)
            examples = f", such as {quote(*moved[:3].to_pylist())}" if len(moved) else ""
            what = (
                f"Of {name}, {len(learnt):,} of {len(tested):,} values in the baseline's test "
                f"table are in training now, and {len(freed):,} of {len(trained):,} in its "
                f"training table are in the test table now{examples}."
            )
            yield self._named(len(moved), groups, _groups(name), what, name)


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows equal a new training row: of those that left the test set, and of others.

    The others are rows that stay in the test set or in training: what chance gives.
    """

    left: int
    copied: int
    fresh: int
    others: int
    by_chance: int


_ROWS = "the baseline's test rows in training"
_COPIES = "copies of rows that left the test set"


def _fresh_rows(new: Evidence, old: Evidence) -> Mask:
    """Training rows that the baseline's training table did not have, as far as names tell."""
    assert new.train is not None  # noqa: S101 - `judge` has looked
    if new.train_ids is None or old.train_ids is None:
        return np.ones(new.train.rows, dtype=np.bool_)
    fresh: Mask = places_in(new.train_ids, old.train_ids) < 0
    return fresh


def _compared(case: Case, old: Evidence) -> list[str]:
    """Features that all tables have, and the label."""
    new = case.candidate
    features = [name for name in new.dictionary.features if name in old.test]
    label = [new.dictionary.label] if new.dictionary.label in old.test else []
    return [name for name in [*features, *label] if new.train is not None and name in new.train]


def _without(values: pa.Array, others: pa.Array) -> pa.Array:
    return values.filter(pc.invert(pc.is_in(values, value_set=others)))


def _both(values: pa.Array, others: pa.Array) -> pa.Array:
    return values.filter(pc.is_in(values, value_set=others))


def _values(side: Evidence, name: str) -> tuple[pa.Array, pa.Array] | None:
    """The groups of the test and of the training table; `None` where a table does not say them."""
    if side.train is None or name not in side.test or name not in side.train:
        return None
    test, train = (pc.unique(table.texts(name).drop_null()) for table in (side.test, side.train))
    return test, train


def _groups(name: str) -> str:
    return f"groups by {name} that changed sides"


def _undecided(key: str, reason: str, mode: Mode = Mode.STRICT) -> Finding:
    limit = Limit(rule="nothing changes sides", mode=mode)
    return cannot_tell(Subject(key=key), limit, reason, mend=_MEND_NAMES)
