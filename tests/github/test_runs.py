"""Which runs are believed, and what a pull request cannot choose."""

from typing import Any

import pytest

from gates.day import read_day
from gates.errors import EvidenceError, UsageError
from gates.github.calls import Calls
from gates.github.mark import Run
from gates.github.repository import GitHub
from gates.github.runs import (
    Base,
    artifacts_of,
    file_at,
    find_base,
    find_baseline_artifact,
    find_claims,
    find_verdicts,
    head_here,
)
from tests.github.conftest import head
from tests.github.fake import DATE, HEAD, REPOSITORY
from tests.github.hub import BASE, BASELINE, GATES, Hub, artifact

HERE = head(Run(811, 1))
MAIN = Base("main", BASE)
OTHER = "f" * 40


@pytest.fixture
def hub() -> Hub:
    return Hub()


def github(hub: Hub) -> GitHub:
    return GitHub(Calls(hub.send, say=print, sleep=hub.sleep), REPOSITORY)


def found_in(hub: Hub) -> int | None:
    found = find_baseline_artifact(github(hub), HERE, MAIN, workflow=BASELINE, name="ml-baseline")
    return found.run.id if found else None


def test_the_base_is_the_merge_base_with_the_default_branch(hub: Hub) -> None:
    changed = frozenset({"params.yaml", "waivers.yaml"})
    assert find_base(github(hub), HERE) == MAIN._replace(date=DATE, changed=changed)


@pytest.mark.parametrize("day", ["Sun, 22 Nov 2026", "Tue, 24 Nov 2026"])
def test_the_day_is_githubs_whatever_a_runners_clock_says(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    """A day before and after what these tests take for now; waivers end by it."""
    monkeypatch.setattr("tests.github.fake.DATE", f"{day} 23:59:59 GMT")
    found = find_base(github(hub), HERE)
    assert read_day(found.date).isoformat() == f"2026-11-{day[5:7]}"


def test_a_merge_base_that_is_no_commit_is_refused(hub: Hub) -> None:
    hub.merge_base = "main; rm"
    with pytest.raises(EvidenceError, match="is no commit"):
        find_base(github(hub), HERE)


def test_a_default_branch_without_any_run_has_no_baseline(hub: Hub) -> None:
    assert found_in(hub) is None


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
def test_the_base_has_what_its_own_run_left(hub: Hub, event: str) -> None:
    hub.ran(100, "ml-baseline-1", event=event)
    assert found_in(hub) == 100


def test_a_job_that_was_run_again_leaves_what_the_first_attempt_left(hub: Hub) -> None:
    hub.ran(100, "ml-baseline-1", run_attempt=3)
    assert found_in(hub) == 100


@pytest.mark.parametrize(
    "other",
    [
        {"event": "pull_request"},
        {"path": ".github/workflows/x/baseline.yml"},
        {"path": GATES},
        {"head_branch": "feature"},
        {"head_repository": {"id": 99}},
        {"head_repository": None},
    ],
    ids=str,
)
def test_what_somebody_else_ran_is_not_believed(hub: Hub, other: dict[str, Any]) -> None:
    hub.ran(100, "ml-baseline-1", **other)
    assert found_in(hub) is None


@pytest.mark.parametrize(
    ("name", "other", "told"),
    [
        ("ml-baseline-1", {"head_sha": OTHER}, "has left none there"),
        ("", {}, "has left none there"),
        ("ml-evidence-1", {}, "has left none there"),
        ("ml-baseline-2", {}, "has left none there"),
        ("", {"status": "in_progress"}, "run 100 is still making it"),
    ],
)
def test_no_pull_request_escapes_the_comparison_by_where_it_branches_off(
    hub: Hub, name: str, other: dict[str, Any], told: str
) -> None:
    hub.ran(100, name, **other)
    with pytest.raises(EvidenceError, match=told):
        found_in(hub)


def test_what_has_expired_or_is_there_twice_is_not_there(hub: Hub) -> None:
    hub.left[7] = [artifact(b"", "x-1", expired=True)]
    assert not list(artifacts_of(github(hub), 7, 1, "x"))
    hub.left[7] = [artifact(b"", "x-1"), artifact(b"", "x-1")]
    assert not list(artifacts_of(github(hub), 7, 1, "x"))


def test_a_file_of_a_commit(hub: Hub) -> None:
    hub.contents["params.yaml", HEAD] = b"gates: {}\n"
    assert file_at(github(hub), HEAD, "params.yaml") == b"gates: {}\n"
    assert file_at(github(hub), BASE, "params.yaml") is None
    hub.contents["params.yaml", BASE] = b" " * 65_537
    with pytest.raises(EvidenceError, match="65,537 bytes; at most 65,536"):
        file_at(github(hub), BASE, "params.yaml")


def claims(hub: Hub, trees: dict[str, str]) -> list[str]:
    hub.trees = trees
    hub.linked = [
        {"number": 7, "state": "closed", "head": {"sha": HEAD}, "base": {"sha": BASE}},
        {"number": 8, "state": "open", "head": {"sha": OTHER}, "base": {"sha": BASE}},
    ]
    merged = head(Run(900, 1), BASE)
    return [sha for sha, _ in find_claims(github(hub), merged, workflow=GATES, name="ml-evidence")]


def test_a_claim_counts_where_it_was_made_of_the_same_files(hub: Hub) -> None:
    hub.ran(811, "ml-evidence-1", path=GATES, event="pull_request", head_sha=HEAD)
    assert claims(hub, {BASE: "t", HEAD: "t"}) == [HEAD]
    assert claims(hub, {BASE: "t", HEAD: "u"}) == []


def test_the_merge_queue_claims_of_the_commit_itself(hub: Hub) -> None:
    hub.ran(812, "ml-evidence-1", path=GATES, event="merge_group")
    hub.ran(813, "ml-evidence-1", path=GATES, event="push")
    assert claims(hub, {BASE: "t", HEAD: "u"}) == [BASE]


def test_only_the_trusted_workflows_verdicts_are_gathered(hub: Hub) -> None:
    report = ".github/workflows/report.yml"
    hub.ran(1, "ml-verdict-1", path=report, event="workflow_run")
    hub.ran(2, "ml-verdict-1", path=report, event="push")
    hub.ran(3, "ml-verdict-1", path=report, event="workflow_run", head_branch="feature")
    found = find_verdicts(github(hub), "main", workflow=report, name="ml-verdict")
    assert [one.run.id for one in found] == [1]


def test_a_job_knows_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REPOSITORY_ID": "4242",
        "GITHUB_SHA": BASE,
        "GITHUB_RUN_ID": "9",
        "GITHUB_RUN_ATTEMPT": "2",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert (head_here().sha, head_here().repository, head_here().run) == (BASE, 4242, Run(9, 2))
    monkeypatch.setenv("GITHUB_SHA", "main")
    with pytest.raises(UsageError, match="GITHUB_SHA"):
        head_here()
