"""What is weak in a repository's workflows, told from their texts (security.md, part 1a)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gates.doctor.sign import Level, Sign, listed, ok
from gates.doctor.workflow_files import FOLDER, Workflow, read_workflow
from gates.errors import EvidenceError

_PINNED = re.compile(r"[^@\s]+@[0-9a-f]{40}([0-9a-f]{24})?")
_IMAGE = re.compile(r"docker://\S+@sha256:[0-9a-f]{64}")
_SECRET = re.compile(r"\$\{\{[^}]*\bsecrets\b(?!\.GITHUB_TOKEN\b)")
_HEAD = re.compile(r"refs/pull/|gh pr checkout|workflow_run\.head|pull_request\.head|FETCH_HEAD")
_HOSTILE = re.compile(
    r"\$\{\{[^}]*(github\.head_ref|github\.event\.(pull_request|issue|comment|review|head_commit|"
    r"commits|workflow_run)\b[^}]*(ref|title|body|message|label|name|email|branch))"
)
_REPORT_MAY_WRITE = {"checks", "pull-requests", "statuses", "issues"}
_ELSEWHERE = ("ref", "repository", "allow-unsafe-pr-checkout")
_FILTERS = ("paths", "paths-ignore", "branches", "branches-ignore")
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
        yield Sign(
            setting="readable workflows",
            level=Level.WEAK,
            said=f"not looked at, because not plain YAML: {listed(unreadable)}",
            mend="Write plain values, so that what runs can be read.",
            forgeable=True,
        )
    for rule in RULES:
        places = [place for workflow in read for place in rule.find(workflow)]
        yield _sign(rule, places)


def _sign(rule: Rule, places: Sequence[str]) -> Sign:
    if not places:
        return ok(rule.setting, rule.good)
    return Sign(
        setting=rule.setting,
        level=Level.WEAK,
        said=f"{rule.bad}: {listed(places)}",
        mend=rule.mend,
        forgeable=rule.forgeable,
    )


def _judge_parts(read: Sequence[Workflow]) -> Sign:
    have = {part: workflow.path for workflow in read for part in workflow.does}
    lacking = [f"none {what} (`do: {part}`)" for part, what in _PARTS.items() if part not in have]
    if not lacking:
        return ok("workflows", f"{have['collect']} collects, {have['report']} judges")
    return Sign(
        setting="workflows",
        level=Level.MISSING,
        said="; ".join(lacking),
        mend="`gatepost init` writes them.",
        forgeable=True,
    )


def _find_targets(workflow: Workflow) -> Iterator[str]:
    if "pull_request_target" in workflow.events:
        yield workflow.path.removeprefix(FOLDER)


def _find_unpinned(workflow: Workflow) -> Iterator[str]:
    for job in workflow.jobs:
        named = [(job.place, job.calls), *((step.place, step.uses) for step in job.steps)]
        for place, uses in named:
            if uses and not uses.startswith(("./", "$/")):
                pattern = _IMAGE if uses.startswith("docker:") else _PINNED
                if not pattern.fullmatch(uses):
                    yield f"{place} {uses}"


def _find_wide(workflow: Workflow) -> Iterator[str]:
    if not workflow.events:
        return  # a composite action has its caller's
    for job in workflow.jobs:
        given = workflow.permissions if job.permissions is None else job.permissions
        if given is None:
            yield f"{job.place} has the repository's default"
        elif too_wide := _too_wide(workflow, given):
            yield f"{job.place} {too_wide}"


def _too_wide(workflow: Workflow, given: Any) -> str:
    if not isinstance(given, dict):
        return str(given) if given == "write-all" else ""
    written = {right for right, access in given.items() if access == "write"}
    if workflow.is_judging and not workflow.runs_pulls:
        written -= _REPORT_MAY_WRITE
    elif not workflow.runs_pulls:
        return ""  # the default branch's own code, which nobody but its reviewers changes
    return ", ".join(f"{right}: write" for right in sorted(written))


def _find_secrets(workflow: Workflow) -> Iterator[str]:
    if not workflow.runs_pulls:
        return
    for job in workflow.jobs:
        if job.environment:
            yield f"{job.place} environment {job.environment}"
        yield from (place for place, text in job.texts if _SECRET.search(text))
        yield from (place for place, text in job.texts if job.calls and text == "inherit")


def _find_self_hosted(workflow: Workflow) -> Iterator[str]:
    if workflow.runs_pulls:
        for job in workflow.jobs:
            if re.search(r"\bself-hosted\b|\bgroup\b", job.runs_on):
                yield f"{job.place} {job.runs_on}"


def _find_caches(workflow: Workflow) -> Iterator[str]:
    if workflow.is_trusted:
        for job in workflow.jobs:
            for step in job.steps:
                cached = step.inputs.get("cache", "false") not in ("false", "")
                if step.uses.startswith("actions/cache") or (cached and "setup" in step.uses):
                    yield step.place


def _find_kept_credentials(workflow: Workflow) -> Iterator[str]:
    for job in workflow.jobs:
        for step in job.steps:
            kept = step.inputs.get("persist-credentials") != "false"
            if step.uses.startswith("actions/checkout@") and kept:
                yield step.place


def _find_foreign_code(workflow: Workflow) -> Iterator[str]:
    if not workflow.is_judging:
        return
    for job in workflow.jobs:
        for step in job.steps:
            checks_out = step.uses.startswith("actions/checkout@")
            elsewhere = checks_out and any(name in step.inputs for name in _ELSEWHERE)
            fetched = step.uses.startswith("actions/download-artifact@")
            if elsewhere or fetched or _HEAD.search(step.run):
                yield step.place


def _find_injections(workflow: Workflow) -> Iterator[str]:
    for job in workflow.jobs:
        for step in job.steps:
            if _HOSTILE.search(step.run) or (workflow.is_judging and "${{" in step.run):
                yield step.place


def _find_impostors(workflow: Workflow) -> Iterator[str]:
    if workflow.is_judging and "report" in workflow.does:
        for job in workflow.jobs:
            if "github.event.workflow_run.path ==" not in " ".join(job.condition.split()):
                yield job.place


def _find_dropped(workflow: Workflow) -> Iterator[str]:
    cancels = str(workflow.concurrency.get("cancel-in-progress", False)) != "False"
    queued = workflow.concurrency.get("queue") == "max"
    if workflow.is_judging and "report" in workflow.does and (cancels or not queued):
        yield workflow.path.removeprefix(FOLDER)


def _find_filters(workflow: Workflow) -> Iterator[str]:
    wanted = workflow.events.get("pull_request")
    if "collect" in workflow.does and isinstance(wanted, dict):
        names = [name for name in _FILTERS if name in wanted]
        if names:
            yield f"{workflow.path.removeprefix(FOLDER)} {', '.join(names)}"


RULES = (
    Rule(
        "pull_request_target",
        "no workflow runs on it",
        "a pull request's workflow with the base's rights",
        "Use `pull_request` for what runs its code, and `workflow_run` for what judges it.",
        forgeable=True,
        find=_find_targets,
    ),
    Rule(
        "pinned actions",
        "every action is named by its commit",
        "named by a tag or branch, which its owner can move",
        "Name the full commit, with the version as a comment: `owner/name@<commit> # v1.2.3`.",
        forgeable=True,
        find=_find_unpinned,
    ),
    Rule(
        "permissions",
        "no job has more rights than it needs",
        "rights that nothing there needs",
        "Write `permissions: {}` at the top and each job's own rights; `contents: read` is enough "
        "for what runs a pull request.",
        forgeable=True,
        find=_find_wide,
    ),
    Rule(
        "secrets",
        "no workflow that runs a pull request's code names one",
        "secrets or environments where a pull request's code runs",
        "Move what needs them to a workflow on the default branch.",
        forgeable=True,
        find=_find_secrets,
    ),
    Rule(
        "runners",
        "pull requests run on GitHub's own",
        "a pull request's code may stay behind on",
        "Use GitHub-hosted or ephemeral runners for `pull_request`.",
        forgeable=True,
        find=_find_self_hosted,
    ),
    Rule(
        "caches",
        "what judges restores none",
        "restored where verdicts are made",
        "Install anew there: others can write to what a cache is restored from.",
        forgeable=True,
        find=_find_caches,
    ),
    Rule(
        "trusted code",
        "what judges runs the default branch's code only",
        "a pull request's files beside the token",
        "Check out without `ref` and `repository`, and fetch evidence with gatepost, as data.",
        forgeable=True,
        find=_find_foreign_code,
    ),
    Rule(
        "expressions in commands",
        "none that others can write",
        "text of others becomes part of a command",
        "Pass it in `env:` and name the variable in quotes.",
        forgeable=True,
        find=_find_injections,
    ),
    Rule(
        "which run is judged",
        "only that of the workflow's own file",
        "any workflow of the same name is believed",
        "Begin the job's `if:` with `github.event.workflow_run.path == '.github/workflows/…'`.",
        forgeable=True,
        find=_find_impostors,
    ),
    Rule(
        "persisted credentials",
        "no checkout leaves the token behind",
        "the token stays in .git/config",
        "Write `persist-credentials: false` at every checkout.",
        forgeable=False,
        find=_find_kept_credentials,
    ),
    Rule(
        "waiting verdicts",
        "each gets its turn",
        "a waiting verdict is dropped for the next one",
        "Write `cancel-in-progress: false` and `queue: max` under `concurrency`.",
        forgeable=False,
        find=_find_dropped,
    ),
    Rule(
        "every pull request",
        "is judged",
        "some pull requests never get a verdict",
        "Take the filters away; a required check that never comes blocks for ever.",
        forgeable=False,
        find=_find_filters,
    ),
)
