"""A work tree → where each input of its pipeline is kept: asks Git and reads DVC's files."""

from pathlib import Path

from gates.dvc.files import LOCK, PIPELINE, POINTER_SUFFIX, read_lock
from gates.dvc.origins import Known, dependencies_of, trace_inputs
from gates.evidence.kept_inputs import Inputs
from gates.git.files import list_tracked, list_untracked, list_work_files, read_file


def trace_tree(root: Path, revision: str) -> Inputs | None:
    """What the pipeline of a tree reads, after it ran; `None` without a `dvc.lock`.

    Args:
        root: the work tree.
        revision: the commit that is checked out there.

    Raises:
        EvidenceError: a file of DVC's cannot be read.
        GitError: Git fails.
    """
    if not (root / LOCK).is_file():
        return None
    lock = read_lock((root / LOCK).read_bytes(), str(root / LOCK))
    pipeline = (root / PIPELINE).read_bytes() if (root / PIPELINE).is_file() else None
    paths = dependencies_of(lock, pipeline)
    committed = read_file(root, revision, LOCK)
    return trace_inputs(
        Known(
            lock=lock,
            pipeline=pipeline,
            pointers={
                name: (root / name).read_bytes()
                for name in list_work_files(root, f"*{POINTER_SUFFIX}")
            },
            tracked=list_tracked(root, paths),
            untracked=list_untracked(root, paths),
            committed=None if committed is None else read_lock(committed, f"{LOCK} at HEAD"),
        )
    )
