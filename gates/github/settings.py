"""A repository's settings as GitHub's API shows them; only ever read, for `gatepost doctor`."""

from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from gates.github.calls import RefusedError
from gates.github.repository import GitHub
from gates.github.values import Protection, Seen

T = TypeVar("T")

_PAGES_MAX: Final = 5
_NOT_PROTECTED: Final = ("Branch not protected", "Branch not found")  # the latter: not there yet
_REFUSED: Final = (401, 403, 404)  # 404 is also GitHub's word for "not for you to see"


class Hidden(msgspec.Struct, frozen=True):
    """What the token may not see, and what GitHub said."""

    what: str
    said: str


class RuleCheck(Seen, frozen=True):
    """A check that a ruleset demands, and the only app whose word counts, if one is named."""

    context: str
    integration_id: int | None = None


class RuleParameters(Seen, frozen=True):
    """What rules of the kinds that we know are about."""

    required_status_checks: tuple[RuleCheck, ...] = ()
    strict_required_status_checks_policy: bool = False
    required_approving_review_count: int = 0
    dismiss_stale_reviews_on_push: bool = False
    require_code_owner_review: bool = False
    require_last_push_approval: bool = False


class Rule(Seen, frozen=True):
    """One rule that is in force on a branch."""

    type: str
    ruleset_id: int | None = None
    parameters: RuleParameters | None = None


class Ruleset(Seen, frozen=True):
    """A ruleset; who may go round it is shown to administrators only."""

    id: int
    name: str = ""
    bypass_actors: tuple[dict[str, Any], ...] | None = None


class BranchPolicy(Seen, frozen=True):
    """Which branches an environment may be used from."""

    protected_branches: bool = False
    custom_branch_policies: bool = False


class Environment(Seen, frozen=True):
    """A place for secrets; without a policy any branch may use it."""

    name: str
    deployment_branch_policy: BranchPolicy | None = None


class NamedEnvironment(msgspec.Struct, frozen=True):
    """An environment, and the patterns of the branches and tags that may use it."""

    name: str
    patterns: tuple[str, ...] | None  # `None`: any branch


class ActionsPolicy(Seen, frozen=True):
    """Which actions may run."""

    enabled: bool = True
    allowed_actions: str = "all"
    sha_pinning_required: bool = False


class TokenPolicy(Seen, frozen=True):
    """What a job's token may do where no workflow says so."""

    default_workflow_permissions: str = "write"
    can_approve_pull_request_reviews: bool = False


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a doctor asks; what could not be seen is `Hidden`."""

    branch: str
    rules: tuple[Rule, ...] | Hidden
    rulesets: tuple[Ruleset, ...] | Hidden
    protection: Protection | Hidden | None
    environments: tuple[NamedEnvironment, ...] | Hidden
    secrets: tuple[str, ...] | Hidden
    actions: ActionsPolicy | Hidden
    token: TokenPolicy | Hidden
    ledger: "BranchRules"


class BranchRules(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force on a branch, which need not be there yet."""

    branch: str
    rules: tuple[Rule, ...] | Hidden
    rulesets: tuple[Ruleset, ...] | Hidden
    protection: Protection | Hidden | None


class _Repository(Seen, frozen=True):
    default_branch: str


class _Named(Seen, frozen=True):
    name: str


class _Secrets(Seen, frozen=True):
    secrets: tuple[_Named, ...] = ()


class _Environments(Seen, frozen=True):
    environments: tuple[Environment, ...] = ()


class _Policies(Seen, frozen=True):
    branch_policies: tuple[_Named, ...] = ()


def read_settings(github: GitHub, ledger: str) -> RepositorySettings:
    """Everything in at most a dozen calls, and a few for each ruleset and environment.

    Args:
        github: the repository.
        ledger: the branch of its ledger.

    Raises:
        GitHubError: the repository itself cannot be seen, or no answer comes.
    """
    reader = _Reader(github)
    branch = github.calls.get(_Repository, reader.root).default_branch
    ours = reader.branch(branch)
    return RepositorySettings(
        branch=branch,
        rules=ours.rules,
        rulesets=ours.rulesets,
        protection=ours.protection,
        environments=reader.environments(),
        secrets=reader.secrets(),
        actions=reader.get(ActionsPolicy, "/actions/permissions"),
        token=reader.get(TokenPolicy, "/actions/permissions/workflow"),
        ledger=reader.branch(ledger),
    )


class _Reader:
    """One repository; what is refused is hidden and no error."""

    def __init__(self, github: GitHub) -> None:
        owner, _, name = github.repository.partition("/")
        self.root = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
        self._github = github

    def get(self, kind: type[T], path: str) -> T | Hidden:
        try:
            return self._github.calls.get(kind, f"{self.root}{path}", per_page=100)
        except RefusedError as error:
            return _hidden(path, error)

    def branch(self, name: str) -> BranchRules:
        rules = self.rules(name)
        return BranchRules(
            branch=name,
            rules=rules,
            rulesets=rules if isinstance(rules, Hidden) else self.rulesets(rules),
            protection=self.protection(name),
        )

    def rules(self, branch: str) -> tuple[Rule, ...] | Hidden:
        path = f"/rules/branches/{quote(branch, safe='')}"
        try:
            found, _ = self._github.calls.pages(Rule, f"{self.root}{path}", pages_max=_PAGES_MAX)
        except RefusedError as error:
            return _hidden(path, error)
        return tuple(found)

    def rulesets(self, rules: tuple[Rule, ...]) -> tuple[Ruleset, ...] | Hidden:
        numbers = dict.fromkeys(rule.ruleset_id for rule in rules if rule.ruleset_id is not None)
        found = []
        for number in numbers:
            ruleset = self.get(Ruleset, f"/rulesets/{number}")
            if isinstance(ruleset, Hidden):
                return ruleset
            found.append(ruleset)
        return tuple(found)

    def protection(self, branch: str) -> Protection | Hidden | None:
        path = f"/branches/{quote(branch, safe='')}/protection"
        try:
            return self._github.calls.get(Protection, f"{self.root}{path}")
        except RefusedError as error:
            # A token without the right gets the same status, and other words.
            return None if error.said in _NOT_PROTECTED else _hidden(path, error)

    def environments(self) -> tuple[NamedEnvironment, ...] | Hidden:
        found = self.get(_Environments, "/environments")
        if isinstance(found, Hidden):
            return found
        named = []
        for one in found.environments:
            patterns = self._patterns(one)
            if isinstance(patterns, Hidden):
                return patterns
            named.append(NamedEnvironment(one.name, patterns))
        return tuple(named)

    def _patterns(self, environment: Environment) -> tuple[str, ...] | Hidden | None:
        policy = environment.deployment_branch_policy
        if policy is None:
            return None
        if not policy.custom_branch_policies:
            return ("(protected branches)",)
        name = quote(environment.name, safe="")
        listed = self.get(_Policies, f"/environments/{name}/deployment-branch-policies")
        if isinstance(listed, Hidden):
            return listed
        return tuple(one.name for one in listed.branch_policies)

    def secrets(self) -> tuple[str, ...] | Hidden:
        own = self.get(_Secrets, "/actions/secrets")
        if isinstance(own, Hidden):
            return own
        shared = self.get(_Secrets, "/actions/organization-secrets")
        of_all = () if isinstance(shared, Hidden) else shared.secrets
        return tuple(one.name for one in (*own.secrets, *of_all))


def _hidden(path: str, error: RefusedError) -> Hidden:
    if error.status not in _REFUSED:
        raise error
    return Hidden(path, f"{error.status}: {error.said}")
