"""The model's file: skops, which loads without running code from it."""

import io
import os
import re
import zipfile
from pathlib import Path

import skops.io
from sklearn.pipeline import Pipeline

from pipeline.stage import StageError

SCHEMA = "schema.json"
# What our two models consist of and skops doesn't trust by itself. Boosting's partial holds
# check_array for its encoder; a partial of any other function would be named as that function.
# The dtype is what the imputer of the linear model has seen.
TRUSTED = (
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)
_ADDRESS = re.compile(r'("__id__": |"file": ")(\d+)')


def save_model(model: Pipeline, path: Path) -> None:
    """Writes a fitted pipeline; equal models give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(without_addresses(skops.io.dumps(model)))
    os.replace(unfinished, path)  # noqa: PTH105 - the rename that is atomic, said plainly


def without_addresses(archive: bytes) -> bytes:
    """Numbers the objects of a skops archive in their order and drops the time of writing.

    skops names objects by their address in memory, which no two runs share; DVC would take
    the same model for a new one.
    """
    numbers: dict[str, str] = {}
    rewritten = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(rewritten, "w") as target:
        schema = _ADDRESS.sub(
            lambda hit: hit[1] + numbers.setdefault(hit[2], str(len(numbers) + 1)),
            source.read(SCHEMA).decode(),
        )
        for name in source.namelist():
            if name != SCHEMA:
                address, dot, suffix = name.partition(".")
                entry = zipfile.ZipInfo(numbers[address] + dot + suffix)
                target.writestr(entry, source.read(name), zipfile.ZIP_DEFLATED)
        target.writestr(zipfile.ZipInfo(SCHEMA), schema, zipfile.ZIP_DEFLATED)
    return rewritten.getvalue()


def load_model(path: Path) -> Pipeline:
    """Reads a fitted pipeline; raises `StageError` if it holds a type that nobody reviewed."""
    try:
        strange = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        if strange:
            raise StageError(
                f"{path}: holds types that are not trusted: {', '.join(sorted(strange))};"
                " review them and add them to TRUSTED in pipeline/model_file.py"
            )
        model = skops.io.load(path, trusted=list(TRUSTED))
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise StageError(f"{path}: not a model that can be read: {error}") from error
    if not isinstance(model, Pipeline):
        raise StageError(f"{path}: holds a {type(model).__name__}; a scikit-learn Pipeline is due")
    return model
