"""What is weak in a repository's settings on GitHub (security.md, part 2)."""

from collections.abc import Iterable, Iterator

from gates.doctor.sign import Sign, listed, missing, ok, unknown, weak
from gates.github.settings import (
    ActionsPolicy,
    BranchRules,
    Hidden,
    NamedEnvironment,
    RepositorySettings,
    Ruleset,
    TokenPolicy,
)
from gates.github.values import Protection

GITHUB_ACTIONS = 15368  # the app that every workflow of every repository posts as
_NOT_SEEN = "Use a token that may read the repository's administration (Administration: read)."
_OF_A_LEDGER = (
    ("update", "pushing to"),
    ("non_fast_forward", "rewriting"),
    ("deletion", "deleting"),
)
_ANY = -1  # branch protection's word for "any source"


def examine_settings(
    seen: RepositorySettings, check: str, environments: Iterable[str]
) -> Iterator[Sign]:
    """One sign for each setting.

    Args:
        seen: what the API showed.
        check: the name of the check that must be required.
        environments: those that the workflows name.
    """
    yield _judge_required(seen, check)
    yield _judge_bypass(seen)
    yield _judge_reviews(seen)
    yield _judge_pushes(seen)
    yield _judge_up_to_date(seen)
    yield _judge_secrets(seen.secrets)
    for name in sorted({*environments}):
        yield _judge_environment(name, seen.environments, seen.branch)
    yield _judge_actions(seen.actions)
    yield _judge_token(seen.token)
    yield _judge_ledger(seen.ledger)


def _judge_required(seen: RepositorySettings, check: str) -> Sign:
    name, sources = "required check", _sources_of(seen, check)
    if not sources:
        hidden = next((one for one in (seen.rules, seen.protection) if isinstance(one, Hidden)), 0)
        if isinstance(hidden, Hidden):
            return _not_seen(name, hidden)
        return missing(
            name,
            f"{seen.branch} merges without the check {check!r}",
            f"Require it by a ruleset on {seen.branch}, with our app as its expected source.",
            forgeable=True,
        )
    apps = {one for one in sources if one is not None and one != _ANY}
    if others := apps - {GITHUB_ACTIONS}:
        return ok(name, f"{check!r} counts from app {min(others)} only")
    source = "any source" if not apps else "GitHub Actions, which every workflow posts as"
    return weak(
        name,
        f"{check!r} is required, but from {source}: whoever may push a branch can set it",
        "Create a GitHub App that writes the check, and name it as the expected source.",
        forgeable=True,
    )


def _sources_of(seen: RepositorySettings, check: str) -> list[int | None]:
    """The apps whose word counts for the check, once for each place that demands it."""
    rules = () if isinstance(seen.rules, Hidden) else seen.rules
    found = [
        one.integration_id
        for rule in rules
        if rule.type == "required_status_checks" and rule.parameters
        for one in rule.parameters.required_status_checks
        if one.context == check
    ]
    protection = seen.protection
    if protection and not isinstance(protection, Hidden) and protection.required_status_checks:
        checks = protection.required_status_checks.checks
        found += [one.app_id for one in checks if one.context == check]
    return found


def _judge_bypass(seen: RepositorySettings) -> Sign:
    name, mend = "bypass", "Take the bypass actors away; an emergency can switch the ruleset off."
    if isinstance(seen.rulesets, Hidden):
        return _not_seen(name, seen.rulesets)
    open_ = [one.name or str(one.id) for one in seen.rulesets if one.bypass_actors]
    closed = [one for one in seen.rulesets if one.bypass_actors is not None]
    protection = seen.protection
    if protection and not isinstance(protection, Hidden) and not seen.rulesets:
        if protection.enforce_admins is None or not protection.enforce_admins.enabled:
            open_.append("branch protection, for administrators")
    elif len(closed) < len(seen.rulesets):
        return unknown(name, "who may go round the rulesets is not shown to this token", _NOT_SEEN)
    if open_:
        said = f"some may merge what is blocked: {listed(open_)}"
        return weak(name, said, mend, forgeable=True)
    if not seen.rulesets and protection is None:
        return missing(
            name,
            f"{seen.branch} has no rule that anybody could go round",
            "See the required check.",
            forgeable=True,
        )
    return ok(name, "nobody may merge what is blocked")


def _judge_reviews(seen: RepositorySettings) -> Sign:
    name = "reviews"
    if isinstance(seen.rules, Hidden):
        return _not_seen(name, seen.rules)
    given = [rule.parameters for rule in seen.rules if rule.type == "pull_request"]
    rules = [one for one in given if one is not None]
    lacking = [
        what
        for what, has in (
            ("one approval", any(one.required_approving_review_count for one in rules)),
            ("code owners'", any(one.require_code_owner_review for one in rules)),
            ("anew after each push", any(one.dismiss_stale_reviews_on_push for one in rules)),
            ("of the last push by another", any(one.require_last_push_approval for one in rules)),
        )
        if not has
    ]
    if not lacking:
        return ok(name, "code owners agree to each push")
    return weak(
        name,
        f"no ruleset demands a review: {listed(lacking)}",
        "Demand it in the ruleset, so that limits are not loosened by one person alone.",
    )


def _judge_pushes(seen: RepositorySettings) -> Sign:
    name = "pushes"
    if isinstance(seen.rules, Hidden):
        return _not_seen(name, seen.rules)
    types = {rule.type for rule in seen.rules}
    lacking = [
        what
        for kind, what in (
            ("pull_request", "past a pull request"),
            ("non_fast_forward", "by force"),
            ("deletion", "to delete it"),
        )
        if kind not in types
    ]
    if not lacking:
        return ok(name, f"{seen.branch} changes by pull requests only")
    return weak(
        name,
        f"no ruleset forbids to push to {seen.branch} {listed(lacking)}",
        "Demand pull requests, and block force pushes and deletions, in the ruleset.",
        forgeable="pull_request" not in types and not _is_protected(seen),
    )


def _is_protected(seen: RepositorySettings) -> bool:
    return seen.protection is not None and not isinstance(seen.protection, Hidden)


def _judge_up_to_date(seen: RepositorySettings) -> Sign:
    name = "up to date"
    if isinstance(seen.rules, Hidden):
        return _not_seen(name, seen.rules)
    kinds = {rule.type for rule in seen.rules}
    strict = any(
        rule.parameters and rule.parameters.strict_required_status_checks_policy
        for rule in seen.rules
    )
    protection = seen.protection
    if protection and not isinstance(protection, Hidden) and protection.required_status_checks:
        strict = strict or protection.required_status_checks.strict
    if strict or "merge_queue" in kinds:
        return ok(name, "what merges was judged as it merges")
    return weak(
        name,
        "two pull requests that pass alone may merge one after the other, unseen together",
        "Demand branches up to date before merging, or use a merge queue.",
    )


def _judge_secrets(names: tuple[str, ...] | Hidden) -> Sign:
    setting = "repository secrets"
    if isinstance(names, Hidden):
        return _not_seen(setting, names)
    if not names:
        return ok(setting, "there are none")
    return weak(
        setting,
        f"any workflow of any branch can read {listed(names)}",
        "Move them into an environment that only the default branch may use.",
        forgeable=True,
    )


def _judge_environment(
    name: str, found: tuple[NamedEnvironment, ...] | Hidden, branch: str
) -> Sign:
    setting = f"environment {name}"
    if isinstance(found, Hidden):
        return _not_seen(setting, found)
    here = next((one for one in found if one.name == name), None)
    if here is None:
        return weak(
            setting,
            "not there, so the workflow's own token writes the check, as any workflow's can",
            f"Create it for {branch} only, and put the app's key into it.",
        )
    if here.patterns == (branch,):
        return ok(setting, f"only {branch} may use it")
    who = "any branch" if here.patterns is None else listed(here.patterns)
    return weak(
        setting,
        f"{who} may use it, and so read the app's key",
        f"Limit its deployment branches to {branch}.",
        forgeable=True,
    )


def _judge_actions(policy: ActionsPolicy | Hidden) -> Sign:
    setting = "allowed actions"
    if isinstance(policy, Hidden):
        return _not_seen(setting, policy)
    if not policy.enabled:
        return missing(
            setting,
            "Actions are switched off, so nothing is judged",
            "Switch them on for this repository.",
        )
    if policy.sha_pinning_required and policy.allowed_actions != "all":
        return ok(setting, f"{policy.allowed_actions}, by commit only")
    lacking = [] if policy.sha_pinning_required else ["actions by tag may run"]
    lacking += ["anybody's actions may run"] if policy.allowed_actions == "all" else []
    return weak(
        setting,
        "; ".join(lacking),
        "Require actions to be pinned to a full commit, and allow selected ones.",
    )


def _judge_token(policy: TokenPolicy | Hidden) -> Sign:
    setting = "default token"
    if isinstance(policy, Hidden):
        return _not_seen(setting, policy)
    lacking = []
    if policy.default_workflow_permissions != "read":
        lacking.append("may write where a workflow does not say")
    if policy.can_approve_pull_request_reviews:
        lacking.append("may approve pull requests")
    if not lacking:
        return ok(setting, "may read, and approves nothing")
    return weak(
        setting,
        f"a job's token {' and '.join(lacking)}",
        "Set workflow permissions to read, without approving pull requests.",
        forgeable=True,
    )


def _judge_ledger(seen: BranchRules) -> Sign:
    """Who may rewrite the ledger can make a worn test set look fresh."""
    setting = "ledger branch"
    if isinstance(seen.rules, Hidden):
        return _not_seen(setting, seen.rules)
    if isinstance(seen.rulesets, Hidden):
        return _not_seen(setting, seen.rulesets)
    forbidden = {rule.type for rule in seen.rules} | _forbidden_by(seen.protection)
    open_ = [f"{what} {seen.branch}" for kind, what in _OF_A_LEDGER if kind not in forbidden]
    if open_ and isinstance(seen.protection, Hidden):
        return _not_seen(setting, seen.protection)
    if not open_ and any(one.bypass_actors is None for one in seen.rulesets):
        said = "who may go round its ruleset is not shown to this token"
        return unknown(setting, said, _NOT_SEEN)
    others = [one.name or str(one.id) for one in seen.rulesets if _lets_others_by(one)]
    if not open_ and not others:
        return ok(setting, f"only GitHub Actions adds to {seen.branch}, and nothing is taken away")
    nothing = f"nothing keeps whoever may write from {listed(open_)}"
    said = nothing if open_ else f"others than GitHub Actions may go round {listed(others)}"
    return weak(
        setting,
        f"{said}; a worn test set can be made to look fresh",
        f"Make a ruleset for {seen.branch}: updates by GitHub Actions alone, no force push, "
        "no deletion.",
    )


def _forbidden_by(protection: Protection | Hidden | None) -> set[str]:
    """What a protected branch forbids, as the rules of a ruleset are called."""
    if protection is None or isinstance(protection, Hidden):
        return set()
    switches = {
        "non_fast_forward": protection.allow_force_pushes,
        "deletion": protection.allow_deletions,
    }
    forbidden = {kind for kind, switch in switches.items() if not (switch and switch.enabled)}
    return forbidden if protection.restrictions is None else {*forbidden, "update"}


def _lets_others_by(ruleset: Ruleset) -> bool:
    return any(one.get("actor_id") != GITHUB_ACTIONS for one in ruleset.bypass_actors or ())


def _not_seen(setting: str, hidden: Hidden) -> Sign:
    return unknown(setting, f"not shown to this token ({hidden.said})", _NOT_SEEN)
