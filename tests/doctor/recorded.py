"""Answers of GitHub's API, shaped as its documentation shows them, for `acme/churn`."""

import copy
import json
from collections.abc import Callable
from typing import Any

from gates.github.calls import Answer, Call, Calls
from gates.github.repository import GitHub
from gates.github.settings import RepositorySettings, read_settings
from gates.ledger.branch import BRANCH

ROOT = "/repos/acme/churn"
APP = 987654
Answers = dict[str, tuple[int, Any]]
REFUSED = (403, {"message": "Resource not accessible by personal access token", "status": "403"})

GOOD: Answers = {
    "": (200, {"id": 4242, "full_name": "acme/churn", "default_branch": "main", "private": False}),
    "/rules/branches/main": (
        200,
        [
            {"type": "deletion", "ruleset_source_type": "Repository", "ruleset_id": 42},
            {"type": "non_fast_forward", "ruleset_source_type": "Repository", "ruleset_id": 42},
            {
                "type": "pull_request",
                "ruleset_id": 42,
                "parameters": {
                    "required_approving_review_count": 1,
                    "dismiss_stale_reviews_on_push": True,
                    "require_code_owner_review": True,
                    "require_last_push_approval": True,
                    "required_review_thread_resolution": False,
                    "allowed_merge_methods": ["squash"],
                },
            },
            {
                "type": "required_status_checks",
                "ruleset_id": 42,
                "parameters": {
                    "strict_required_status_checks_policy": True,
                    "do_not_enforce_on_create": False,
                    "required_status_checks": [{"context": "gatepost", "integration_id": APP}],
                },
            },
            {"type": "code_scanning", "ruleset_id": 42, "parameters": {"code_scanning_tools": []}},
        ],
    ),
    "/rulesets/42": (
        200,
        {"id": 42, "name": "main", "enforcement": "active", "bypass_actors": []},
    ),
    "/branches/main/protection": (404, {"message": "Branch not protected", "status": "404"}),
    f"/rules/branches/{BRANCH}": (
        200,
        [
            {"type": kind, "ruleset_source_type": "Repository", "ruleset_id": 43}
            for kind in ("deletion", "non_fast_forward", "update")
        ],
    ),
    "/rulesets/43": (
        200,
        {
            "id": 43,
            "name": "ledger",
            "enforcement": "active",
            "bypass_actors": [
                {"actor_id": 15368, "actor_type": "Integration", "bypass_mode": "always"}
            ],
        },
    ),
    f"/branches/{BRANCH}/protection": (404, {"message": "Branch not found", "status": "404"}),
    "/environments": (
        200,
        {
            "total_count": 1,
            "environments": [
                {
                    "id": 7,
                    "name": "ml-gate",
                    "deployment_branch_policy": {
                        "protected_branches": False,
                        "custom_branch_policies": True,
                    },
                }
            ],
        },
    ),
    "/environments/ml-gate/deployment-branch-policies": (
        200,
        {"total_count": 1, "branch_policies": [{"id": 3, "name": "main", "type": "branch"}]},
    ),
    "/actions/secrets": (200, {"total_count": 0, "secrets": []}),
    "/actions/organization-secrets": (200, {"total_count": 0, "secrets": []}),
    "/actions/permissions": (
        200,
        {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True},
    ),
    "/actions/permissions/workflow": (
        200,
        {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
    ),
}
PROTECTED: dict[str, Any] = {
    "required_status_checks": {
        "strict": True,
        "contexts": ["gatepost"],
        "checks": [{"context": "gatepost", "app_id": None}],
    },
    "enforce_admins": {"enabled": True, "url": "…"},
    "required_pull_request_reviews": {"required_approving_review_count": 1},
}

Edit = Callable[[Answers], Any]


def edited(edit: Edit) -> Answers:
    """The good answers, changed."""
    answers = copy.deepcopy(GOOD)
    edit(answers)
    return answers


def seen(answers: Answers) -> tuple[RepositorySettings, list[Call]]:
    """What is read of these answers, and the calls that were made for it."""
    made: list[Call] = []

    def send(call: Call) -> Answer:
        made.append(call)
        status, body = answers[call.path.removeprefix(ROOT)]
        return Answer(status, {}, json.dumps(body).encode())

    calls = Calls(send, say=lambda _: None, sleep=lambda _: None)
    return read_settings(GitHub(calls, "acme/churn"), BRANCH), made
