"""What a pull request does to its tables: rows and columns that came, went or changed."""

import contextlib

import msgspec
import numpy as np

from gates.case.case import Case
from gates.errors import GatesError
from gates.finding import ChangedColumn, TableDifference
from gates.judging.kept_rows import Pairing, pair_rows
from gates.judging.sides import TEST, TRAIN, same_file, tables_of
from gates.tables.table import Mask, Table
from gates.tables.words import read_words

MOST_ROWS = 1_000_000  # of a table, that are compared one by one


def find_data_differences(case: Case) -> tuple[TableDifference, ...]:
    """Each table that the candidate has otherwise than the baseline; none where bytes are equal."""
    if case.baseline is None:
        return ()
    new, old = tables_of(case.candidate), tables_of(case.baseline)
    found = (
        _compare(case, file, old[file], new[file])
        for file in (TRAIN, TEST)
        if file in new and file in old and not same_file(case, file)
    )
    return tuple(one for one in found if _is_difference(one))


def _is_difference(one: TableDifference) -> bool:
    columns = one.columns_added or one.columns_removed or one.columns_changed
    rows = one.added or one.removed or one.baseline_rows != one.candidate_rows
    return bool(columns or rows or not one.paired)


def _compare(case: Case, file: str, old: Table, new: Table) -> TableDifference:
    large = max(old.rows, new.rows) > MOST_ROWS
    pairing = None if large else pair_rows(case, file)
    found = TableDifference(
        table=file.removesuffix(".parquet"),
        baseline_rows=old.rows,
        candidate_rows=new.rows,
        columns_added=tuple(column for column in new.names if column not in old),
        columns_removed=tuple(column for column in old.names if column not in new),
    )
    if pairing is None:
        reason = f"more than {MOST_ROWS:,} rows" if large else "a side has no row identifiers"
        return msgspec.structs.replace(found, paired=False, reason=reason)
    changed, counts = np.zeros(len(pairing.new), dtype=np.bool_), []
    for column in new.names:
        if column in old and column != case.candidate.dictionary.id:
            differs = _differs(column, old, new, pairing)
            if differs.any():
                changed |= differs
                counts.append(ChangedColumn(name=column, rows=int(np.count_nonzero(differs))))
    label = case.candidate.dictionary.label
    return msgspec.structs.replace(
        found,
        added=len(pairing.added),
        removed=len(pairing.removed),
        changed=int(np.count_nonzero(changed)),
        relabelled=sum(one.rows for one in counts if one.name == label),
        columns_changed=tuple(sorted(counts, key=lambda one: -one.rows)),
    )


def _differs(column: str, old: Table, new: Table, pairing: Pairing) -> Mask:
    """Which rows of both sides have another value; none where a column cannot be read."""
    differs = np.zeros(len(pairing.new), dtype=np.bool_)
    with contextlib.suppress(GatesError):  # the gates that read it say so
        for mine, theirs in read_words(column, (new, old)):
            differs |= mine[pairing.new] != theirs[pairing.old]
    return differs
