"""Which workflow runs may be believed for what, as GitHub's API tells it; never as evidence does.

Every pull request is judged against the merge base with the default branch, whatever its own base
is: a check belongs to a commit, so a verdict must depend on that commit and the default branch
alone.
"""

import base64
import binascii
import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import quote

from gates.errors import EvidenceError, UsageError
from gates.github.calls import GitHubError, RefusedError
from gates.github.event import Head, run_here
from gates.github.repository import GitHub
from gates.github.values import Artifact, Pull, RepositoryName, Seen, User

OF_MAIN: Final = ("push", "schedule", "workflow_dispatch")
OF_PULLS: Final = ("merge_group", "pull_request")
_ATTEMPTS_MAX: Final = 10
_FILE_MAX_BYTES: Final = 1 << 16
_COMPARED_FILES_MAX: Final = 300  # GitHub lists no more of a comparison
_SHA = re.compile("[0-9a-f]{40,64}")


class Run(Seen, frozen=True):
    """One workflow run."""

    class Repository(Seen, frozen=True):
        """Whose branch it ran on."""

        id: int
        owner: User | None = None

    id: int
    run_attempt: int
    event: str
    path: str
    status: str
    head_sha: str
    created_at: str = ""  # as `2026-05-02T10:00:00Z`
    updated_at: str = ""
    head_branch: str | None = None
    head_repository: Repository | None = None


class Base(NamedTuple):
    """The commit that a head is compared with, and the branch that it lies on."""

    branch: str
    sha: str
    date: str = ""  # GitHub's, as in its `Date` header; this machine's clock may be wrong
    changed: frozenset[str] | None = None  # files between it and the head; `None`: too many


class Found(NamedTuple):
    """An artifact, and the run that left it."""

    artifact: Artifact
    run: Run


class _Runs(Seen, frozen=True):
    workflow_runs: tuple[Run, ...]
    total_count: int = 0


class _Commit(Seen, frozen=True):
    sha: str


class _GitCommit(Seen, frozen=True):
    tree: _Commit


class _Changed(Seen, frozen=True):
    filename: str
    previous_filename: str = ""


class _Comparison(Seen, frozen=True):
    merge_base_commit: _Commit
    files: tuple[_Changed, ...] | None = None


class _File(Seen, frozen=True):
    size: int
    encoding: str = ""
    content: str = ""


def head_here() -> Head:
    """The commit of the default branch that this job is about.

    Raises:
        UsageError: this is no job of GitHub Actions.
    """
    names = ("GITHUB_REPOSITORY_ID", "GITHUB_REPOSITORY", "GITHUB_SHA")
    number, repository, sha = (os.environ.get(name, "") for name in names)
    if not (number.isdecimal() and number.isascii() and _SHA.fullmatch(sha)):
        raise UsageError(f"{', '.join(names)}: not set as GitHub Actions sets them.")
    return Head(
        repository=int(number), repository_name=repository, sha=sha, run=run_here(), in_queue=True
    )


def find_base(github: GitHub, head: Head) -> Base:
    """The merge base of a head and the default branch.

    Raises:
        GitHubError: GitHub knows of none.
        EvidenceError: what it names is no commit.
    """
    branch, date = default_branch_of(github)
    ends = f"{quote(branch, safe='')}...{quote(head.sha, safe='')}"
    found = github.calls.get(_Comparison, f"{_root(github)}/compare/{ends}", per_page=1)
    sha = found.merge_base_commit.sha
    if _SHA.fullmatch(sha) is None:
        raise EvidenceError(f"merge base of {head.sha}: {sha[:50]!r} is no commit. Re-run the job.")
    whole = found.files is not None and len(found.files) < _COMPARED_FILES_MAX
    names = {name for one in found.files or () for name in (one.filename, one.previous_filename)}
    return Base(branch, sha, date, frozenset(names - {""}) if whole else None)


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
        for run in runs_of(github, workflow, head_sha=base.sha)
        if run.head_sha == base.sha and _is_of_main(run, head, base, workflow)
    ]
    for run in runs:
        for artifact in artifacts_of(github, run.id, run.run_attempt, name):
            return Found(artifact, run)
    if not runs and not any(
        _is_of_main(run, head, base, workflow)
        for run in runs_of(github, workflow, branch=base.branch)
    ):
        return None
    busy = next((run.id for run in runs if run.status != "completed"), None)
    what = f"run {busy} is still making it" if busy else f"{workflow} has left none there"
    raise EvidenceError(
        f"no evidence of the base {base.sha[:7]}: {what}. Wait for that run, or bring the branch "
        f"up to date with {base.branch}; then re-run."
    )


def find_claims(
    github: GitHub, head: Head, *, workflow: str, name: str
) -> Iterator[tuple[str, Found]]:
    """What was claimed of a commit of the default branch, each with the commit it was claimed of.

    The merge queue judges the commit itself; of a pull request it is the head, and that counts
    where both have the same files.
    """
    tree = _tree_of(github, head.sha)
    path = f"{_root(github)}/commits/{quote(head.sha, safe='')}/pulls"
    pulls, _ = github.calls.pages(Pull, path, pages_max=1)
    heads = [pull.head.sha for pull in pulls if pull.state == "closed"]
    for sha in dict.fromkeys((head.sha, *heads)):
        if sha == head.sha or _tree_of(github, sha) == tree:
            for run in runs_of(github, workflow, head_sha=sha):
                if run.head_sha == sha and path_of(run) == workflow and run.event in OF_PULLS:
                    for artifact in artifacts_of(github, run.id, run.run_attempt, name):
                        yield sha, Found(artifact, run)


def find_verdicts(github: GitHub, branch: str, *, workflow: str, name: str) -> Iterator[Found]:
    """What the trusted workflow's newest runs left; only the default branch's file starts them."""
    for run in runs_of(github, workflow, event="workflow_run", branch=branch):
        wanted = run.event == "workflow_run" and path_of(run) == workflow
        if wanted and run.head_branch == branch:
            for artifact in artifacts_of(github, run.id, run.run_attempt, name):
                yield Found(artifact, run)


def default_branch_of(github: GitHub) -> tuple[str, str]:
    """The branch that counts, as GitHub has it now; and when that is.

    Raises:
        GitHubError: GitHub names none.
    """
    branch = github.default_branch
    if not branch:
        branch = github.calls.get(RepositoryName, _root(github)).default_branch
    if not branch:
        raise GitHubError(f"GitHub: {github.repository}: names no default branch. Re-run the job.")
    return branch, github.calls.date


def artifacts_of(github: GitHub, run: int, attempt: int, name: str) -> Iterator[Artifact]:
    """The artifact of this name that the last attempt left; a re-run may have been of one job."""
    for each in range(attempt, max(0, attempt - _ATTEMPTS_MAX), -1):
        found = github.artifacts(run, f"{name}-{each}")
        if len(found) == 1 and not found[0].expired:
            yield found[0]
            return


def file_at(github: GitHub, sha: str, path: str) -> bytes | None:
    """A small text file of a commit, as hostile data; `None` where it is not there.

    Raises:
        EvidenceError: it is too large, or no file.
    """
    address = f"{_root(github)}/contents/{quote(path)}"
    try:
        found = github.calls.get(_File, address, ref=sha)
    except RefusedError as error:
        if error.status == 404:  # noqa: PLR2004 - not there
            return None
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


def runs_of(github: GitHub, workflow: str, **query: str) -> tuple[Run, ...]:
    """The newest runs of a workflow's file; none where GitHub has not seen the file."""
    name = quote(PurePosixPath(workflow).name, safe="")
    path = f"{_root(github)}/actions/workflows/{name}/runs"
    try:
        return github.calls.get(_Runs, path, per_page=100, **query).workflow_runs
    except RefusedError as error:
        if error.status == 404:  # noqa: PLR2004 - no such workflow
            return ()
        raise


def _tree_of(github: GitHub, sha: str) -> str:
    path = f"{_root(github)}/git/commits/{quote(sha, safe='')}"
    return github.calls.get(_GitCommit, path).tree.sha


def _is_of_main(run: Run, head: Head, base: Base, workflow: str) -> bool:
    return (
        run.event in OF_MAIN
        and path_of(run) == workflow
        and run.head_branch == base.branch
        and run.head_repository is not None
        and run.head_repository.id == head.repository
    )


def path_of(run: Run) -> str:
    """The file of a run's workflow, without the branch that GitHub may add."""
    return run.path.partition("@")[0]


def _root(github: GitHub) -> str:
    owner, _, name = github.repository.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
