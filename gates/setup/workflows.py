"""The workflows of a user's repository: ours, but for what is installed and whence it comes.

They are the files of this project's own `.github/workflows`, which its contract test holds to the
threat model; a wheel carries copies. Three places differ: the action's address, how the pipeline's
packages are installed, and the default branch.
"""

import re
import shlex
from importlib import metadata
from pathlib import Path

import msgspec

from gates import __version__
from gates.errors import UsageError
from gates.setup.change import Change, whole
from gates.setup.pipeline import How
from gates.setup.yaml_text import scalar

NAMES = ("gates.yml", "report.yml", "baseline.yml")
FOLDER = ".github/workflows"
ACTION = "gatepost/gatepost"  # where releases are, unless this one came from elsewhere
SERVER = "https://github.com"
_PACKAGE = Path(__file__).parents[1]
_PINNED = re.compile(r"([A-Za-z0-9-]+/[A-Za-z0-9._-]+)@([0-9a-f]{40}|v[0-9][A-Za-z0-9.]*)")
_OURS = "uses: $/\n"
_INSTALL = "        run: make .venv/.ready\n"
_BRANCH = "branches: [main]\n"


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Where this gatepost is to be had: the action's address, and what pip is to install."""

    repository: str
    revision: str  # a commit, or a tag where no commit is known
    requirement: str
    how: How

    @property
    def is_pinned(self) -> bool:
        """Whether it names a commit, which nobody can move."""
        return len(self.revision) == 40  # noqa: PLR2004 - a SHA-1 in hexadecimal


class _DirectUrl(msgspec.Struct):
    class Vcs(msgspec.Struct):
        commit_id: str = ""

    url: str = ""
    vcs_info: Vcs = msgspec.field(default_factory=Vcs)


def find_release(given: str | None) -> Release:
    """The release that `--action` names, else the commit that pip installed us from, else a tag.

    Raises:
        UsageError: `--action` is no address of an action.
    """
    if given is not None:
        found = _PINNED.fullmatch(given)
        if found is None:
            raise UsageError(
                f"--action {given!r}: not an action. Write owner/name@commit, the commit in full."
            )
        return _release(found[1], found[2], How.FOUND)
    try:
        direct = metadata.distribution("gatepost").read_text("direct_url.json")
        parsed = msgspec.json.decode(direct or "{}", type=_DirectUrl)
    except (metadata.PackageNotFoundError, msgspec.DecodeError):
        parsed = _DirectUrl()
    address = re.fullmatch(rf"{re.escape(SERVER)}/([^/]+/[^/]+?)(\.git)?/?", parsed.url)
    source = f"{address[1]}@{parsed.vcs_info.commit_id}" if address else ""
    if (found := _PINNED.fullmatch(source)) is not None:
        return _release(found[1], found[2], How.FOUND)
    return Release(
        repository=ACTION,
        revision=f"v{__version__}",
        requirement=f"gatepost[dvc]=={__version__}",
        how=How.GUESSED,
    )


def find_install(root: Path, release: Release) -> tuple[tuple[str, ...], How]:
    """The commands that install the pipeline's packages and gatepost into `.venv`."""
    requirement = shlex.quote(release.requirement)
    if (root / "uv.lock").is_file():
        return (
            "python -m pip install --quiet uv",
            "uv sync --frozen --quiet",
            f"uv pip install --quiet --python .venv/bin/python {requirement}",
        ), How.FOUND
    files = ("requirements.lock", "requirements.txt")
    named = next((f"-r {name} " for name in files if (root / name).is_file()), None)
    if named is None and (root / "pyproject.toml").is_file():
        named = "-e . "
    install = f".venv/bin/python -m pip install --quiet {named or ''}{requirement}"
    return ("python -m venv .venv", install), How.FOUND if named else How.ABSENT


def write_workflows(
    root: Path, release: Release, install: tuple[str, ...], branch: str
) -> tuple[Change, ...]:
    """The workflows, each written where there is none of its name."""
    return tuple(
        whole(root, f"{FOLDER}/{name}", adapt(template(name), release, install, branch))
        for name in NAMES
    )


def template(name: str) -> str:
    """One of our own workflows."""
    packaged = _PACKAGE / "_workflows"
    folder = packaged if packaged.is_dir() else _PACKAGE.parent / FOLDER
    return (folder / name).read_text("utf-8")


def adapt(text: str, release: Release, install: tuple[str, ...], branch: str) -> str:
    """Our workflow as that of another repository."""
    version = f" # v{__version__}" if release.is_pinned else ""
    lines = "".join(f"          {line}\n" for line in install)
    return (
        text.replace(_OURS, f"uses: {release.repository}@{release.revision}{version}\n")
        .replace(_INSTALL, f"        run: |\n{lines}")
        .replace(_BRANCH, f"branches: [{scalar(branch)}]\n")
    )


def _release(repository: str, revision: str, how: How) -> Release:
    source = f"{SERVER}/{repository}@{revision}"
    return Release(
        repository=repository,
        revision=revision,
        requirement=f"gatepost[dvc] @ git+{source}",
        how=how,
    )
