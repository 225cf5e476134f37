"""Columns with a role, at the candidate or at the base: a pull request edits its own dictionary."""

from gates.case import Case
from gates.columns import Role
from gates.rules.sides import TEST, tables_of


def with_role_anywhere(case: Case, role: Role) -> tuple[str, ...]:
    """Columns that either dictionary gives the role, and that the candidate's test table has.

    What the candidate lists with the role counts even where the table lacks it, so that the gate
    can say so.
    """
    mine = case.candidate.dictionary.with_role(role)
    base = () if case.baseline is None else case.baseline.dictionary.with_role(role)
    kept = [name for name in base if name in tables_of(case.candidate)[TEST]]
    return tuple(dict.fromkeys([*mine, *kept]))
