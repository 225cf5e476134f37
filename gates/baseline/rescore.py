"""Each model on the other side's test rows, so that both can be judged on both test sets."""

import contextlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gates.baseline.base import Baseline, locate_model
from gates.baseline.worktree import base_worktree
from gates.collect.assemble import describe
from gates.dvc.cache import cache_folder, copy_cached_tree, is_cached
from gates.dvc.command import Progress, fetch
from gates.dvc.files import Recorded
from gates.errors import EvidenceError, PipelineError
from gates.evidence.manifest import File
from gates.evidence.sources import Sources
from gates.process import child_environment, run_group

OURS_ON_BASELINE_TEST = "predictions_on_baseline_test.parquet"
BASELINE_ON_OURS = "baseline_predictions.parquet"


class _Paths(NamedTuple):
    model: Path
    rows: Path
    out: Path


def score_baseline_test(
    root: Path, sources: Sources, baseline: Baseline, folder: Path, progress: Progress
) -> File | str:
    """The candidate's model on the baseline's test rows; or why that cannot be had."""
    out = folder / OURS_ON_BASELINE_TEST
    if sources.model is None or sources.predict is None:
        return f"{out.name} is left out: `gates.evidence` names no model or no predict command"
    progress("scoring the baseline's test rows with this model")
    paths = _Paths(root / sources.model, baseline.folder / "test.parquet", out)
    return _score(root, sources.predict, paths, {})


def score_with_baseline(
    root: Path, baseline: Baseline, folder: Path, progress: Progress
) -> File | str:
    """The baseline's model, run by its own code, on the candidate's test rows; or why not."""
    out = folder / BASELINE_ON_OURS
    model, predict = baseline.sources.model, baseline.sources.predict
    if model is None or predict is None:
        return f"{out.name} is left out: `gates.evidence` names no model or no predict command"
    progress("scoring this test set with the baseline's model")
    with base_worktree(root, baseline.revision) as tree:
        try:
            bring_model(root, baseline, tree.path, tree.environment, progress)
        except (EvidenceError, PipelineError) as error:
            return f"{out.name} is left out: {error}"
        paths = _Paths(tree.path / model, folder / "test.parquet", out)
        return _score(tree.path, predict, paths, tree.environment)


def bring_model(
    root: Path,
    baseline: Baseline,
    tree: Path,
    environment: Mapping[str, str],
    progress: Progress,
) -> None:
    """Put the baseline's model into a tree of the baseline, from Git or DVC.

    Raises:
        EvidenceError: it is neither in the DVC cache nor on the remote, or damaged.
        PipelineError: DVC could not be run.
    """
    path = baseline.sources.model or ""
    if (tree / path).exists():  # kept in Git
        return
    found = locate_model(root, baseline)
    if not isinstance(found, Recorded):
        raise EvidenceError(f"{path}: {baseline.revision[:12]} has no such DVC output.")
    cache = cache_folder(root)
    if not is_cached(cache, found):
        fetch(tree, [path], progress, environment=environment)
    if not is_cached(cache, found):
        raise EvidenceError(
            f"{path} ({found.text()}) of {baseline.revision[:12]} is neither in the DVC cache nor "
            "on the remote. Run `dvc push` where it is."
        )
    copy_cached_tree(cache, found, tree / path)


def _score(tree: Path, predict: str, paths: _Paths, environment: Mapping[str, str]) -> File | str:
    """Run a predict command in a tree; the file it made, or why it made none."""
    marks = {"{model}": paths.model, "{rows}": paths.rows, "{out}": paths.out}
    command = [_filled(word, marks) for word in shlex.split(predict)]
    try:
        ended = run_group(command, tree, child_environment(environment), lambda _line: None)
        if ended.code == 0 and paths.out.is_file() and not paths.out.is_symlink():
            return describe(paths.out)
        reason = f"`{predict}` ended with {ended.code} and wrote no file that can be used"
        reason += "".join(f"\n  | {line}" for line in ended.last_lines[-5:])
    except (EvidenceError, OSError) as error:
        reason = str(error)
    with contextlib.suppress(FileNotFoundError):
        paths.out.unlink()
    return f"{paths.out.name} is left out: {reason}"


def _filled(word: str, marks: Mapping[str, Path]) -> str:
    for mark, path in marks.items():
        word = word.replace(mark, str(path.resolve()))
    return word
