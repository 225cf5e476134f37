"""Evidence of a tree in which the pipeline has just run."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath

import msgspec

from gates.baseline.base import Baseline
from gates.baseline.rescore import score_baseline_test, score_with_baseline
from gates.collect.assemble import assembling, read_environment, with_rows, write_listed
from gates.collect.stage_code import write_scan
from gates.dvc.cache import copy_digesting
from gates.dvc.command import Progress
from gates.dvc.files import LOCK, Recorded, read_lock_in
from gates.errors import EvidenceError
from gates.evidence.kept_inputs import INPUTS, Inputs, encode_inputs
from gates.evidence.manifest import REQUIRED, File, Manifest, digest, read_manifest, write_manifest
from gates.evidence.sources import Sources
from gates.serving.step import ServingBase, measure_serving

_METRICS = "metrics.json"
_METRICS_MAX_BYTES = 1 << 20


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """A whole evidence folder, and what could not be added to it, each with its reason."""

    folder: Path
    left_out: tuple[str, ...] = ()


def read_reported(root: Path, sources: Sources) -> bytes | None:
    """The metrics file, if somebody changed it by hand since the pipeline wrote it; else `None`.

    Call it before `reproduce`, which writes the file anew, and give the result to `collect`.

    Raises:
        EvidenceError: `dvc.lock` cannot be read, or the file is too large for metrics.
    """
    path = root / sources.metrics if sources.metrics else None
    if path is None or not path.is_file() or not (root / LOCK).is_file():
        return None
    recorded = _recorded(root).get(str(PurePosixPath(sources.metrics or "")))
    if recorded is None or recorded.md5 in (None, digest(path, "md5")[0]):
        return None
    if (size := path.stat().st_size) > _METRICS_MAX_BYTES:
        raise EvidenceError(
            f"{path}: {size:,} bytes; a metrics file has at most {_METRICS_MAX_BYTES:,}. "
            "Restore it with `dvc repro`."
        )
    return path.read_bytes()


def collect(
    root: Path,
    sources: Sources,
    out: Path,
    *,
    revision: str,
    dirty: bool,
    progress: Progress,
    reported: bytes | None = None,
    baseline: Baseline | None = None,
    serving: ServingBase | None = None,
    inputs: Inputs | None = None,
) -> Collected:
    """Gather what the pipeline left in a tree into an evidence folder.

    Args:
        root: the tree, after `reproduce`.
        sources: where the pipeline leaves things.
        out: the folder to write; earlier evidence there is replaced, anything else refused.
        revision: the commit checked out at `root`.
        dirty: whether the tree differs from it.
        progress: gets a line for each slow step.
        reported: the metrics file as `read_reported` found it.
        baseline: where its test rows differ from this tree's, both models score both.
        serving: what the tree's service is measured beside; `None` measures none.
        inputs: what the pipeline reads, as `trace_tree` found it.

    Raises:
        EvidenceError: a required file is missing, or one is not what `dvc.lock` says.
        UsageError: `out` holds something else.
    """
    with assembling(out) as folder:
        files = [*_gather(root, sources, folder, reported), *write_scan(root, folder)]
        left_out: list[str] = []
        other_rows = baseline if baseline is not None and _test_differs(files, baseline) else None
        for made in chain(
            _score_both_ways(root, sources, folder, other_rows, progress),
            _measure_services(root, sources, folder, serving, progress),
        ):
            if isinstance(made, File):
                files.append(made)
            else:
                progress(made)
                left_out.append(made)
        if inputs is not None:
            files.append(write_listed(encode_inputs(inputs), folder / INPUTS))
        manifest = Manifest(
            revision=revision,
            dirty=dirty,
            lock_sha256=digest(root / LOCK)[0] if (root / LOCK).is_file() else None,
            environment=read_environment(folder, ran_here=True),
            files=tuple(files),
        )
        write_manifest(folder, manifest)
    return Collected(folder=out, left_out=tuple(left_out))


def _gather(root: Path, sources: Sources, folder: Path, reported: bytes | None) -> Iterator[File]:
    """Copies of what the pipeline left; a metrics file as it was found."""
    recorded = _recorded(root) if (root / LOCK).is_file() else {}
    for name, path in sources.files().items():
        if name == _METRICS and reported is not None:
            yield write_listed(reported, folder / name)
        elif (root / path).is_file():
            yield _copy(root, path, recorded, folder / name)
        elif name in REQUIRED:
            raise _missing(root, name, path)


def _score_both_ways(
    root: Path, sources: Sources, folder: Path, baseline: Baseline | None, progress: Progress
) -> Iterator[File | str]:
    """Each model on the other's test rows; what cannot be made is the reason why."""
    if baseline is not None:
        yield score_baseline_test(root, sources, baseline, folder, progress)
        yield score_with_baseline(root, baseline, folder, progress)


def _measure_services(
    root: Path, sources: Sources, folder: Path, serving: ServingBase | None, progress: Progress
) -> Iterator[File | str]:
    """What both sides' services did, or why that is not known."""
    made = None if serving is None else measure_serving(root, sources, serving, folder, progress)
    if made is not None:
        yield made


def _recorded(root: Path) -> dict[str, Recorded]:
    return read_lock_in(root).outputs


def _copy(root: Path, path: str, recorded: dict[str, Recorded], destination: Path) -> File:
    file, found = copy_digesting(root / path, destination)
    known = recorded.get(str(PurePosixPath(path)))
    if known is not None and known.md5 is not None and known.md5 != found:
        raise EvidenceError(
            f"{root / path}: its MD5 is {found[:12]}…, {LOCK} says {known.md5[:12]}…; it was "
            "changed after the pipeline ran, or came from a damaged DVC cache. Delete it and the "
            f"cache's object {known.md5[:2]}/{known.md5[2:]}, and run again."
        )
    return with_rows(file, destination)


def _missing(root: Path, name: str, path: str) -> EvidenceError:
    mend = (
        "`gatepost init --label COLUMN` drafts it"
        if name == "columns.yaml"
        else "Let a stage write it"
    )
    return EvidenceError(
        f"{root / path}: not there after the pipeline ran, and {name} is needed to judge. {mend}, "
        "or say under `gates.evidence` in params.yaml where it is."
    )


def _test_differs(files: Sequence[File], baseline: Baseline) -> bool:
    listed = read_manifest(baseline.folder, verify=False).files
    theirs = {file.name: file.sha256 for file in listed}
    return any(f.name == "test.parquet" and f.sha256 != theirs["test.parquet"] for f in files)
