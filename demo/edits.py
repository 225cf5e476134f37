"""What a person does to a working tree: edit a file, call a program."""

import re
import subprocess
from collections.abc import Container
from pathlib import Path

from gates.process import child_environment


class StoryError(Exception):
    """The project has changed, so that a story can no longer be played."""


def replace(path: Path, old: str, new: str) -> None:
    """Edit one place of a file, which must be there exactly once."""
    text = path.read_text("utf-8")
    if text.count(old) != 1:
        raise StoryError(f"{path.name}: {old!r} stands there {text.count(old)} times, not once")
    path.write_text(text.replace(old, new), "utf-8")


def append(path: Path, text: str) -> None:
    """Write at the end of a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def cut_stage(path: Path, stage: str) -> None:
    """Take a stage out of `dvc.yaml` or `dvc.lock`, and leave every other line as it is."""
    text = path.read_text("utf-8")
    rest, cuts = re.subn(rf"^  {stage}:\n(?:   .*\n)*", "", text, flags=re.MULTILINE)
    if cuts != 1:
        raise StoryError(f"{path.name}: the stage {stage!r} stands there {cuts} times, not once")
    path.write_text(rest, "utf-8")


def paste_stage(path: Path, stage: str, source: Path) -> None:
    """Put a stage of another `dvc.yaml` at the end of this one."""
    found = re.search(rf"^  {stage}:\n(?:   .*\n)*", source.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise StoryError(f"{source.name}: the stage {stage!r} does not stand there")
    append(path, found.group())


def run(root: Path, *command: str, codes: Container[int] = (0,)) -> str:
    """Call a program; its standard output, or its last words as an error."""
    done = subprocess.run(
        command, cwd=root, env=child_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode not in codes:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise StoryError(f"{' '.join(command)}: exit {done.returncode}\n{last}")
    return done.stdout


def commit(root: Path, message: str) -> None:
    """Commit whatever the working tree holds, if anything changed."""
    run(root, "git", "add", "--all")
    run(root, "git", "commit", "--quiet", "--allow-empty", "--message", message)
