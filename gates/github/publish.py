"""A verdict on its way to a pull request: a check appears, a comment is written, the check ends.

Nothing here decides anything: the verdict was made by `gates.judge`. What fails on the way ends
in `failure`, or leaves the check visibly in progress; it never ends in `success`.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from gates.errors import EvidenceError
from gates.finding import Decision, Verdict
from gates.github.annotations import annotate
from gates.github.calls import GitHubError
from gates.github.checks import TITLE_MAX, Ending, Gate, end_check, fit_text, has_ended, start_check
from gates.github.cml import Cml
from gates.github.event import Head
from gates.github.mark import Mark, Place
from gates.github.repository import GitHub
from gates.github.sticky import Desk, Posted, post_comment
from gates.github.values import Annotation, Conclusion, Pull
from gates.process import signals_as_interrupt, uninterrupted
from gates.report import headline, render_comment, render_not_judged, render_running
from gates.report.words import clean, short

ACTIONS_BOT: Final = "github-actions[bot]"  # who posts with a job's own GITHUB_TOKEN
CHECK: Final = "gatepost"
CONCLUSIONS: Final[dict[Decision, Conclusion]] = {
    Decision.PASS: "success",
    Decision.FAIL: "failure",
    Decision.CANNOT_JUDGE: "failure",
}
_ADDRESS = re.compile(r"https?://[\w.:-]+(/[\w.-]+)+", re.ASCII)
_WORDS: Final = {
    Decision.PASS: "Passed",
    Decision.FAIL: "Blocked",
    Decision.CANNOT_JUDGE: "Not judged",
}


class Message(NamedTuple):
    """What is to be published: the comment's text, and how the check ends, if it does."""

    text: str
    title: str
    conclusion: Conclusion | None  # `None` while a verdict is being made
    verdict: Verdict | None = None


class Channel(NamedTuple):
    """Where it is published, and with what."""

    github: GitHub
    check: str = CHECK
    project: str = "main"
    author: str | None = None  # by default whoever the token belongs to
    cml: Cml | None = None
    details_url: str | None = None


class Told(NamedTuple):
    """What became of the message: whether the check was ours to set, and of each comment."""

    check: bool
    comments: dict[int, Posted]


def message_of(
    verdict: Verdict, head: Head, overrides: Path | None = None, *, server_url: str = ""
) -> Message:
    """The message of a verdict about this head, with an address on the server where one is given.

    Raises:
        EvidenceError: the verdict is about another commit, or about a changed working tree.
    """
    judged = verdict.candidate
    if judged.revision != head.sha or judged.dirty:
        what = "a changed working tree at " if judged.dirty else ""
        raise EvidenceError(
            f"verdict.json: is about {what}{judged.revision[:40]!r}, not about {head.sha!r}, the "
            "head that the event names; nothing was published. Judge the evidence of that commit."
        )
    title = f"{_WORDS[verdict.decision]}: {headline(verdict)}"
    checks_url = f"{server_url}/{head.repository_name}/commit/{head.sha}/checks"
    if _ADDRESS.fullmatch(checks_url) is None:
        checks_url = ""
    text = render_comment(verdict, overrides=overrides, checks_url=checks_url)
    return Message(text, title, CONCLUSIONS[verdict.decision], verdict)


def not_judged(reason: str, head: Head, overrides: Path | None = None) -> Message:
    """The message where no verdict could be made."""
    text = render_not_judged(reason, revision=head.sha, overrides=overrides)
    return Message(text, f"Not judged: {clean(' '.join(reason.split()), TITLE_MAX)}", "failure")


def running(head: Head, overrides: Path | None = None) -> Message:
    """The message while a verdict is being made."""
    text = render_running(head.sha, overrides=overrides)
    return Message(text, f"Judging {short(head.sha)}", None)


def publish(
    channel: Channel,
    head: Head,
    message: Message,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Told:
    """Make the check, write the comment, end the check.

    A comment that cannot be written is said in the log and does not keep the check from its end.

    Raises:
        GitHubError: the check could not be set.
        KeyboardInterrupt: cancelled; the check then says so, unless it had ended.
    """
    author = channel.author or ""
    gate = Gate(
        github=channel.github,
        name=channel.check,
        sha=head.sha,
        run=head.run,
        app=author.removesuffix("[bot]") if author.endswith("[bot]") else None,
        details_url=channel.details_url,
        say=say,
        sleep=sleep,
    )
    with signals_as_interrupt():
        try:
            return _publish(channel, gate, head, message)
        except KeyboardInterrupt:
            with uninterrupted():
                _cancel(gate)
            raise


def _publish(channel: Channel, gate: Gate, head: Head, message: Message) -> Told:
    title = fit_text(f"Judging {short(head.sha)}", TITLE_MAX)
    checks = start_check(gate, title, "The verdict follows here and in the comment.")
    if not checks:
        return Told(check=False, comments={})
    pulls = find_pulls(channel.github, head)
    if not pulls and not head.in_queue:
        gate.say(f"no open pull request has {short(head.sha)} as its head: only the check is set")
    comments = _post_all(channel, gate, head, message, pulls)
    if message.conclusion is None:
        return Told(check=True, comments=comments)
    summary = message.text.rstrip().rpartition("\n")[0]
    ending = Ending(message.conclusion, message.title, summary)
    if all(has_ended(check, ending) for check in checks):
        return Told(check=True, comments=comments)  # a re-run, or the event came twice
    remarks = _remarks(channel.github, gate, message.verdict, pulls)
    return Told(check=end_check(gate, ending._replace(annotations=remarks)), comments=comments)


def find_pulls(github: GitHub, head: Head) -> tuple[Pull, ...]:
    """The open pull requests whose head this is, as the API tells it; never as evidence does."""
    if head.in_queue or not head.owner or not head.branch:
        return ()
    return tuple(
        pull
        for pull in github.pulls_from(head.owner, head.branch)
        if pull.state == "open"
        and pull.head.sha == head.sha
        and pull.head.repo is not None
        and pull.head.repo.id == head.head_repository
        and pull.base.repo is not None
        and pull.base.repo.id == head.repository
        and head.pull in (None, pull.number)
    )


def _post_all(
    channel: Channel, gate: Gate, head: Head, message: Message, pulls: tuple[Pull, ...]
) -> dict[int, Posted]:
    if not pulls:
        return {}
    author = channel.author or channel.github.login() or ACTIONS_BOT
    posted: dict[int, Posted] = {}
    for pull in pulls:
        place = Place(head.repository, pull.number, channel.project)
        desk = Desk(channel.github, place, author, channel.cml, gate.say, gate.sleep)
        mark = Mark(place, head.sha, head.run, final=message.conclusion is not None)
        try:
            posted[pull.number] = post_comment(desk, message.text, mark)
        except GitHubError as error:
            gate.say(f"the comment is not posted: {error}")
        else:
            gate.say(f"pull request {pull.number}: comment {posted[pull.number].value}")
    return posted


def _remarks(
    github: GitHub, gate: Gate, verdict: Verdict | None, pulls: tuple[Pull, ...]
) -> tuple[Annotation, ...]:
    if verdict is None or verdict.decision is Decision.PASS or not pulls:
        return ()
    try:
        return annotate(verdict, github.files(pulls[0].number))
    except GitHubError as error:
        gate.say(f"no annotations: {error}")
        return ()


def _cancel(gate: Gate) -> None:
    """End the check in the seconds that a cancelled job has; without patience."""

    def hurry(_seconds: float) -> None:
        raise GitHubError("GitHub: no time to wait, as the job was cancelled. Re-run the job.")

    gate.github.calls.sleep = hurry
    hasty = gate._replace(sleep=hurry)
    ending = Ending("failure", "Not judged: cancelled", "The job was cancelled. Re-run it.")
    try:
        end_check(hasty, ending, only_open=True)
    except GitHubError as error:
        gate.say(f"the check stays in progress: {error}")
