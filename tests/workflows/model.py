"""The workflow files as typed values; what the types do not know, no workflow of ours may have."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

ROOT = Path(__file__).parents[2]
ACTION = "action.yml"
FOLDER = ".github/workflows/"
Values = dict[str, str]


class Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping whose keys are all known here."""


class Step(Closed, frozen=True, kw_only=True, rename={"with_": "with", "if_": "if"}):
    name: str = ""
    id: str = ""
    if_: str = ""
    uses: str = ""
    with_: Values = {}
    run: str = ""
    shell: str = ""
    env: Values = {}


class Environment(Closed, frozen=True, kw_only=True):
    name: str
    deployment: str


class Job(
    Closed,
    frozen=True,
    kw_only=True,
    rename={"if_": "if", "runs_on": "runs-on", "timeout": "timeout-minutes"},
):
    name: str = ""
    if_: str = ""
    needs: str = ""
    runs_on: str
    timeout: str
    environment: Environment | None = None
    permissions: Values
    outputs: Values = {}
    steps: tuple[Step, ...]


class Concurrency(Closed, frozen=True, kw_only=True, rename={"cancel": "cancel-in-progress"}):
    group: str
    cancel: str
    queue: str = ""


class Workflow(Closed, frozen=True, kw_only=True):
    name: str
    on: dict[str, object]
    permissions: Values
    concurrency: Concurrency
    jobs: dict[str, Job]


class Input(Closed, frozen=True, kw_only=True):
    description: str
    required: str = "false"
    default: str = ""


class Runs(Closed, frozen=True, kw_only=True):
    using: str
    steps: tuple[Step, ...]


class Action(Closed, frozen=True, kw_only=True):
    name: str
    description: str
    author: str
    inputs: dict[str, Input]
    runs: Runs


class Placed(NamedTuple):
    """A step, and where it stands."""

    file: str
    job: str
    step: Step

    def __str__(self) -> str:
        return f"{self.file}: {self.job}: {self.step.name or self.step.uses or self.step.run[:30]}"


class Tree(NamedTuple):
    """All workflow files of a repository, parsed, with their texts and what lies beside them."""

    texts: Mapping[str, str]
    workflows: Mapping[str, Workflow]
    action: Action

    def steps(self) -> Iterator[Placed]:
        """Every step, the action's last."""
        for file, workflow in self.workflows.items():
            for key, job in workflow.jobs.items():
                yield from (Placed(file, key, step) for step in job.steps)
        yield from (Placed(ACTION, "", step) for step in self.action.runs.steps)

    def jobs(self) -> Iterator[tuple[str, str, Job]]:
        """Every job, with its file and key."""
        for file, workflow in self.workflows.items():
            for key, job in workflow.jobs.items():
                yield file, key, job


def read_texts(root: Path = ROOT) -> dict[str, str]:
    """The files that decide what runs, by their path."""
    paths = [*sorted((root / FOLDER).iterdir()), root / ACTION, root / "requirements-report.lock"]
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}


def parse(texts: Mapping[str, str]) -> Tree:
    """The files as values.

    Raises:
        msgspec.ValidationError: a key that no workflow of ours may have.
    """
    workflows = {
        name.removeprefix(FOLDER): msgspec.convert(_load(text), Workflow)
        for name, text in texts.items()
        if name.startswith(FOLDER)
    }
    return Tree(texts, workflows, msgspec.convert(_load(texts[ACTION]), Action))


def _load(text: str) -> object:
    """YAML with every scalar as its text: `on` stays `on`, and `false` is not quoted `"false"`."""
    value = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - it makes texts only
    if isinstance(value, dict) and isinstance(value.get("on"), str):
        value["on"] = {value["on"]: ""}
    return value
