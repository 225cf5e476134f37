"""Evidence of a base revision: from the local store, DVC's cache, its remote, or made again."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from gates.baseline.base import Baseline, Located, NoBaseline, Place, locate, lock_beside
from gates.baseline.worktree import BaseTree, base_worktree
from gates.collect.assemble import assembling, read_environment, with_rows, write_listed
from gates.dvc.cache import cache_folder, copy_all_cached, is_cached
from gates.dvc.command import Progress, fetch
from gates.dvc.files import LOCK, Recorded
from gates.errors import EvidenceError
from gates.evidence.manifest import (
    REQUIRED,
    Manifest,
    read_manifest,
    write_atomically,
    write_manifest,
)
from gates.evidence.sources import Sources

STORE = Path("build") / "gatepost" / "evidence"
_METRICS = "metrics.json"


def find_baseline(
    root: Path, revision: str, sources: Sources, progress: Progress, *, store: Path | None = None
) -> Baseline | NoBaseline:
    """Evidence of a commit, from the nearest place that has it; it then lies in the local store.

    Args:
        root: the work tree whose store and DVC cache are used.
        revision: the full hash of a commit.
        sources: where the commit's pipeline leaves things.
        progress: gets a line for each slow step.
        store: the folder of evidence by commit; by default `build/gatepost/evidence`.

    Raises:
        PipelineError: the commit has a pipeline, and it cannot be run again.
        EvidenceError: an object in the DVC cache is not what its name says.
    """
    folder = (store or root / STORE) / revision
    if _is_stored(folder, revision, progress):
        return Baseline(revision=revision, folder=folder, found="local store", sources=sources)
    located = locate(root, revision, sources.files())
    if not located.has_pipeline:
        reason = f"{revision[:12]} has neither dvc.yaml nor {LOCK}: no pipeline came before"
        return NoBaseline(revision=revision, reason=reason)
    cache, places = cache_folder(root), located.places
    is_usable = located.out_of_step is None and all(name in places for name in REQUIRED)
    found = "dvc cache"
    if not is_usable or _absent(cache, places):
        with base_worktree(root, revision) as tree:
            found = "dvc remote"
            if located.out_of_step is not None:
                progress(f"{LOCK} at {revision[:12]} is out of step with {located.out_of_step}")
            if not is_usable or not _fetch(tree, cache, sources, places, progress):
                return _reproduce(tree, revision, sources, folder, progress)
    _assemble(cache, revision, located, folder)
    return Baseline(revision=revision, folder=folder, found=found, sources=sources)


def _is_stored(folder: Path, revision: str, progress: Progress) -> bool:
    if not folder.exists():
        return False
    try:
        manifest = read_manifest(folder)
        if manifest.revision == revision and not manifest.dirty:
            return True
        reason = f"{folder}: evidence of {manifest.revision[:12]}, not of {revision[:12]}"
    except EvidenceError as error:
        reason = str(error)
    progress(f"not used and made again: {reason}")
    shutil.rmtree(folder)
    return False


def _absent(cache: Path, places: Mapping[str, Place]) -> tuple[str, ...]:
    """Names of what DVC recorded and its cache lacks; a metrics file is not worth fetching."""
    return tuple(
        name
        for name, place in places.items()
        if isinstance(place, Recorded) and name != _METRICS and not is_cached(cache, place)
    )


def _fetch(
    tree: BaseTree, cache: Path, sources: Sources, places: Mapping[str, Place], progress: Progress
) -> bool:
    paths = [sources.files()[name] for name in _absent(cache, places)]
    fetch(tree.path, paths, progress, environment=tree.environment)
    if absent := _absent(cache, places):
        progress(
            f"{len(absent)} of {len(paths)} files are not on the DVC remote, or damaged there "
            f"({', '.join(absent)}); `dvc push` would save making them again"
        )
    return not absent


def _assemble(cache: Path, revision: str, located: Located, folder: Path) -> None:
    with assembling(folder) as target:
        places = located.places
        recorded = {
            target / name: place for name, place in places.items() if isinstance(place, Recorded)
        }
        made = copy_all_cached(cache, recorded)
        made |= {
            name: write_listed(place, target / name)
            for name, place in places.items()
            if isinstance(place, bytes)
        }
        files = [with_rows(made[name], target / name) for name in places if name in made]
        manifest = Manifest(
            revision=revision,
            lock_sha256=hashlib.sha256(located.lock).hexdigest() if located.lock else None,
            environment=read_environment(target, ran_here=False),
            files=tuple(files),
        )
        write_manifest(target, manifest)


def _reproduce(
    tree: BaseTree, revision: str, sources: Sources, folder: Path, progress: Progress
) -> Baseline | NoBaseline:
    from gates.collect.collect import collect  # noqa: PLC0415 - rarely needed, and large
    from gates.dvc.reproduce import reproduce  # noqa: PLC0415

    short = revision[:12]
    progress(f"reproducing {short} in a temporary work tree")
    reproduce(
        tree.path,
        progress,
        use_run_cache=False,
        environment=tree.environment,
        where=f"the base {short}",
    )
    files = sources.files()
    for name in REQUIRED:
        if not (tree.path / files[name]).is_file():
            reason = f"the pipeline of {short} leaves no {files[name]}"
            return NoBaseline(revision=revision, reason=reason)
    collect(tree.path, sources, folder, revision=revision, dirty=False, progress=progress)
    # Its outputs may differ from those in the committed lock; its model is found by this one.
    write_atomically(lock_beside(folder), (tree.path / LOCK).read_bytes())
    return Baseline(revision=revision, folder=folder, found="reproduced", sources=sources)
