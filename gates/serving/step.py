"""The step of collecting that starts both revisions' services and writes `serving.json`."""

from pathlib import Path

import msgspec

from gates.baseline.base import Baseline
from gates.dvc.command import Progress
from gates.evidence.manifest import File
from gates.evidence.sources import Sources
from gates.git.files import changed_files
from gates.serving import SERVING


class ServingBase(msgspec.Struct, frozen=True, kw_only=True):
    """What a candidate's service is measured beside, and by which task its answers are read."""

    task: str
    baseline: Baseline | None
    reason: str = "there is no baseline"


def measure_serving(
    root: Path, sources: Sources, base: ServingBase, folder: Path, progress: Progress
) -> File | str | None:
    """Write `serving.json` into the evidence; or why not; `None` where nobody asks for it."""
    if sources.serve is None:
        return None
    if sources.model is None:
        return f"{SERVING} is left out: `gates.evidence` names no model"
    if base.baseline is not None and not changed_files(root, base.baseline.revision):
        return f"{SERVING} is left out: nothing differs from the base, so neither does its service"
    from gates.serving.beside import measure_beside  # noqa: PLC0415 - most never serve

    return measure_beside(root, sources, base, folder, progress)
