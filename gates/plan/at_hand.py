"""The evidence that already lies on this machine, so that nothing need be trained to plan."""

from pathlib import Path

from gates.baseline.base import NoBaseline
from gates.baseline.find import STORE, find_baseline
from gates.dvc.command import Progress
from gates.errors import EvidenceError
from gates.evidence.manifest import MANIFEST
from gates.evidence.sources import Sources
from gates.git.history import merge_base

CANDIDATE = Path("build") / "gatepost" / "candidate"


def find_evidence(root: Path, sources: Sources, progress: Progress) -> Path:
    """The merge base's folder in the local store, else the newest in `build/gatepost`.

    Where there is none at all, the base's evidence is found as `check` finds it.

    Raises:
        EvidenceError: there is none, and the base leaves none.
        GitError: there is no base.
    """
    if (here := evidence_here(root)) is not None:
        return here
    base = merge_base(root)
    found = find_baseline(root, base, sources, progress)
    if isinstance(found, NoBaseline):
        raise EvidenceError(
            f"{root}: no evidence to plan with: {found.reason}. Make some with "
            "`gatepost collect --out DIR` and name it with --evidence."
        )
    return found.folder


def evidence_here(root: Path) -> Path | None:
    """The merge base's folder in the local store, else the newest in `build/gatepost`, if any.

    Raises:
        GitError: there is no base.
    """
    folders = _folders(root)
    if not folders:
        return None
    base = root / STORE / merge_base(root)
    newest = max(folders, key=lambda folder: (folder / MANIFEST).stat().st_mtime)
    return base if base in folders else newest


def find_second(root: Path, first: Path) -> Path | None:
    """The newest other folder of evidence in `build/gatepost`, if there is one."""
    others = [folder for folder in _folders(root) if folder != first]
    return max(others, key=lambda folder: (folder / MANIFEST).stat().st_mtime, default=None)


def _folders(root: Path) -> list[Path]:
    stored = [path.parent for path in (root / STORE).glob(f"*/{MANIFEST}")]
    candidate = root / CANDIDATE
    return [*stored, candidate] if (candidate / MANIFEST).is_file() else stored
