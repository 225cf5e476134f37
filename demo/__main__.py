"""Play the stories as real branches of a throw-away clone, and show the verdict of each.

Everything lies in `build/demo`: the clone, DVC's cache (kept, so a second run is quick), and the
comment and report of each story. The exit code is 1 if a story does not end as it must.
"""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from demo.edits import StoryError, run
from demo.stories import STORIES, Story, expect_little, rewind_to_1994, train_once
from gates.finding import Decision, Result, Verdict
from gates.process import child_environment
from gates.report import headline
from gates.verdict import read_verdict

ROOT = Path(__file__).parent.parent
STAGE = ROOT / "build" / "demo"
CLONE = STAGE / "repository"
REPORTS = ("verdict.json", "comment.md", "report.html", "junit.xml")


@dataclass(frozen=True)
class Played:
    """How a story ended."""

    story: Story
    verdict: Verdict
    seconds: float

    @property
    def blocked_by(self) -> frozenset[str]:
        """Names of the gates that failed."""
        failed = (Result.FAILED, Result.ERRORED)
        return frozenset(o.gate for o in self.verdict.outcomes if o.outcome in failed)

    @property
    def as_expected(self) -> bool:
        """Whether the decision and the failed gates are those that the story names."""
        story = self.story
        return self.verdict.decision is story.decision and self.blocked_by == story.blocked_by


def main() -> int:
    """Play all stories, or those named on the command line."""
    started = time.monotonic()
    chosen = [story for story in STORIES if not sys.argv[1:] or story.name in sys.argv[1:]]
    say("Setting the stage: a clone of this repository, and its pipeline reproduced.")
    set_the_stage()
    played = []
    for number, story in enumerate(chosen, 1):
        say(f"\n[{number}/{len(chosen)}] {story.title}   ({story.name} → {story.base})")
        played.append(play(story))
    seconds = time.monotonic() - started
    show(played)
    right = sum(each.as_expected for each in played)
    say(f"\n{right} of {len(played)} stories ended as they must, in {seconds:.0f} s.")
    return 0 if right == len(played) else 1


def set_the_stage() -> None:
    """A clone with the branches `main` and `baseline`, and DVC's cache kept beside it."""
    shutil.rmtree(CLONE, ignore_errors=True)
    STAGE.mkdir(parents=True, exist_ok=True)
    run(STAGE, "git", "clone", "--quiet", "--no-local", str(ROOT), CLONE.name)
    run(CLONE, "git", "checkout", "--quiet", "-B", "main")
    run(CLONE, "git", "config", "user.name", "Demo")
    run(CLONE, "git", "config", "user.email", "demo@example.org")
    run(CLONE, "dvc", "config", "--local", "--quiet", "cache.dir", str(STAGE / "cache"))
    run(CLONE, "dvc", "pull", "--quiet", "--recursive", "data/raw")
    train_once(CLONE)
    expect_little(CLONE)
    author("main", "The reference project")
    run(CLONE, "git", "checkout", "--quiet", "-b", "baseline")
    rewind_to_1994(CLONE)
    author("baseline", "One year of data, a linear model")


def author(branch: str, message: str) -> None:
    """Do what every author does: run the pipeline, commit what it made."""
    say(f"  {branch}: dvc repro")
    run(CLONE, "dvc", "repro", "--quiet")
    commit(message)


def commit(message: str) -> None:
    """Commit whatever the working tree holds, if anything changed."""
    run(CLONE, "git", "add", "--all")
    run(CLONE, "git", "commit", "--quiet", "--allow-empty", "--message", message)


def play(story: Story) -> Played:
    """Open the pull request, call the gate, keep what it wrote."""
    started = time.monotonic()
    run(CLONE, "git", "checkout", "--quiet", "--force", story.starts_from)
    run(CLONE, "dvc", "checkout", "--quiet", "--force")
    run(CLONE, "git", "checkout", "--quiet", "-b", story.name)
    story.edit(CLONE)
    author(story.name, story.title)
    story.after(CLONE)
    commit(story.title)
    gate = [sys.executable, "-m", "gates", "check", "--base", story.base, "--json"]
    done = subprocess.run(
        gate, cwd=CLONE, env=child_environment(), stdout=subprocess.PIPE, check=False
    )
    if not done.stdout:
        raise StoryError(f"{story.name}: the gate printed no verdict (exit {done.returncode})")
    kept = STAGE / "stories" / story.name
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for name in REPORTS:
        shutil.copy(CLONE / "build" / "gatepost" / name, kept / name)
    return Played(story, read_verdict(done.stdout), time.monotonic() - started)


def show(played: list[Played]) -> None:
    """One passage for each story: expected, got, the worst finding, where to read on."""
    for each in played:
        mark = "ok " if each.as_expected else "NOT AS EXPECTED"
        story = each.story
        say(f"\n{mark} {story.title}  ({each.seconds:.0f} s)")
        say(f"    expected  {_ending(story.decision, story.blocked_by)}")
        say(f"    got       {_ending(each.verdict.decision, each.blocked_by)}")
        say(f"    worst     {headline(each.verdict)}")
        folder = (STAGE / "stories" / story.name).relative_to(ROOT)
        say(f"    read      {folder}/comment.md  {folder}/report.html")


def _ending(decision: Decision, blocked_by: frozenset[str]) -> str:
    words = {Decision.PASS: "passes", Decision.FAIL: "blocked", Decision.CANNOT_JUDGE: "not judged"}
    gates = f" by {', '.join(sorted(blocked_by))}" if blocked_by else ""
    return words[decision] + gates


def say(line: str) -> None:
    """Show progress at once, whoever listens."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StoryError as error:
        say(f"demo: {error}")
        sys.exit(3)
