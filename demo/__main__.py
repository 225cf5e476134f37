"""Play the stories as real branches of throw-away clones, and show the verdict of each.

Everything lies in `build/demo`: the clones, DVC's cache (kept, so a second run is quick), and the
comment and report of each story. The exit code is 1 if a story does not end as it must.
"""

import sys
import time

from demo.edits import StoryError
from demo.play import Played, play_all
from demo.stage import ROOT, STAGE, set_the_stage
from demo.stories import STORIES
from gates.finding import Decision
from gates.report import headline


def main() -> int:
    """Play all stories, or those named on the command line."""
    started = time.monotonic()
    chosen = [story for story in STORIES if not sys.argv[1:] or story.name in sys.argv[1:]]
    say("Setting the stage: a clone of this repository, and its pipeline reproduced.")
    set_the_stage()
    say(f"Ready after {time.monotonic() - started:.0f} s; {len(chosen)} stories follow.")
    right = 0
    for played in play_all(chosen):
        show(played)
        right += played.as_expected
    seconds = time.monotonic() - started
    say(f"\n{right} of {len(chosen)} stories ended as they must, in {seconds:.0f} s.")
    return 0 if right == len(chosen) else 1


def show(played: Played) -> None:
    """One passage: expected, got, the worst finding, where to read on."""
    mark = "ok " if played.as_expected else "NOT AS EXPECTED"
    story = played.story
    times = f"{played.authoring_seconds:.0f} + {played.judging_seconds:.0f} s"
    say(f"\n{mark} {story.title}  ({times})")
    say(f"    expected  {_ending(story.decision, story.blocked_by)}")
    say(f"    got       {_ending(played.verdict.decision, played.blocked_by)}")
    say(f"    worst     {headline(played.verdict)}")
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
