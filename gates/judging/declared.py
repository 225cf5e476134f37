"""What either side's dictionary declares: a pull request edits its own, and takes nothing back."""

from gates.case.case import Case
from gates.evidence.columns import ColumnDictionary, Role, Type
from gates.evidence.folder import Evidence


def dictionaries_of(case: Case) -> tuple[ColumnDictionary, ...]:
    """Both sides', the base's first: its word counts where they differ."""
    sides = (case.baseline, case.candidate)
    return tuple(side.dictionary for side in sides if side is not None)


def with_role_anywhere(case: Case, role: Role) -> tuple[str, ...]:
    """Columns that either dictionary gives the role, also where the candidate's tables lack them.

    A column that is gone cannot say any more what it said, so the gate has to name it.
    """
    sides = [side for side in (case.candidate, case.baseline) if side is not None]
    return tuple(dict.fromkeys(name for side in sides for name in side.dictionary.with_role(role)))


def sensitive_anywhere(case: Case) -> tuple[str, ...]:
    """Columns that either dictionary calls sensitive and makes segments of."""
    sides = [side for side in (case.candidate, case.baseline) if side is not None]
    return tuple(dict.fromkeys(name for side in sides for name in sensitive_in(side.dictionary)))


def sensitive_in(dictionary: ColumnDictionary) -> list[str]:
    """Columns that one dictionary calls sensitive and makes segments of."""
    entries = dictionary.columns.items()
    return [name for name, entry in entries if entry.sensitive and entry.segment]


def has_groups(side: Evidence, name: str) -> bool:
    """Whether the test rows have groups by a column: its levels, or bands where it is a number."""
    entry = side.dictionary.columns.get(name)
    if entry is None or name not in side.test:
        return False
    return bool(entry.segment) or entry.type in (Type.CATEGORY, Type.BOOLEAN)
