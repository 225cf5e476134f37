"""Which workflow runs may be believed for what, as GitHub's API tells it; never as evidence does.

Every pull request is judged against the merge base with the default branch, whatever its own base
is: a check belongs to a commit, so a verdict must depend on that commit and the default branch
alone.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import quote

from gates.errors import EvidenceError
from gates.event import Head
from gates.github import GitHub
from gates.github_calls import RefusedError
from gates.github_values import Artifact, Pull, Seen

OF_MAIN: Final = ("push", "schedule", "workflow_dispatch")
OF_PULLS: Final = ("merge_group", "pull_request")
_ATTEMPTS_MAX: Final = 10
_FILE_MAX_BYTES: Final = 1 << 16
_SHA = re.compile("[0-9a-f]{40,64}")


class Run(Seen, frozen=True):
    """One workflow run."""

    class Repository(Seen, frozen=True):
        """Whose branch it ran on."""

        id: int

    id: int
    run_attempt: int
    event: str
    path: str
    status: str
    head_sha: str
    head_branch: str | None = None
    head_repository: Repository | None = None


class Base(NamedTuple):
    """The commit that a head is compared with, and the branch that it lies on."""

    branch: str
    sha: str


class Found(NamedTuple):
    """An artifact, and the run that left it."""

    artifact: Artifact
    run: Run | None = None  # unknown where the event names it


class _Runs(Seen, frozen=True):
    workflow_runs: tuple[Run, ...]
    total_count: int = 0


class _Repository(Seen, frozen=True):
    default_branch: str


class _Commit(Seen, frozen=True):
    sha: str


class _Comparison(Seen, frozen=True):
    merge_base_commit: _Commit


class _File(Seen, frozen=True):
    size: int
    encoding: str = ""
    content: str = ""


def find_base(github: GitHub, head: Head) -> Base:
    """The merge base of a head and the default branch.

    Raises:
        GitHubError: GitHub knows of none.
        EvidenceError: what it names is no commit.
    """
    root = _root(github)
    branch = github.calls.get(_Repository, root).default_branch
    ends = f"{quote(branch, safe='')}...{quote(head.sha, safe='')}"
    found = github.calls.get(_Comparison, f"{root}/compare/{ends}", per_page=1)
    sha = found.merge_base_commit.sha
    if _SHA.fullmatch(sha) is None:
        raise EvidenceError(f"merge base of {head.sha}: {sha[:50]!r} is no commit. Re-run the job.")
    return Base(branch, sha)


def find_baseline_artifact(
    github: GitHub, head: Head, base: Base, *, workflow: str, name: str
) -> Found | None:
    """The evidence that the default branch's own run left at the base.

    `None` where that workflow never ran on the default branch: nothing came before.

    Raises:
        EvidenceError: it ran, but left no evidence of this commit; a pull request must not escape
            the comparison by where it branches off.
    """
    runs = [
        run
        for run in _runs_of(github, workflow, head_sha=base.sha)
        if run.head_sha == base.sha and _is_of_main(run, head, base, workflow)
    ]
    for run in runs:
        for artifact in _artifacts(github, run, name):
            return Found(artifact, run)
    if not runs and not any(
        _is_of_main(run, head, base, workflow)
        for run in _runs_of(github, workflow, branch=base.branch)
    ):
        return None
    busy = next((run.id for run in runs if run.status != "completed"), None)
    what = f"run {busy} is still making it" if busy else f"{workflow} has left none there"
    raise EvidenceError(
        f"no evidence of the base {base.sha[:7]}: {what}. Wait for that run, or bring the branch "
        f"up to date with {base.branch}; then re-run."
    )


def find_claim(github: GitHub, head: Head, *, workflow: str, name: str) -> Found | None:
    """The evidence that a merged pull request, or the merge queue, had left for a head."""
    for run in _runs_of(github, workflow, head_sha=head.sha):
        wanted = run.head_sha == head.sha and _path_of(run) == workflow
        if wanted and run.event in OF_PULLS:
            for artifact in _artifacts(github, run, name):
                return Found(artifact, run)
    return None


def pulls_merged_as(github: GitHub, sha: str) -> tuple[Pull, ...]:
    """The closed pull requests that GitHub links with a commit of the default branch."""
    path = f"{_root(github)}/commits/{quote(sha, safe='')}/pulls"
    found, _ = github.calls.pages(Pull, path, pages_max=1)
    return tuple(pull for pull in found if pull.state == "closed")


def file_at(github: GitHub, sha: str, path: str) -> bytes:
    """A small text file of a commit, as hostile data.

    Raises:
        EvidenceError: it is not there, or too large.
    """
    address = f"{_root(github)}/contents/{quote(path)}"
    try:
        found = github.calls.get(_File, address, ref=sha)
    except RefusedError as error:
        if error.status == 404:  # noqa: PLR2004 - not there
            raise EvidenceError(
                f"{path}: not there at {sha[:7]}. Keep it: it says what the gates ask for."
            ) from error
        raise
    if found.size > _FILE_MAX_BYTES or found.encoding != "base64":
        raise EvidenceError(
            f"{path} at {sha[:7]}: {found.size:,} bytes; at most {_FILE_MAX_BYTES:,} are read. "
            "Shorten it."
        )
    try:
        return base64.b64decode(found.content)
    except (binascii.Error, ValueError) as error:
        raise EvidenceError(f"{path} at {sha[:7]}: not as GitHub encodes files.") from error


def _runs_of(github: GitHub, workflow: str, **query: str) -> tuple[Run, ...]:
    """The newest runs of a workflow's file; none where GitHub has not seen the file."""
    name = quote(PurePosixPath(workflow).name, safe="")
    path = f"{_root(github)}/actions/workflows/{name}/runs"
    try:
        return github.calls.get(_Runs, path, per_page=100, **query).workflow_runs
    except RefusedError as error:
        if error.status == 404:  # noqa: PLR2004 - no such workflow
            return ()
        raise


def _artifacts(github: GitHub, run: Run, name: str) -> Iterator[Artifact]:
    """The artifacts of a run by this name, of its last attempt first; jobs may be re-run alone."""
    for attempt in range(run.run_attempt, max(0, run.run_attempt - _ATTEMPTS_MAX), -1):
        found = github.artifacts(run.id, f"{name}-{attempt}")
        if len(found) == 1 and not found[0].expired:
            yield found[0]


def _is_of_main(run: Run, head: Head, base: Base, workflow: str) -> bool:
    return (
        run.event in OF_MAIN
        and _path_of(run) == workflow
        and run.head_branch == base.branch
        and run.head_repository is not None
        and run.head_repository.id == head.repository
    )


def _path_of(run: Run) -> str:
    return run.path.partition("@")[0]


def _root(github: GitHub) -> str:
    owner, _, name = github.repository.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
