"""Gate `group_leakage`."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.evidence.columns import Description, Role, Type
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.declared import with_role_anywhere
from gates.judging.lost import tell_lost
from gates.judging.margin import cannot_tell
from gates.judging.sides import TEST, TRAIN
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError, Share
from gates.tables.arrow import indices_of, valid_of, values_of
from gates.tables.table import Mask, Table

_MEND = (
    "Draw the split by a hash of the group, so that all rows of one person, machine or document "
    "stand on one side."
)
_MEND_UNDECLARED = (
    "If rows with one value belong together, give the column the role group and draw the split by "
    "it; if not, say in columns.yaml what it is (its levels, unit or range)."
)
_MIN_LEVELS = 100  # distinct values, below which a column is a property rather than a name
_MIN_SHARE = 0.05  # of distinct values among the rows, likewise


class GroupLeakage(Gate, frozen=True, kw_only=True):
    """Blocks a test set that asks about persons, machines or documents of the training table.

    What it blocks: more test rows than `share` whose value of a column with the role group stands
    in the training table too. The base's groups count, even if the pull request gives the column
    another role or drops it. Where no column has that role, it warns of each that looks as if it
    should: values that repeat, as many as names have, on both sides.

    Why: rows of one patient or customer resemble each other. A model recognises whom it has seen,
    and its score tells how well it remembers, not how well it will do with the next one: with five
    rows a group, a random split gave a random forest .16 of AUC that no new patient shows.

    What it does not see: groups that no column names, or under two names; groups that are alike,
    such as siblings, or pictures of one scene.

    Example:
        group_leakage: {share: 0.0}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    share: Share = 0.0  # of the test rows
    mode: Mode = Mode.STRICT

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per group column; where there is none, one per column that looks like one."""
        train = case.candidate.train
        if train is None or train.rows == 0:
            yield tell_lost(case, TRAIN, f"there are no training rows ({TRAIN})")
            return
        groups = with_role_anywhere(case, Role.GROUP)
        if not groups:
            findings = [*_warn(case, train)]
            if not findings:
                raise NotApplicableError(
                    "no column has the role group, and none looks as if it should"
                )
            yield from findings
        for name in groups:
            yield self._judge_group(name, case.candidate.test, train)

    def _judge_group(self, name: str, test: Table, train: Table) -> Finding:
        subject, limit = Subject(column=name), Limit(ceiling=self.share, mode=self.mode)
        lacking = [file for file, table in ((TEST, test), (TRAIN, train)) if name not in table]
        known = None if lacking else _values(test, name)
        if known is None or known.null_count == len(known):
            why = f"{lacking[0]} has no such column" if lacking else "no test row has a value"
            mend = "Write both tables with the column that names what rows belong to."
            return cannot_tell(subject, limit, why, mend=mend)
        shared = _shared(known, _values(train, name))
        rows, levels = int(np.count_nonzero(shared)), _levels(known, shared)
        share = rows / len(known)
        kept = share <= self.share
        examples = f": {quote(*levels)}" if levels else ""
        return Finding(
            subject=subject,
            state=State.PASSED if kept else State.FAILED,
            limit=limit,
            message=(
                f"{rows:,} of {len(known):,} test rows ({share:.2%}) share their {quote(name)} "
                f"with training rows{examples}."
            ),
            mend="" if kept else _MEND,
            candidate=share,
            greater_is_better=False,
            support=Support(rows=len(known)),
        )


def _warn(case: Case, train: Table) -> Iterator[Finding]:
    """Columns that name what rows belong to, by their look, and that nobody declared."""
    test = case.candidate.test
    for name, entry in case.candidate.dictionary.columns.items():
        if not _may_name(entry) or name not in test or name not in train:
            continue
        mine, others = _values(test, name), _values(train, name)
        distinct, rows = _count_levels(mine, others), len(mine) + len(others)
        if distinct < max(_MIN_LEVELS, _MIN_SHARE * rows):
            continue
        shared = int(np.count_nonzero(_shared(mine, others)))
        if shared:
            yield Finding(
                subject=Subject(column=name),
                state=State.UNDECIDED,
                limit=Limit(rule="groups are declared", mode=Mode.GUARD),
                message=(
                    f"{quote(name)} may name what rows belong to: {distinct:,} values in {rows:,} "
                    f"rows, and {shared:,} of {len(mine):,} test rows share theirs with a training "
                    "row; no column has the role group."
                ),
                mend=_MEND_UNDECLARED,
                support=Support(rows=len(mine)),
            )


def _may_name(entry: Description) -> bool:
    if entry.role not in (Role.FEATURE, Role.IGNORED) or entry.levels or entry.range:
        return False
    if entry.hash_of:  # says what an image looks like, which `train_test_overlap` judges
        return False
    return entry.type in (Type.TEXT, Type.CATEGORY) or (
        entry.type is Type.INTEGER and entry.unit is None
    )


def _values(table: Table, name: str) -> pa.Array:
    """A column as text, null where it is missing."""
    values = table.column(name)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.nulls(len(values), values.type), values)
        whole = pc.all(pc.equal(pc.floor(values), values)).as_py() is not False
        values = pc.cast(values, pa.int64(), safe=False) if whole else values
    return pc.cast(values, pa.large_string())


def _shared(mine: pa.Array, others: pa.Array) -> Mask:
    found = pc.cast(pc.is_in(mine, value_set=pc.unique(others.drop_null())), pa.uint8())
    return values_of(found, np.uint8).astype(np.bool_) & valid_of(mine)


def _levels(values: pa.Array, shared: Mask) -> list[str]:
    """The shared values, each once, in order."""
    kept = values.take(indices_of(np.flatnonzero(shared)))
    levels: list[str] = pc.unique(kept).to_pylist()
    return sorted(levels)


def _count_levels(*parts: pa.Array) -> int:
    together = pa.chunked_array([part.drop_null() for part in parts], pa.large_string())
    return int(pc.count_distinct(together).as_py())
