"""The event that started a workflow → which commit of which pull request, by which run."""

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from gates.errors import EvidenceError, UsageError
from gates.github.mark import Run
from gates.reading import strict_json

EVENT_MAX_BYTES: Final = strict_json.MAX_BYTES


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged, as GitHub's event tells it; never as an artifact tells it."""

    repository: int
    repository_name: str  # `owner/name`
    sha: str
    run: Run
    owner: str = ""  # of the branch; empty where the fork is gone
    branch: str = ""
    head_repository: int = 0
    pull: int | None = None  # where the event names it itself
    in_queue: bool = False  # of a merge queue: there is no pull request to comment on


class _Owner(msgspec.Struct, frozen=True):
    login: str


class _Repository(msgspec.Struct, frozen=True):
    id: int
    full_name: str
    owner: _Owner


class _WorkflowRun(msgspec.Struct, frozen=True):
    id: int
    run_attempt: int
    event: str
    path: str
    head_sha: str
    head_branch: str | None
    head_repository: _Repository | None


class _RunEvent(msgspec.Struct, frozen=True):
    repository: _Repository
    workflow_run: _WorkflowRun


class _End(msgspec.Struct, frozen=True):
    sha: str
    ref: str
    repo: _Repository | None


class _Pull(msgspec.Struct, frozen=True):
    number: int
    head: _End


class _PullEvent(msgspec.Struct, frozen=True):
    repository: _Repository
    pull_request: _Pull


class _Group(msgspec.Struct, frozen=True):
    head_sha: str


class _GroupEvent(msgspec.Struct, frozen=True):
    repository: _Repository
    merge_group: _Group


def read_event(path: Path, *, workflow: str | None = None) -> Head:
    """The head that an event is about.

    Args:
        path: `GITHUB_EVENT_PATH`.
        workflow: the path of the workflow whose runs count, such as `.github/workflows/gates.yml`;
            any may call itself by its name.

    Raises:
        EvidenceError: the event is none that can be published for.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(
            f"{path}: cannot be read: {error.strerror}. Name the event's file with --event."
        ) from error
    value: Any = strict_json.load(content, str(path), EvidenceError)
    try:
        return _head(value, str(path), workflow)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"{path}: not an event of GitHub as documented: {error}. Start the workflow by "
            "`workflow_run`, `pull_request` or `merge_group`."
        ) from error


def _head(value: Any, name: str, workflow: str | None) -> Head:
    if isinstance(value, dict) and "workflow_run" in value:
        return _of_run(msgspec.convert(value, _RunEvent), name, workflow)
    if isinstance(value, dict) and "merge_group" in value:
        event = msgspec.convert(value, _GroupEvent)
        return Head(
            repository=event.repository.id,
            repository_name=event.repository.full_name,
            sha=event.merge_group.head_sha,
            run=run_here(),
            in_queue=True,
        )
    pulled = msgspec.convert(value, _PullEvent)
    head = pulled.pull_request.head
    return Head(
        repository=pulled.repository.id,
        repository_name=pulled.repository.full_name,
        sha=head.sha,
        run=run_here(),
        owner=head.repo.owner.login if head.repo else "",
        branch=head.ref,
        head_repository=head.repo.id if head.repo else 0,
        pull=pulled.pull_request.number,
    )


def _of_run(event: _RunEvent, name: str, workflow: str | None) -> Head:
    run = event.workflow_run
    if workflow is not None and run.path.partition("@")[0] != workflow:
        raise EvidenceError(
            f"{name}: the run is of {run.path!r}, not of {workflow!r}; another workflow has the "
            "same name. Rename it, or mend --workflow."
        )
    if run.event not in ("pull_request", "merge_group"):
        raise EvidenceError(
            f"{name}: the run was started by {run.event!r}; only those of `pull_request` and "
            "`merge_group` are published."
        )
    fork = run.head_repository
    return Head(
        repository=event.repository.id,
        repository_name=event.repository.full_name,
        sha=run.head_sha,
        run=Run(run.id, run.run_attempt),
        owner=fork.owner.login if fork else "",
        branch=run.head_branch or "",
        head_repository=fork.id if fork else 0,
        in_queue=run.event == "merge_group",
    )


def run_here() -> Run:
    """The run that this process is part of.

    Raises:
        UsageError: it is part of none.
    """
    found = [os.environ.get(name, "") for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")]
    if not all(text.isdecimal() and text.isascii() and len(text) <= 18 for text in found):  # noqa: PLR2004
        raise UsageError(
            "GITHUB_RUN_ID and GITHUB_RUN_ATTEMPT: not set as GitHub Actions sets them. Give the "
            "run with --run, such as 811.1."
        )
    return Run(int(found[0]), int(found[1]))
