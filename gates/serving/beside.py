"""Both revisions' services, each in a tree of its own code and with its own model."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gates.baseline.rescore import bring_model
from gates.baseline.worktree import base_worktree
from gates.collect.assemble import write_listed
from gates.dvc.command import Progress
from gates.errors import EvidenceError, GatesError, PipelineError
from gates.evidence.columns import ColumnDictionary, Role, read_columns
from gates.evidence.manifest import File
from gates.evidence.sources import Sources
from gates.serving import SERVING
from gates.serving.examine import Asked
from gates.serving.measure import Job, Served, measure
from gates.serving.rows import answer_columns, draw_sample
from gates.serving.step import ServingBase


def measure_beside(
    root: Path, sources: Sources, base: ServingBase, folder: Path, progress: Progress
) -> File | str:
    """Measure both, and write `serving.json` into the evidence; or why that cannot be done.

    The load's length and limit are the base's, where there is one: what is judged by them must not
    choose them.
    """
    by = base.baseline.sources if base.baseline is not None else sources
    progress(f"measuring the service for about {by.serving_seconds:g} s")
    command, model = sources.serve or "", root / (sources.model or "")
    try:
        asked = _asked(folder, base.task)
        with (
            tempfile.TemporaryDirectory(prefix="gatepost-serving-") as scratch,
            _baseline_of(root, base, progress) as baseline,
        ):
            job = Job(
                candidate=Served(command=command, tree=root, model=model),
                baseline=baseline,
                asked=asked,
                seconds=by.serving_seconds,
                limit_ms=by.serving_limit_ms,
                scratch=Path(scratch),
            )
            measured = measure(job)
    except (GatesError, OSError) as error:
        return f"{SERVING} is left out: {error}"
    return write_listed(msgspec.json.encode(measured), folder / SERVING)


def _asked(folder: Path, task: str) -> Asked:
    path = folder / "columns.yaml"
    dictionary = read_columns(path.read_bytes(), str(path))
    sample = draw_sample(folder / "test.parquet", dictionary)
    return Asked(
        sample=sample,
        dictionary=dictionary,
        columns=answer_columns(task, _classes(dictionary)),
        shares=task != "regression",
    )


def _classes(dictionary: ColumnDictionary) -> tuple[str, ...]:
    (label,) = (dictionary.columns[name] for name in dictionary.with_role(Role.LABEL))
    return label.levels or ()


@contextlib.contextmanager
def _baseline_of(root: Path, base: ServingBase, progress: Progress) -> Iterator[Served | str]:
    """The baseline's service in a tree of its own code, with its own model; or why not."""
    baseline = base.baseline
    if baseline is None:
        yield base.reason
        return
    serve, model = baseline.sources.serve, baseline.sources.model
    if serve is None or model is None:
        yield "the baseline names no service (`gates.evidence.serve`)"
        return
    with base_worktree(root, baseline.revision) as tree:
        try:
            bring_model(root, baseline, tree.path, tree.environment, progress)
        except (EvidenceError, PipelineError) as error:
            reason = str(error)
        else:
            yield Served(
                command=serve,
                tree=tree.path,
                model=tree.path / model,
                environment=tree.environment,
            )
            return
        yield reason[:1500]
