"""`gatepost sweep`: end the checks that a lost run left in progress."""

import argparse
from pathlib import Path

from gates.commands.publish import TOKENS, log, open_github, server_url
from gates.commands.show import own_templates
from gates.errors import ExitCode, UnpublishedError
from gates.github.calls import GitHubError
from gates.github.publish import Channel, not_judged, publish
from gates.github.runs import head_here
from gates.github.sweep import find_left, reason


def run(arguments: argparse.Namespace) -> ExitCode:
    """Look through the runs of a day; two tokens, since an app's may not read runs.

    Raises:
        UnpublishedError: GitHub did not take it.
    """
    here, author = head_here(), arguments.author or ""
    try:
        runs, _ = open_github(here, tokens=TOKENS[::-1])
        checks, _ = open_github(here, known=runs.repository)
        channel = Channel(
            github=checks,
            check=arguments.check,
            project=arguments.project,
            author=arguments.author,
            details_url=f"{server_url()}/{runs.repository}/actions/runs/{here.run.id}",
        )
        app = author.removesuffix("[bot]") if author.endswith("[bot]") else None
        found = find_left(
            runs,
            checks,
            here.repository,
            workflow=arguments.workflow,
            check=arguments.check,
            app=app,
        )
        left = list(found)
        for head in left:
            message = not_judged(reason(head), head, own_templates(Path.cwd()))
            publish(channel, head, message, say=log)
    except GitHubError as error:
        raise UnpublishedError(f"not published: {error}") from error
    log(f"{len(left)} checks were left in progress; {runs.calls.made + checks.calls.made} calls")
    return ExitCode.MAY_MERGE
