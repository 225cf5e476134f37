"""`gatepost receive` and `confirm`: from what runs left to a verdict, whatever happens."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gates.__main__ import main
from gates.commands import receive
from gates.commands.confirm import differing_tables
from gates.errors import EvidenceError
from gates.evidence.manifest import read_manifest
from gates.finding import Decision, Verdict
from gates.github.fetch import verdict_in
from gates.testing import seal
from gates.verdict import read_verdict, write_verdict
from gates.waivers import waivers
from tests.cli.folders import LIMITS, make_good
from tests.github.events import run_event
from tests.github.fake import BOT, HEAD, serve
from tests.github.hub import BASE, GATES, Hub, zipped
from tests.report.samples import SAMPLES

TOKEN = "ghs_canary0123456789"  # noqa: S105 - nobody's
Receive = Callable[[], tuple[int, Verdict]]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Evidence of both commits as artifacts; the head's model is as good, or always wrong."""
    folder = tmp_path_factory.mktemp("sides")
    made = {}
    for name, sha in (("base", BASE), ("same", HEAD), ("worse", HEAD)):
        turned = {"scores": [0.5] * 200, "metrics": None} if name == "worse" else {}
        make_good(folder / name, **turned)
        seal(folder / name, sha)
        made[name] = zipped(folder / name)
    return made


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def run(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receive]:
    """Run the command as the trusted job does, in the default branch's files."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(LIMITS, "utf-8")
    Path("event.json").write_text(json.dumps(run_event()), "utf-8")
    monkeypatch.setenv("GITHUB_EVENT_PATH", "event.json")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.delenv("GATEPOST_TOKEN", raising=False)
    hub.contents["params.yaml", HEAD] = LIMITS.encode()
    arguments = ("receive", "--workflow", GATES, "--policy", "params.yaml", "--out", "out")

    def once() -> tuple[int, Verdict]:
        code = main(arguments)
        return code, read_verdict(Path("out/verdict.json").read_bytes())

    with serve(hub) as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        yield once


def with_both(hub: Hub, sides: dict[str, bytes], candidate: str) -> None:
    hub.leave(811, "ml-evidence-2", sides[candidate])
    hub.ran(100, "ml-baseline-1")
    hub.leave(100, "ml-baseline-1", sides["base"])


@pytest.mark.parametrize(
    ("candidate", "code", "decision"),
    [("same", 0, Decision.PASS), ("worse", 1, Decision.FAIL)],
)
def test_both_sides_are_fetched_and_judged(  # noqa: PLR0917 - a table
    run: Receive, hub: Hub, sides: dict[str, bytes], candidate: str, code: int, decision: Decision
) -> None:
    with_both(hub, sides, candidate)
    found, verdict = run()
    assert (found, verdict.decision, verdict.policy_from) == (code, decision, "base")
    assert verdict.candidate.revision == HEAD
    assert verdict.baseline is not None
    assert (verdict.baseline.revision, verdict.baseline.found) == (BASE, "run 100 of main")
    assert Path("out/report.html").is_file()


def test_limits_that_the_head_did_not_touch_are_not_asked_for(
    run: Receive, hub: Hub, sides: dict[str, bytes]
) -> None:
    with_both(hub, sides, "same")
    hub.contents["params.yaml", HEAD] = LIMITS.replace("0.1", "0.9").encode()  # of an older main
    hub.changed = ["train.py"]
    _, verdict = run()
    assert not verdict.policy_changes
    assert not [call for call in hub.asked if "/contents/" in call.path]


@pytest.mark.parametrize(
    "changed", [None, ["x"] * 300 + ["params.yaml"]], ids=["not said", "more than are listed"]
)
def test_limits_are_asked_for_where_the_comparison_is_not_whole(
    run: Receive, hub: Hub, sides: dict[str, bytes], changed: list[str] | None
) -> None:
    with_both(hub, sides, "same")
    hub.contents["params.yaml", HEAD] = LIMITS.replace("margin: 0.1", "margin: 0.9").encode()
    hub.changed = changed
    assert run()[1].policy_changes


@pytest.mark.parametrize("candidate", ["same", "worse"])
def test_an_unchanged_run_takes_twelve_calls_in_all_and_writes_nothing(
    run: Receive, hub: Hub, sides: dict[str, bytes], candidate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 67 and anchor 10; the head's limits and waivers are both read, which is the most."""
    monkeypatch.setattr("gates.github.sticky.SETTLE_S", 0.0)
    monkeypatch.setenv("GATEPOST_CML", "none")
    monkeypatch.setenv("GITHUB_RUN_ID", "900")
    downloads = hub.downloads

    def whole() -> int:
        shutil.rmtree("out", ignore_errors=True)  # each job has its own folder
        with_both(hub, sides, candidate)
        hub.asked.clear()
        done = hub.downloads
        run()
        told = ("--workflow", GATES, "--author", BOT, "--known", "out/repository.json")
        main(["publish", "out/verdict.json", *told])
        return len(hub.asked) + hub.downloads - done

    whole()
    assert downloads < hub.downloads, "a download is a call, and counted"
    assert [call.verb for call in hub.writes()] == ["POST", "POST", "PATCH"]
    assert whole() <= 12
    assert hub.writes() == []


def test_limits_that_the_head_loosens_are_named_and_do_not_count(
    run: Receive, hub: Hub, sides: dict[str, bytes]
) -> None:
    with_both(hub, sides, "worse")
    loosened = LIMITS.replace("accuracy: {margin: 0.1}", "accuracy: {margin: 0.9}")
    hub.contents["params.yaml", HEAD] = loosened.encode()
    code, verdict = run()
    assert code == 1
    assert [change.key for change in verdict.policy_changes] == [
        "gates.metric_regression.metrics.accuracy.margin"
    ]


def test_before_the_first_baseline_there_is_none(
    run: Receive, hub: Hub, sides: dict[str, bytes]
) -> None:
    hub.leave(811, "ml-evidence-2", sides["same"])
    _, verdict = run()
    assert verdict.baseline is None
    assert "has never left evidence" in verdict.baseline_reason


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda hub, _: hub.left.clear(), "is there 0 times"),
        (lambda hub, _: hub.zips.__setitem__(0, b"no zip"), "its digest is"),
        (lambda hub, sides: hub.zips.__setitem__(0, sides["base"]), "its digest is"),
        (lambda hub, _: hub.left.pop(100), "has left none there"),
        (lambda hub, _: hub.contents.update({("params.yaml", HEAD): b"a: &a [*a]"}), "params"),
        (lambda _hub, _: Path("params.yaml").unlink(), "params.yaml: cannot be read"),
    ],
    ids=["no artifact", "no zip", "another", "no baseline", "policy bomb", "no policy"],
)
def test_whatever_is_missing_leaves_a_verdict_that_there_is_none(
    run: Receive,
    hub: Hub,
    sides: dict[str, bytes],
    spoil: Callable[[Hub, dict[str, bytes]], object],
    told: str,
) -> None:
    with_both(hub, sides, "same")
    spoil(hub, sides)
    code, verdict = run()
    assert (code, verdict.decision) == (3, Decision.CANNOT_JUDGE)
    assert told in verdict.reason
    assert verdict.candidate.revision == HEAD


def test_the_judge_has_neither_a_token_nor_a_variable_of_the_job(
    run: Receive, hub: Hub, sides: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        receive, "_START", "import os; open('seen', 'w').write(repr(dict(os.environ)))"
    )
    with_both(hub, sides, "same")
    code, verdict = run()
    assert (code, verdict.reason) == (3, "the judge left no verdict: it ended with 0")
    seen = Path("seen").read_text("utf-8")
    assert "GITHUB" not in seen
    assert TOKEN not in seen


def test_a_judge_that_takes_too_long_is_ended(
    run: Receive, hub: Hub, sides: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(receive, "_JUDGE_MAX_S", 0.2)
    with_both(hub, sides, "same")
    code, verdict = run()
    assert code == 3
    assert "was ended" in verdict.reason


@pytest.mark.parametrize("name", ["SIGXCPU", "SIGKILL"])
def test_a_judge_that_the_machine_ends_is_no_pass(
    run: Receive, hub: Hub, sides: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its second of processor time is used up, or memory is, which kills outright."""
    ends = {
        "SIGXCPU": "import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 9))\nwhile True: pass",
        "SIGKILL": "import os; os.kill(os.getpid(), 9)",
    }
    monkeypatch.setattr(receive, "_START", ends[name])
    with_both(hub, sides, "same")
    code, verdict = run()
    assert code == 3
    assert verdict.reason.startswith(f"the judge left no verdict: it was ended by {name}: too lit")


def test_waivers_are_looked_for_where_they_are() -> None:
    assert receive.WAIVERS == waivers.FILE


def test_the_tables_of_a_claim_are_compared(sides: dict[str, bytes], tmp_path: Path) -> None:
    found = {}
    for name, content in sides.items():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(tmp_path / name)
        found[name] = read_manifest(tmp_path / name)
    assert differing_tables(found["same"], found["base"]) == ()
    assert differing_tables(found["worse"], found["base"]) == ("predictions.parquet",)


def zip_of(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (zip_of("verdict.json", b" " * ((1 << 24) + 1)), "larger than any verdict"),
        (zip_of("other.json", b"{}"), "no verdict.json in it"),
        (b"PK", "no verdict.json in it"),
    ],
    ids=["bomb", "other", "broken"],
)
def test_an_artifact_without_a_verdict_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(EvidenceError, match=told):
        verdict_in(content, "artifact 5")


def test_a_verdict_is_taken_from_its_artifact() -> None:
    verdict = SAMPLES["label_noise"]()
    assert verdict_in(zip_of("verdict.json", write_verdict(verdict)), "artifact 5") == verdict
