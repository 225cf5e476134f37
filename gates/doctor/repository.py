"""What is weak in a clone: its history, DVC's remote, the lock, the policy, who owns what."""

from collections.abc import Iterator
from pathlib import Path

from gates.doctor.sign import Sign, listed, missing, ok, weak
from gates.dvc.cache import read_config
from gates.dvc.files import LOCK, PIPELINE, read_lock_in
from gates.dvc.lock_step import find_out_of_step, read_by
from gates.errors import EvidenceError, GatesError, PolicyError
from gates.evidence.columns import ColumnDictionary, Role, read_columns
from gates.git.files import read_file
from gates.git.history import merge_base
from gates.git.repository import is_shallow
from gates.policy.policy import Policy, has_policy, read_policy
from gates.policy.settings import Settings
from gates.setup.roles import TO_BE_WRITTEN
from gates.setup.surroundings import OWNERS, guarded_paths, lacking_owners, read_owners
from gates.waivers.waivers import FILE as WAIVERS
from gates.waivers.waivers import read_waivers

PARAMS = "params.yaml"
_REMOTE = 'remote "'


def examine_history(root: Path) -> Sign:
    """Whether the merge base can be known."""
    if is_shallow(root):
        return weak(
            "history",
            "this clone is shallow, so the merge base may not be known",
            "Run `git fetch --unshallow`; with actions/checkout, set `fetch-depth: 0`.",
        )
    return ok("history", "all of it is here")


def examine_pipeline(root: Path) -> Sign:
    """Whether there is a pipeline, and its lock is of this tree."""
    name = "pipeline"
    if not ((root / ".dvc").is_dir() and (root / PIPELINE).is_file()):
        return missing(
            name,
            "no .dvc folder, or no dvc.yaml, at the repository's root",
            "Set one up: `dvc init`, `dvc stage add`.",
        )
    if not (root / LOCK).is_file():
        return missing(
            name,
            "no dvc.lock, so nobody knows what the data and the model are",
            "Run `dvc repro` and commit dvc.lock.",
        )
    try:
        lock = read_lock_in(root)
        paths = [path for path in read_by(lock) if (root / path).is_file()]
        known = {path: (root / path).read_bytes() for path in paths if _is_small(root / path)}
        differs = find_out_of_step(lock, known)
    except EvidenceError as error:
        return missing(name, str(error), "Run `dvc repro`.")
    if differs:
        return weak(
            name,
            f"dvc.lock is out of step with this tree: {differs}",
            "Run `dvc repro` and commit dvc.lock.",
        )
    return ok(name, "dvc.lock is of this tree's code, params and data")


def examine_remotes(root: Path) -> Sign:
    """Whether data has a place that others reach, and is verified when it comes from there."""
    name, default = "DVC remote", None
    found: dict[str, dict[str, str]] = {}
    for path in (root / ".dvc" / "config", root / ".dvc" / "config.local"):
        for section, keys in read_config(path).items():
            if section.startswith(_REMOTE):
                remote = section.removeprefix(_REMOTE).rstrip('"')
                found[remote] = {**found.get(remote, {}), **keys}
            elif section == "core":
                default = keys.get("remote", default)
    if not found:
        return missing(
            name,
            "none, so neither CI nor a reviewer can have the data",
            "Add one with `dvc remote add --default NAME URL`, then `dvc push`.",
        )
    loose = sorted(one for one, keys in found.items() if keys.get("verify", "").lower() != "true")
    if loose:
        return weak(
            name,
            f"{listed(loose)}: DVC believes what comes from there without looking",
            f"Run `dvc remote modify {loose[0]} verify true`.",
            forgeable=True,
        )
    if default is None:
        return weak(
            name,
            f"{listed(sorted(found))}, and none is the default",
            f"Run `dvc remote default {min(found)}`.",
        )
    return ok(name, f"{default}, verified")


def examine_policy(root: Path, base_name: str | None) -> tuple[Sign, Policy | None]:
    """Whether the base says what a pull request must keep to; and the policy that judges."""
    name = "policy"
    try:
        base = merge_base(root, base_name)
        content = read_file(root, base, PARAMS)
        if content is not None and has_policy(content, PARAMS):
            policy = read_policy(content, f"{base[:7]}:{PARAMS}")
            return ok(name, f"{len(policy.gates)} gates at the base {base[:7]}"), policy
        path = root / PARAMS
        own = path.read_bytes() if path.is_file() else b""
        if not has_policy(own, PARAMS):
            said, mend = f"no `gates:` in {PARAMS}", "`gatepost init` writes one."
            return missing(name, said, mend), None
        said = "only in this work tree; until it is on the base, it is the pull request's own"
        mend = "Merge it first, then make the check required."
        policy = read_policy(own, PARAMS)
        alone = weak(name, said, mend, forgeable=True)
    except GatesError as error:
        said, mend = str(error), "Mend it; nothing can be judged before."
        return missing(name, said, mend), None
    return alone, policy


def examine_waivers(root: Path) -> Sign:
    """Whether the waivers can be read; where there is no file, there are none."""
    path = root / WAIVERS
    try:
        count = len(read_waivers(path.read_bytes(), WAIVERS).entries) if path.is_file() else 0
    except PolicyError as error:
        said, mend = str(error), "Mend it; once it is on the base, nothing can be judged."
        return missing("waivers", said, mend)
    return ok("waivers", f"{count} in force or past")


def examine_dictionary(root: Path, settings: Settings) -> Sign:
    """Whether somebody has said what the columns are."""
    name, path = "columns", settings.evidence.columns
    try:
        columns = read_columns((root / path).read_bytes(), path)
    except OSError:
        said, mend = f"no {path}", "`gatepost init` drafts one from the tables."
        return missing(name, said, mend)
    except EvidenceError as error:
        return missing(name, str(error), "Mend it.")
    if left := _undescribed(columns):
        said = f"{len(left)} descriptions in {path} are still to be written: {listed(left)}"
        mend = "Write what each column is, where it comes from and in what unit."
        return weak(name, said, mend)
    return ok(name, f"{len(columns.columns)} are described in {path}")


def examine_owners(root: Path, settings: Settings) -> Sign:
    """Whether whoever loosens a limit needs somebody's agreement."""
    name = "code owners"
    path = next((one for one in OWNERS if (root / one).is_file()), None)
    rules = read_owners((root / path).read_text("utf-8", errors="replace")) if path else []
    guarded = guarded_paths(root, settings.evidence.columns, settings.custom.values())
    lacking = lacking_owners(guarded, rules)
    if not lacking:
        return ok(name, f"{path} names what decides how a pull request is judged")
    mend = "`gatepost init --owner @organisation/team` adds the lines."
    if path is None:
        return missing(name, "there is no CODEOWNERS", mend)
    return weak(name, f"nobody owns {listed(lacking)}", mend)


def list_workflows(root: Path) -> dict[str, str]:
    """The texts of all workflows and composite actions."""
    paths: Iterator[Path] = (
        path
        for pattern in (".github/workflows/*.y*ml", ".github/actions/**/action.y*ml", "action.y*ml")
        for path in root.glob(pattern)
        if path.is_file() and _is_small(path)
    )
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8", errors="replace")
        for path in paths
    }


def _undescribed(columns: ColumnDictionary) -> list[str]:
    return [
        name
        for name, entry in columns.columns.items()
        if TO_BE_WRITTEN in (entry.description, entry.unit) and entry.role is not Role.IGNORED
    ]


def _is_small(path: Path) -> bool:
    """A larger file is data: DVC's own record of it is looked at, not the file."""
    return path.stat().st_size <= 1 << 24
