"""`gatepost confirm`: does the merged commit give what its pull request had claimed?

The pull request's own code made the numbers that it was judged by. On the default branch they are
made again; where the same files give other tables, somebody made them up, or training is not
repeatable, and both are worth a red run.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from gates.commands.publish import open_github
from gates.errors import EvidenceError, ExitCode
from gates.evidence.manifest import TABLES, Manifest
from gates.github.fetch import take
from gates.github.runs import artifacts_of, find_claims, head_here

_ASKED_BY_A_PULL: Final = ("predictions.parquet", "test.parquet", "train.parquet")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Compare this run's evidence with the claim; exit 1 where the tables differ."""
    head = head_here()
    github, _ = open_github(head)
    own = next(
        artifacts_of(github, head.run.id, head.run.attempt, arguments.baseline_artifact), None
    )
    if own is None:
        raise EvidenceError(
            f"run {head.run}: no artifact {arguments.baseline_artifact!r}; see the job before this."
        )
    with tempfile.TemporaryDirectory(prefix="gatepost-") as name:
        merged = take(github, own, Path(name) / "merged", head.sha)
        claims = find_claims(github, head, workflow=arguments.workflow, name=arguments.artifact)
        for count, (sha, found) in enumerate(claims):
            claim = take(github, found.artifact, Path(name) / f"claim{count}", sha)
            if differing := differing_tables(claim, merged):
                _say(
                    f"Run {found.run.id} claimed other tables of the same files: "
                    f"{', '.join(differing)}. Look at who made them up, or whether training is "
                    "repeatable (`gatepost explain repeatability`)."
                )
                return ExitCode.BLOCKED
            _say(f"The same tables came out as run {found.run.id} had claimed.")
            return ExitCode.MAY_MERGE
    _say("Nobody claimed anything of exactly these files, so there is nothing to compare with.")
    return ExitCode.MAY_MERGE


def differing_tables(claim: Manifest, merged: Manifest) -> tuple[str, ...]:
    """Tables that are not the same bytes on both sides, or that the claim lacks."""
    wanted = {name for name in TABLES if merged.digest_of(name)} & {*_ASKED_BY_A_PULL}
    return tuple(name for name in sorted(wanted) if claim.digest_of(name) != merged.digest_of(name))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    if name := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(name).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
