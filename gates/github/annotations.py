"""A verdict → remarks at lines that the pull request changed; nothing is said of other lines."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from gates.finding import Direction, Finding, Verdict
from gates.github.checks import TITLE_MAX, fit_text
from gates.github.values import Annotation, ChangedFile, Level
from gates.report.summary import problems, stopped
from gates.report.words import clean

MOST: Final = 200
MESSAGE_MAX: Final = 2_000
POLICY_FILE: Final = "params.yaml"
WAIVERS_FILE: Final = "waivers.yaml"
# Where a reader looks for the cause of a number, in this order, where no line can be named.
_CAUSES: Final = ("dvc.lock", "params.yaml", "dvc.yaml")
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


class Changed(NamedTuple):
    """The lines of a file that a patch touches, counted from 1."""

    path: str
    added: dict[int, str]  # by their place in the new file
    moved: dict[int, int]  # the old file's lines within the patch → the new file's


def annotate(verdict: Verdict, files: Iterable[ChangedFile]) -> tuple[Annotation, ...]:
    """One remark a problem, at the line that most likely causes it; at most `MOST`."""
    changed = {one.filename: read_patch(one) for one in files if one.patch}
    found = [*_of_policy(verdict, changed), *_of_problems(verdict, changed)]
    return tuple(found[:MOST])


def read_patch(file: ChangedFile) -> Changed:
    """The lines of a unified diff as GitHub gives it; what it does not understand, it skips."""
    added: dict[int, str] = {}
    moved: dict[int, int] = {}
    old = new = 0
    for line in (file.patch or "").split("\n"):
        if hunk := _HUNK.match(line):
            old, new = int(hunk[1]), int(hunk[2])
        elif not new or line.startswith("\\"):
            continue
        elif line.startswith("+"):
            added[new] = line[1:]
            new += 1
        elif line.startswith("-"):
            moved[old] = new
            old += 1
        else:
            moved[old] = new
            old, new = old + 1, new + 1
    return Changed(file.filename, added, moved)


def _of_policy(verdict: Verdict, changed: dict[str, Changed]) -> Iterator[Annotation]:
    """At the limits that the pull request loosens, and at the waivers that it adds or extends."""
    for change in verdict.policy_changes:
        of_waiver = change.key.startswith("waivers.")
        path = WAIVERS_FILE if of_waiver else POLICY_FILE
        file = changed.get(path)
        if file is None or change.direction is not Direction.LOOSENED:
            continue
        key = re.compile(rf"\b{re.escape(change.key.rpartition('.')[2])}\b")
        line = next((at for at, text in file.added.items() if key.search(text)), None)
        if line is not None:
            title = "waives more, once merged" if of_waiver else "loosens a limit"
            said = f"{change.key}: {change.base} → {change.candidate}"
            yield _remark(path, line, "warning", title, said)


def _of_problems(verdict: Verdict, changed: dict[str, Changed]) -> Iterator[Annotation]:
    elsewhere = _cause(changed)
    for one in problems(verdict):
        place = _limit_place(one.finding, changed) or elsewhere
        if place is not None:
            subject = one.finding.subject.text()
            title = f"{one.outcome.gate}: {subject}" if subject else one.outcome.gate
            said = " ".join(part for part in (one.finding.message, one.finding.mend) if part)
            yield _remark(*place, "failure", title, said)
    for outcome in stopped(verdict):
        if elsewhere is not None:
            yield _remark(*elsewhere, "failure", outcome.gate, outcome.reason)


def _limit_place(finding: Finding, changed: dict[str, Changed]) -> tuple[str, int] | None:
    """The limit's own line, where the patch shows it; limits are counted in the base's file."""
    policy, line = changed.get(POLICY_FILE), finding.limit.line
    if policy is None or line not in policy.moved:
        return None
    return POLICY_FILE, max(policy.moved[line], 1)


def _cause(changed: dict[str, Changed]) -> tuple[str, int] | None:
    for name in (*_CAUSES, *_others(changed)):
        if name in changed and changed[name].added:
            return name, min(changed[name].added)
    return None


def _others(changed: dict[str, Changed]) -> Sequence[str]:
    return sorted(changed, key=lambda name: (not name.endswith((".dvc", ".py")), name))


def _remark(path: str, line: int, level: Level, title: str, said: str) -> Annotation:
    """Annotations are shown as plain text; control and bidi characters are replaced."""
    return Annotation(
        path=path,
        start_line=line,
        end_line=line,
        annotation_level=level,
        title=fit_text(clean(title), TITLE_MAX),
        message=clean(said or title, MESSAGE_MAX),
    )
