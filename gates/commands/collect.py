"""`gatepost collect`: the evidence of one revision, in a folder."""

import argparse
import sys
from pathlib import Path

from gates.assemble import export
from gates.base import NoBaseline
from gates.baseline import find_baseline
from gates.collect import collect, read_reported
from gates.commands.check import PARAMS, progress
from gates.dvc import reproduce
from gates.errors import EvidenceError, ExitCode
from gates.git import find_root, is_dirty, read_file, resolve
from gates.manifest import MANIFEST
from gates.policy import read_policy


def run(arguments: argparse.Namespace) -> ExitCode:
    """Collect the working tree after reproducing it, or a commit from wherever it is kept."""
    root, out = find_root(Path.cwd()), Path(arguments.out).resolve()
    if arguments.rev is None:
        _collect_tree(root, out)
    else:
        _collect_commit(root, arguments.rev, out)
    text = (out / MANIFEST).read_text("utf-8") if arguments.json else f"{out}\n"
    sys.stdout.write(text)
    return ExitCode.MAY_MERGE


def _collect_tree(root: Path, out: Path) -> None:
    sources = read_policy((root / PARAMS).read_bytes(), PARAMS).settings.evidence
    reported, dirty = read_reported(root, sources), is_dirty(root)
    reproduce(root, progress)
    collect(
        root,
        sources,
        out,
        revision=resolve(root, "HEAD"),
        dirty=dirty,
        progress=progress,
        reported=reported,
    )


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
