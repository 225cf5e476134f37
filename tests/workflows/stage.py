"""A repository on GitHub, as far as a machine can have one: Git, emulator, bridge, and act."""

import copy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.cli.judged import make_judged
from tests.github import emulated
from tests.github.emulated import ROOT, Emulated, emulate
from tests.shell.project import change_params, commit, git, run
from tests.workflows import model
from tests.workflows.act import Act
from tests.workflows.bridge import Bridge, serve

BOT, APP = "github-actions[bot]", "gatekeeper[bot]"
GATES, REPORT, BASELINE = "gates.yml", "report.yml", "baseline.yml"
RETRAIN = "retrain.yml"
GH = Path(__file__).parent / "gh.py"
# The project's `make .venv/.ready`: this interpreter, with the code under test.
MAKEFILE = """\
.venv/.ready:
\t@mkdir -p .venv/bin && ln -sf {python} .venv/bin/python

demo:
\t@echo the demo ran
"""
# Gives each job the environment that was installed by hash once; it would install it anew.
PYTHON = """\
#!/bin/sh
if [ "$1 $2 $3" = "-I -m venv" ]; then exec ln -s {made} "$4"; fi
exec {python} "$@"
"""
OWN_PYTHON = """\
#!/bin/sh
PYTHONPATH={code} exec {python} "$@"
"""


class Stage(NamedTuple):
    """What a test acts on."""

    folder: Path
    server: Emulated
    bridge: Bridge
    act: Act
    repository: dict[str, Any]
    project: Path  # a clone in which people work
    main: str  # the head of the default branch

    def propose(self, branch: str, old: str, new: str) -> tuple[int, str]:
        """Push a branch and open a pull request; its number and head."""
        git(self.project, "checkout", "-q", "-B", branch, self.main)
        sha = self._push(branch, old, new)
        self.bridge.emulated[sha] = self.server.branch(branch, "x: 1\n")
        return self.server.open_pull(branch), sha

    def propose_from_fork(self, branch: str, old: str, new: str) -> tuple[int, str, dict[str, Any]]:
        """The same from a fork, whose branch this repository does not have; and the fork."""
        fork = self.server.fork()
        git(self.project, "checkout", "-q", "-B", branch, self.main)
        change_params(self.project, old, new)
        sha = commit(self.project)
        self.bridge.emulated[sha] = self.server.branch(
            branch,
            "x: 1\n",
            root=f"/repos/{fork['full_name']}",
            token="tok_dana",  # noqa: S106 - of the seed
        )
        self.bridge.forked[sha] = []
        pull = self.server.open_pull(f"{fork['owner']['login']}:{branch}")
        git(self.project, "push", "-q", "origin", f"+HEAD:refs/pull/{pull}/head")
        return pull, sha, fork

    def enqueue(self, pull: int, sha: str) -> tuple[str, str]:
        """What a merge queue makes of a pull request: the branch, and the commit to be judged."""
        branch = f"gh-readonly-queue/main/pr-{pull}-{self.main}"
        git(self.project, "checkout", "-q", "--detach", self.main)
        git(self.project, "merge", "-q", "--no-ff", "-m", f"Merge {pull}", sha)
        merged = git(self.project, "rev-parse", "HEAD")
        git(self.project, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        self.bridge.emulated[merged] = self.server.branch(f"queue-{pull}", "y: 1\n")
        return branch, merged

    def push(self, pull: int, branch: str, old: str, new: str) -> str:
        """Push once more to a pull request; its new head."""
        git(self.project, "checkout", "-q", branch)
        sha = self._push(branch, old, new)
        self.bridge.emulated[sha] = self.server.push(pull)
        return sha

    def _push(self, branch: str, old: str, new: str) -> str:
        change_params(self.project, old, new)
        sha = commit(self.project)
        git(self.project, "push", "-q", "origin", f"+HEAD:{branch}")
        return sha

    def gate(self, pull: int, branch: str, sha: str, run: int, **given: str) -> int:
        """Let the untrusted workflow run on a pull request; its exit code."""
        head = {"sha": sha, "ref": branch}
        payload = {
            "action": "synchronize",
            "number": pull,
            "repository": self.repository,
            "pull_request": {"number": pull, "head": head, "base": {"ref": "main"}},
        }
        self.bridge.ran(run, GATES, "pull_request", sha, branch)
        return self._run(GATES, "pull_request", payload, sha, run, **given)

    def gate_queued(self, branch: str, sha: str, run: int) -> int:
        """Let the untrusted workflow run on what the merge queue made; its exit code."""
        group = {"head_sha": sha, "head_ref": f"refs/heads/{branch}", "base_sha": self.main}
        payload = {"repository": self.repository, "merge_group": group}
        self.bridge.ran(run, GATES, "merge_group", sha, branch)
        return self._run(GATES, "merge_group", payload, sha, run)

    def report(
        self,
        action: str,
        branch: str,
        sha: str,
        run: int,
        own: int,
        *,
        event: str = "pull_request",
        fork: dict[str, Any] | None = None,
        **given: str,
    ) -> int:
        """Let the trusted workflow run after a run of the untrusted one; its exit code."""
        ended = {
            "id": run,
            "run_attempt": 1,
            "event": event,
            "path": f".github/workflows/{GATES}",
            "head_sha": sha,
            "head_branch": branch,
            "head_repository": fork or self.repository,
        }
        payload = {"action": action, "repository": self.repository, "workflow_run": ended}
        self.bridge.ran(own, REPORT, "workflow_run", self.main, "main")
        return self._run(REPORT, "workflow_run", payload, self.main, own, **given)

    def sweep(self, own: int) -> int:
        """Let the trusted workflow run by the clock; its exit code."""
        payload = {"repository": self.repository, "schedule": "43 * * * *"}
        return self._run(REPORT, "schedule", payload, self.main, own)

    def retrain(self, run: int, **given: str) -> int:
        """Let the weekly training run by the clock; its exit code."""
        payload = {"repository": self.repository, "schedule": "17 4 * * 1"}
        return self._run(RETRAIN, "schedule", payload, self.main, run, **given)

    def reproduce(self, sha: str, run: int) -> int:
        """Let the default branch's workflow run at a commit; its exit code."""
        payload = {"repository": self.repository, "ref": "refs/heads/main"}
        self.bridge.ran(run, BASELINE, "push", sha, "main")
        return self._run(BASELINE, "push", payload, sha, run)

    def _run(
        self, workflow: str, event: str, payload: dict[str, Any], sha: str, run: int, **given: str
    ) -> int:
        done = self.act.run(workflow, event, payload, sha, run, **given)
        (self.folder / f"{workflow}-{run}.log").write_text(done.stdout + done.stderr, "utf-8")
        return done.returncode

    def log(self, workflow: str, run: int) -> str:
        """What a run printed."""
        return (self.folder / f"{workflow}-{run}.log").read_text("utf-8")

    def comments(self, pull: int) -> list[dict[str, Any]]:
        """The comments of a pull request."""
        found: list[dict[str, Any]] = self.server.ask("GET", f"{ROOT}/issues/{pull}/comments")[1]
        return found

    def checks(self, sha: str) -> list[tuple[str, str | None, str]]:
        """The checks of a commit: status, conclusion, title."""
        asked = Emulated(self.bridge.url).ask("GET", f"{ROOT}/commits/{sha}/check-runs")
        found = asked[1]["check_runs"]
        return [(one["status"], one["conclusion"], one["output"]["title"]) for one in found]


@contextmanager
def stage(folder: Path, node: str) -> Iterator[Stage]:
    """The tiny project on `main`, its baseline not yet made."""
    logins = {"tok_bot": BOT, "tok_app": APP}
    seed = copy.deepcopy(emulated.SEED)
    seed["github"]["users"] += [{"login": login} for login in logins.values()]  # type: ignore[index]
    seed["tokens"] |= {  # type: ignore[operator]
        token: {"login": login, "scopes": ["repo", "user"]} for token, login in logins.items()
    }
    project, main = _project(folder)
    with mock.patch.object(emulated, "SEED", seed), emulate(node, folder) as server:
        server.protect("gatepost")
        repository = server.ask("GET", ROOT)[1]
        bridge = Bridge(server.url, folder / "git", folder / "artifacts", repository["id"])
        with serve(bridge) as url:
            act = Act(folder, url, folder / "git", _programs(folder))
            yield Stage(folder, server, bridge, act, repository, project, main)


def _project(folder: Path) -> tuple[Path, str]:
    project, remote = folder / "both" / "project", folder / "both" / "remote"
    make_judged(project)
    config = project / ".dvc" / "config"
    config.write_text(config.read_text("utf-8").replace("../../remote", str(remote)), "utf-8")
    with (project / ".gitignore").open("a", encoding="utf-8") as stream:
        stream.write(".venv/\n")
    python = _script(folder / "python", OWN_PYTHON.format(code=model.ROOT, python=sys.executable))
    (project / "Makefile").write_text(MAKEFILE.format(python=python), "utf-8")
    _script(project / ".ci" / "run", "#!/bin/sh\necho the tests ran\n")
    train = project / "steps" / "train.py"
    text = train.read_text("utf-8").replace("import json, re", "import json, os, re")
    # What training gives depends on the world, though no file of the repository has changed.
    shifted = text.replace(
        "read_text())[1])", "read_text())[1]) + int(os.environ.get('WEATHER', 0))"
    )
    assert shifted.count("WEATHER") == 1
    train.write_text(shifted, "utf-8")
    run(project, "dvc", "commit", "--force", "--quiet", "train")  # it gives the same here
    main = commit(project)
    git(folder, "clone", "-q", "--bare", str(project), str(folder / "git"))
    git(folder / "git", "config", "uploadpack.allowAnySHA1InWant", "true")
    git(project, "remote", "add", "origin", str(folder / "git"))
    return project, main


def _programs(folder: Path) -> Path:
    """A `python` that makes environments of one, which was installed as the action does."""
    made = folder / "made"
    subprocess.run((sys.executable, "-I", "-m", "venv", str(made)), check=True)
    pip = (str(made / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-deps")
    by_hash = (
        "--no-compile",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--require-hashes",
    )
    lock = ("--requirement", str(model.ROOT / "requirements-report.lock"))
    subprocess.run((*pip, *by_hash, *lock), check=True)
    programs = folder / "programs"
    _script(programs / "python", PYTHON.format(made=made, python=sys.executable))
    shutil.copy(programs / "python", programs / "python3")
    _script(programs / "gh", f'#!/bin/sh\nexec {sys.executable} {GH} "$@"\n')
    return programs


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path
