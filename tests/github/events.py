"""Payloads of GitHub's events, with the fields that are read and one that is not."""

from typing import Any

from tests.github.fake import HEAD, REPOSITORY, REPOSITORY_ID


def run_event(
    *, fork: str = "acme", event: str = "pull_request", sha: str = HEAD
) -> dict[str, Any]:
    """`workflow_run`, as the trusted workflow gets it."""
    own = fork == "acme"
    return {
        "action": "completed",
        "repository": repository(),
        "workflow_run": {
            "id": 811,
            "run_attempt": 2,
            "run_number": 17,
            "event": event,
            "path": ".github/workflows/gates.yml",
            "head_sha": sha,
            "head_branch": "feature",
            "head_repository": repository(fork, REPOSITORY_ID if own else 99),
            "pull_requests": [],
        },
    }


def pull_event() -> dict[str, Any]:
    """`pull_request`."""
    head = {"sha": HEAD, "ref": "feature", "repo": repository()}
    return {"repository": repository(), "pull_request": {"number": 7, "head": head}}


def group_event() -> dict[str, Any]:
    """`merge_group`."""
    return {"repository": repository(), "merge_group": {"head_sha": HEAD}}


def repository(owner: str = "acme", number: int = REPOSITORY_ID) -> dict[str, Any]:
    name = REPOSITORY.partition("/")[2]
    return {"id": number, "full_name": f"{owner}/{name}", "owner": {"login": owner}}
