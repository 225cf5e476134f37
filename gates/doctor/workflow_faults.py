"""Where a workflow has what it should not: each function finds one kind of place."""

import re
from collections.abc import Iterator
from typing import Any

from gates.doctor.workflow_files import FOLDER, Workflow

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


def find_targets(workflow: Workflow) -> Iterator[str]:
    """Workflows on `pull_request_target`."""
    if "pull_request_target" in workflow.events:
        yield workflow.path.removeprefix(FOLDER)


def find_unpinned(workflow: Workflow) -> Iterator[str]:
    """Actions, workflows and images that are not named by their content."""
    for job in workflow.jobs:
        named = [(job.place, job.calls), *((step.place, step.uses) for step in job.steps)]
        for place, uses in named:
            if uses and not uses.startswith(("./", "$/")):
                pattern = _IMAGE if uses.startswith("docker:") else _PINNED
                if not pattern.fullmatch(uses):
                    yield f"{place} {uses}"


def find_wide(workflow: Workflow) -> Iterator[str]:
    """Jobs with more rights than what they run needs."""
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


def find_secrets(workflow: Workflow) -> Iterator[str]:
    """Secrets and environments where a pull request's code runs."""
    if not workflow.runs_pulls:
        return
    for job in workflow.jobs:
        if job.environment:
            yield f"{job.place} environment {job.environment}"
        yield from (place for place, text in job.texts if _SECRET.search(text))
        yield from (place for place, text in job.texts if job.calls and text == "inherit")


def find_self_hosted(workflow: Workflow) -> Iterator[str]:
    """Runners of one's own where a pull request's code runs."""
    if workflow.runs_pulls:
        for job in workflow.jobs:
            if re.search(r"\bself-hosted\b|\bgroup\b", job.runs_on):
                yield f"{job.place} {job.runs_on}"


def find_caches(workflow: Workflow) -> Iterator[str]:
    """Caches that are restored where verdicts are made."""
    if workflow.is_trusted:
        for job in workflow.jobs:
            for step in job.steps:
                cached = step.inputs.get("cache", "false") not in ("false", "")
                if step.uses.startswith("actions/cache") or (cached and "setup" in step.uses):
                    yield step.place


def find_kept_credentials(workflow: Workflow) -> Iterator[str]:
    """Checkouts that leave the token in `.git/config`."""
    for job in workflow.jobs:
        for step in job.steps:
            kept = step.inputs.get("persist-credentials") != "false"
            if step.uses.startswith("actions/checkout@") and kept:
                yield step.place


def find_foreign_code(workflow: Workflow) -> Iterator[str]:
    """Steps that bring a pull request's files to where the token is."""
    if not workflow.is_judging:
        return
    for job in workflow.jobs:
        for step in job.steps:
            checks_out = step.uses.startswith("actions/checkout@")
            elsewhere = checks_out and any(name in step.inputs for name in _ELSEWHERE)
            fetched = step.uses.startswith("actions/download-artifact@")
            if elsewhere or fetched or _HEAD.search(step.run):
                yield step.place


def find_injections(workflow: Workflow) -> Iterator[str]:
    """Commands that hold text of others."""
    for job in workflow.jobs:
        for step in job.steps:
            if _HOSTILE.search(step.run) or (workflow.is_judging and "${{" in step.run):
                yield step.place


def find_impostors(workflow: Workflow) -> Iterator[str]:
    """Judging jobs that do not look which file ran."""
    if workflow.is_judging and "report" in workflow.does:
        for job in workflow.jobs:
            if "github.event.workflow_run.path ==" not in " ".join(job.condition.split()):
                yield job.place


def find_dropped(workflow: Workflow) -> Iterator[str]:
    """Judging workflows whose waiting runs are dropped."""
    cancels = str(workflow.concurrency.get("cancel-in-progress", False)) != "False"
    queued = workflow.concurrency.get("queue") == "max"
    if workflow.is_judging and "report" in workflow.does and (cancels or not queued):
        yield workflow.path.removeprefix(FOLDER)


def find_filters(workflow: Workflow) -> Iterator[str]:
    """Filters by which a pull request gets no verdict."""
    wanted = workflow.events.get("pull_request")
    if "collect" in workflow.does and isinstance(wanted, dict):
        names = [name for name in _FILTERS if name in wanted]
        if names:
            yield f"{workflow.path.removeprefix(FOLDER)} {', '.join(names)}"
