"""The fake GitHub with what judging a run needs on top: runs, commits, and files at commits."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

from gates.github.calls import Call
from tests.github.fake import HEAD, REPOSITORY, REPOSITORY_ID, FakeGitHub, Reply

BASE = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
BASELINE = ".github/workflows/baseline.yml"
GATES = ".github/workflows/gates.yml"


class Hub(FakeGitHub):
    """Branch `main` with the merge base `BASE`."""

    def __init__(self) -> None:
        self.zips: list[bytes] = []  # each is downloaded once, in this order
        super().__init__()
        self.merge_base = BASE
        self.changed: list[str] | None = ["params.yaml", "waivers.yaml"]  # by the head
        self.runs: list[dict[str, Any]] = []
        self.left: dict[int, list[dict[str, Any]]] = {}  # by run
        self.contents: dict[tuple[str, str], bytes] = {}  # by path and commit
        self.trees: dict[str, str] = {}
        self.linked: list[dict[str, Any]] = []  # pull requests of any commit

    @property
    def archive(self) -> bytes:
        """The next artifact that somebody downloads."""
        return self.zips.pop(0)

    @archive.setter
    def archive(self, content: bytes) -> None:
        """Keep the base class's empty start."""

    def _route(self, call: Call) -> Reply:  # noqa: PLR0911 - one line a route
        path = call.path.removeprefix(f"/repos/{REPOSITORY}").strip("/").split("/")
        match (call.verb, *path):
            case ("GET", ""):
                repository = {"id": REPOSITORY_ID, "full_name": REPOSITORY}
                return 200, repository | {"default_branch": "main"}
            case ("GET", "compare", ends):
                assert ends == f"main...{HEAD}", ends
                compared = {"merge_base_commit": {"sha": self.merge_base}}
                changed = None if self.changed is None else [{"filename": n} for n in self.changed]
                return 200, compared | {"files": changed}
            case ("GET", "actions", "workflows", name, "runs"):
                return 200, {"workflow_runs": [run for run in self.runs if _is(run, name, call)]}
            case ("GET", "actions", "runs", run, "artifacts"):
                return 200, {"artifacts": self.left.get(int(run), [])}
            case ("GET", "contents", *parts):
                content = self.contents.get(("/".join(parts), str(call.query["ref"])))
                if content is None:
                    return 404, {"message": "Not Found"}
                encoded = base64.encodebytes(content).decode()
                return 200, {"size": len(content), "encoding": "base64", "content": encoded}
            case ("GET", "git", "commits", sha):
                return 200, {"tree": {"sha": self.trees[sha]}}
            case ("GET", "commits", _, "pulls"):
                return 200, self.linked
        return super()._route(call)

    def ran(self, run: int, name: str, **other: Any) -> None:
        """A run of `baseline.yml` at the base which left an artifact, but for what is given."""
        usual = {
            "id": run,
            "run_attempt": 1,
            "event": "push",
            "path": BASELINE,
            "status": "completed",
            "head_sha": BASE,
            "head_branch": "main",
            "head_repository": {"id": REPOSITORY_ID},
            "created_at": "2026-11-23T12:00:00Z",
        }
        self.runs.append(usual | other)
        self.left[run] = [artifact(b"", name)] if name else []

    def leave(self, run: int, name: str, content: bytes) -> None:
        """An artifact of a run, the next one to be downloaded."""
        self.left[run] = [artifact(content, name)]
        self.zips.append(content)


def artifact(content: bytes, name: str, **other: Any) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    known = {"id": 5, "name": name, "size_in_bytes": len(content), "digest": digest}
    return known | other


def zipped(folder: Path) -> bytes:
    """A folder's files as the zip of an artifact."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return stream.getvalue()


def _is(run: dict[str, Any], name: str, call: Call) -> bool:
    wanted = {"head_sha": "head_sha", "branch": "head_branch", "event": "event", "status": "status"}
    asked = {key: call.query[said] for said, key in wanted.items() if said in call.query}
    return run["path"].endswith(f"/{name}") and all(run[key] == asked[key] for key in asked)
