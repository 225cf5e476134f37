"""`gatepost publish` and `gatepost intake`, from the command line to the server."""

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.__main__ import main
from gates.collect.pack import pack
from gates.commands.publish import log
from gates.finding import Side, Verdict
from gates.github.calls import Call
from gates.verdict import write_verdict
from tests.github.events import group_event, run_event
from tests.github.fake import HEAD, OLD_HEAD, FakeGitHub, Fault, serve
from tests.report.samples import SAMPLES

TOKEN = "ghs_canary0123456789"  # noqa: S105 - nobody's
Publish = Callable[..., int]


@pytest.fixture
def fake() -> FakeGitHub:
    return FakeGitHub()


@pytest.fixture
def publish(fake: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """Run the command in a job that has an event, a token and no CML."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gates.github.sticky.SETTLE_S", 0.0)
    for name in ("GATEPOST_TOKEN", "GATEPOST_CML"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "event.json").write_text(json.dumps(run_event()), encoding="utf-8")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_RUN_ID", "900")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("PATH", "")
    with serve(fake) as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        yield lambda *arguments, command="publish": main([command, *arguments])


def written(tmp_path: Path, name: str, sha: str = HEAD, *, dirty: bool = False) -> str:
    verdict: Verdict = SAMPLES[name]()
    side = Side(revision=sha, dirty=dirty)
    path = tmp_path / "verdict.json"
    path.write_bytes(write_verdict(msgspec.structs.replace(verdict, candidate=side)))
    return str(path)


@pytest.mark.parametrize(
    ("name", "code", "conclusion", "title"),
    [
        ("improvement", 0, "success", "Passed: "),
        ("waived", 0, "success", "Passed: "),
        ("label_noise", 1, "failure", "Blocked: "),
        ("undecided_strict", 1, "failure", "Blocked: "),
        ("errored", 3, "failure", "Not judged: "),
        ("cannot_judge", 3, "failure", "Not judged: "),
    ],
)
def test_each_verdict_has_its_code_check_and_comment(  # noqa: PLR0917 - a table
    publish: Publish,
    fake: FakeGitHub,
    tmp_path: Path,
    name: str,
    code: int,
    conclusion: str,
    title: str,
) -> None:
    fake.files = [{"filename": "dvc.lock", "status": "modified", "patch": "@@ -1 +1,2 @@\n a\n+b"}]
    assert publish(written(tmp_path, name)) == code
    (check,) = fake.checks.values()
    assert (check["name"], check["head_sha"], check["conclusion"]) == ("gatepost", HEAD, conclusion)
    assert check["output"]["title"].startswith(title)
    assert check["details_url"].endswith("/acme/churn/actions/runs/900")
    assert bool(check["annotations"]) == (conclusion == "failure" and name != "cannot_judge")
    (comment,) = fake.ours()
    assert comment["body"].splitlines()[-1].endswith("pull=7 project=main run=811.2 -->")
    links = re.findall(r"\]\(([^)]*)\)", comment["body"])
    assert links == [f"https://github.com/acme/churn/commit/{HEAD}/checks"]
    assert (tmp_path / "summary.md").read_text() in comment["body"]
    assert len(fake.asked) <= 12


@pytest.mark.parametrize("server", ["javascript:x", "https://x)[y](https://evil.example", ""])
def test_an_address_that_is_none_is_no_link(
    publish: Publish,
    fake: FakeGitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", server)
    assert publish(written(tmp_path, "improvement")) == 0
    assert "](" not in fake.ours()[0]["body"]


def test_running_then_the_verdict(publish: Publish, fake: FakeGitHub, tmp_path: Path) -> None:
    assert publish("--running") == 0
    assert [one["status"] for one in fake.checks.values()] == ["in_progress"]
    assert "running" in fake.ours()[0]["body"]
    assert publish(written(tmp_path, "improvement")) == 0
    assert [one["conclusion"] for one in fake.checks.values()] == ["success"]
    assert len(fake.ours()) == 1


@pytest.mark.parametrize("kind", ["missing", "broken"])
def test_without_a_verdict_the_check_ends_all_the_same(
    publish: Publish, fake: FakeGitHub, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "verdict.json"
    if kind == "broken":
        path.write_text('{"schema": 1', encoding="utf-8")
    assert publish(str(path)) == 3
    assert [one["conclusion"] for one in fake.checks.values()] == ["failure"]
    assert publish("--not-judged", "the pipeline failed in stage `train`") == 3


@pytest.mark.parametrize(("sha", "dirty"), [(OLD_HEAD, False), (HEAD, True), (HEAD[:7], False)])
def test_a_verdict_of_another_commit_is_not_written_as_this_head(  # noqa: PLR0917 - a table
    publish: Publish,
    fake: FakeGitHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    sha: str,
    dirty: bool,
) -> None:
    assert publish(written(tmp_path, "improvement", sha, dirty=dirty)) == 5
    assert fake.asked == []
    assert "nothing was published" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["check-runs", ""], ids=["the check", "anything"])
def test_what_could_not_be_published_has_a_code_of_its_own(
    publish: Publish,
    fake: FakeGitHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    part: str,
) -> None:
    fake.fail("*", part, *[Fault("403", said="Resource not accessible by integration")] * 3)
    assert publish(written(tmp_path, "cannot_judge")) == 5
    assert "gatepost: not published: GitHub: " in capsys.readouterr().err


def test_a_repository_that_the_job_knows_already_is_not_asked_for(
    publish: Publish, fake: FakeGitHub, tmp_path: Path
) -> None:
    (tmp_path / "known.json").write_text('{"id": 4242, "name": "acme/churn"}')
    (tmp_path / "other.json").write_text('{"id": 4243, "name": "mallory/churn"}')
    for known, asks in (("known.json", 0), ("other.json", 1), ("none.json", 1)):
        fake.asked.clear()
        assert publish(written(tmp_path, "improvement"), "--known", str(tmp_path / known)) == 0
        assert [call.path for call in fake.asked].count("/repos/acme/churn") == asks


def test_a_merge_queue_has_a_check_and_no_comment(
    publish: Publish, fake: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "1")
    (tmp_path / "event.json").write_text(json.dumps(group_event()), encoding="utf-8")
    assert publish(written(tmp_path, "improvement")) == 0
    assert [one["conclusion"] for one in fake.checks.values()] == ["success"]
    assert fake.comments == {}


def test_a_dry_run_asks_nobody_and_no_line_is_a_runners_command(
    publish: Publish, fake: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = SAMPLES["cannot_judge"]()
    told = "It broke.\n::error::forged\n##[error]forged\n::add-mask::x"
    verdict = msgspec.structs.replace(verdict, candidate=Side(revision=HEAD), reason=told)
    path = tmp_path / "verdict.json"
    path.write_bytes(write_verdict(verdict))
    assert publish(str(path), "--dry-run") == 3
    out = capsys.readouterr().out
    assert "check gatepost: failure - Not judged: It broke" in out
    assert "run=" not in out or "811.2" in out
    assert not [line for line in out.splitlines() if line.lstrip().startswith(("::", "##["))]
    assert fake.asked == []


def test_the_token_is_in_no_output(
    publish: Publish, fake: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(written(tmp_path, "label_noise"))
    printed = "".join(capsys.readouterr())
    shown = json.dumps([[*fake.comments.values()], [*fake.checks.values()]])
    for text in (printed, shown, (tmp_path / "summary.md").read_text()):
        assert TOKEN not in text


@pytest.mark.parametrize(
    ("arguments", "variable", "told"),
    [
        ((), "GITHUB_TOKEN", "neither is set"),
        ((), "GITHUB_EVENT_PATH", "--event"),
        (("--run", "811"), "", "not a run and its attempt"),
        (("--project", "a b"), "", "letters, digits"),
    ],
)
def test_what_is_missing_is_named(  # noqa: PLR0917 - a table
    publish: Publish,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    variable: str,
    told: str,
) -> None:
    if variable:
        monkeypatch.delenv(variable)
    assert publish(written(tmp_path, "improvement"), *arguments) == 2
    assert told in capsys.readouterr().err


@given(st.text())
def test_no_line_of_the_log_is_a_runners_command(line: str) -> None:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        log(line)
    (shown,) = said.getvalue().splitlines()
    assert shown.startswith("  · ")
    assert "##[" not in shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_cancelled_job_says_so_within_seconds(
    publish: Publish, fake: FakeGitHub, tmp_path: Path, number: signal.Signals
) -> None:
    assert publish("--running") == 0
    reached = threading.Event()

    def stall(call: Call) -> None:
        if call.verb == "PATCH" and "comments" in call.path:
            reached.set()
            time.sleep(3)

    fake.on_call = stall
    command = (sys.executable, "-m", "gates", "publish", written(tmp_path, "improvement"))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        assert reached.wait(30)
        process.send_signal(number)
        started = time.monotonic()
        assert process.wait(30) == 130
    assert time.monotonic() - started < 7
    (check,) = fake.checks.values()
    assert (check["conclusion"], check["output"]["title"]) == ("failure", "Not judged: cancelled")


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    folder = tmp_path / "made"
    folder.mkdir()
    for name in ("predictions.parquet", "test.parquet"):
        pq.write_table(pa.table({"row_id": ["a", "b"]}), folder / name)
    (folder / "columns.yaml").write_text("columns: {row_id: {role: id, type: text}}\n")
    pack(folder, HEAD)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        for path in folder.iterdir():
            zipped.write(path, path.name)
    return stream.getvalue()


def test_intake_takes_the_artifact_of_this_attempt(
    publish: Publish, fake: FakeGitHub, tmp_path: Path, archive: bytes
) -> None:
    fake.archive = archive
    fake.artifacts = [artifact(archive, "evidence-1"), artifact(archive, "evidence-2")]
    assert publish("--out", str(tmp_path / "evidence"), command="intake") == 0
    assert (tmp_path / "evidence" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "evidence-1"}, "is there 0 times"),
        ({"expired": True}, "has expired"),
        ({"digest": "sha256:00"}, "its digest is"),
        ({"size_in_bytes": 1 << 40}, "at most"),
    ],
)
def test_intake_refuses_other_artifacts(  # noqa: PLR0917 - a table
    publish: Publish,
    fake: FakeGitHub,
    tmp_path: Path,
    archive: bytes,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    told: str,
) -> None:
    fake.archive = archive
    fake.artifacts = [artifact(archive, "evidence-2") | change]
    assert publish("--out", str(tmp_path / "evidence"), command="intake") == 3
    assert told in capsys.readouterr().err
    assert not (tmp_path / "evidence").exists()


def artifact(archive: bytes, name: str) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    return {"id": 5, "name": name, "size_in_bytes": len(archive), "digest": digest}
