import asyncio
import contextlib
import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from sklearn.pipeline import Pipeline

from gates.evidence.columns import read_columns
from gates.serving.client import Client
from gates.serving.examine import (
    Answers,
    Asked,
    examine_faults,
    examine_sample,
    examine_update,
)
from gates.serving.measured import Fault, Sampled, Update
from gates.serving.rows import draw_sample
from gates.serving.service import Running, serving
from pipeline.dictionary import Dictionary
from pipeline.model import score
from pipeline.model_file import save_model
from pipeline.serve import Entry, RowError, Service, check_row, load, read_entries
from pipeline.stage import StageError
from pipeline.tables import write_table
from pipeline.train import train
from tests.pipeline.samples import ROOT, TRAIN

COLUMNS = ROOT / "data" / "columns.yaml"
COMMAND = f"'{sys.executable}' -m pipeline.serve --model {{model}} --port {{port}}"
ENTRIES = {
    "age": Entry(role="feature", type="integer", range=(0, 90)),
    "job": Entry(role="feature", type="category", levels=("a", "b")),
    "born": Entry(role="feature", type="category", levels=("x",), missing="allowed"),
    "old": Entry(role="feature", type="boolean"),
    "row_id": Entry(role="id", type="text"),
}
ROW = {"age": 30, "job": "a", "born": "x", "old": True}
FEATURES = tuple(ROW)
Models = dict[str, tuple[Path, Pipeline]]


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory, sides: dict[str, pa.Table], dictionary: Dictionary
) -> Models:
    """Both kinds of model, trained on few rows, and their files."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    for name in ("gradient_boosting", "logistic_regression"):
        params = msgspec.structs.replace(TRAIN, model=name)
        model = train(sides["train"], sides["validation"], params, dictionary)
        save_model(model, folder / f"{name}.skops")
        made[name] = (folder / f"{name}.skops", model)
    return made


@pytest.fixture(scope="module")
def service(models: Models) -> Service:
    return Service(models["gradient_boosting"][0], read_entries(COLUMNS))


@pytest.mark.parametrize("name", ["gradient_boosting", "logistic_regression"])
def test_the_service_says_what_the_pipeline_predicts(
    name: str,
    models: Models,
    sides: dict[str, pa.Table],
    tmp_path: Path,
) -> None:
    path, model = models[name]
    service = Service(path, read_entries(COLUMNS))
    write_table(sides["test"], tmp_path / "test.parquet")
    sample = draw_sample(tmp_path / "test.parquet", read_columns(COLUMNS.read_bytes(), "c"), 200)
    whole = service.answer(msgspec.json.encode(sample.rows))
    expected = dict(
        zip(sides["test"]["row_id"].to_pylist(), score(model, sides["test"]), strict=True)
    )
    assert [one["score"] for one in whole] == pytest.approx([expected[i] for i in sample.ids])
    alone = service.answer(sample.bodies[7])
    assert alone["score"] == pytest.approx(whole[7]["score"], abs=1e-12)
    assert any(None in row.values() for row in sample.rows), "no row tries a missing value"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"age": None}, "age: missing"),
        ({"age": "thirty"}, "age: a text where a number is due"),
        ({"age": True}, "age: a boolean where"),
        ({"age": 91}, "age: 91 is out of range; 0 to 90 is possible"),
        ({"job": 7}, "job: a number where a text is due"),
        ({"job": ["a"]}, "job: a list where"),
        ({"job": {}}, "job: an object where"),
        ({"old": "yes"}, "old: a text where a boolean is due"),
        ({"wage": 1}, "wage: the column dictionary has no such column"),
    ],
)
def test_a_wrong_value_is_refused_by_its_features_name(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(RowError, match=says):
        check_row({**ROW, **changed}, FEATURES, ENTRIES)


def test_a_feature_that_is_left_out_is_missing() -> None:
    with pytest.raises(RowError, match="job: missing"):
        check_row({"age": 30, "old": True}, FEATURES, ENTRIES)


def test_what_may_be_missing_is_answered_and_a_new_level_with_a_warning() -> None:
    checked, warnings = check_row({**ROW, "born": None, "job": "new"}, FEATURES, ENTRIES)
    assert checked["born"] is None
    assert warnings == ["job: unknown level 'new', taken as missing"]


def test_columns_that_are_no_features_are_ignored() -> None:
    assert check_row({**ROW, "row_id": "r1"}, FEATURES, ENTRIES) == (ROW, [])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b'{"age": NaN}', "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 9999, "not JSON"),
        (b"[]", "0 rows"),
        (b"[" + b"1," * 1000 + b"1]", "1,001 rows"),
        (b"3", "not a number"),
        (b"[{}]", "row 0: age: missing"),
    ],
)
def test_a_body_that_holds_no_rows_is_refused(service: Service, body: bytes, says: str) -> None:
    with pytest.raises(RowError, match=says):
        service.answer(body)


def test_a_broken_model_changes_nothing(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(models["gradient_boosting"][0].read_bytes())
    service = Service(path, read_entries(COLUMNS))
    before = service.current
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StageError, match="not a model that can be read"):
        service.update()
    path.unlink()
    with pytest.raises(StageError):
        service.update()
    assert service.current is before


def test_another_model_takes_its_place(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(models["gradient_boosting"][0].read_bytes())
    service = Service(path, read_entries(COLUMNS))
    before = service.current.version
    path.write_bytes(models["logistic_regression"][0].read_bytes())
    assert service.update().version == service.current.version != before


def test_a_model_that_asks_for_more_than_the_dictionary_has_is_not_loaded(
    models: Models,
) -> None:
    with pytest.raises(StageError, match="does not have"):
        load(models["gradient_boosting"][0], ENTRIES)


@pytest.mark.parametrize("text", ["columns: [", "columns: 3", "x: 1", "columns: {a: {role: x}}"])
def test_what_is_no_dictionary_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "columns.yaml").write_text(text, "utf-8")
    with pytest.raises(StageError, match="not a column dictionary"):
        read_entries(tmp_path / "columns.yaml")


@pytest.fixture(scope="module")
def running(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real service, started once."""
    folder = tmp_path_factory.mktemp("served")
    path = folder / "model.skops"
    path.write_bytes(models["gradient_boosting"][0].read_bytes())
    with serving(COMMAND, ROOT, path, {}, folder / "log") as started:
        yield started


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def test_over_http(running: Running) -> None:
    assert ask(running.port, "/health") == (200, {"status": "ok"})
    assert len(ask(running.port, "/version")[1]["model"]) == 64
    status, refused = ask(running.port, "/predict", b'{"age": 200}')
    assert (status, refused["reason"][:4]) == (422, "age:")
    assert ask(running.port, "/predict", b"x" * (5 << 20))[0] == 413


def test_a_new_model_by_signal_and_by_request(running: Running, models: Models) -> None:
    before = ask(running.port, "/version")[1]["model"]
    running.model.write_bytes(b"broken")
    status, refused = ask(running.port, "/update", b"")
    assert status == 409
    assert refused["model"] == before
    running.model.write_bytes(models["logistic_regression"][0].read_bytes())
    os.kill(running.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 20
    now = before
    while now == before and time.monotonic() < deadline:
        time.sleep(0.05)
        now = ask(running.port, "/version")[1]["model"]
    assert now != before
    running.model.write_bytes(models["gradient_boosting"][0].read_bytes())
    assert ask(running.port, "/update", b"") == (200, {"model": before})


def test_the_reference_service_bears_what_is_measured_of_it(
    running: Running,
    models: Models,
    sides: dict[str, pa.Table],
    tmp_path: Path,
) -> None:
    """No timing is judged here: every row is answered, no update fails, nothing falls."""
    write_table(sides["test"], tmp_path / "test.parquet")
    dictionary = read_columns(COLUMNS.read_bytes(), "columns.yaml")
    asked = Asked(
        sample=draw_sample(tmp_path / "test.parquet", dictionary, 12),
        dictionary=dictionary,
        columns=("score",),
        shares=True,
    )

    async def examine() -> tuple[Sampled, Update, Answers | None, tuple[Fault, ...]]:
        with contextlib.closing(Client(running.port, 30.0)) as client:
            sampled = await examine_sample(client, asked)
            update, reloaded = await examine_update(client, running, asked, 4.0, 0.3)
        faults = await examine_faults(running, asked, 60.0, 0)
        return sampled, update, reloaded, faults.faults

    sampled, update, reloaded, faults = asyncio.run(examine())
    scores = score(models["gradient_boosting"][1], sides["test"])
    expected = dict(zip(sides["test"]["row_id"].to_pylist(), scores, strict=True))
    for answers in (sampled.single, sampled.batch, reloaded):
        numbers = [one[0] for one in answers or () if one is not None]
        assert numbers == pytest.approx([expected[name] for name in asked.sample.ids])
    assert (update.status, update.failed) == (200, 0), update
    assert (update.broken_status, update.serves_after_broken) == (409, True)
    assert len(faults) > 100
    assert {one.outcome for one in faults} == {"answered", "refused"}
