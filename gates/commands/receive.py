"""`gatepost receive`: what a workflow run left → a verdict, whatever happens on the way.

The token is used to fetch, in this process; the evidence is judged in a child that has no token
and no variable of the job's.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from signal import Signals
from typing import Final

import msgspec

import gates
from gates import __version__
from gates.commands.intake import find_artifact
from gates.commands.publish import head_of, open_github, write_known
from gates.commands.show import EXIT_CODES, own_templates, write_reports
from gates.errors import EvidenceError, ExitCode, GatesError
from gates.evidence.manifest import write_atomically
from gates.finding import Decision, Side, Verdict
from gates.github.event import Head
from gates.github.fetch import take
from gates.github.repository import GitHub
from gates.github.runs import Base, Found, file_at, find_base, find_baseline_artifact
from gates.process import plain, signals_as_interrupt
from gates.verdict import read_verdict, write_verdict

VERDICT: Final = "verdict.json"
KNOWN: Final = "repository.json"  # for `publish --known`
PARAMS: Final = "params.yaml"
WAIVERS: Final = "waivers.yaml"  # as in `gates.waivers`, which would load YAML beside the token
_JUDGE_MAX_S: Final = 600
# Isolated from the job's folder and variables, and of the same code as this process.
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import gates.__main__ as it; it.run()"
)
_CODE: Final = Path(gates.__file__).parents[1]
_NO_BASELINE: Final = "the default branch has never left evidence; its workflow will from now on"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "NO_COLOR")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Fetch, judge, and leave `verdict.json` with its reports; the exit code is the verdict's."""
    head, out = head_of(arguments), Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    for name in (VERDICT, KNOWN):
        (out / name).unlink(missing_ok=True)
    try:
        with signals_as_interrupt():
            verdict = _receive(arguments, head, out)
    except GatesError as error:
        sys.stderr.write(f"  · {plain(str(error).encode())}\n")
        verdict = no_verdict(head, str(error))
    except KeyboardInterrupt:
        verdict = no_verdict(head, "The job was cancelled. Re-run it.")
        write_atomically(out / VERDICT, write_verdict(verdict))
        raise
    write_atomically(out / VERDICT, write_verdict(verdict))
    write_reports(verdict, out, own_templates(Path.cwd()))
    return EXIT_CODES[verdict.decision]


def no_verdict(head: Head, reason: str) -> Verdict:
    """The verdict that there is none, and why."""
    return Verdict(
        gatepost=__version__,
        decision=Decision.CANNOT_JUDGE,
        reason=reason,
        candidate=Side(revision=head.sha),
        baseline=None,
        policy_from="base",
        outcomes=(),
        test_set=None,
    )


def _receive(arguments: argparse.Namespace, head: Head, out: Path) -> Verdict:
    github, _ = open_github(head)
    write_atomically(out / KNOWN, write_known(github, head))
    candidate = find_artifact(github, head, f"{arguments.artifact}-{head.run.attempt}")
    take(github, candidate, out / "candidate", head.sha)
    base = find_base(github, head)
    found = find_baseline_artifact(
        github, head, base, workflow=arguments.baseline_workflow, name=arguments.baseline_artifact
    )
    if found is not None:
        take(github, found.artifact, out / "baseline", base.sha)
    inputs = ["--candidate", str(out / "candidate"), "--policy", arguments.policy]
    if Path(WAIVERS).is_file():
        inputs += ["--waivers", WAIVERS]
    for name, option in ((PARAMS, "--candidate-policy"), (WAIVERS, "--candidate-waivers")):
        if base.changed is None or name in base.changed:
            inputs += _proposed(github, head, out, name, option)
    inputs += ["--date", base.date] if base.date else []
    inputs += ["--baseline", str(out / "baseline")] if found else []
    inputs += ["--ledger", arguments.ledger] if arguments.ledger else []
    verdict = _judge(inputs, out / VERDICT)
    return _place(verdict, base, found)


def _proposed(github: GitHub, head: Head, out: Path, name: str, option: str) -> list[str]:
    """The head's own limits or waivers, to be named where they differ; they decide nothing."""
    content = file_at(github, head.sha, name)
    if content is None:
        return []
    path = out / f"candidate.{name}"
    write_atomically(path, content)
    return [option, str(path)]


def _judge(inputs: Sequence[str], out: Path) -> Verdict:
    """The verdict of a child that has nothing of this process but its code and the evidence."""
    command = (sys.executable, "-I", "-c", _START, str(_CODE), "judge", *inputs)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(
            (*command, "--out", str(out)),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_JUDGE_MAX_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EvidenceError(
            f"judging took longer than {_JUDGE_MAX_S} s and was ended. Leave less evidence."
        ) from error
    if not out.is_file():
        lines = [plain(line) for line in done.stderr.splitlines() if line.strip()]
        said = (lines or [_ending(done.returncode)])[-1].removeprefix("gatepost: ")
        raise EvidenceError(f"the judge left no verdict: {said}")
    return read_verdict(out.read_bytes())


def _ending(code: int) -> str:
    """How a child ended that said nothing."""
    if code >= 0:
        return f"it ended with {code}"
    return f"it was ended by {Signals(-code).name}: too little memory or time. Leave less evidence"


def _place(verdict: Verdict, base: Base, found: Found | None) -> Verdict:
    """The verdict with whence its baseline and its policy came, which the judge cannot know."""
    if found is None:
        return msgspec.structs.replace(verdict, policy_from="base", baseline_reason=_NO_BASELINE)
    side = Side(revision=base.sha, found=f"run {found.run.id} of {base.branch}")
    return msgspec.structs.replace(verdict, policy_from="base", baseline=side)
