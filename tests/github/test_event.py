"""Events as GitHub documents them → what was judged."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError, UsageError
from gates.github.event import Head, read_event
from gates.github.mark import Run
from tests.github.events import group_event, pull_event, run_event
from tests.github.fake import HEAD, REPOSITORY, REPOSITORY_ID

WORKFLOW = ".github/workflows/gates.yml"


def written(tmp_path: Path, event: Any) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    return path


def test_a_run_of_a_fork(tmp_path: Path) -> None:
    found = read_event(written(tmp_path, run_event(fork="mallory")), workflow=WORKFLOW)
    assert found == Head(
        repository=REPOSITORY_ID,
        repository_name=REPOSITORY,
        sha=HEAD,
        run=Run(811, 2),
        owner="mallory",
        branch="feature",
        head_repository=99,
    )


def test_a_run_of_a_deleted_fork_names_no_branch(tmp_path: Path) -> None:
    event = run_event()
    event["workflow_run"]["head_repository"] = None
    found = read_event(written(tmp_path, event))
    assert (found.owner, found.head_repository, found.sha) == ("", 0, HEAD)


def test_a_run_of_a_merge_queue(tmp_path: Path) -> None:
    found = read_event(written(tmp_path, run_event(event="merge_group")), workflow=WORKFLOW)
    assert found.in_queue


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("path", ".github/workflows/other.yml", "another workflow has the same name"),
        ("event", "push", "was started by 'push'"),
        ("event", "pull_request_target", "was started by 'pull_request_target'"),
        ("head_sha", 5, "not an event of GitHub"),
        ("run_attempt", "2", "not an event of GitHub"),
    ],
)
def test_other_runs_are_refused(tmp_path: Path, field: str, value: object, told: str) -> None:
    event = run_event()
    event["workflow_run"][field] = value
    with pytest.raises(EvidenceError, match=told):
        read_event(written(tmp_path, event), workflow=WORKFLOW)


def test_a_path_with_its_branch_is_the_same_workflow(tmp_path: Path) -> None:
    event = run_event()
    event["workflow_run"]["path"] = f"{WORKFLOW}@refs/heads/main"
    assert read_event(written(tmp_path, event), workflow=WORKFLOW).sha == HEAD


@pytest.fixture
def _in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "900")
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "3")


@pytest.mark.usefixtures("_in_a_job")
def test_a_pull_request_names_itself_and_the_job_the_run(tmp_path: Path) -> None:
    found = read_event(written(tmp_path, pull_event()))
    assert (found.pull, found.run, found.sha, found.owner) == (7, Run(900, 3), HEAD, "acme")


@pytest.mark.usefixtures("_in_a_job")
def test_a_merge_group(tmp_path: Path) -> None:
    found = read_event(written(tmp_path, group_event()))
    assert (found.in_queue, found.run, found.sha) == (True, Run(900, 3), HEAD)


def test_outside_a_job_there_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    with pytest.raises(UsageError, match="GITHUB_RUN_ID"):
        read_event(written(tmp_path, pull_event()))


@pytest.mark.parametrize("event", [{}, [], None, 1, {"action": "opened"}])
def test_what_is_no_event_is_refused(tmp_path: Path, event: object) -> None:
    with pytest.raises(EvidenceError, match="not an event of GitHub"):
        read_event(written(tmp_path, event))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["workflow_run", "repository", "id", "sha"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["workflow_run", "merge_group", "pull_request"]), VALUES),
    st.sampled_from(["id", "event", "head_repository", "head_branch", "head_sha", "path"]),
    VALUES,
)
def test_any_event_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, event: object, field: str, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-event.json"
    changed = run_event()
    changed["workflow_run"][field] = value
    for one in (event, changed):
        path.write_text(json.dumps(one), encoding="utf-8")
        try:
            read_event(path)
        except (EvidenceError, UsageError) as error:
            assert str(error)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="--event"):
        read_event(tmp_path / "none.json")
