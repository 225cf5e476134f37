"""CML posts a comment: how its command is called, and when it may be.

CML 0.20.6 finds the comment to update by a watermark in its text, whoever wrote it, among the
first thirty only, and `--publish` (its default) uploads every local file that a text links to. So
it is called only where what it will find is known, on our own text, and never publishes. It also
writes to Git's global configuration and reads settings from variables: it gets a home and an
environment of its own, with the token in it and not on its command line.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from gates.github.values import Comment
from gates.process import plain

READS_FIRST: Final = 30  # comments, of which it takes the last that fits
_TIMEOUT_S: Final = 120
_PASSED_ON = (
    *("PATH", "LANG", "TMPDIR", "TEMP", "SYSTEMROOT", "NODE_EXTRA_CA_CERTS"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)
_IMAGE: Final = r"!\[\]\(https://cml\.dev/watermark\.png#[0-9a-fA-F]+ \"CML watermark {}\"\)"


class Cml(NamedTuple):
    """An installed CML, and the repository that it posts to."""

    command: str
    server_url: str
    repository: str
    token: str

    def post(self, pull: int, project: str, head: str, body: str) -> str:
        """Let CML create or update the comment; why it did not, or nothing.

        What it says is no proof: the comment is read back by whoever called.
        """
        with tempfile.TemporaryDirectory(prefix="gatepost-cml-") as folder:
            path = Path(folder) / "comment.md"
            path.write_text(body, encoding="utf-8")
            arguments = (
                *("comment", "update", "--publish=false", f"--target=pr/{pull}"),
                *("--driver=github", f"--repo={self.server_url}/{self.repository}"),
                *(f"--watermark-title={title(project)}", str(path)),
            )
            return self._run(arguments, Path(folder), head)

    def _run(self, arguments: Sequence[str], folder: Path, head: str) -> str:
        try:
            done = subprocess.run(
                (self.command, *arguments),
                cwd=folder,
                env=self._environment(folder, head),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except OSError as error:
            return f"CML cannot be started: {error.strerror}"
        except subprocess.TimeoutExpired:
            return f"CML did not end within {_TIMEOUT_S} s"
        if done.returncode == 0:
            return ""
        lines = [plain(line) for line in (done.stdout + b"\n" + done.stderr).splitlines()]
        said = next((line for line in reversed(lines) if line.strip()), "no word")
        return f"CML ended with {done.returncode}: {said.replace(self.token, '***')}"

    def _environment(self, folder: Path, head: str) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return passed | {
            "CI": "true",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_SHA": head,
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "ITERATIVE_DO_NOT_TRACK": "1",
            "REPO_TOKEN": self.token,
        }


def find_cml() -> str | None:
    """The command: `GATEPOST_CML`, else `cml` on the path; `None` where there is none."""
    return shutil.which(os.environ.get("GATEPOST_CML") or "cml")


def title(project: str) -> str:
    """The name in CML's watermark; CML escapes `_`, so that there is none."""
    return f"gatepost-{re.sub('[^0-9A-Za-z.-]', '-', project)}"


def would_take(comments: Sequence[Comment], project: str) -> int | None:
    """The comment that CML would update, by its identifier; `None` where it would post a new one.

    Args:
        comments: all of the pull request, oldest first.
        project: whose comment.
    """
    watermark = re.compile(_IMAGE.format(re.escape(title(project))))
    found = [one.id for one in comments[:READS_FIRST] if watermark.search(one.body or "")]
    return found[-1] if found else None
