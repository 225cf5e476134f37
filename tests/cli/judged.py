"""The tiny project of the shell's tests, with limits by which it can be judged."""

import json
from pathlib import Path

import msgspec

from tests.shell.project import SOURCES, change_params, commit, git, make_project, run

LIMITS = """\
gates:
  evidence:
{evidence}
  metric_regression:
    metrics: {{accuracy: {{margin: 0.1}}}}
  schema: {{}}
  policy_change: {{}}
"""


def limits() -> str:
    pairs = msgspec.structs.asdict(SOURCES).items()
    return LIMITS.format(
        evidence="\n".join(f"    {key}: {json.dumps(value)}" for key, value in pairs)
    )


def make_judged(folder: Path) -> None:
    """A model that is right on all 25 test rows, and that `shift: 0` makes wrong on all."""
    make_project(folder)
    change_params(folder, "shift: 0", "shift: 900")
    change_params(folder, "gates: {task: binary}\n", limits())
    run(folder, "dvc", "repro", "-q")
    commit(folder, "a right model, and limits")


def propose(project: Path, old: str, new: str) -> None:
    """A branch on which somebody edited the parameters, and ran nothing yet."""
    git(project, "checkout", "-q", "-b", "proposal")
    change_params(project, old, new)
