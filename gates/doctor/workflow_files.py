"""Workflow files as typed values: whatever GitHub accepts, as far as its settings can be weak."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gates.errors import EvidenceError
from gates.reading.strict_yaml import Document, Path, load

FOLDER = ".github/workflows/"
OURS = ("collect", "report", "baseline", "confirm", "ledger")
_BY_PULLS = frozenset(
    {
        *("pull_request", "pull_request_target", "merge_group", "issue_comment", "issues"),
        *("pull_request_review", "pull_request_review_comment", "discussion", "fork"),
    }
)
_OURS_RUN = re.compile(r"\bgate(?:s|post)\s+(collect|publish|receive)\b")
_RUN_AS = {"collect": "collect", "publish": "report", "receive": "report"}


class Step(msgspec.Struct, frozen=True):
    """One step, and where it stands."""

    place: str
    uses: str
    run: str
    inputs: Mapping[str, str]

    @property
    def does(self) -> str:
        """Which part of gatepost it is, if any."""
        if self.uses and (do := self.inputs.get("do", "")) in OURS:
            return do
        found = _OURS_RUN.search(self.run)
        return _RUN_AS[found[1]] if found else ""


class Job(msgspec.Struct, frozen=True):
    """One job; `texts` are all values in it."""

    place: str
    condition: str
    runs_on: str
    permissions: Any
    environment: str
    calls: str  # a reusable workflow
    steps: tuple[Step, ...]
    texts: tuple[tuple[str, str], ...]  # place, value


class Workflow(msgspec.Struct, frozen=True):
    """One file."""

    path: str
    events: Mapping[str, Any]
    permissions: Any
    concurrency: Mapping[str, Any]
    jobs: tuple[Job, ...]

    @property
    def does(self) -> frozenset[str]:
        """Which parts of gatepost it runs."""
        return frozenset(step.does for job in self.jobs for step in job.steps) - {""}

    @property
    def runs_pulls(self) -> bool:
        """Whether it runs what a pull request brings along."""
        return bool(_BY_PULLS & set(self.events))

    @property
    def is_judging(self) -> bool:
        """Whether it runs on behalf of another workflow's run, with rights of its own."""
        return "workflow_run" in self.events

    @property
    def is_trusted(self) -> bool:
        """Whether what it leaves is believed."""
        return self.is_judging or bool(self.does - {"collect"})


def read_workflow(path: str, text: str) -> Workflow:
    """Parse one workflow, or a composite action, which has no events and one job.

    Raises:
        EvidenceError: it is not plain YAML, or no workflow.
    """
    document = load(text.encode(), path, EvidenceError)
    tree = document.value
    if not isinstance(tree, dict):
        raise EvidenceError(f"{path}: no workflow: expected keys and values.")
    if isinstance(runs := tree.get("runs"), dict):
        jobs: tuple[Job, ...] = (_job(document, ("runs",), runs),)
    else:
        listed = tree.get("jobs")
        items = listed.items() if isinstance(listed, dict) else ()
        jobs = tuple(_job(document, ("jobs", key), job) for key, job in items if _is_map(job))
    concurrency = tree.get("concurrency")
    return Workflow(
        path=path,
        events=_events(tree.get("on")),
        permissions=tree.get("permissions"),
        concurrency=concurrency if isinstance(concurrency, dict) else {},
        jobs=jobs,
    )


def _job(document: Document, path: Path, job: dict[str, Any]) -> Job:
    steps = job.get("steps")
    environment = job.get("environment")
    named = environment.get("name", "") if isinstance(environment, dict) else environment
    return Job(
        place=_place(document, path),
        condition=str(job.get("if", "")),
        runs_on=_all_text(job.get("runs-on")),
        permissions=job.get("permissions"),
        environment=str(named or ""),
        calls=str(job.get("uses") or ""),
        steps=tuple(
            _step(document, (*path, "steps", at), step)
            for at, step in enumerate(steps if isinstance(steps, list) else [])
            if _is_map(step)
        ),
        texts=tuple(_texts(document, path, job)),
    )


def _step(document: Document, path: Path, step: dict[str, Any]) -> Step:
    inputs = step.get("with")
    given = inputs if isinstance(inputs, dict) else {}
    return Step(
        place=_place(document, path),
        uses=str(step.get("uses") or ""),
        run=str(step.get("run") or ""),
        inputs={key: _scalar(value) for key, value in given.items()},
    )


def _events(on: Any) -> Mapping[str, Any]:
    if isinstance(on, dict):
        return on
    names = on if isinstance(on, list) else [on]
    return {str(name): None for name in names if name}


def _texts(document: Document, path: Path, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(document, (*path, key), item)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(document, (*path, at), item)
    elif isinstance(value, str):
        yield _place(document, path), value


def _all_text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join((*map(str, value), *map(_all_text, value.values())))
    return " ".join(map(_all_text, value)) if isinstance(value, list) else str(value or "")


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _place(document: Document, path: Path) -> str:
    """`report.yml:31`, as short as it can be found by."""
    return document.place(path).partition(": ")[0].removeprefix(FOLDER)


def environments_in(texts: Mapping[str, str]) -> frozenset[str]:
    """Every environment that a readable workflow names."""
    found: set[str] = set()
    for path, text in texts.items():
        with contextlib.suppress(EvidenceError):
            found |= {job.environment for job in read_workflow(path, text).jobs}
    return frozenset(found) - {""}
