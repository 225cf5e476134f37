"""What tests of publishing share."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gates.github.calls import Calls
from gates.github.cml import Cml
from gates.github.event import Head
from gates.github.mark import Run
from gates.github.publish import Channel, Message, Told, publish
from gates.github.repository import GitHub
from tests.github.fake import HEAD, REPOSITORY, REPOSITORY_ID, FakeGitHub

END = "<!-- gatepost v1 head=x base=y decision={} passed=1 -->"


@dataclass
class Desk:
    """A fake GitHub, a way to publish to it, and what was said on the way."""

    fake: FakeGitHub = field(default_factory=FakeGitHub)
    said: list[str] = field(default_factory=list)
    cml: Cml | None = None
    author: str | None = None

    def github(self) -> GitHub:
        calls = Calls(
            self.fake.send,
            say=self.said.append,
            sleep=self.fake.sleep,
            clock=lambda: self.fake.now,
        )
        return GitHub(calls, REPOSITORY)

    def publish(self, run: Run, message: Message, *, sha: str = HEAD) -> Told:
        channel = Channel(self.github(), cml=self.cml, author=self.author)
        return publish(
            channel, head(run, sha), message, say=self.said.append, sleep=self.fake.sleep
        )


def head(run: Run, sha: str = HEAD) -> Head:
    return Head(
        repository=REPOSITORY_ID,
        repository_name=REPOSITORY,
        sha=sha,
        run=run,
        owner="acme",
        branch="feature",
        head_repository=REPOSITORY_ID,
    )


def message(words: str = "passed", *, conclusion: str | None = "success") -> Message:
    """A message as `gates.report` writes it; `conclusion=None` is a run on its way."""
    decision = {"success": "pass", "failure": "fail", None: "running"}[conclusion]
    text = f"### Model gate: {words}\n\n{END.format(decision)}\n"
    return Message(text, words, conclusion)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk()


Publisher = Callable[[Run, Message], Told]
