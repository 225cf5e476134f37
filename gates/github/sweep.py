"""Checks that nobody ended: their run is over, and what should have judged it was lost.

GitHub shows such a check as in progress for ever: the pull request cannot merge, and does not say
why. Whoever ends one says that nothing was judged, never more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from gates.errors import EvidenceError
from gates.github.checks import run_of
from gates.github.event import Head
from gates.github.mark import Run
from gates.github.repository import GitHub
from gates.github.runs import OF_PULLS, path_of, runs_of
from gates.github.runs import Run as WorkflowRun

LEFT_FOR: Final = timedelta(hours=1)  # judging ends after 20 minutes, and may wait for a machine
LOOKS_BACK: Final = timedelta(hours=25)  # hourly, and GitHub drops a schedule when it is busy


def find_left(
    runs: GitHub, checks: GitHub, number: int, *, workflow: str, check: str, app: str | None
) -> Iterator[Head]:
    """The heads whose check is in progress though its run is over, each with that run.

    Args:
        runs: the repository, with a token that may read its runs.
        checks: the same, with a token that may read its checks.
        number: the repository's.
        workflow: the untrusted workflow's file.
        check: the check's name.
        app: whose checks are ours; by default whatever has our mark.
    """
    over = {
        (run.id, attempt): run
        for run in runs_of(runs, workflow, status="completed")
        if run.event in OF_PULLS and path_of(run) == workflow and _is_left(run, runs.calls.date)
        for attempt in range(1, run.run_attempt + 1)
    }
    for sha in dict.fromkeys(run.head_sha for run in over.values()):
        for found in checks.check_runs(sha, check):
            of = run_of(found, app)
            if of and found.status != "completed" and (run := over.get((of.id, of.attempt))):
                yield _head(run, of, runs.repository, number)


def reason(head: Head) -> str:
    """What a reader of the check is told."""
    return (
        f"run {head.run} ended more than an hour ago, and what should have judged it was lost. "
        "Re-run all of its jobs."
    )


def _is_left(run: WorkflowRun, date: str) -> bool:
    try:
        since = parsedate_to_datetime(date) - datetime.fromisoformat(run.updated_at)
    except (TypeError, ValueError) as error:
        raise EvidenceError(
            f"run {run.id}: {run.updated_at!r} or {date!r} is no time as GitHub writes it."
        ) from error
    return LEFT_FOR <= since <= LOOKS_BACK


def _head(run: WorkflowRun, of: Run, repository: str, number: int) -> Head:
    fork = run.head_repository
    return Head(
        repository=number,
        repository_name=repository,
        sha=run.head_sha,
        run=of,
        owner=fork.owner.login if fork and fork.owner else "",
        branch=run.head_branch or "",
        head_repository=fork.id if fork else 0,
        in_queue=run.event == "merge_group",
    )
