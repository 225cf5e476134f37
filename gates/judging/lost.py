"""What the baseline's evidence has and the candidate's lacks.

What a file said cannot fail once the file is gone, so its loss must not look like a skip.
"""

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Finding, Limit, Mode, Subject
from gates.judging.margin import cannot_tell
from gates.rules.gate import NotApplicableError


def find_lost(case: Case, file: str) -> Finding | None:
    """A finding that blocks where the baseline has a file, or rows of it, and the candidate none.

    Strict whatever the gate's mode, because dropping the file is the pull request's own doing.
    """
    if case.baseline is None or not _holds(case.baseline, file) or _holds(case.candidate, file):
        return None
    return cannot_tell(
        Subject(key=file),
        Limit(rule="what the baseline has", mode=Mode.STRICT),
        "the baseline has it, this pull request does not",
        mend=(
            f"Let the pipeline write {file} as at the base, or take the gate away in a pull "
            "request of its own."
        ),
    )


def tell_lost(case: Case, file: str, otherwise: str) -> Finding:
    """That finding, where the gate has nothing else to judge.

    Raises:
        NotApplicableError: the baseline has no such file either, and `otherwise` is why.
    """
    lost = find_lost(case, file)
    if lost is None:
        raise NotApplicableError(otherwise)
    return lost


def _holds(side: Evidence, file: str) -> bool:
    return side.has(file) and not (file.endswith(".parquet") and side.table(file).rows == 0)
