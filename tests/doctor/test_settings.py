"""What the doctor says of a repository's settings on GitHub, from recorded answers."""

from typing import Any

import pytest

from gates.doctor.settings import GITHUB_ACTIONS, examine_settings
from gates.doctor.sign import Level, Sign, exit_code_of
from gates.errors import ExitCode
from gates.github.calls import GitHubError
from gates.ledger.branch import BRANCH
from tests.doctor.recorded import APP, GOOD, PROTECTED, REFUSED, Answers, Edit, edited, seen

LEDGER, LEDGER_RULES = "ledger branch", f"/rules/branches/{BRANCH}"
RULES, ENVIRONMENTS = "/rules/branches/main", "/environments"
POLICIES = "/environments/ml-gate/deployment-branch-policies"


def signs_of(answers: Answers, check: str = "gatepost") -> dict[str, Sign]:
    settings, _ = seen(answers)
    return {sign.setting: sign for sign in examine_settings(settings, check, {"ml-gate"})}


def rule(answers: Answers, kind: str) -> dict[str, Any]:
    return next(one["parameters"] for one in answers[RULES][1] if one["type"] == kind)


def without(kind: str) -> Edit:
    return lambda a: a.update({RULES: (200, [o for o in a[RULES][1] if o["type"] != kind])})


def source(app: int | None) -> Edit:
    def edit(answers: Answers) -> None:
        checks = rule(answers, "required_status_checks")["required_status_checks"]
        checks[0] = {"context": "gatepost"} if app is None else {**checks[0], "integration_id": app}

    return edit


def replace(path: str, **fields: Any) -> Edit:
    return lambda a: a.update({path: (200, {**a[path][1], **fields})})


def test_a_good_repository_is_ok_throughout_in_thirteen_reading_calls() -> None:
    settings, made = seen(GOOD)
    signs = list(examine_settings(settings, "gatepost", {"ml-gate"}))
    assert {sign.level for sign in signs} == {Level.OK}
    assert exit_code_of(signs) == ExitCode.MAY_MERGE
    assert {call.verb for call in made} == {"GET"}
    assert len(made) == 13


@pytest.mark.parametrize(
    ("edit", "setting", "level", "forgeable", "said"),
    [
        (without("required_status_checks"), "required check", "missing", True, "merges without"),
        (source(None), "required check", "weak", True, "from any source"),
        (source(GITHUB_ACTIONS), "required check", "weak", True, "GitHub Actions, which every"),
        (replace("/rulesets/42", bypass_actors=[{"actor_type": "OrganizationAdmin"}]), "bypass",
         "weak", True, "some may merge what is blocked: main"),
        (without("pull_request"), "reviews", "weak", False, "one approval, code owners'"),
        (without("pull_request"), "pushes", "weak", True, "past a pull request"),
        (without("non_fast_forward"), "pushes", "weak", False, "by force"),
        (lambda a: rule(a, "required_status_checks").update(
            strict_required_status_checks_policy=False), "up to date", "weak", False, "unseen"),
        (replace("/actions/secrets", secrets=[{"name": "AWS_KEY"}]), "repository secrets", "weak",
         True, "any workflow of any branch can read AWS_KEY"),
        (replace("/actions/organization-secrets", secrets=[{"name": "ORG"}]), "repository secrets",
         "weak", True, "can read ORG"),
        (replace(ENVIRONMENTS, environments=[]), "environment ml-gate", "weak", False, "not there"),
        (replace(ENVIRONMENTS, environments=[{"name": "ml-gate"}]), "environment ml-gate", "weak",
         True, "any branch may use it"),
        (replace(POLICIES, branch_policies=[{"name": "main"}, {"name": "release/*"}]),
         "environment ml-gate", "weak", True, "main, release/* may use it"),
        (replace("/actions/permissions", allowed_actions="all"), "allowed actions", "weak", False,
         "anybody's actions may run"),
        (replace("/actions/permissions", sha_pinning_required=False), "allowed actions", "weak",
         False, "by tag"),
        (replace("/actions/permissions", enabled=False), "allowed actions", "missing", False,
         "switched off"),
        (replace("/actions/permissions/workflow", default_workflow_permissions="write"),
         "default token", "weak", True, "may write where"),
        (replace("/actions/permissions/workflow", can_approve_pull_request_reviews=True),
         "default token", "weak", True, "may approve"),
        (replace("/rulesets/43", bypass_actors=[{"actor_type": "OrganizationAdmin"}]), LEDGER,
         "weak", False, "others than GitHub Actions may go round ledger"),
        (lambda a: a.update({LEDGER_RULES: (200, [])}), LEDGER, "weak", False,
         "from pushing to gatepost-ledger, rewriting gatepost-ledger, deleting gatepost-ledger; a"),
        (lambda a: a[LEDGER_RULES][1].pop(0), LEDGER, "weak", False,
         "nothing keeps whoever may write from deleting gatepost-ledger"),
        (lambda a: a.update({"/rulesets/43": (200, {"id": 43})}), LEDGER, "unknown", False,
         "not shown"),
        (lambda a: a.update({"/rulesets/43": REFUSED}), LEDGER, "unknown", False, "not shown"),
        (lambda a: a.update({LEDGER_RULES: REFUSED}), LEDGER, "unknown", False, "not shown"),
    ],
)  # fmt: skip
def test_one_weak_setting_is_named_and_nothing_else_changes(
    edit: Edit, setting: str, level: str, said: str, *, forgeable: bool
) -> None:
    signs = signs_of(edited(edit))
    assert (signs[setting].level, signs[setting].forgeable) == (level, forgeable)
    assert said in signs[setting].said
    assert signs[setting].mend.endswith(".")
    blocked = exit_code_of([signs[setting]]) == ExitCode.BLOCKED
    assert blocked is (forgeable or level == "missing")


def test_a_check_of_another_name_is_not_ours() -> None:
    assert signs_of(GOOD, "other")["required check"].level is Level.MISSING


def test_the_own_app_beside_any_source_is_enough_for_all_must_pass() -> None:
    def edit(answers: Answers) -> None:
        answers["/branches/main/protection"] = (200, PROTECTED)

    assert signs_of(edited(edit))["required check"].said.endswith(f"from app {APP} only")


@pytest.mark.parametrize("app", [None, -1])
def test_branch_protection_counts_where_there_is_no_ruleset(app: int | None) -> None:
    checks = {"strict": True, "checks": [{"context": "gatepost", "app_id": app}]}
    protection = {**PROTECTED, "required_status_checks": checks}

    def edit(answers: Answers) -> None:
        answers[RULES] = (200, [])
        answers["/branches/main/protection"] = (200, protection)

    signs = signs_of(edited(edit))
    assert "from any source" in signs["required check"].said
    assert signs["bypass"].level is Level.OK
    assert signs["up to date"].level is Level.OK


def test_administrators_may_go_round_a_protection_that_does_not_bind_them() -> None:
    def edit(answers: Answers) -> None:
        answers[RULES] = (200, [])
        protection = {**PROTECTED, "enforce_admins": {"enabled": False}}
        answers["/branches/main/protection"] = (200, protection)

    assert "for administrators" in signs_of(edited(edit))["bypass"].said


def test_what_a_token_may_not_see_is_unknown_and_never_ok() -> None:
    hidden = {path: REFUSED for path in GOOD if path}
    signs = signs_of({**GOOD, **hidden})
    assert {sign.level for sign in signs.values()} == {Level.UNKNOWN}
    assert exit_code_of(list(signs.values())) == ExitCode.CANNOT_JUDGE
    assert "Administration: read" in signs["default token"].mend


def test_not_found_is_not_unprotected() -> None:
    answers = {
        **GOOD,
        RULES: (200, []),
        "/branches/main/protection": (404, {"message": "Not Found"}),
    }
    assert signs_of(answers)["required check"].level is Level.UNKNOWN


def test_bypass_actors_that_are_not_shown_are_unknown() -> None:
    answers = {**GOOD, "/rulesets/42": (200, {"id": 42, "name": "main"})}
    assert signs_of(answers)["bypass"].level is Level.UNKNOWN


def test_a_repository_that_cannot_be_seen_is_an_error() -> None:
    with pytest.raises(GitHubError, match="404"):
        signs_of({**GOOD, "": (404, {"message": "Not Found"})})


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"restrictions": {"apps": []}}, Level.OK),
        ({"restrictions": {"apps": []}, "allow_force_pushes": {"enabled": True}}, Level.WEAK),
        ({"restrictions": {"apps": []}, "allow_deletions": {"enabled": True}}, Level.WEAK),
        ({}, Level.WEAK),
        ({"message": "Not Found"}, Level.UNKNOWN),
    ],
    ids=["bound", "force", "deletion", "anybody", "not for you to see"],
)
def test_protection_of_the_ledger_counts_where_there_is_no_ruleset(
    said: dict[str, Any], level: Level
) -> None:
    answers = {
        **GOOD,
        LEDGER_RULES: (200, []),
        f"/branches/{BRANCH}/protection": (404 if "message" in said else 200, said),
    }
    assert signs_of(answers)[LEDGER].level is level
