"""`gatepost collect`: the evidence of one revision, in a folder."""

import argparse
import os
import sys
from pathlib import Path

from gates.baseline.base import Baseline, NoBaseline, locate
from gates.baseline.find import STORE, find_baseline
from gates.collect.assemble import export
from gates.collect.collect import collect, read_reported
from gates.commands.check import PARAMS, progress, read_policies
from gates.dvc.files import Recorded, read_lock_in
from gates.dvc.reproduce import reproduce
from gates.dvc.trace_inputs import trace_tree
from gates.errors import EvidenceError, ExitCode, GatesError
from gates.evidence.manifest import MANIFEST
from gates.evidence.sources import Sources
from gates.git.files import is_dirty, read_file
from gates.git.history import merge_base
from gates.git.repository import find_root, resolve
from gates.policy.policy import read_policy
from gates.serving.step import ServingBase

_TEST = "test.parquet"


def run(arguments: argparse.Namespace) -> ExitCode:
    """Collect the working tree after reproducing it, or a commit from wherever it is kept."""
    root, out = find_root(Path.cwd()), Path(arguments.out).resolve()
    if arguments.rev is None:
        _collect_tree(root, out, arguments.base)
    else:
        _collect_commit(root, arguments.rev, out)
    text = (out / MANIFEST).read_text("utf-8") if arguments.json else f"{out}\n"
    sys.stdout.write(text)
    return ExitCode.MAY_MERGE


def _collect_tree(root: Path, out: Path, base: str | None) -> None:
    settings = read_policy((root / PARAMS).read_bytes(), PARAMS).settings
    sources = settings.evidence
    reported, dirty = read_reported(root, sources), is_dirty(root)
    reproduce(root, progress, use_run_cache=not os.environ.get("CI"))
    baseline = _baseline_to_cross(root, base, sources) if base else None
    collect(
        root,
        sources,
        out,
        revision=resolve(root, "HEAD"),
        dirty=dirty,
        progress=progress,
        reported=reported,
        baseline=baseline,
        serving=_to_serve_beside(root, base, settings.task, baseline) if base else None,
        inputs=trace_tree(root, "HEAD"),
    )


def _to_serve_beside(root: Path, name: str, task: str, crossed: Baseline | None) -> ServingBase:
    """The base whose service is measured beside this one: its code and model, not its evidence."""
    revision = merge_base(root, name)
    theirs = read_policies(root, revision).judging.settings.evidence
    folder = root / STORE / revision
    alone = Baseline(revision=revision, folder=folder, found="", sources=theirs)
    return ServingBase(task=task, baseline=crossed or alone)


def _baseline_to_cross(root: Path, name: str, sources: Sources) -> Baseline | None:
    """The base's evidence where its test rows are others, so that both models score both.

    Where the lock already says that they are the same rows, the base need not be reproduced.
    """
    base = merge_base(root, name)
    theirs = read_policies(root, base).judging.settings.evidence
    located = locate(root, base, {_TEST: theirs.files()[_TEST]})
    place, lock = located.places.get(_TEST), read_lock_in(root)
    ours = lock.outputs.get(sources.files()[_TEST])
    known = place.md5 if isinstance(place, Recorded) and not located.out_of_step else None
    if ours and known and known == ours.md5:
        return None
    try:
        found = find_baseline(root, base, theirs, progress)
    except GatesError as error:  # a broken base must not keep what mends it from being judged
        progress(f"no baseline: {error}")
        return None
    return found if isinstance(found, Baseline) else None


def _collect_commit(root: Path, name: str, out: Path) -> None:
    revision = resolve(root, name)
    content = read_file(root, revision, PARAMS)
    if content is None:
        raise EvidenceError(
            f"{name}: has no {PARAMS}, which says where its evidence is. Name another revision."
        )
    sources = read_policy(content, f"{name}:{PARAMS}").settings.evidence
    found = find_baseline(root, revision, sources, progress)
    if isinstance(found, NoBaseline):
        raise EvidenceError(f"{name}: no evidence: {found.reason}. Name another revision.")
    export(found.folder, out)
