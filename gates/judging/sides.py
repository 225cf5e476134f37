"""The tables of one side by name, and whether both sides have the very same file."""

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.tables.table import Table

TEST, TRAIN = "test.parquet", "train.parquet"


def tables_of(evidence: Evidence) -> dict[str, Table]:
    """The test table and, where there is one, the training table; by file name."""
    tables = {TEST: evidence.test}
    if evidence.train is not None:
        tables[TRAIN] = evidence.train
    return tables


def same_file(case: Case, name: str) -> bool:
    """Whether both sides have this file with the same bytes, so that nothing can have changed."""
    if case.baseline is None:
        return False
    mine, theirs = case.candidate.digest_of(name), case.baseline.digest_of(name)
    return mine is not None and mine == theirs
