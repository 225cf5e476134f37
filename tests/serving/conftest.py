import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gates.evidence.columns import ColumnDictionary, read_columns
from gates.serving.examine import Asked
from gates.serving.measure import Served
from gates.serving.rows import Sample
from gates.serving.service import Running, serving

FAKE = Path(__file__).parent / "fake.py"
COLUMNS = b"""
columns:
  row_id: {role: id, type: text}
  age: {role: feature, type: integer, range: [0, 9]}
  job: {role: feature, type: category, levels: [a, b]}
  label: {role: label, type: boolean}
"""
Start = Callable[[str], contextlib.AbstractContextManager[Running]]


def command(how: str) -> str:
    return f"'{sys.executable}' '{FAKE}' {{model}} {{port}} '{how}'"


@pytest.fixture
def asked() -> Asked:
    """Ten rows whose answers are 0, .1, .2 …"""
    rows = tuple({"age": age, "job": "ab"[age % 2]} for age in range(10))
    return Asked(
        sample=Sample(ids=tuple(f"r{at}" for at in range(10)), rows=rows),
        dictionary=dictionary(),
        columns=("score",),
        shares=True,
    )


def dictionary() -> ColumnDictionary:
    return read_columns(COLUMNS, "columns.yaml")


@pytest.fixture
def side(tmp_path: Path) -> Callable[[str], Served]:
    model = tmp_path / "model"
    model.write_bytes(b"a model")
    return lambda how: Served(command=command(how), tree=tmp_path, model=model)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A fake service, running on a model of its own."""

    @contextlib.contextmanager
    def started(how: str) -> Iterator[Running]:
        model = tmp_path / f"model-{how.replace(' ', '-')}"
        model.write_bytes(b"a model")
        with serving(command(how), tmp_path, model, {}, tmp_path / "log") as running:
            yield running

    return started
