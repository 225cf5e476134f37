"""`gatepost publish`: a verdict → the comment and the check run of a pull request."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gates.commands.show import EXIT_CODES, own_templates
from gates.errors import EvidenceError, ExitCode, UnpublishedError, UsageError
from gates.finding import Verdict
from gates.github.calls import Calls, GitHubError
from gates.github.cml import Cml, find_cml
from gates.github.event import Head, read_event
from gates.github.mark import Run, is_name
from gates.github.publish import Channel, Message, message_of, not_judged, publish, running
from gates.github.repository import GitHub, connect
from gates.report.words import Prose, plain
from gates.report.words import say as phrase
from gates.verdict import read_verdict

TOKENS = ("GATEPOST_TOKEN", "GITHUB_TOKEN")
SUMMARY_MAX_BYTES = 900_000  # GitHub drops the summary of a step above 1 MiB


def run(arguments: argparse.Namespace) -> ExitCode:
    """Publish, or print what would be; the exit code is the verdict's.

    Raises:
        UnpublishedError: the check does not say what the verdict says.
    """
    if not is_name(arguments.project):
        raise UsageError(
            f"--project {arguments.project!r}: a name has letters, digits and . _ / - only."
        )
    head = head_of(arguments)
    try:
        message, code = _message(arguments, head)
    except EvidenceError as error:
        raise UnpublishedError(str(error)) from error
    if arguments.dry_run:
        _show(arguments, head, message)
        return code
    _summarise(message)  # first: it needs nobody's permission
    try:
        channel = _channel(arguments, head)
        publish(channel, head, message, say=log)
    except GitHubError as error:
        raise UnpublishedError(f"not published: {error}") from error
    log(f"{channel.github.calls.made} calls of GitHub's API")
    return code


def head_of(arguments: argparse.Namespace) -> Head:
    """What the event on the command line, or the job's own, is about.

    Raises:
        GatesError: there is none, or it is none of ours.
    """
    name = arguments.event or os.environ.get("GITHUB_EVENT_PATH")
    if not name:
        raise UsageError("no event: GITHUB_EVENT_PATH is not set. Name the event's file: --event.")
    head = read_event(Path(name), workflow=arguments.workflow)
    if arguments.run:
        found = re.fullmatch(r"([0-9]{1,18})\.([0-9]{1,9})", arguments.run)
        if found is None:
            raise UsageError(f"--run {arguments.run!r}: not a run and its attempt, as in 811.2.")
        head = msgspec.structs.replace(head, run=Run(int(found[1]), int(found[2])))
    return head


class _Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one command learned of the repository, for the next one of the same job."""

    id: int
    name: str


def write_known(github: GitHub, head: Head) -> bytes:
    """The repository's number and present name, for `--known`."""
    return msgspec.json.encode(_Known(head.repository, github.repository))


def _read_known(name: str | None, head: Head) -> str | None:
    """The name that `receive` has seen the event's repository have; `None`: ask."""
    try:
        known = msgspec.json.decode(Path(name or "").read_bytes(), type=_Known)
    except (OSError, msgspec.DecodeError):
        return None
    return known.name if known.id == head.repository else None


def open_github(
    head: Head, *, known: str | None = None, tokens: Sequence[str] = TOKENS
) -> tuple[GitHub, str]:
    """The event's repository, and the token that opens it.

    Args:
        head: what the event is about.
        known: the name that the repository has now; otherwise GitHub is asked.
        tokens: the variables that may hold the token; the first that is set does.

    Raises:
        UsageError: there is no token.
        GitHubError: the repository cannot be seen, or is another one now.
    """
    token = next((os.environ[name] for name in tokens if os.environ.get(name)), None)
    if token is None:
        raise UsageError(
            f"{' and '.join(TOKENS)}: neither is set. Pass the job's own token to this step: "
            "`GITHUB_TOKEN: ${{ github.token }}`, with `checks: write` and `pull-requests: write`."
        )
    api_url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    github = GitHub(Calls(connect(token, api_url), say=log), known or head.repository_name)
    if known is None:
        github.follow(head.repository)
    return github, token


def server_url() -> str:
    """Where people see the repository."""
    return os.environ.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")


def _message(arguments: argparse.Namespace, head: Head) -> tuple[Message, ExitCode]:
    """What to publish; a verdict that cannot be read is published as none."""
    overrides = Path(arguments.templates) if arguments.templates else own_templates(Path.cwd())
    if arguments.running:
        return running(head, overrides), ExitCode.MAY_MERGE
    if arguments.not_judged is not None:
        return not_judged(arguments.not_judged, head, overrides), ExitCode.CANNOT_JUDGE
    try:
        verdict = _read(arguments.verdict)
    except EvidenceError as error:
        log(str(error))
        return not_judged(str(error), head, overrides), ExitCode.CANNOT_JUDGE
    message = message_of(verdict, head, overrides, server_url=server_url())
    return message, EXIT_CODES[verdict.decision]


def _read(name: str | None) -> Verdict:
    if name is None:
        raise UsageError("nothing to publish: name a verdict.json, --running or --not-judged.")
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise EvidenceError(
            f"{name}: cannot be read: {error.strerror}. See the log of the job that judged."
        ) from error
    return read_verdict(content)


def _channel(arguments: argparse.Namespace, head: Head) -> Channel:
    github, token = open_github(head, known=_read_known(arguments.known, head))
    command = find_cml() if arguments.poster == "cml" else None
    if arguments.poster == "cml" and command is None:
        log("CML is not installed: posting by the API")
    repository, run_id = github.repository, os.environ.get("GITHUB_RUN_ID", "")
    return Channel(
        github=github,
        check=arguments.check,
        project=arguments.project,
        author=arguments.author,
        cml=Cml(command, server_url(), repository, token) if command else None,
        details_url=f"{server_url()}/{repository}/actions/runs/{run_id}" if run_id else None,
    )


def _show(arguments: argparse.Namespace, head: Head, message: Message) -> None:
    """What would be posted; each line begins with a sign of ours, so that no runner obeys it."""
    title = plain(phrase(Prose(message.title)))
    lines = [
        f"{head.repository_name} at {head.sha}, run {head.run}; nothing was posted",
        f"check {arguments.check}: {message.conclusion or 'in progress'} - {title}",
        "comment:",
        *(f"| {line}" for line in message.text.rstrip().split("\n")),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _summarise(message: Message) -> None:
    """The same text as the job's summary, where nobody may comment and everybody may look."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    text = message.text.rstrip().rpartition("\n")[0] + "\n"
    if name and message.conclusion and len(text.encode()) <= SUMMARY_MAX_BYTES:
        with Path(name).open("a", encoding="utf-8") as stream:
            stream.write(text)


def log(line: str) -> None:
    """A line of progress that a runner does not take for a command."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in line)
    sys.stderr.write(f"  · {shown.replace('##[', '## [')}\n")
    sys.stderr.flush()
