"""The check run that blocks a merge: made first, and ended with `success` or `failure`, never else.

A check belongs to one commit and one run; `external_id` names the run, so that making it twice
finds the first. An older run never makes a check after a newer one's, which GitHub would believe.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from gates.github.calls import GitHubError, LostError
from gates.github.mark import Run
from gates.github.repository import GitHub, batches
from gates.github.values import Annotation, CheckRun, CheckState, Conclusion, Output

TITLE_MAX: Final = 250
SUMMARY_MAX_BYTES: Final = 65_000
_LATE_S: Final = (1.0, 2.0, 4.0, 5.0)
_POSTS_MAX: Final = 3
_ID = re.compile(r"gatepost:([0-9]{1,18})\.([0-9]{1,9})")


class Gate(NamedTuple):
    """Which check is set: its name, at which commit, by which run."""

    github: GitHub
    name: str
    sha: str
    run: Run
    app: str | None  # our app's short name; checks of others are not ours, whatever they say
    details_url: str | None
    say: Callable[[str], None]
    sleep: Callable[[float], None]


class Ending(NamedTuple):
    """How a check ends, and what it shows."""

    conclusion: Conclusion
    title: str
    summary: str
    annotations: Sequence[Annotation] = ()


def start_check(gate: Gate, title: str, summary: str) -> tuple[CheckRun, ...]:
    """Show that a verdict is being made: this run's checks, none where a newer run has set it.

    Raises:
        GitHubError: the check could not be made.
    """
    state = _state(gate, Output(title=title, summary=summary))
    found = _look(gate)
    if found.newer is not None:
        gate.say(f"check {gate.name}: left alone, as the newer run {found.newer} has set it")
        return ()
    return tuple(found.own or _create(gate, state))


def has_ended(check: CheckRun, ending: Ending) -> bool:
    """Whether a check says all that this ending would make it say."""
    said = (check.output.title if check.output else None) or ""
    meant = fit_text(ending.title, TITLE_MAX)
    same = check.status == "completed" and check.conclusion == ending.conclusion
    return same and said.split() == meant.split()


def end_check(gate: Gate, ending: Ending, *, only_open: bool = False) -> bool:
    """Set the conclusion; whether it was ours to set.

    Args:
        gate: which check.
        ending: how it ends.
        only_open: leave a check that has ended as it is.

    Raises:
        GitHubError: the check could not be set.
    """
    own, newer = _look(gate)
    if newer is not None:
        gate.say(f"check {gate.name}: the newer run {newer} has set it meanwhile")
        ending = Ending("failure", f"Not judged: run {newer} is newer", "See its check.")
        only_open = True
    elif not own:
        own = _create(gate, _state(gate, Output(title=ending.title, summary="")))
    for check in own:
        ended = check.status == "completed"
        if not (ended and only_open) and not has_ended(check, ending):
            _end(gate, check, ending)
    return newer is None


def _end(gate: Gate, check: CheckRun, ending: Ending) -> None:
    """Annotations by fifties; the conclusion comes with the last, so that none is missing then."""
    title, summary = fit_text(ending.title, TITLE_MAX), _fit_bytes(ending.summary)
    *before, last = list(batches(ending.annotations)) or [()]
    for some in before:
        output = Output(title=title, summary=summary, annotations=some)
        gate.github.update_check(check.id, _state(gate, output))
    output = Output(title=title, summary=summary, annotations=last)
    gate.github.update_check(check.id, _state(gate, output, ending.conclusion))


class _Found(NamedTuple):
    own: list[CheckRun]  # that this run made
    newer: Run | None  # that has made one as well


def _look(gate: Gate) -> _Found:
    """The checks of this name at the commit; those without a run's name are not ours."""
    checks = gate.github.check_runs(gate.sha, gate.name)
    runs = [(check, run) for check in checks if (run := run_of(check, gate.app))]
    newest = max((run for _, run in runs), default=gate.run)
    own = [check for check, run in runs if run == gate.run]
    return _Found(own, newest if newest > gate.run else None)


def _create(gate: Gate, state: CheckState) -> list[CheckRun]:
    """Make the check, or find the one whose making got no answer."""
    for _ in range(_POSTS_MAX):
        try:
            return [gate.github.create_check(gate.name, gate.sha, state)]
        except LostError as error:
            gate.say(f"check {gate.name}: {error}; looking whether it was made")
        if found := _look_for_it(gate):
            return found
    raise GitHubError(
        f"check {gate.name}: {_POSTS_MAX} attempts got no answer, so it is not set and the merge "
        "stays blocked. Re-run the job."
    )


def _look_for_it(gate: Gate) -> list[CheckRun]:
    for seconds in _LATE_S:
        gate.sleep(seconds)
        if found := _look(gate).own:
            return found
    return []


def _state(gate: Gate, output: Output, conclusion: Conclusion | None = None) -> CheckState:
    return CheckState(
        external_id=f"gatepost:{gate.run}",
        status="completed" if conclusion else "in_progress",
        conclusion=conclusion,
        details_url=gate.details_url,
        output=output,
    )


def run_of(check: CheckRun, app: str | None) -> Run | None:
    """The run that made a check, if our app did (any, where none is named) and it has our mark."""
    slug = check.app.slug if check.app else None
    if app and slug and app != slug:
        return None
    found = _ID.fullmatch(check.external_id or "")
    return Run(int(found[1]), int(found[2])) if found else None


def fit_text(text: str, longest: int) -> str:
    """The text in at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _fit_bytes(summary: str) -> str:
    """The summary, or its heading where the whole is too long; never a cut table."""
    if len(summary.encode()) <= SUMMARY_MAX_BYTES:
        return summary
    return summary.split("\n", 1)[0][: SUMMARY_MAX_BYTES // 4]
