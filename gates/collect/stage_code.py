"""The Python files that the pipeline's stages depend on, read for fits that see test rows."""

from pathlib import Path

import msgspec

from gates.collect.assemble import write_listed
from gates.dvc.files import LOCK, read_lock_in
from gates.evidence.leaky_code import MOST_BYTES, scan_sources
from gates.evidence.manifest import File

CODE = "code.json"
_MOST_FILES = 500


def write_scan(root: Path, folder: Path) -> list[File]:
    """Add `code.json` to an evidence folder; nothing where no stage depends on a Python file."""
    sources = _read_sources(root)
    if not sources:
        return []
    encoded = msgspec.json.format(msgspec.json.encode(scan_sources(sources)), indent=1)
    return [write_listed(encoded + b"\n", folder / CODE)]


def _read_sources(root: Path) -> dict[str, str]:
    if not (root / LOCK).is_file():
        return {}
    recorded = read_lock_in(root).dependencies
    paths = sorted(path for path in recorded if path.endswith(".py"))[:_MOST_FILES]
    return {path: _read(root / path) for path in paths if (root / path).is_file()}


def _read(path: Path) -> str:
    """One more character than is parsed of a file that is too large, so that it is named."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(MOST_BYTES + 1)
