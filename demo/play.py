"""A story, played: the branch, the author's pipeline, the gate, and what it wrote."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from demo.edits import StoryError, commit, run
from demo.stage import CLONES, STAGE, reproduce
from demo.story import Story
from gates.finding import Verdict
from gates.ledger.branch import LOCAL
from gates.process import child_environment
from gates.report.summary import blocks
from gates.verdict import read_verdict

REPORTS = ("verdict.json", "comment.md", "report.html", "junit.xml")


@dataclass(frozen=True, kw_only=True)
class Played:
    """How a story ended."""

    story: Story
    verdict: Verdict
    authoring_seconds: float  # what the author waited for, most of it the pipeline
    judging_seconds: float

    @property
    def seconds(self) -> float:
        """From the branch to the verdict."""
        return self.authoring_seconds + self.judging_seconds

    @property
    def blocked_by(self) -> frozenset[str]:
        """Names of the gates that alone keep it from merging."""
        return frozenset(one.gate for one in self.verdict.outcomes if blocks(one))

    @property
    def as_expected(self) -> bool:
        """Whether the decision and the failed gates are those that the story names."""
        story = self.story
        return self.verdict.decision is story.decision and self.blocked_by == story.blocked_by


def play_all(stories: Sequence[Story]) -> Iterator[Played]:
    """Play two stories at a time, one in each clone; they come in their own order.

    A story that starts from another's branch is played after it in the same clone. What measures
    times has the machine to itself, when all others have ended.

    Raises:
        StoryError: a story could not be played.
    """
    ended: dict[str, Future[Played]] = {story.name: Future() for story in stories}
    free: SimpleQueue[Path] = SimpleQueue()
    for clone in CLONES:
        free.put(clone)

    def play_row(row: Sequence[Story]) -> None:
        clone = free.get()
        for story in row:
            try:
                ended[story.name].set_result(play(story, clone))
            except Exception as error:  # noqa: BLE001 - whoever asks for the story gets it
                ended[story.name].set_exception(error)
        free.put(clone)

    crowd = [story for story in stories if not story.alone]
    with ThreadPoolExecutor(len(CLONES)) as pool:
        for row in _rows(crowd):
            pool.submit(play_row, row)
        yield from (ended[story.name].result() for story in crowd)
    for story in stories:
        if story.alone:
            yield play(story, CLONES[0])


def _rows(stories: Sequence[Story]) -> list[list[Story]]:
    """Stories that must follow each other, together."""
    row_of: dict[str, list[Story]] = {}
    for story in stories:
        row_of[story.name] = row_of.get(story.starts_from, [])
        row_of[story.name].append(story)
    return list({id(row): row for row in row_of.values()}.values())


def play(story: Story, clone: Path) -> Played:
    """Open the pull request, call the gate, keep what it wrote."""
    started = time.monotonic()
    run(clone, "git", "checkout", "--quiet", "--force", story.starts_from)
    run(clone, "dvc", "checkout", "--quiet", "--force")
    run(clone, "git", "update-ref", "-d", LOCAL)  # a ledger is of one story
    if story.prepare is not None:
        run(clone, "git", "checkout", "--quiet", "-b", story.base)
        story.prepare(clone)
        reproduce(clone, "What the story starts from")
    run(clone, "git", "checkout", "--quiet", "-b", story.name)
    story.edit(clone)
    if story.reproduces:
        reproduce(clone, story.title)
    story.after(clone)
    commit(clone, story.title)
    authored = time.monotonic()
    verdict = read_verdict(_judge(story, clone))
    return Played(
        story=story,
        verdict=verdict,
        authoring_seconds=authored - started,
        judging_seconds=time.monotonic() - authored,
    )


def _judge(story: Story, clone: Path) -> bytes:
    """What the gate prints; what it writes is kept, with its progress."""
    gate = [sys.executable, "-m", "gates", "check", "--base", story.base, "--json"]
    done = subprocess.run(
        gate, cwd=clone, env=child_environment(), capture_output=True, check=False
    )
    if not done.stdout:
        last = "\n".join(done.stderr.decode(errors="replace").splitlines()[-15:])
        raise StoryError(f"{story.name}: no verdict (exit {done.returncode})\n{last}")
    kept = STAGE / "stories" / story.name
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for name in REPORTS:
        shutil.copy(clone / "build" / "gatepost" / name, kept / name)
    (kept / "progress.txt").write_bytes(done.stderr)
    return done.stdout
