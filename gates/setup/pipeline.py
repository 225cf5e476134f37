"""Which of a pipeline's outputs are what the gates need, told from `dvc.yaml` and `dvc.lock`."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from posixpath import join, normpath
from typing import Any

import msgspec

from gates.dvc.files import LOCK, PIPELINE, read_lock_in, read_texts
from gates.errors import UsageError
from gates.evidence.sources import Sources
from gates.setup.look import column_names
from gates.tables.parts import ROW_ID

_MODELS = (
    *(".cbm", ".ckpt", ".h5", ".joblib", ".keras", ".onnx", ".pickle", ".pkl", ".pt", ".pth"),
    *(".safetensors", ".skops", ".ubj"),
)
_DATA = (".csv", ".json", ".parquet")


class How(StrEnum):
    """How sure a part of the pipeline is known."""

    FOUND = "found"
    GUESSED = "guessed"
    ABSENT = "not found"


class Part(msgspec.Struct, frozen=True):
    """One thing that `gates.evidence` names: its path or command, and whence it is known."""

    value: str | None
    how: How
    why: str


class Stage(msgspec.Struct, frozen=True):
    """One stage: its command, what it reads and what it writes."""

    name: str
    command: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Pipeline(msgspec.Struct, frozen=True):
    """All stages, and which of their outputs are declared as metrics."""

    stages: tuple[Stage, ...]
    metrics: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every output's path, in the order of the stages."""
        return tuple(dict.fromkeys(path for stage in self.stages for path in stage.outputs))

    def maker(self, path: str | None) -> Stage | None:
        """The stage that writes a path."""
        return next((stage for stage in self.stages if path in stage.outputs), None)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What `gates.evidence` is to say."""

    predictions: Part
    test: Part
    train: Part
    repeats: Part
    metrics: Part
    environment: Part
    model: Part
    predict: Part


def read_pipeline(root: Path) -> Pipeline:
    """The stages of a repository; the lock's words come before a template's.

    Raises:
        UsageError: the repository is no DVC project with a pipeline at its root.
        EvidenceError: `dvc.yaml` or `dvc.lock` cannot be read.
    """
    for name, mend in ((".dvc", "dvc init"), (PIPELINE, "dvc stage add")):
        if not (root / name).exists():
            raise UsageError(
                f"{root}: no {name}, so there is no pipeline whose results could be judged. Set "
                f"one up at the repository's root (`{mend}`), then run `gatepost init` again; "
                "or judge evidence made elsewhere: `gatepost pack`, then `gatepost judge`."
            )
    tree = read_texts((root / PIPELINE).read_bytes(), PIPELINE)
    declared = {stage.name: stage for stage in _declared(tree)}
    if (root / LOCK).is_file():
        for name, locked in read_lock_in(root).stages.items():
            declared[name] = Stage(
                name,
                _text(locked.command),
                tuple(one.path for one in locked.dependencies),
                tuple(one.path for one in locked.outputs),
            )
    return Pipeline(tuple(declared.values()), tuple(dict.fromkeys(_metrics(tree))))


def find_parts(root: Path, pipeline: Pipeline) -> Parts:
    """What each part of the evidence is, by the columns of tables at hand, else by names."""
    tables = [path for path in pipeline.outputs if path.endswith((".parquet", ".parquet/"))]
    predictions = _find_predictions(root, tables)
    others = [path for path in tables if path != predictions.value]
    test = _find_named("test rows", others, r"test|hold_?out", pipeline)
    train = _find_named("training rows", others, r"train(ing)?", pipeline)
    model = _find_model(pipeline, predictions.value)
    return Parts(
        predictions=predictions,
        test=test,
        train=train,
        repeats=_find_repeats(root, others),
        metrics=_find_metrics(pipeline),
        environment=_find_environment(pipeline),
        model=model,
        predict=_find_command(pipeline, model.value, test.value, predictions.value),
    )


def default_of(name: str) -> str:
    """Where a part that nobody writes yet may be written."""
    return str(Path("build") / "pipeline" / f"{name}.parquet")


def sources_of(parts: Parts, columns: str) -> Sources:
    """The parts as a policy names them; a needed one that was not found gets a usual path."""
    return Sources(
        predictions=parts.predictions.value or default_of("predictions"),
        test=parts.test.value or default_of("test"),
        train=parts.train.value,
        repeats=parts.repeats.value,
        columns=columns,
        metrics=parts.metrics.value,
        environment=parts.environment.value,
        model=parts.model.value,
        predict=parts.predict.value,
    )


def _declared(tree: Any) -> Iterator[Stage]:
    stages = tree.get("stages") if isinstance(tree, dict) else None
    for name, stage in (stages if isinstance(stages, dict) else {}).items():
        if not isinstance(stage, dict) or "cmd" not in stage:
            continue
        kinds = ("outs", "metrics", "plots")
        folder = _folder_of(stage)
        outputs = [path for kind in kinds for path in _paths(stage.get(kind), folder)]
        inputs = _paths(stage.get("deps"), folder)
        yield Stage(name, _text(stage["cmd"]), tuple(inputs), tuple(outputs))


def _metrics(tree: Any) -> Iterator[str]:
    if not isinstance(tree, dict):
        return
    yield from _paths(tree.get("metrics"))
    stages = tree.get("stages")
    for stage in stages.values() if isinstance(stages, dict) else ():
        inner = stage.get("do", stage) if isinstance(stage, dict) else None
        if isinstance(inner, dict):
            yield from _paths(inner.get("metrics"), _folder_of(inner))


def _folder_of(stage: dict[str, Any]) -> str:
    """Where a stage runs, which its paths are relative to; a template's is known by the lock."""
    folder = stage.get("wdir")
    return folder if isinstance(folder, str) and "${" not in folder else "."


def _paths(entries: Any, folder: str = ".") -> list[str]:
    """Paths of a list whose items are paths, or mappings of one path to its options."""
    names = [
        name
        for entry in (entries if isinstance(entries, list) else [])
        for name in (entry if isinstance(entry, dict) else [entry])
    ]
    return [
        normpath(join(folder, name)) for name in names if isinstance(name, str) and "${" not in name
    ]


def _text(command: Any) -> str:
    return " && ".join(map(str, command)) if isinstance(command, list) else str(command)


def _find_predictions(root: Path, tables: list[str]) -> Part:
    for path in tables:
        names = column_names(root / path)
        said = [n for n in names if n in ("score", "prediction") or n.startswith("score_")]
        if said and len(names) <= len(said) + 1:
            if ROW_ID in names:
                return Part(path, How.FOUND, f"it has the column {said[0]}")
            why = f"it has the column {said[0]}; call its row identifier {ROW_ID}, which it lacks"
            return Part(path, How.GUESSED, why)
    for path in tables:
        if _called(path, r"pred(iction)?s?|scores?|scored"):
            shown = ", ".join(column_names(root / path)[:5])
            has = f"it has {shown}" if shown else "it is not at hand"
            why = f"by its name; {has}, and needs row_id and score (gatepost's docs/evidence.md)"
            return Part(path, How.GUESSED, why)
    why = "no Parquet output is called so, or has a column score or prediction"
    return Part(None, How.ABSENT, f"{why}; let a stage write one (gatepost's docs/evidence.md)")


def _find_named(what: str, paths: list[str], pattern: str, pipeline: Pipeline) -> Part:
    chosen = [path for path in paths if _called(path, pattern)]
    if len(chosen) > 1:
        return Part(chosen[0], How.GUESSED, f"one of {len(chosen)} outputs by their names")
    if chosen:
        return Part(chosen[0], How.FOUND, "by its name")
    other = next((p for p in pipeline.outputs if _called(p, pattern)), None)
    hint = f"{other} is no Parquet file; " if other else ""
    return Part(None, How.ABSENT, f"{hint}let a stage write the {what} as Parquet")


def _find_repeats(root: Path, paths: list[str]) -> Part:
    for path in paths:
        if any(name.startswith(("again.", "seed_")) for name in column_names(root / path)):
            return Part(path, How.FOUND, "it has the columns of repeated trainings")
    return Part(None, How.ABSENT, "optional: what the same training says when it is done again")


def _find_metrics(pipeline: Pipeline) -> Part:
    if path := next((path for path in pipeline.metrics if path.endswith(".json")), None):
        more = len(pipeline.metrics) - 1
        return Part(path, How.FOUND if not more else How.GUESSED, "dvc.yaml declares it a metric")
    declared = next(iter(pipeline.metrics), None)
    why = f"{declared} is no JSON" if declared else "dvc.yaml declares none"
    return Part(None, How.ABSENT, f"optional: {why}")


def _find_environment(pipeline: Pipeline) -> Part:
    path = _first(pipeline.outputs, lambda path: path.endswith("environment.json"))
    how = How.FOUND if path else How.ABSENT
    return Part(path, how, "by its name" if path else "optional: names and values as JSON")


def _find_model(pipeline: Pipeline, predictions: str | None) -> Part:
    made = set(pipeline.outputs) - set(pipeline.metrics)
    maker = pipeline.maker(predictions)
    read = [path for path in (maker.inputs if maker else ()) if path in made]
    if path := _first(read, _is_model):
        return Part(path, How.FOUND, f"stage {maker.name if maker else ''} makes predictions of it")
    if path := _first(tuple(p for p in pipeline.outputs if p in made), _is_model):
        return Part(path, How.GUESSED, "by its name")
    return Part(None, How.ABSENT, "optional: no output looks like a model")


def _find_command(
    pipeline: Pipeline, model: str | None, test: str | None, predictions: str | None
) -> Part:
    maker = pipeline.maker(predictions)
    why = (
        "optional: no stage's command names model, rows and output; without it, where a pull "
        "request changes the test set, only rows that both have are compared"
    )
    if maker is None or model is None or test is None or predictions is None:
        return Part(None, How.ABSENT, why)
    command = maker.command
    for named, mark in ((model, "{model}"), (test, "{rows}"), (predictions, "{out}")):
        command, times = re.subn(rf"(?<![\w./-]){re.escape(named)}(?![\w./-])", mark, command)
        if times != 1:
            return Part(None, How.ABSENT, why)
    if command.replace("{model}", "").replace("{rows}", "").replace("{out}", "").count("{"):
        return Part(None, How.ABSENT, why)
    return Part(command, How.GUESSED, f"the command of stage {maker.name}")


def _is_model(path: str) -> bool:
    if _called(path, r"models?|classifier|regressor|estimator|clf"):
        return not path.endswith(_DATA) or path.endswith("model.json")
    return path.endswith(_MODELS)


def _called(path: str, pattern: str) -> bool:
    """Whether the last part of a path has one of these words."""
    name = PurePosixPath(path).name.lower()
    return re.search(rf"(^|[^a-z])({pattern})($|[^a-z])", name) is not None


def _first(paths: "list[str] | tuple[str, ...]", wanted: Callable[[str], bool]) -> str | None:
    return next((path for path in paths if wanted(path)), None)
