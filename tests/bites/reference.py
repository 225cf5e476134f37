"""The reference project as its pipeline leaves it, and what a broken pipeline would leave instead.

The pipeline runs once for all workers of a test run, in a throw-away copy of what Git tracks; only
DVC's cache is kept, in `build/tests`, so that a second run is quick.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gates.collect.collect import collect
from gates.dvc.reproduce import reproduce
from gates.dvc.trace_inputs import trace_tree
from gates.policy.policy import read_policy
from gates.serving.measured import Sampled
from gates.testing import seal
from pipeline.dictionary import Dictionary, read_dictionary
from pipeline.evaluate import measure, measure_groups
from pipeline.model import TrainParams, score
from pipeline.stage import read_params
from pipeline.train import train
from tests.once import locked
from tests.serving.samples import honest, sampled, write

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "tests" / "dvc"
LABEL = "income_gt_50k"
GROUPS = ("sex", "race")
TRACKED = (
    ".dvc",
    ".dvcignore",
    ".gitignore",
    "data",
    "docs/scope",
    "dvc.lock",
    "dvc.yaml",
    "metrics.json",
    "params.yaml",
    "pipeline",
    "plots",
)

Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
Change = Callable[[pa.Table, str], pa.Table]  # of a table and its side: train, validation or test


class Reference:
    """What the pipeline made: `evidence` is the baseline of every test, and is only read."""

    def __init__(self, folder: Path) -> None:
        self.evidence = folder / "evidence"
        self.project = folder / "project"
        self.pipeline = self.project / "build" / "pipeline"

    @cached_property
    def params(self) -> TrainParams:
        return read_params("train", TrainParams, self.project / "params.yaml")

    @cached_property
    def dictionary(self) -> Dictionary:
        return read_dictionary(self.evidence / "columns.yaml")

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Train, validation and test rows."""
        sides = ("train", "validation", "test")
        return {side: pq.read_table(self.pipeline / f"{side}.parquet") for side in sides}

    @cached_property
    def labels(self) -> Labels:
        return labels_of(self.tables["test"])

    @cached_property
    def scores(self) -> Scores:
        return scores_in(self.evidence)

    def texts(self, name: str) -> Texts:
        """A column of the test rows."""
        return texts_of(self.tables["test"], name)


class Candidate:
    """A copy of the reference evidence, to be spoilt; `sealed` makes evidence of it again."""

    def __init__(self, reference: Reference, folder: Path) -> None:
        self.reference = reference
        self.folder = folder
        shutil.copytree(reference.evidence, folder)

    def change_tables(self, change: Change, *sides: str) -> None:
        """Write train and test table anew, or those sides that are named."""
        for side in sides or ("train", "test"):
            write_table(change(self.reference.tables[side], side), self.folder / f"{side}.parquet")

    def change_dictionary(self, old: str, new: str) -> None:
        """Edit one place of the dictionary."""
        path = self.folder / "columns.yaml"
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the dictionary"
        path.write_text(text.replace(old, new), "utf-8")

    def predict(self, scores: Scores) -> None:
        """Write the test rows' scores, and the metrics that the pipeline would report of them."""
        ids = self.reference.tables["test"]["row_id"]
        table = pa.table({"row_id": ids, "score": pa.array(np.clip(scores, 0, 1))})
        write_table(table, self.folder / "predictions.parquet")
        self.repeat(scores)
        self.accompany(scores)
        self.cross_validate(scores)
        for rival in ("quick_baselines.parquet", "sizes.json"):
            (self.folder / rival).unlink()  # they would be others, and are nobody's concern here
        groups = {name: self.reference.texts(name) for name in GROUPS}
        labels = self.reference.labels
        reported = {
            **measure(labels, scores, 0.5),
            **measure_groups(labels, scores >= 0.5, groups),
        }
        (self.folder / "metrics.json").write_text(json.dumps(reported), "utf-8")

    def accompany(self, scores: Scores) -> None:
        """Write that the rows which are scored in other company score the same there."""
        path = self.folder / "batches.parquet"
        table = pq.read_table(path)
        places = pc.index_in(table["row_id"], self.reference.tables["test"]["row_id"])
        same = pa.array(np.clip(scores, 0, 1)).take(places.combine_chunks())
        for name in table.column_names[1:]:
            table = replace_column(table, name, same)
        write_table(table, path)

    def cross_validate(self, scores: Scores) -> None:
        """Write folds whose rows score as test rows with their label do, drawn by lot."""
        path, draws = self.folder / "folds.parquet", np.random.default_rng(1)
        folds, train = pq.read_table(path), self.reference.tables["train"]
        places = pc.index_in(folds["row_id"], train["row_id"].combine_chunks()).to_numpy()
        labels, known = labels_of(train)[places], self.reference.labels
        drawn = np.where(
            labels,
            draws.choice(scores[known], len(labels)),
            draws.choice(scores[~known], len(labels)),
        )
        write_table(replace_column(folds, "score", pa.array(np.clip(drawn, 0, 1))), path)

    def repeat(self, again: Scores) -> None:
        """Write what the same training says when it is done again; other seeds nobody tried."""
        ids = self.reference.tables["test"]["row_id"]
        table = pa.table({"row_id": ids, "again.score": pa.array(np.clip(again, 0, 1))})
        write_table(table, self.folder / "repeats.parquet")

    def write_rows(self, name: str, first: int | None = None, **columns: pa.Array) -> None:
        """Write a table about the test rows, or about the first of them."""
        ids = self.reference.tables["test"]["row_id"].combine_chunks()
        table = pa.table({"row_id": ids, **columns}).slice(0, first)
        write_table(table, self.folder / f"{name}.parquet")

    def retrain(self, change: Change | None = None, *, drop: tuple[str, ...] = ()) -> None:
        """Train on changed rows or parameters and predict, as the stages of those names do."""
        params = self.reference.params
        dropped = (*params.drop_features, *drop)
        params = msgspec.structs.replace(params, drop_features=dropped)
        tables = {
            side: table if change is None else change(table, side)
            for side, table in self.reference.tables.items()
        }
        dictionary = read_dictionary(self.folder / "columns.yaml")
        model = train(tables["train"], tables["validation"], params, dictionary)
        self.predict(score(model, tables["test"]))
        if change is not None:
            self.change_tables(change)

    def sample(self) -> Sampled:
        """Every 800th test row, as an honest service answers it."""
        at = slice(None, None, 800)
        ids = self.reference.tables["test"]["row_id"].to_pylist()[at]
        return sampled(ids, self.reference.scores[at])

    def serve(self, **changed: Any) -> None:
        """Write what a service did: all is as at the baseline, but for what is said here."""
        write(self.folder, honest(**{"sampled": self.sample(), **changed}))

    def sealed(self) -> Path:
        """The folder, with the manifest of what lies in it now."""
        (self.folder / "manifest.json").unlink()
        seal(self.folder, "candidate")
        return self.folder


def make_reference(folder: Path) -> Reference:
    """Run the pipeline on what Git tracks, and collect its evidence; once, whoever asks first."""
    with locked(folder):
        if not (folder / "evidence").exists():
            project = folder / "project"
            shutil.rmtree(project, ignore_errors=True)
            copy_tracked(project)
            reproduce(project, ignore, environment=no_settings(folder))
            out = folder / "evidence"
            policy = read_policy((ROOT / "params.yaml").read_bytes(), "params.yaml")
            sources = policy.settings.evidence
            collect(
                project,
                sources,
                out,
                revision="base",
                dirty=False,
                progress=ignore,
                inputs=trace_tree(project, "HEAD"),
            )
    return Reference(folder)


def copy_tracked(target: Path) -> None:
    """What a clone of this working tree would hold, with DVC's cache in `build/tests`."""
    for name in filter(None, run(ROOT, "git", "ls-files", "-z", "--", *TRACKED).split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    run(target, "git", "init", "--quiet")
    run(target, "git", "add", "--all")
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    run(target, "git", *identity, "commit", "--quiet", "--message", "the reference project")
    run(target, "git", "add", "--all")  # what the gate `data_version` asks Git of
    (target / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {CACHE}\n", "utf-8")


def no_settings(folder: Path) -> dict[str, str]:
    """Nobody's DVC settings."""
    names = ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR")
    return {name: str(folder / name.lower()) for name in names}


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def ignore(_line: str) -> None:
    """Nobody listens to the progress."""


def write_table(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def replace_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def labels_of(table: pa.Table) -> Labels:
    return np.asarray(table[LABEL].to_numpy(), np.bool_)


def texts_of(table: pa.Table, name: str) -> Texts:
    return np.array(table[name].to_pylist(), dtype=object)


def scores_in(folder: Path) -> Scores:
    """Scores of the test rows, in the order of the predictions, which is that of the test table."""
    return np.asarray(pq.read_table(folder / "predictions.parquet")["score"].to_numpy(), np.float64)


def repeated_in(folder: Path, run: str) -> Scores:
    """What one of the repeated trainings says of the test rows."""
    return np.asarray(pq.read_table(folder / "repeats.parquet")[f"{run}.score"], np.float64)
