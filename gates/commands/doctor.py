"""`gatepost doctor`: each setting of a repository as ok, weak or missing, and how to mend it."""

import argparse
import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gates.commands.publish import TOKENS
from gates.doctor.limits import examine_margins, examine_plan
from gates.doctor.repository import (
    examine_dictionary,
    examine_history,
    examine_owners,
    examine_pipeline,
    examine_policy,
    examine_remotes,
    examine_waivers,
    list_workflows,
)
from gates.doctor.settings import examine_settings
from gates.doctor.sign import Level, Sign, exit_code_of, unknown
from gates.doctor.workflow_files import environments_in
from gates.doctor.workflows import examine_workflows
from gates.errors import ExitCode, GatesError, UsageError
from gates.evidence.folder import Evidence
from gates.git.repository import find_root
from gates.github.calls import Calls
from gates.github.repository import GitHub, connect
from gates.github.settings import read_settings
from gates.ledger.branch import BRANCH
from gates.plan.at_hand import evidence_here
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.process import plain

_COLOURS = {Level.OK: "32", Level.WEAK: "33", Level.MISSING: "31", Level.UNKNOWN: "36"}
_INDENT = " " * 10
_SCHEMA = 1


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    schema: int = _SCHEMA
    exit: int
    signs: tuple[Sign, ...]


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print every sign; nothing is changed, and without `--github` nobody is asked."""
    root = find_root(Path.cwd())
    texts = list_workflows(root)
    signs = [*_of_clone(root, arguments.base), *examine_workflows(texts)]
    if arguments.github:
        environments = environments_in(texts)
        settings = read_settings(_open(arguments.github), BRANCH)
        signs += examine_settings(settings, arguments.check, environments)
    code = exit_code_of(signs)
    if arguments.json:
        report = Report(exit=code.value, signs=tuple(signs))
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        sys.stdout.write(render(signs, asked=bool(arguments.github), colour=colour))
    return code


def render(signs: Sequence[Sign], *, asked: bool, colour: bool = False) -> str:
    """One line for each setting, with its mend below it where it needs one, and a summary."""
    width = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
    lines = [line for sign in signs for line in _lines(sign, width, colour=colour)]
    counts = Counter(sign.level for sign in signs)
    summary = ", ".join(f"{counts[level]} {level}" for level in Level if counts[level])
    forged = sum(sign.forgeable and sign.level is not Level.OK for sign in signs)
    if forged:
        summary += f"; {forged} of them {'lets' if forged == 1 else 'let'} a verdict be forged"
    lines += ["", summary]
    if not asked:
        lines.append("not asked: GitHub's settings; `gatepost doctor --github OWNER/NAME` does")
    return "\n".join(lines) + "\n"


def _lines(sign: Sign, width: int, *, colour: bool) -> Iterator[str]:
    level = f"{sign.level.value:<8}"
    text = plain(f"{sign.setting}: {sign.said}".encode())
    first, *rest = textwrap.wrap(text, width - len(_INDENT), break_long_words=False) or [""]
    shown = f"\x1b[{_COLOURS[sign.level]}m{level}\x1b[0m" if colour else level
    yield f"{shown}  {first}"
    yield from (f"{_INDENT}{line}" for line in rest)
    if sign.mend:
        wrapped = textwrap.wrap(sign.mend, width - len(_INDENT) - 2, break_on_hyphens=False)
        marks = ("→ ", *("  " for _ in wrapped))
        yield from (f"{_INDENT}{mark}{line}" for mark, line in zip(marks, wrapped, strict=False))


def _of_clone(root: Path, base: str | None) -> Iterator[Sign]:
    yield examine_history(root)
    yield examine_pipeline(root)
    yield examine_remotes(root)
    sign, policy = examine_policy(root, base)
    yield sign
    yield examine_waivers(root)
    settings = policy.settings if policy else Settings()
    if policy is not None:
        yield examine_dictionary(root, settings)
        yield from _of_limits(root, policy)
    yield examine_owners(root, settings)


def _of_limits(root: Path, policy: Policy) -> Iterator[Sign]:
    folder = evidence_here(root)
    if folder is None:
        said = "no evidence at hand to hold the limits against"
        yield unknown("strict limits", said, "Run `gatepost check` once, then this again.")
        return
    # Counting rows takes what judging takes; nobody else needs it.
    from gates.commands.plan import make_plan  # noqa: PLC0415

    try:
        evidence = Evidence(folder, policy.settings)
        yield examine_plan(make_plan(policy, evidence))
        yield examine_margins(policy, evidence)
    except GatesError as error:
        yield unknown("strict limits", str(error), "Run `gatepost check`, then this again.")


def _open(repository: str) -> GitHub:
    token = next((os.environ[name] for name in TOKENS if os.environ.get(name)), None)
    if token is None:
        raise UsageError(
            f"{' and '.join(TOKENS)}: neither is set. Export a token that may read the "
            "repository's administration, or leave out --github."
        )
    api_url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    return GitHub(Calls(connect(token, api_url), say=_say), repository)


def _say(line: str) -> None:
    sys.stderr.write(f"  · {plain(line.encode())}\n")
    sys.stderr.flush()
