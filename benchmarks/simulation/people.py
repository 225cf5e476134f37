"""People of the census as one repository after the other: dealt to a base, trained on, judged.

A revision is what the pipeline's stages would make of its tables and parameters. The stages' own
functions train and score; only DVC, the processes and the slow reading of texts are left out.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import skops.io
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from gates.finding import Verdict
from gates.policy.policy import Policy
from gates.testing import seal
from pipeline.batches import BatchesParams, pick_rows
from pipeline.dictionary import read_dictionary
from pipeline.evaluate import EvaluateParams, measure, measure_groups
from pipeline.folds import FoldsParams, deal
from pipeline.model import TrainParams, fit
from pipeline.quick import QuickParams, fit_simple, sample_rows, score_simple
from pipeline.split import SplitParams, draw
from pipeline.stage import read_params
from pipeline.train import choose_features
from tests.bites.reference import Reference, labels_of, texts_of, write_table
from tests.bites.verdicts import verdict_of

SIDES = ("train", "validation", "test")
IN_BASE = 0.75  # of all people; the others stand ready to come

Tables = dict[str, pa.Table]
Scores = npt.NDArray[np.float64]
_Key = tuple[int, int, TrainParams, str | None]  # what a model is learnt from


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What one commit is made of; whatever is not said is as at the base."""

    tables: Tables
    params: TrainParams
    learnt: pa.Table | None = None  # the rows that the code learns from, where it draws its own
    dictionary: str | None = None  # the text of columns.yaml
    folds_of_base: bool = False  # in place of five more trainings
    spoil: Callable[[Scores, pa.Table], Scores] | None = None  # what happens to scores of a table
    edit: Callable[[Path], None] | None = None  # what happens to the files at the end


class World:
    """One draw of a base among the people, and who is left to come."""

    def __init__(self, reference: Reference, policy: Policy, folder: Path, seed: int) -> None:
        """Deal the people; nothing is trained before it is asked for."""
        self.reference = reference
        self.policy = policy
        self.folder = folder
        self.rng = np.random.default_rng([seed, 17])
        self.params = reference.params
        self.settings = reference.project / "params.yaml"
        self.golden = policy.gates["churn"].golden  # type: ignore[attr-defined]
        people = pq.read_table(reference.pipeline / "workers.parquet").sort_by("row_id")
        shares = draw_by(people, f"{seed} base")
        golden = np.asarray(pc.is_in(people["row_id"], value_set=pa.array(self.golden)))
        inside = golden | (shares < IN_BASE)
        self.split_seed = f"{seed} split"
        self.tables = self.deal(people.filter(pa.array(inside)), self.split_seed)
        self.spare = people.filter(pa.array(~inside))
        self._models: dict[_Key, Pipeline] = {}
        self._simple: dict[_Key, Pipeline] = {}
        self._folds: dict[_Key, pa.Table] = {}
        self._made: dict[str, tuple[Revision, Path]] = {}
        self._kept: list[pa.Table] = []  # so that no table's identity is given to another

    def deal(self, people: pa.Table, split_seed: str) -> Tables:
        """Train, validation and test rows, by a hash that no new batch changes."""
        split = read_params("split", SplitParams, self.settings)
        golden = np.asarray(pc.is_in(people["row_id"], value_set=pa.array(self.golden)))
        to_test = golden | (draw_by(people, split_seed) < split.test_share)
        held = draw_by(people, f"{split_seed} held") < split.validation_share
        masks = {"train": ~to_test & ~held, "validation": ~to_test & held, "test": to_test}
        return {side: people.filter(pa.array(mask)) for side, mask in masks.items()}

    def revision(self, **changed: object) -> Revision:
        """The base, but for what is said here."""
        return Revision(**{"tables": self.tables, "params": self.params, **changed})  # type: ignore[arg-type]

    def base(self, revision: Revision | None = None, name: str = "base") -> tuple[Revision, Path]:
        """Evidence of a base, with other seeds; made once."""
        if name not in self._made:
            made = revision or self.revision()
            out = self.folder / name
            self.write(made, out)
            seeds = {f"seed_{seed}.score": seed for seed in (21, 22, 23)}
            test = made.tables["test"]
            columns = {
                column: self.score(self._train(made, seed=seed), test)
                for column, seed in seeds.items()
            }
            path = out / "repeats.parquet"
            again = pq.read_table(path)
            for column, scores in columns.items():
                again = again.append_column(column, pa.array(scores))
            write_table(again, path)
            _seal(out, "base")
            self._made[name] = made, out
        return self._made[name]

    def judge(self, change: Revision, base: tuple[Revision, Path] | None = None) -> Verdict:
        """The product's verdict of a change, by the repository's own limits."""
        before, folder = base or self.base()
        out = self.folder / "candidate"
        shutil.rmtree(out, ignore_errors=True)
        self.write(change, out)
        if not before.tables["test"]["row_id"].equals(change.tables["test"]["row_id"]):
            self._cross(before, change, out)
        if change.edit is not None:
            change.edit(out)
        _seal(out, "candidate")
        return verdict_of(self.policy, out, folder)

    def base_scores(self) -> Scores:
        """What the base's model says of its own test rows."""
        made, _ = self.base()
        return self._scores(made, self._train(made), made.tables["test"])

    def write(self, made: Revision, out: Path) -> None:
        """What `gatepost collect` would gather, but for the manifest."""
        out.mkdir(parents=True)
        for name in ("approach.md", "roadmap.md", "code.json", "inputs.json"):
            shutil.copy(self.reference.evidence / name, out)
        shutil.copy(self.reference.evidence / "columns.yaml", out)
        if made.dictionary is not None:
            (out / "columns.yaml").write_text(made.dictionary, "utf-8")
        environment = json.loads((self.reference.evidence / "environment.json").read_bytes())
        environment["seeds"]["train"] = made.params.seed
        (out / "environment.json").write_text(json.dumps(environment), "utf-8")
        for side in ("train", "test"):
            write_table(made.tables[side], out / f"{side}.parquet")
        model = self._train(made)
        self._write_scores(made, self._scores(made, model, made.tables["test"]), out)
        self._write_rivals(made, model, out)
        self._write_folds(made, out)

    def score(self, model: Pipeline, table: pa.Table) -> Scores:
        """The probability of the positive label, as `pipeline.model.score` gives it."""
        frame = frame_of(table, tuple(model.feature_names_in_))
        return np.asarray(model.predict_proba(frame)[:, 1])

    def _scores(self, made: Revision, model: Pipeline, table: pa.Table) -> Scores:
        scores = self.score(model, table)
        return scores if made.spoil is None else np.clip(made.spoil(scores, table), 0, 1)

    def _features(self, made: Revision) -> tuple[str, ...]:
        dictionary = read_dictionary(self.reference.evidence / "columns.yaml")
        if made.dictionary is not None:
            path = self.folder / "columns.yaml"
            path.write_text(made.dictionary, "utf-8")
            dictionary = read_dictionary(path)
        return choose_features(dictionary, made.params.drop_features)

    def _train(self, made: Revision, seed: int | None = None) -> Pipeline:
        params = made.params
        if seed is not None:
            params = msgspec.structs.replace(params, seed=seed)
        learnt = made.tables["train"] if made.learnt is None else made.learnt
        key = self._key(made, learnt, params)
        if key not in self._models:
            sides = (learnt, made.tables["validation"])
            self._models[key] = train(*sides, self._features(made), params)
        return self._models[key]

    def _key(self, made: Revision, learnt: pa.Table, params: TrainParams) -> _Key:
        validation = made.tables["validation"]
        self._kept += [learnt, validation]
        return id(learnt), id(validation), params, made.dictionary

    def _write_scores(self, made: Revision, scores: Scores, out: Path) -> None:
        test = made.tables["test"]
        ids, labels = test["row_id"], labels_of(test)
        write_table(pa.table({"row_id": ids, "score": scores}), out / "predictions.parquet")
        write_table(pa.table({"row_id": ids, "again.score": scores}), out / "repeats.parquet")
        params = read_params("batches", BatchesParams, self.settings)
        rows = pick_rows(pa.table({"row_id": ids, "score": scores}), params.rows)
        ways = {f"{way}.score": rows["score"] for way in ("alone", "shuffled", "parts")}
        write_table(pa.table({"row_id": rows["row_id"], **ways}), out / "batches.parquet")
        asked = read_params("evaluate", EvaluateParams, self.settings)
        groups = {name: texts_of(test, name) for name in asked.sensitive_features}
        decided = scores >= asked.decision_threshold
        reported = measure(labels, scores, asked.decision_threshold)
        text = json.dumps({**reported, **measure_groups(labels, decided, groups)})
        (out / "metrics.json").write_text(text, "utf-8")

    def _write_rivals(self, made: Revision, model: Pipeline, out: Path) -> None:
        params = read_params("quick", QuickParams, self.settings)
        sample = sample_rows(made.tables["train"], params.rows, params.seed)
        features, test = self._features(made), made.tables["test"]
        key = self._key(made, made.tables["train"], made.params)
        if key not in self._simple:
            learnt = frame_of(sample, features), labels_of(sample)
            self._simple[key] = fit_simple(*learnt, params.task)
        simple = self._simple[key]
        scores = score_simple(simple, frame_of(test, features), params.task, ())
        table = pa.table({"row_id": test["row_id"], **scores})
        write_table(table, out / "quick_baselines.parquet")
        models = {"candidate": model, "simple": simple}
        sizes = {
            name: {"bytes": len(skops.io.dumps(each)), "features": len(each.feature_names_in_)}
            for name, each in models.items()
        }
        (out / "sizes.json").write_text(json.dumps(sizes), "utf-8")

    def _write_folds(self, made: Revision, out: Path) -> None:
        if made.folds_of_base:
            folds = pq.read_table(self.base()[1] / "folds.parquet")
            left = pc.is_in(folds["row_id"], value_set=made.tables["train"]["row_id"])
            write_table(folds.filter(left), out / "folds.parquet")
            return
        key = self._key(made, made.tables["train"], made.params)
        if key not in self._folds:
            self._folds[key] = self._cross_validate(made)
        write_table(self._folds[key], out / "folds.parquet")

    def _cross_validate(self, made: Revision) -> pa.Table:
        params = read_params("folds", FoldsParams, self.settings)
        rows, fold = deal(made.tables["train"], params, "row_id")
        scores, features = np.empty(rows.num_rows), self._features(made)
        for at in range(params.folds):
            inside = rows.filter(pa.array(fold != at))
            model = train(inside, made.tables["validation"], features, made.params)
            scores[fold == at] = self.score(model, rows.filter(pa.array(fold == at)))
        return pa.table({"row_id": rows["row_id"], "fold": fold, "score": scores})

    def _cross(self, before: Revision, change: Revision, out: Path) -> None:
        """Both models on the other's test rows, as `gates.evidence.predict` asks for."""
        tables = before.tables["test"], change.tables["test"]
        ours = self._scores(change, self._train(change), tables[0])
        theirs = self._scores(before, self._train(before), tables[1])
        for name, table, scores in (
            ("predictions_on_baseline_test", tables[0], ours),
            ("baseline_predictions", tables[1], theirs),
        ):
            told = pa.table({"row_id": table["row_id"], "score": scores})
            write_table(told, out / f"{name}.parquet")


def train(
    learnt: pa.Table, validation: pa.Table, features: tuple[str, ...], params: TrainParams
) -> Pipeline:
    """Fit as the stage `train` does."""
    sides = [(frame_of(table, features), labels_of(table)) for table in (learnt, validation)]
    with threadpool_limits(params.threads):
        return fit(params, sides[0], sides[1])


def frame_of(table: pa.Table, features: tuple[str, ...]) -> pd.DataFrame:
    """What `pipeline.model.make_frame` gives, by way of codes: a tenth of the time."""
    return pd.DataFrame({name: _series_of(table[name]) for name in features})


def _series_of(column: pa.ChunkedArray) -> pd.Series:
    if not pa.types.is_string(column.type):
        return pd.Series(column.cast(pa.float64()).to_numpy())
    coded = column.combine_chunks().dictionary_encode()
    levels = np.array([*coded.dictionary.to_pylist(), np.nan], dtype=object)
    codes = coded.indices.fill_null(len(levels) - 1).to_numpy(zero_copy_only=False)
    return pd.Series(levels[codes], dtype=object)


def draw_by(table: pa.Table, seed: str) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each row, by a hash of its identifier and the seed."""
    digests = [
        hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).hexdigest()
        for name in table["row_id"].to_pylist()
    ]
    return draw(pa.chunked_array([pa.array(digests)]), slice(0, 8))


def _seal(folder: Path, revision: str) -> None:
    (folder / "manifest.json").unlink(missing_ok=True)
    seal(folder, revision)
