"""`gatepost sweep`: a check that a lost run left in progress is ended, and no other is touched."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gates.__main__ import main
from tests.github.fake import BOT, HEAD, REPOSITORY_ID, serve
from tests.github.hub import BASE, GATES, Hub

Sweep = Callable[[], int]
AN_HOUR_AGO = "2026-11-23T11:00:00Z"  # the fake's clock says noon


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def sweep(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sweep]:
    monkeypatch.setattr("gates.github.sticky.SETTLE_S", 0.0)
    given = {
        "GITHUB_REPOSITORY": "acme/churn",
        "GITHUB_REPOSITORY_ID": str(REPOSITORY_ID),
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": "900",
        "GITHUB_SHA": BASE,
        "GITHUB_TOKEN": "ghs_canary0123456789",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GATEPOST_TOKEN", raising=False)
    with serve(hub) as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        yield lambda: main(["sweep", "--workflow", GATES, "--author", BOT])


def left(hub: Hub, **other: Any) -> None:
    """A run of the untrusted workflow that has ended, and the check that says it is judged."""
    usual = {
        "path": GATES,
        "event": "pull_request",
        "head_sha": HEAD,
        "head_branch": "feature",
        "head_repository": {"id": REPOSITORY_ID, "owner": {"login": "acme"}},
        "updated_at": AN_HOUR_AGO,
    }
    hub.ran(811, "", **(usual | other))
    hub._add_check({
        "name": "gatepost",
        "head_sha": HEAD,
        "status": "in_progress",
        "external_id": "gatepost:811.1",
        "output": {"title": "Judging 9f3c2e1", "summary": ""},
    })  # fmt: skip


def test_a_check_whose_run_is_over_ends_as_not_judged(hub: Hub, sweep: Sweep) -> None:
    left(hub)
    assert sweep() == 0
    (check,) = hub.checks.values()
    assert (check["status"], check["conclusion"]) == ("completed", "failure")
    assert check["output"]["title"].startswith("Not judged: run 811.1 ended more than an hour ago")
    (comment,) = hub.ours()
    assert "Re-run all of its jobs" in comment["body"]
    hub.asked.clear()
    assert sweep() == 0
    assert hub.writes() == []
    assert len(hub.asked) == 3, "the repository, its runs, and the checks of one commit"


@pytest.mark.parametrize(
    "other",
    [
        {"status": "in_progress"},
        {"updated_at": "2026-11-23T11:00:01Z"},
        {"updated_at": "2026-11-22T10:59:59Z"},
        {"event": "push"},
        {"path": ".github/workflows/other/gates.yml"},
        {"id": 810},
    ],
    ids=str,
)
def test_what_may_still_be_judged_or_is_not_ours_stays(
    hub: Hub, sweep: Sweep, other: dict[str, Any]
) -> None:
    left(hub, **other)
    assert sweep() == 0
    assert hub.writes() == []


@pytest.mark.parametrize(
    "other",
    [
        {"status": "completed", "conclusion": "success"},
        {"external_id": "ci:811.1"},
        {"app": {"id": 3, "slug": "somebody-elses"}},
    ],
    ids=["ended", "without our mark", "of another app"],
)
def test_other_checks_stay(hub: Hub, sweep: Sweep, other: dict[str, Any]) -> None:
    left(hub)
    for check in hub.checks.values():
        check.update(other)
    assert sweep() == 0
    assert hub.writes() == []


def test_a_merge_queues_check_is_ended_too(hub: Hub, sweep: Sweep) -> None:
    left(hub, event="merge_group")
    assert sweep() == 0
    assert [check["conclusion"] for check in hub.checks.values()] == ["failure"]
    assert hub.comments == {}


def test_a_time_that_is_none_is_no_bug_of_ours(
    hub: Hub, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    left(hub, updated_at="yesterday")
    assert sweep() == 3
    assert "'yesterday'" in capsys.readouterr().err
