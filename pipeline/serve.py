"""The model as a service: rows in, probabilities out, by the column dictionary.

`POST /predict` takes one row or a list of rows, `POST /update` (or SIGHUP) loads the model's file
anew, `GET /version` names the model that answers, `GET /health` says that one does. A new model is
loaded beside the old one, tried on a row, and only then put in its place; one that does not load
changes nothing. Without a TLS proxy and a login before it this is for the own machine.
"""

import argparse
import asyncio
import hashlib
import math
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd
import uvicorn
import yaml
from fastapi import FastAPI, Request, Response
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipeline.dictionary import COLUMNS
from pipeline.model_file import load_model
from pipeline.stage import OUT, StageError, run

MAX_ROWS = 1_000
MAX_BODY_BYTES = 4 << 20
_QUANTITIES = ("number", "integer")
_NUMERIC = (*_QUANTITIES, "boolean")


class RowError(Exception):
    """A row that is not answered; the message names the feature and what is wrong with it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the dictionary says of a column, as far as a row is held to it."""

    role: str
    type: Literal["number", "integer", "boolean", "category", "text", "datetime"]
    levels: tuple[str, ...] | None = None
    range: tuple[float, float] | None = None
    missing: Any = None

    @property
    def may_be_missing(self) -> bool:
        """Whether the dictionary allows rows without a value."""
        return self.missing is not None


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A model that has been tried, and the digest of its file."""

    model: Pipeline
    version: str


def read_entries(path: Path = COLUMNS) -> Mapping[str, Entry]:
    """Reads the column dictionary; raises `StageError` where it is none."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(document["columns"], dict[str, Entry])
    except (OSError, yaml.YAMLError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise StageError(f"{path}: not a column dictionary: {error}") from error


def load(path: Path, entries: Mapping[str, Entry]) -> Loaded:
    """Loads a model and tries it on a row; raises `StageError` unless it answers."""
    version = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    model = load_model(path)
    sample = {name: _example(entries.get(name)) for name in model.feature_names_in_}
    try:
        (probability,) = predict(model, [sample], entries)
    except Exception as error:  # whatever is wrong with it, it must not replace what answers
        raise StageError(f"{path}: the model cannot answer a row: {error}") from error
    if not 0 <= probability <= 1:
        raise StageError(f"{path}: the model answers {probability!r}, which is no probability")
    return Loaded(model=model, version=version)


def _example(entry: Entry | None) -> Any:
    if entry is None:
        raise StageError("the model asks for a feature that the column dictionary does not have")
    if entry.type in _NUMERIC:
        return (entry.range or (0.0, 0.0))[0]
    return (entry.levels or ("",))[0]


def predict(
    model: Pipeline, rows: Sequence[Mapping[str, Any]], entries: Mapping[str, Entry]
) -> list[float]:
    """Gives the probability of the positive label for each checked row."""
    frame = pd.DataFrame(
        {name: _series([r[name] for r in rows], entries[name]) for name in model.feature_names_in_}
    )
    return [float(p) for p in np.asarray(model.predict_proba(frame))[:, 1]]


def _series(values: Sequence[Any], entry: Entry) -> pd.Series:
    """Gives floats or texts, NaN where missing, as `model.make_series` does in training."""
    kind = np.float64 if entry.type in _NUMERIC else object
    return pd.Series([math.nan if value is None else value for value in values], dtype=kind)


def check_row(
    row: Any, features: Sequence[str], entries: Mapping[str, Entry]
) -> tuple[dict[str, Any], list[str]]:
    """Gives the features of a row, and warnings; raises `RowError` for what is not answered.

    A level that the dictionary does not know counts as missing, as in training, with a warning:
    a new level must not stop a service. A missing, wrong or impossible value is somebody's bug.
    """
    if not isinstance(row, dict):
        raise RowError(f"a row is an object of features and values, not {_kind(row)}")
    if unknown := [name for name in row if name not in entries]:
        raise RowError(f"{unknown[0]}: the column dictionary has no such column")
    checked, warnings = {}, []
    for name in features:
        entry = entries[name]
        value = row.get(name)
        if value is None:
            if not entry.may_be_missing:
                raise RowError(f"{name}: missing, and the column dictionary does not allow that")
        elif entry.type in _QUANTITIES:
            _check_number(name, value, entry)
        elif not isinstance(value, bool if entry.type == "boolean" else str):
            due = "a boolean" if entry.type == "boolean" else "a text"
            raise RowError(f"{name}: {_kind(value)} where {due} is due")
        elif entry.levels is not None and value not in entry.levels:
            warnings.append(f"{name}: unknown level {value!r}, taken as missing")
        checked[name] = value
    return checked, warnings


def _check_number(name: str, value: Any, entry: Entry) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowError(f"{name}: {_kind(value)} where a number is due")
    low, high = entry.range or (-math.inf, math.inf)
    if not low <= value <= high:
        raise RowError(f"{name}: {value!r} is out of range; {low:g} to {high:g} is possible")


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object")


class Service:
    """Answers with one model at a time; the next takes its place at one stroke."""

    def __init__(self, path: Path, entries: Mapping[str, Entry]) -> None:
        """Loads the first model; raises `StageError` where it cannot answer."""
        self._path = path
        self._entries = entries
        self._updating = threading.Lock()
        self.current = load(path, entries)

    def update(self) -> Loaded:
        """Loads the file anew; the old model answers until the new one has been tried.

        Raises:
            StageError: it cannot be loaded or cannot answer, and the old one stays.
        """
        with self._updating:
            self.current = load(self._path, self._entries)
            return self.current

    def answer(self, body: bytes) -> Any:
        """Answers the body of a request; raises `RowError` for what is not answered."""
        try:
            given = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RowError(f"the body is not JSON: {error}") from error
        rows = given if isinstance(given, list) else [given]
        if not 0 < len(rows) <= MAX_ROWS:
            raise RowError(f"{len(rows):,} rows; a request has 1 to {MAX_ROWS:,}")
        model = self.current.model  # one model for the whole request
        checked = []
        for at, row in enumerate(rows):
            try:
                checked.append(check_row(row, model.feature_names_in_, self._entries))
            except RowError as error:
                where = f"row {at}: " if isinstance(given, list) else ""
                raise RowError(f"{where}{error}") from None
        scores = predict(model, [row for row, _ in checked], self._entries)
        answers = [
            {"score": score, **({"warnings": warnings} if warnings else {})}
            for score, (_, warnings) in zip(scores, checked, strict=True)
        ]
        return answers if isinstance(given, list) else answers[0]


def build_app(service: Service) -> FastAPI:
    """Puts a service behind HTTP."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        def hang_up() -> None:
            threading.Thread(target=_update_quietly, args=(service,), daemon=True).start()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
        yield

    app = FastAPI(title="gatepost's reference model", lifespan=lifespan, openapi_url=None)

    @app.get("/health")
    async def health() -> Response:
        return _json(200, {"status": "ok"})

    @app.get("/version")
    async def version() -> Response:
        return _json(200, {"model": service.current.version})

    @app.post("/predict")
    async def predict_rows(request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            return _json(413, {"reason": f"{len(body):,} bytes; at most {MAX_BODY_BYTES:,}"})
        try:
            return _json(200, service.answer(body))
        except RowError as error:
            return _json(422, {"reason": str(error)})

    @app.post("/update")
    async def update() -> Response:
        try:
            loaded = await asyncio.to_thread(service.update)
        except StageError as error:
            return _json(409, {"reason": str(error), "model": service.current.version})
        return _json(200, {"model": loaded.version})

    return app


def _update_quietly(service: Service) -> None:
    try:
        print(f"updated to {service.update().version}", flush=True)
    except StageError as error:
        print(f"not updated: {error}", flush=True)


def _json(status: int, value: Any) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def main() -> None:
    """Serves a saved model until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.serve", description=__doc__)
    parser.add_argument("--model", type=Path, default=OUT / "model.skops", help="saved model")
    parser.add_argument("--columns", type=Path, default=COLUMNS, help="column dictionary")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):  # rows come one by one; more threads only wait
        service = Service(arguments.model, read_entries(arguments.columns))
        uvicorn.run(
            build_app(service),
            host=arguments.host,
            port=arguments.port,
            log_level="warning",
            access_log=False,
        )


if __name__ == "__main__":
    run(main)
