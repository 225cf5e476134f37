"""The files beside the policy: code owners, the hook before a push, what Git ignores, waivers."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

from gates.git.call import run_git
from gates.setup.change import Change, What, drafted, extended, read_text, whole

# What `gatepost check` and the workflows leave; a work tree with more in it counts as changed.
_IGNORED = ("/build/gatepost/", "/build/evidence/", "/.venv/", "*.egg-info/")
PRE_COMMIT = ".pre-commit-config.yaml"
HOOK = ".githooks/pre-push"
OWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
GUARDED = ("/.github/", "/params.yaml", "/waivers.yaml", "/dvc.yaml", "/.dvc/")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "conda-lock.yml")
_HOSTED = re.compile(r"(?:https?|ssh|git)://[^/]+/([^/]+)/[^/]+|[^@/]+@[^:/]+:([^/]+)/[^/]+")
_ADDRESS = re.compile(r"@[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)?|[^\s@#]+@[^\s@#]+")
_HOOK = """\
#!/bin/sh
# Judges this branch before it is pushed; `git push --no-verify` goes without.
# Switched on for a clone by: git config core.hooksPath .githooks
exec gatepost check
"""
_WAIVERS = """\
# Findings that may pass for a while though they block, each with who, why and until when.
# They count from the base branch only, so a pull request cannot waive for itself.
"""
_ENTRY = """\
- repo: local
  hooks:
    - id: gatepost
      name: gatepost check
      entry: gatepost check
      language: system
      pass_filenames: false
      always_run: true
      stages: [pre-push]
"""


def is_owner(text: str) -> bool:
    """Whether CODEOWNERS could name it: `@user`, `@organisation/team` or an e-mail address."""
    return _ADDRESS.fullmatch(text) is not None


def owner_of_remote(root: Path) -> str | None:
    """`@owner` of the repository that `origin` names."""
    done = run_git(root, "config", "remote.origin.url", codes=(0, 1))
    found = _HOSTED.fullmatch(done.stdout.decode(errors="replace").strip())
    owner = f"@{found[1] or found[2]}" if found else ""
    return owner if is_owner(owner) else None


class OwnerRule(NamedTuple):
    """One line of a CODEOWNERS."""

    pattern: str
    is_owned: bool


def owners_file(root: Path) -> str:
    """The file that GitHub reads: the first that there is."""
    return next((path for path in OWNERS if (root / path).is_file()), OWNERS[0])


def guarded_paths(root: Path, columns: str, custom: Iterable[str]) -> tuple[str, ...]:
    """What decides how a pull request is judged, as patterns of CODEOWNERS.

    Args:
        root: of the repository.
        columns: the dictionary's path.
        custom: the paths of the modules of a team's own gates.
    """
    locks = sorted(path.name for path in root.glob("requirements*") if path.is_file())
    locks += [name for name in _LOCKS if (root / name).is_file()]
    own = ["/reports/"] if any((root / "reports").glob("*.j2")) else []
    named = (columns, *dict.fromkeys(custom), *locks)
    return (*GUARDED, *own, *(f"/{name}" for name in named))


def lacking_owners(guarded: Iterable[str], rules: Sequence[OwnerRule]) -> list[str]:
    """Those that nobody owns, by the last rule that names them, a folder of theirs or everything.

    Of another pattern it is not told what it matches.
    """
    return [one for one in guarded if not _is_owned(one, rules)]


def _is_owned(path: str, rules: Sequence[OwnerRule]) -> bool:
    patterns = {"*", *_above(path)}
    return next((rule.is_owned for rule in reversed(rules) if rule.pattern in patterns), False)


def _above(path: str) -> set[str]:
    """The path, and the folders that it is in, as patterns."""
    folders = [f"/{folder}" for folder in PurePosixPath(path.strip("/")).parents[:-1]]
    return {path, *folders, *(f"{folder}/" for folder in folders)}


def read_owners(text: str) -> list[OwnerRule]:
    """The rules of a CODEOWNERS, in their order; one without an owner takes ownership away."""
    lines = (line.split("#")[0].split() for line in text.splitlines())
    return [OwnerRule(parts[0], len(parts) > 1) for parts in lines if parts]


def write_owners(root: Path, columns: str, owner: str | None, custom: Iterable[str] = ()) -> Change:
    """Lines for what is guarded and not yet named; commented out where the owner is unknown."""
    path = owners_file(root)
    old = read_text(root, path) or ""
    offered = [OwnerRule(one, True) for one in re.findall(r"^# (/\S+) +@", old, re.MULTILINE)]
    rules = [*offered, *read_owners(old)]
    lacking = lacking_owners(guarded_paths(root, columns, custom), rules)
    if not lacking:
        return extended(root, path, "")
    width = max(map(len, lacking))
    mark, name = ("", owner) if owner else ("# ", "@organisation/team")
    lines = [f"{mark}{each:<{width}} {name}\n" for each in lacking]
    head = "# gatepost: who must agree to what decides how a pull request is judged\n"
    if not owner:
        head += "# (put the owner in, and take the leading marks away)\n"
    return extended(root, path, head + "".join(lines))


def write_hook(root: Path) -> Change:
    """An entry of pre-commit's configuration where there is one, else a hook of Git's."""
    old = read_text(root, PRE_COMMIT)
    if old is None:
        return whole(root, HOOK, _HOOK, executable=True)
    if re.search(r"\bid: *['\"]?gatepost\b", old):
        return Change(path=PRE_COMMIT, old=old, new=old, what=What.SAME)
    new = _with_entry(old)
    if new is None:
        why = "its `repos:` is no list of lines; add a local hook `gatepost check` by hand"
        return Change(path=PRE_COMMIT, old=old, new=old, what=What.KEPT, why=why)
    return Change(path=PRE_COMMIT, old=old, new=new, what=What.CHANGED)


def write_ignored(root: Path) -> Change:
    """What `gatepost check` leaves must not count as a change of the work tree."""
    paths = {f"{each.strip('/').replace('*', 'any')}/any": each for each in _IGNORED}
    done = run_git(root, "check-ignore", *paths, codes=(0, 1))
    known = done.stdout.decode().split("\n")
    lines = [f"{pattern}\n" for path, pattern in paths.items() if path not in known]
    head = "# what gatepost and its workflows leave\n" if lines else ""
    return extended(root, ".gitignore", head + "".join(lines))


def write_waivers(root: Path) -> Change:
    """A file without a waiver, so that the first one is a small change."""
    return drafted(root, "waivers.yaml", _WAIVERS)


def _with_entry(old: str) -> str | None:
    """The text with our entry after the last of `repos:`; `None` where that is no block list."""
    try:
        tree = yaml.compose(old, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    pairs = tree.value if isinstance(tree, yaml.MappingNode) else []
    repos = next((value for key, value in pairs if key.value == "repos"), None)
    if not isinstance(repos, yaml.SequenceNode) or repos.flow_style or not repos.value:
        return None
    lines = old.splitlines(keepends=True)
    first, end = repos.value[0].start_mark, _last_line(repos.value[-1])
    dash = lines[first.line].index("-")
    if not lines[end].endswith("\n"):
        lines[end] += "\n"
    break_ = "\r\n" if lines[0].endswith("\r\n") else "\n"
    entry = "".join(f"{' ' * dash}{line}{break_}" for line in _ENTRY.splitlines())
    new = "".join((*lines[: end + 1], entry, *lines[end + 1 :]))
    return new if _only_adds(old, new) else None


def _last_line(node: yaml.Node) -> int:
    """The line on which a node's last scalar or flow collection ends."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False):
        mark = node.end_mark
        return int(mark.line) - (1 if mark.column == 0 and mark.line > node.start_mark.line else 0)
    children = [
        child for item in node.value for child in (item if isinstance(item, tuple) else (item,))
    ]
    return max(map(_last_line, children), default=int(node.start_mark.line))


def _only_adds(old: str, new: str) -> bool:
    before, after = yaml.safe_load(old), yaml.safe_load(new)
    return bool(after == {**before, "repos": [*before["repos"], *yaml.safe_load(_ENTRY)]})
