"""What publishing needs of GitHub, typed: pull requests, comments, check runs, artifacts.

PyGithub speaks to the server (authentication, TLS, redirects), with its own retries switched off:
by default it sends a POST again after a 5xx and after a dropped connection, which makes eleven
comments of one (PyGithub 2.10, `GithubRetry`). What is repeated is decided in `github_calls`.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from gates.errors import UsageError
from gates.github.calls import Answer, Call, Calls, GitHubError, LostError, RefusedError, Send
from gates.github.values import (
    Annotation,
    Artifact,
    Artifacts,
    Body,
    ChangedFile,
    CheckRun,
    CheckRuns,
    CheckState,
    Comment,
    NewCheck,
    Protection,
    Pull,
    RepositoryName,
    User,
)

COMMENTS_MAX_PAGES: Final = 30
FILES_MAX_PAGES: Final = 30  # GitHub lists 3,000 files of a pull request
_FEW_PAGES: Final = 5
_TIMEOUT_S: Final = 20
_REDIRECTS = (301, 302, 303, 307, 308)
_BLOCK_BYTES: Final = 1 << 16


class GitHub:
    """One repository, as the API shows it."""

    def __init__(self, calls: Calls, repository: str) -> None:
        """Take the way to the server and `owner/name`.

        Raises:
            UsageError: the name is none.
        """
        self.calls = calls
        self.repository = repository
        self.default_branch = ""  # known after `follow`
        self._root = _root_of(repository)

    def follow(self, number: int) -> None:
        """Take the name that the repository of this number has now; it may have been renamed.

        PyGithub follows a redirection, but forgets what page of a list was asked for.

        Raises:
            GitHubError: another repository has the name.
        """
        found = self.calls.get(RepositoryName, self._root)
        if found.id != number:
            raise GitHubError(
                f"{self.repository}: is repository {found.id} now, and the event was of {number}. "
                "Nothing was published; start a new run in the right one."
            )
        self.repository = found.full_name
        self.default_branch = found.default_branch
        self._root = _root_of(found.full_name)

    def login(self) -> str | None:
        """Who the token belongs to; `None` for an app's token, which cannot ask."""
        try:
            return self.calls.get(User, "/user").login
        except RefusedError as error:
            if error.status in (403, 404):
                return None
            raise

    def pull(self, number: int) -> Pull:
        """One pull request as it is now."""
        return self.calls.get(Pull, f"{self._root}/pulls/{number}")

    def pulls_from(self, owner: str, branch: str) -> tuple[Pull, ...]:
        """The open pull requests from a branch of somebody's fork, or of this repository."""
        path, head = f"{self._root}/pulls", f"{owner}:{branch}"
        found, _ = self.calls.pages(Pull, path, pages_max=_FEW_PAGES, state="open", head=head)
        return tuple(found)

    def files(self, number: int) -> tuple[ChangedFile, ...]:
        """The files that a pull request changes."""
        path = f"{self._root}/pulls/{number}/files"
        return tuple(self.calls.pages(ChangedFile, path, pages_max=FILES_MAX_PAGES)[0])

    def comments(self, number: int) -> tuple[tuple[Comment, ...], bool]:
        """The comments of a pull request, oldest first; and whether those are all of them."""
        path = f"{self._root}/issues/{number}/comments"
        found, whole = self.calls.pages(Comment, path, pages_max=COMMENTS_MAX_PAGES)
        return tuple(found), whole

    def comment(self, comment: int) -> Comment | None:
        """One comment as it is now, which lists may show later; `None` where it is gone."""
        try:
            return self.calls.get(Comment, f"{self._root}/issues/comments/{comment}")
        except RefusedError as error:
            if error.status not in (404, 410):
                raise
            return None

    def create_comment(self, number: int, body: str) -> Comment:
        """Post a comment, once.

        Raises:
            LostError: whether it was posted is unknown; read back.
        """
        path = f"{self._root}/issues/{number}/comments"
        return self.calls.write(Comment, "POST", path, Body(body))

    def update_comment(self, comment: int, body: str) -> Comment:
        """Replace a comment's text."""
        path = f"{self._root}/issues/comments/{comment}"
        return self.calls.write(Comment, "PATCH", path, Body(body))

    def delete_comment(self, comment: int) -> None:
        """Remove a comment, if it is still there."""
        self.calls.delete(f"{self._root}/issues/comments/{comment}")

    def check_runs(self, sha: str, name: str) -> tuple[CheckRun, ...]:
        """All check runs of this name at a commit, newest first."""
        path = f"{self._root}/commits/{quote(sha, safe='')}/check-runs"
        query: dict[str, str | int] = {"check_name": name, "filter": "all", "per_page": 100}
        return self.calls.get(CheckRuns, path, **query).check_runs

    def create_check(self, name: str, sha: str, state: CheckState) -> CheckRun:
        """Make a check run at a commit, once.

        Raises:
            LostError: whether it was made is unknown; read back.
        """
        fields = {field: getattr(state, field) for field in state.__struct_fields__}
        body = NewCheck(name=name, head_sha=sha, **fields)
        return self.calls.write(CheckRun, "POST", f"{self._root}/check-runs", body)

    def update_check(self, check: int, state: CheckState) -> CheckRun:
        """Change a check run."""
        path = f"{self._root}/check-runs/{check}"
        return self.calls.write(CheckRun, "PATCH", path, state)

    def artifacts(self, run: int, name: str) -> tuple[Artifact, ...]:
        """What a workflow run left under this name."""
        path = f"{self._root}/actions/runs/{run}/artifacts"
        found = self.calls.get(Artifacts, path, name=name, per_page=100).artifacts
        return tuple(one for one in found if one.name == name)

    def download(self, artifact: Artifact, *, bytes_max: int) -> bytes:
        """The zip of an artifact, in memory.

        Raises:
            GitHubError: it is larger than `bytes_max`, or storage does not give it.
        """
        if artifact.size_in_bytes > bytes_max:
            raise _too_large(artifact.name, artifact.size_in_bytes, bytes_max)
        call = Call("GET", f"{self._root}/actions/artifacts/{artifact.id}/zip")
        answer = self.calls.make(call)
        if answer.status not in _REDIRECTS:
            raise GitHubError(f"{call}: storage has no address for it. Re-run the job.")
        return _fetch(answer.headers.get("location", ""), artifact.name, bytes_max)

    def protection(self, branch: str) -> Protection | None:
        """What a branch demands before a merge; `None` where it is not protected."""
        path = f"{self._root}/branches/{quote(branch, safe='')}/protection"
        try:
            return self.calls.get(Protection, path)
        except RefusedError as error:
            if error.status == 404:  # noqa: PLR2004 - GitHub's word for "not protected"
                return None
            raise


def _root_of(repository: str) -> str:
    owner, slash, name = repository.partition("/")
    if not (owner and slash and name) or "/" in name or {owner, name} & {".", ".."}:
        raise UsageError(f"{repository!r}: not a repository. Write it as owner/name.")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def connect(token: str, api_url: str) -> Send:
    """A transport through PyGithub, without its retries and its pauses.

    Raises:
        UsageError: PyGithub is not installed, or the address is none.
    """
    try:
        with warnings.catch_warnings():
            # Requests misses a guesser of encodings, which nobody needs who reads JSON.
            warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
            from github import Auth, Github  # noqa: PLC0415 - an extra; judging never needs it
    except ImportError as error:
        raise UsageError(
            "PyGithub is not installed. Install it with `pip install 'gatepost[github]'`."
        ) from error
    from requests import RequestException  # noqa: PLC0415 - comes with PyGithub

    if urlsplit(api_url).scheme not in ("http", "https"):
        raise UsageError(f"GITHUB_API_URL: {api_url!r}: not an address. Write https://….")
    requester = Github(
        auth=Auth.Token(token),
        base_url=api_url.rstrip("/"),
        timeout=_TIMEOUT_S,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    ).requester

    def send(call: Call) -> Answer:
        body = None if call.body is None else msgspec.to_builtins(call.body)
        try:
            status, headers, text = requester.requestJson(
                call.verb, call.path, parameters=dict(call.query), input=body
            )
        except (RequestException, OSError) as error:
            # The error's own text holds the address; its kind says enough.
            raise LostError(f"no answer ({type(error).__name__})") from error
        return Answer(status, headers, text.encode())

    return send


def batches(annotations: Sequence[Annotation]) -> Iterator[tuple[Annotation, ...]]:
    """Annotations by fifties, as many as one request may carry."""
    for start in range(0, len(annotations), 50):
        yield tuple(annotations[start : start + 50])


def _fetch(location: str, name: str, bytes_max: int) -> bytes:
    """Read a signed address of GitHub's storage, without our token and without following on."""
    import requests  # noqa: PLC0415 - comes with PyGithub

    if urlsplit(location).scheme != "https" and urlsplit(location).hostname != "localhost":
        raise GitHubError(f"artifact {name!r}: its storage has no https address. Re-run the job.")
    content = bytearray()
    try:
        with requests.get(
            location, stream=True, timeout=_TIMEOUT_S, allow_redirects=False
        ) as answer:
            if answer.status_code != 200:  # noqa: PLR2004
                raise GitHubError(
                    f"artifact {name!r}: storage answered {answer.status_code}. Re-run the job."
                )
            for block in answer.iter_content(_BLOCK_BYTES):
                content += block
                if len(content) > bytes_max:
                    raise _too_large(name, len(content), bytes_max)
    except requests.RequestException as error:
        raise GitHubError(
            f"artifact {name!r}: storage broke off ({type(error).__name__}). Re-run the job."
        ) from error
    return bytes(content)


def _too_large(name: str, size: int, bytes_max: int) -> GitHubError:
    return GitHubError(
        f"artifact {name!r}: {size:,} bytes or more; at most {bytes_max:,} are read. Leave less "
        "evidence: fewer rows, or fewer columns."
    )
