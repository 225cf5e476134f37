"""What GitHub sends and is sent, as far as we read and write it."""

from typing import Literal

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """A value that GitHub sends; it has more fields than we read."""


class User(Seen, frozen=True):
    """An account."""

    login: str


class App(Seen, frozen=True):
    """A GitHub App."""

    id: int
    slug: str | None = None


class Comment(Seen, frozen=True):
    """A comment in the conversation of a pull request."""

    id: int
    user: User | None
    body: str | None = None
    html_url: str = ""

    @property
    def author(self) -> str:
        """The login of who wrote it; empty where the account is gone."""
        return self.user.login if self.user else ""


class RepositoryName(Seen, frozen=True):
    """A repository; its number stays when it is renamed or transferred."""

    id: int
    full_name: str = ""
    default_branch: str = ""


class Ref(Seen, frozen=True):
    """One end of a pull request; the repository of a deleted fork is gone."""

    sha: str
    ref: str = ""
    repo: RepositoryName | None = None


class Pull(Seen, frozen=True):
    """A pull request."""

    number: int
    state: str
    head: Ref
    base: Ref


class ChangedFile(Seen, frozen=True):
    """A file that a pull request changes; GitHub leaves the patch out where it is large."""

    filename: str
    status: str
    patch: str | None = None


class CheckRun(Seen, frozen=True):
    """A check run."""

    class Shown(Seen, frozen=True):
        """What its page says."""

        title: str | None = None

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    external_id: str | None = None
    app: App | None = None
    output: Shown | None = None


class CheckRuns(Seen, frozen=True):
    """A page of check runs."""

    check_runs: tuple[CheckRun, ...]


class Artifact(Seen, frozen=True):
    """A file that a workflow run left; `digest` is `sha256:<hex>` of the zip."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool = False
    digest: str | None = None


class Artifacts(Seen, frozen=True):
    """A page of artifacts."""

    artifacts: tuple[Artifact, ...]


class RequiredCheck(Seen, frozen=True):
    """A check that a branch demands, and the only app whose word counts for it, if one is named."""

    context: str
    app_id: int | None = None


class _StatusChecks(Seen, frozen=True):
    strict: bool = False
    checks: tuple[RequiredCheck, ...] = ()


class Switch(Seen, frozen=True):
    """A part of a protection that is on or off."""

    enabled: bool = False


class Pushers(Seen, frozen=True):
    """Who alone may push."""


class Protection(Seen, frozen=True):
    """What a protected branch demands before a merge."""

    required_status_checks: _StatusChecks | None = None
    enforce_admins: Switch | None = None
    allow_force_pushes: Switch | None = None
    allow_deletions: Switch | None = None
    restrictions: Pushers | None = None  # `None`: whoever may write


Level = Literal["notice", "warning", "failure"]
Conclusion = Literal["success", "failure"]  # GitHub counts `neutral` and `skipped` as success


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """A remark at lines of a file, as the checks API takes it."""

    path: str
    start_line: int
    end_line: int
    annotation_level: Level
    message: str
    title: str


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a check run shows."""

    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()


class CheckState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a check run is to become."""

    external_id: str
    status: Literal["in_progress", "completed"]
    output: Output
    conclusion: Conclusion | None = None
    details_url: str | None = None


class NewCheck(CheckState, frozen=True, kw_only=True, omit_defaults=True):
    """A check run that is to be made, and where."""

    name: str
    head_sha: str


class Body(msgspec.Struct, frozen=True):
    """The text of a comment."""

    body: str
