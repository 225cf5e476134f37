"""The step of collecting, with the real Git and DVC and a service of a few lines."""

import json
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from gates.baseline.base import Baseline
from gates.collect.collect import Collected, collect
from gates.dvc.reproduce import reproduce
from gates.evidence.folder import Evidence
from gates.evidence.manifest import read_manifest
from gates.evidence.sources import Sources
from gates.serving import SERVING
from gates.serving.measured import Measured, read_measured
from gates.serving.step import ServingBase
from tests.cli.command import gatepost
from tests.shell.project import (
    SOURCES,
    cached,
    change_params,
    commit,
    copy_project,
    git,
    worktrees,
    write,
)

SERVE = """\
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
shift = json.loads(Path(sys.argv[1]).read_text())["shift"]
class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", 1 << 16
    def log_message(self, *_): pass
    def do_GET(self): self.say(200, {})
    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null")
        rows = given if isinstance(given, list) else [given]
        if self.path == "/update":
            return self.say(200, {})
        if not all(isinstance(row.get("x"), int) and 0 <= row["x"] < 100 for row in rows):
            return self.say(422, "x: not one of 0 to 99")
        answers = [{"score": (row["x"] + shift) / 1000} for row in rows]
        self.say(200, answers if isinstance(given, list) else answers[0])
    def say(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
COMMAND = "python -m steps.serve {model} {port}"
SERVED = msgspec.structs.replace(SOURCES, serve=COMMAND, serving_seconds=1.0)
QUIET = msgspec.structs.replace(SERVED, serve=None)


def gather(
    root: Path, base: Baseline | None, sources: Sources = SERVED
) -> tuple[Collected, Measured | None]:
    collected = collect(
        root,
        sources,
        root / "build" / "candidate",
        revision="head",
        dirty=True,
        progress=lambda _line: None,
        serving=ServingBase(task="binary", baseline=base),
    )
    return collected, read_measured(Evidence(collected.folder))


def policy() -> str:
    """One gate, and where everything lies."""
    names = (name for name in Sources.__struct_fields__ if getattr(SERVED, name))
    evidence = {name: getattr(SERVED, name) for name in names}
    return json.dumps({"task": "binary", "evidence": evidence, "fault_tolerance": {}})


class Here(NamedTuple):
    """A tree whose model answers five thousandths more than that of the base with a service."""

    root: Path
    base: Baseline


@pytest.fixture(scope="module")
def trained(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Here:
    root = copy_project(made, tmp_path_factory.mktemp("served") / "both")
    write(root, {"steps/serve.py": SERVE})
    change_params(root, "gates: {task: binary}", f"gates: {policy()}")
    revision = commit(root, "a service")
    change_params(root, "shift: 0", "shift: 5")
    reproduce(root, lambda _line: None)
    folder = root / "build" / "nowhere"
    return Here(root, Baseline(revision=revision, folder=folder, found="", sources=SERVED))


@pytest.fixture
def here(trained: Here, tmp_path: Path) -> Here:
    """A copy that a test may change."""
    return trained._replace(root=copy_project(trained.root, tmp_path / "both"))


def test_where_nothing_differs_from_the_base_nothing_is_measured(here: Here) -> None:
    """Nor does it look like a pass: the gates of a service have nothing to judge, and say so."""
    same = commit(here.root, "the base of itself")
    collected, measured = gather(here.root, msgspec.structs.replace(here.base, revision=same))
    assert measured is None
    (why,) = collected.left_out
    assert why.startswith("serving.json is left out: nothing differs from the base, so neither")


def test_each_sides_service_runs_its_own_code_and_model(here: Here) -> None:
    collected, measured = gather(here.root, here.base)
    assert collected.left_out == ()
    assert SERVING in {file.name for file in read_manifest(collected.folder).files}
    assert measured is not None
    assert measured.baseline is not None
    assert measured.sampled is not None
    assert measured.sampled.single[:2] == ((0.005,), (0.009,))
    assert all(turn.baseline for turn in measured.latency.turns) if measured.latency else False
    assert worktrees(here.root) == []


def test_the_base_says_how_long_and_within_what(here: Here) -> None:
    theirs = msgspec.structs.replace(SERVED, serving_limit_ms=50.0)
    beside = msgspec.structs.replace(here.base, sources=theirs)
    mine = msgspec.structs.replace(SERVED, serving_seconds=300.0, serving_limit_ms=9e2)
    _, measured = gather(here.root, beside, mine)
    assert measured is not None
    assert measured.seconds == 1.0
    assert measured.throughput is not None
    assert measured.throughput.limit_ms == 50.0


def test_a_base_whose_model_is_nowhere_is_not_compared(here: Here) -> None:
    git(here.root, "stash", "-q")
    model = cached(here.root, "out/model.json").relative_to(here.root / ".dvc/cache")
    git(here.root, "stash", "pop", "-q")
    for folder in (here.root / ".dvc/cache", here.root.parent / "remote"):
        (folder / model).unlink()
    _, measured = gather(here.root, here.base)
    assert measured is not None
    assert measured.baseline is None
    assert "neither in the DVC cache nor on the remote" in measured.baseline_reason


def test_a_base_without_a_service_is_not_compared(here: Here) -> None:
    _, measured = gather(here.root, msgspec.structs.replace(here.base, sources=QUIET))
    assert measured is not None
    assert "names no service" in measured.baseline_reason


def test_without_a_command_nothing_is_measured(here: Here) -> None:
    collected, measured = gather(here.root, None, SOURCES)
    assert (collected.left_out, measured) == ((), None)


def test_a_service_that_ends_at_once_is_in_the_evidence(here: Here) -> None:
    broken = msgspec.structs.replace(SERVED, serve="python -c 'exit(\"no fastapi here\")' {port}")
    collected, measured = gather(here.root, here.base, broken)
    assert collected.left_out == ()
    assert measured is not None
    assert "no fastapi here" in measured.candidate.failure


def test_what_cannot_be_asked_is_left_out_with_its_reason(here: Here) -> None:
    text = (here.root / "columns.yaml").read_text("utf-8")
    listed = text.replace("  x:", "  z: {role: feature, type: integer}\n  x:")
    (here.root / "columns.yaml").write_text(listed, "utf-8")
    collected, measured = gather(here.root, here.base)
    assert measured is None
    assert collected.left_out[0].startswith(f"{SERVING} is left out: ")
    assert "no column 'z'" in collected.left_out[0]


def test_collecting_against_a_base_measures_beside_it(here: Here) -> None:
    """The whole command; the base's rows are the same, so its evidence is not needed."""
    out = here.root / "build" / "out"
    arguments = ("collect", "--base", here.base.revision, "--out", out)
    done = gatepost(*arguments, cwd=here.root)
    assert done.returncode == 0, done.stderr
    measured = read_measured(Evidence(out))
    assert measured is not None
    assert measured.baseline_reason == ""
    assert {one.outcome for one in measured.faults} == {"refused"}
