"""What is weak in a repository's workflows, told from their texts (security.md, part 1a)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gates.doctor.sign import Sign, listed, missing, ok, weak
from gates.doctor.workflow_faults import (
    find_caches,
    find_dropped,
    find_filters,
    find_foreign_code,
    find_impostors,
    find_injections,
    find_kept_credentials,
    find_secrets,
    find_self_hosted,
    find_targets,
    find_unpinned,
    find_wide,
)
from gates.doctor.workflow_files import FOLDER, Workflow, read_workflow
from gates.errors import EvidenceError

_PARTS = {
    "collect": "runs a pull request's pipeline and leaves evidence",
    "report": "judges that evidence, comments and sets the check",
    "baseline": "leaves the default branch's evidence to compare with",
}


class Rule(NamedTuple):
    """Something that no workflow should have: how to find it, and what to do about it."""

    setting: str
    good: str
    bad: str  # before the places
    mend: str
    forgeable: bool
    find: Callable[[Workflow], Iterator[str]]


def examine_workflows(texts: Mapping[str, str]) -> Iterator[Sign]:
    """One sign for each rule, over all workflows and composite actions of a repository.

    Args:
        texts: path from the root → content.
    """
    read: list[Workflow] = []
    unreadable: list[str] = []
    for path, text in sorted(texts.items()):
        try:
            read.append(read_workflow(path, text))
        except EvidenceError as error:
            unreadable.append(str(error))
    yield _judge_parts([one for one in read if one.path.startswith(FOLDER)])
    if unreadable:
        yield weak(
            "readable workflows",
            f"not looked at, because not plain YAML: {listed(unreadable)}",
            "Write plain values, so that what runs can be read.",
            forgeable=True,
        )
    for rule in RULES:
        places = [place for workflow in read for place in rule.find(workflow)]
        yield _sign(rule, places)


def _sign(rule: Rule, places: Sequence[str]) -> Sign:
    if not places:
        return ok(rule.setting, rule.good)
    return weak(rule.setting, f"{rule.bad}: {listed(places)}", rule.mend, forgeable=rule.forgeable)


def _judge_parts(read: Sequence[Workflow]) -> Sign:
    have = {part: workflow.path for workflow in read for part in workflow.does}
    lacking = [f"none {what} (`do: {part}`)" for part, what in _PARTS.items() if part not in have]
    if not lacking:
        return ok("workflows", f"{have['collect']} collects, {have['report']} judges")
    return missing("workflows", "; ".join(lacking), "`gatepost init` writes them.", forgeable=True)


RULES = (
    Rule(
        "pull_request_target",
        "no workflow runs on it",
        "a pull request's workflow with the base's rights",
        "Use `pull_request` for what runs its code, and `workflow_run` for what judges it.",
        forgeable=True,
        find=find_targets,
    ),
    Rule(
        "pinned actions",
        "every action is named by its commit",
        "named by a tag or branch, which its owner can move",
        "Name the full commit, with the version as a comment: `owner/name@<commit> # v1.2.3`.",
        forgeable=True,
        find=find_unpinned,
    ),
    Rule(
        "permissions",
        "no job has more rights than it needs",
        "rights that nothing there needs",
        "Write `permissions: {}` at the top and each job's own rights; `contents: read` is enough "
        "for what runs a pull request.",
        forgeable=True,
        find=find_wide,
    ),
    Rule(
        "secrets",
        "no workflow that runs a pull request's code names one",
        "secrets or environments where a pull request's code runs",
        "Move what needs them to a workflow on the default branch.",
        forgeable=True,
        find=find_secrets,
    ),
    Rule(
        "runners",
        "pull requests run on GitHub's own",
        "a pull request's code may stay behind on",
        "Use GitHub-hosted or ephemeral runners for `pull_request`.",
        forgeable=True,
        find=find_self_hosted,
    ),
    Rule(
        "caches",
        "what judges restores none",
        "restored where verdicts are made",
        "Install anew there: others can write to what a cache is restored from.",
        forgeable=True,
        find=find_caches,
    ),
    Rule(
        "trusted code",
        "what judges runs the default branch's code only",
        "a pull request's files beside the token",
        "Check out without `ref` and `repository`, and fetch evidence with gatepost, as data.",
        forgeable=True,
        find=find_foreign_code,
    ),
    Rule(
        "expressions in commands",
        "none that others can write",
        "text of others becomes part of a command",
        "Pass it in `env:` and name the variable in quotes.",
        forgeable=True,
        find=find_injections,
    ),
    Rule(
        "which run is judged",
        "only that of the workflow's own file",
        "any workflow of the same name is believed",
        "Begin the job's `if:` with `github.event.workflow_run.path == '.github/workflows/…'`.",
        forgeable=True,
        find=find_impostors,
    ),
    Rule(
        "persisted credentials",
        "no checkout leaves the token behind",
        "the token stays in .git/config",
        "Write `persist-credentials: false` at every checkout.",
        forgeable=False,
        find=find_kept_credentials,
    ),
    Rule(
        "waiting verdicts",
        "each gets its turn",
        "a waiting verdict is dropped for the next one",
        "Write `cancel-in-progress: false` and `queue: max` under `concurrency`.",
        forgeable=False,
        find=find_dropped,
    ),
    Rule(
        "every pull request",
        "is judged",
        "some pull requests never get a verdict",
        "Take the filters away; a required check that never comes blocks for ever.",
        forgeable=False,
        find=find_filters,
    ),
)
