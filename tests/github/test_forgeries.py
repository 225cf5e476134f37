"""A worse model's pull request forges what it can reach: blocked all the same, or not judged."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.__main__ import main
from gates.commands import receive
from gates.errors import EvidenceError
from gates.finding import Decision, State, Verdict
from gates.testing import seal
from gates.verdict import read_verdict
from tests.cli.folders import LIMITS, ROWS, make_good, make_rows
from tests.github.events import run_event
from tests.github.fake import HEAD, REPOSITORY_ID, serve
from tests.github.hub import BASE, GATES, Hub, artifact, zipped

Forge = Callable[[Hub, Path], object]
IDS = [f"r{at}" for at in range(ROWS)]
FALSE = pa.table({"row_id": IDS, "score": [0.5] * ROWS})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both sides' evidence, and the default branch's files around it."""
    monkeypatch.chdir(tmp_path)
    make_good(tmp_path / "base")
    seal(tmp_path / "base", BASE)
    make_good(tmp_path / "head", scores=[0.5] * ROWS, metrics=None)
    (tmp_path / "params.yaml").write_text(LIMITS, "utf-8")
    (tmp_path / "event.json").write_text(json.dumps(run_event()), "utf-8")
    monkeypatch.setenv("GITHUB_EVENT_PATH", "event.json")
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_canary0123456789")
    monkeypatch.delenv("GATEPOST_TOKEN", raising=False)
    monkeypatch.setattr(receive, "_judge", judge_here)
    return tmp_path


def judge_here(inputs: Sequence[str], out: Path) -> Verdict:
    """Judge in this process, as twenty children would take half a minute."""
    main(("judge", *inputs, "--out", str(out)))
    if not out.is_file():
        raise EvidenceError("the judge left no verdict")
    return read_verdict(out.read_bytes())


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the judge says of the model where nobody forged anything, and GitHub is not asked."""
    root = tmp_path_factory.mktemp("honest")
    make_good(root / "base")
    make_good(root / "head", scores=[0.5] * ROWS, metrics=None)
    (root / "params.yaml").write_text(LIMITS, "utf-8")
    sides = ("--candidate", str(root / "head"), "--baseline", str(root / "base"))
    return outcomes(judge_here((*sides, "--policy", str(root / "params.yaml")), root / "v.json"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    found = Hub()
    with serve(found) as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        yield found


def judged(hub: Hub, folder: Path, forge: Forge) -> Verdict:
    forge(hub, folder / "head")
    if not (folder / "head" / "manifest.json").exists():
        seal(folder / "head", HEAD)
    hub.left[811] = [artifact(zipped(folder / "head"), "ml-evidence-2"), *hub.left.get(811, [])]
    hub.zips.insert(0, zipped(folder / "head"))
    if not hub.runs:
        hub.ran(100, "ml-baseline-1")
    hub.leave(100, "ml-baseline-1", zipped(folder / "base"))
    main(("receive", "--workflow", GATES, "--policy", "params.yaml", "--out", "out"))
    return read_verdict(Path("out/verdict.json").read_bytes())


def unsealed(change: Callable[[Path], object]) -> Forge:
    def forge(_hub: Hub, head: Path) -> None:
        (head / "manifest.json").unlink()
        change(head)

    return forge


def writing(name: str, value: Any) -> Forge:
    text = value if isinstance(value, str) else json.dumps(value)
    return unsealed(lambda head: (head / name).write_text(text, "utf-8"))


def table(name: str) -> Forge:
    return unsealed(lambda head: pq.write_table(FALSE, head / name))


def manifest(**changes: Any) -> Forge:
    def forge(_hub: Hub, head: Path) -> None:
        seal(head, HEAD)
        path = head / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")

    return forge


def proposing(name: str, text: str) -> Forge:
    def forge(hub: Hub, head: Path) -> None:
        (head / "manifest.json").unlink()
        hub.contents[name, HEAD] = text.encode()

    return forge


def ran(**other: Any) -> Forge:
    """A run that leaves a baseline as bad as the head, so that nothing seems to have fallen."""

    def forge(hub: Hub, head: Path) -> None:
        (head / "manifest.json").unlink()
        hub.ran(666, "ml-baseline-1", **other)
        hub.ran(100, "ml-baseline-1")

    return forge


def replay(head: Path) -> None:
    shutil.rmtree(head)
    shutil.copytree(head.parent / "base", head)


JUDGED_AS_IT_IS: dict[str, Forge] = {
    "nothing": unsealed(lambda _head: None),
    "metrics": writing("metrics.json", {"accuracy": 1.0, "roc_auc": 1.0}),
    "an environment": writing(
        "environment.json", {"packages": {"gatepost": "99"}, "passed": "yes"}
    ),
    "the baseline's predictions": table("baseline_predictions.parquet"),
    "predictions on the baseline's rows": table("predictions_on_baseline_test.parquet"),
    "looser limits": proposing("params.yaml", LIMITS.replace("0.1", "0.9")),
    "no limits": proposing("params.yaml", "gates: {schema: {}}\n"),
    "a waiver": proposing("waivers.yaml", "[]\n"),
    "a baseline by a pull request": ran(event="pull_request"),
    "a baseline of a fork": ran(head_repository={"id": REPOSITORY_ID + 1}),
    "a baseline of a branch": ran(head_branch="feature"),
    "a baseline of a file of the same name": ran(path=".github/workflows/x/baseline.yml"),
    "a baseline in its own run": unsealed(lambda _head: None),
}
NOT_JUDGED: dict[str, Forge] = {
    "a verdict": writing("verdict.json", {"decision": "pass"}),
    "a baseline file": writing("baseline.json", {"accuracy": 0.1}),
    "another commit's name": manifest(revision=BASE),
    "a clean conscience": manifest(trusted=True),
    "other limits in the evidence": writing("params.yaml", "gates: {schema: {}}\n"),
    "metrics of NaN": writing("metrics.json", '{"accuracy": NaN}'),
    "metrics twice": writing("metrics.json", '{"accuracy": 0.5, "accuracy": 1.0}'),
    "the baseline's whole evidence": lambda _hub, head: replay(head),
}


def outcomes(verdict: Verdict) -> dict[str, str]:
    """What each gate says of the model; what was reported and proposed is about something else."""
    about = ("reported_metrics", "policy_change")
    return {one.gate: one.outcome.value for one in verdict.outcomes if one.gate not in about}


@pytest.mark.parametrize("name", JUDGED_AS_IT_IS)
def test_a_forgery_changes_no_outcome(
    hub: Hub, folder: Path, honest: dict[str, str], name: str
) -> None:
    if name == "a baseline in its own run":
        hub.left[811] = [artifact(b"", "ml-baseline-1")]
    verdict = judged(hub, folder, JUDGED_AS_IT_IS[name])
    assert verdict.decision is Decision.FAIL
    assert verdict.baseline is not None
    assert (verdict.baseline.revision, verdict.baseline.found) == (BASE, "run 100 of main")
    assert honest["metric_regression"] == "failed"
    assert outcomes(verdict) == honest


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_a_forgery_that_can_be_seen_is_not_judged(hub: Hub, folder: Path, name: str) -> None:
    assert judged(hub, folder, NOT_JUDGED[name]).decision is Decision.CANNOT_JUDGE


ALL = (
    ROWS + 60
)  # the pull request adds test rows, so it says what the baseline's model says of them
WORD_FOR_THE_BASELINE: dict[str, Callable[[bool], float] | None] = {
    "none": None,
    "the truth": lambda label: 0.9 if label else 0.1,
    "as bad as the head": lambda _label: 0.5,
    "wrong throughout": lambda label: 0.0 if label else 1.0,
    "as wrong as it can be on one side": lambda _label: 1.0,
}


@pytest.mark.parametrize("name", WORD_FOR_THE_BASELINE)
def test_what_is_said_for_the_baseline_on_other_rows_excuses_nothing(
    hub: Hub, folder: Path, name: str
) -> None:
    """The harm shows on the baseline's own rows, by its own evidence (decision 0010)."""
    rows, score = make_rows(ALL), WORD_FOR_THE_BASELINE[name]
    every = [f"r{at}" for at in range(ALL)]
    shutil.rmtree(folder / "head")
    make_good(folder / "head", test=rows, scores=[0.5] * ALL, metrics=None)

    def forge(head: Path) -> None:
        pq.write_table(FALSE, head / "predictions_on_baseline_test.parquet")
        if score is not None:
            said = pa.table({"row_id": every, "score": [score(label) for label in rows["label"]]})
            pq.write_table(said, head / "baseline_predictions.parquet")

    verdict = judged(hub, folder, unsealed(forge))
    assert verdict.decision is Decision.FAIL
    assert verdict.test_set is not None
    assert (verdict.test_set.changed, verdict.test_set.added) == (True, 60)
    failed = {
        one.subject.metric
        for outcome in verdict.outcomes
        for one in outcome.findings
        if one.state is State.FAILED
    }
    assert {"accuracy", "roc_auc", "log_loss"} <= failed


def test_a_word_for_the_baseline_on_some_of_the_rows_is_not_judged(hub: Hub, folder: Path) -> None:
    shutil.rmtree(folder / "head")
    make_good(folder / "head", test=make_rows(ALL), scores=[0.5] * ALL, metrics=None)

    def forge(head: Path) -> None:
        pq.write_table(FALSE, head / "predictions_on_baseline_test.parquet")
        pq.write_table(FALSE, head / "baseline_predictions.parquet")  # of the old rows alone

    assert judged(hub, folder, unsealed(forge)).decision is not Decision.PASS
