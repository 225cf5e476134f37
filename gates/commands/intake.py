"""`gatepost intake`: the evidence that a workflow run left → a folder, as hostile data."""

import argparse
import os
import sys
from pathlib import Path

from gates.commands.publish import head_of, open_github
from gates.errors import EvidenceError, ExitCode
from gates.github.event import Head
from gates.github.intake import Budget, take_in
from gates.github.repository import GitHub
from gates.github.values import Artifact


def run(arguments: argparse.Namespace) -> ExitCode:
    """Fetch the artifact of the event's run, and unpack it where it is asked for."""
    head, budget = head_of(arguments), Budget()
    github, _ = open_github(head)
    artifact = find_artifact(github, head, f"{arguments.artifact}-{head.run.attempt}")
    content = github.download(artifact, bytes_max=budget.archive_bytes)
    folder = Path(arguments.out)
    take_in(content, folder, digest=artifact.digest, revision=head.sha, budget=budget)
    sys.stdout.write(f"{os.fspath(folder)}\n")
    return ExitCode.MAY_MERGE


def find_artifact(github: GitHub, head: Head, name: str) -> Artifact:
    """The one artifact of this name that the run left.

    Raises:
        EvidenceError: there is none, several, or it has expired.
    """
    found = github.artifacts(head.run.id, name)
    if len(found) != 1 or found[0].expired:
        what = "has expired" if len(found) == 1 else f"is there {len(found)} times"
        raise EvidenceError(
            f"run {head.run}: the artifact {name!r} {what}; each attempt leaves it once. Look "
            "whether the workflow failed before it, and re-run all of its jobs."
        )
    return found[0]
