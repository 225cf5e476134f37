"""What the emulator lacks of GitHub: artifacts, runs of workflows, and files of real commits.

All else is passed on to it. It makes its own commits, so hashes are translated on the way: what
the workflows see are the commits of a real Git repository.
"""

import base64
import hashlib
import json
import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = "/repos/acme/churn"


@dataclass
class Bridge:
    """A server in front of the emulator's, for one repository."""

    emulator: str  # its address
    git: Path  # a repository that has all commits
    artifacts: Path  # folder of run → zips
    repository: int
    runs: list[dict[str, Any]] = field(default_factory=list)
    emulated: dict[str, str] = field(default_factory=dict)  # real hash → the emulator's
    merged: dict[str, str] = field(default_factory=dict)  # merged commit → the head that it was
    forked: dict[str, list[int]] = field(default_factory=dict)  # a fork's commit → its checks
    url: str = ""

    def ran(  # noqa: PLR0917 - what GitHub says of a run, in its order
        self,
        run: int,
        workflow: str,
        event: str,
        sha: str,
        branch: str,
        updated_at: str = "2026-11-23T12:00:00Z",
    ) -> None:
        """Remember a run of a workflow."""
        self.runs.insert(0, {
            "id": run,
            "run_attempt": 1,
            "event": event,
            "path": f".github/workflows/{workflow}",
            "status": "completed",
            "head_sha": sha,
            "head_branch": branch,
            "head_repository": {"id": self.repository, "owner": {"login": "acme"}},
            "created_at": "2026-11-23T12:00:00Z",
            "updated_at": updated_at,
        })  # fmt: skip

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """What we answer ourselves; `None` is passed on."""
        rest = unquote(path.removeprefix(ROOT))
        if found := re.fullmatch(r"/actions/runs/(\d+)/artifacts", rest):
            return {"artifacts": self._artifacts(int(found[1]), query.get("name", ""))}
        if found := re.fullmatch(r"/actions/workflows/([^/]+)/runs", rest):
            return {"workflow_runs": self._runs(found[1], query)}
        if found := re.fullmatch(r"/commits/([0-9a-f]{40})/pulls", rest):
            return self._pulls(found[1])
        return self._of_git(rest, query)

    def _pulls(self, merged: str) -> list[dict[str, Any]]:
        head = {"sha": self.merged.get(merged)}
        pull = {"number": 1, "state": "closed", "head": head, "base": {"sha": "0" * 40}}
        return [pull] if head["sha"] else []

    def _of_git(self, rest: str, query: dict[str, str]) -> dict[str, Any] | None:
        if found := re.fullmatch(r"/compare/(.+)\.\.\.([0-9a-f]{40})", rest):
            base = self._git("merge-base", found[1], found[2]).decode().strip()
            names = self._git("diff", "--name-only", "-z", base, found[2]).decode().split("\0")
            files = [{"filename": name} for name in names if name]
            return {"merge_base_commit": {"sha": base}, "files": files}
        if found := re.fullmatch(r"/git/commits/([0-9a-f]{40})", rest):
            tree = self._git("rev-parse", f"{found[1]}^{{tree}}").decode().strip()
            return {"sha": found[1], "tree": {"sha": tree}}
        if (found := re.fullmatch(r"/contents/(.+)", rest)) and "ref" in query:
            if not self._git("ls-tree", query["ref"], found[1]):
                return None
            content = self._git("show", f"{query['ref']}:{found[1]}")
            encoded = base64.encodebytes(content).decode()
            return {"size": len(content), "encoding": "base64", "content": encoded}
        return None

    def storage(self, number: int) -> bytes:
        """The bytes of an artifact."""
        return self._zips()[number - 1].read_bytes()

    def _zips(self) -> list[Path]:
        return sorted(self.artifacts.rglob("*.zip"), key=lambda path: path.stat().st_mtime_ns)

    def _artifacts(self, run: int, name: str) -> list[dict[str, Any]]:
        return [
            {
                "id": number,
                "name": path.stem,
                "size_in_bytes": path.stat().st_size,
                "digest": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
            }
            for number, path in enumerate(self._zips(), 1)
            if (path.parent.name, path.stem) == (str(run), name)
        ]

    def _runs(self, workflow: str, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = {"head_sha": "head_sha", "branch": "head_branch", "event": "event"}
        wanted["status"] = "status"
        return [
            run
            for run in self.runs
            if run["path"].endswith(f"/{workflow}")
            and all(run[key] == query[name] for name, key in wanted.items() if name in query)
        ]

    def _git(self, *arguments: str) -> bytes:
        command = ("git", "-C", str(self.git), *arguments)
        return subprocess.run(command, capture_output=True, check=True).stdout

    def checks(self, sha: str, path: str, token: str) -> tuple[int, bytes]:
        """The checks of a commit; the emulator lists none of a fork's, which GitHub does."""
        if sha not in self.forked:
            return self.pass_on("GET", path, b"", token)
        each = (f"{ROOT}/check-runs/{number}" for number in self.forked[sha])
        found = [json.loads(self.pass_on("GET", one, b"", token)[1]) for one in each]
        return 200, json.dumps({"total_count": len(found), "check_runs": found}).encode()

    def pass_on(self, verb: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
        """The emulator's answer, with real hashes."""
        for real, theirs in self.emulated.items():
            path, body = path.replace(real, theirs), body.replace(real.encode(), theirs.encode())
        headers = {"authorization": token, "content-type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.emulator + path, body or None, headers, method=verb
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, content = error.code, error.read()
        for real, theirs in self.emulated.items():
            content = content.replace(theirs.encode(), real.encode())
        if (verb, path) == ("POST", f"{ROOT}/check-runs"):
            made = json.loads(content)
            self.forked.get(made.get("head_sha", ""), []).append(made.get("id", 0))
        return status, content.replace(self.emulator.encode(), self.url.encode())


@contextmanager
def serve(bridge: Bridge) -> Iterator[str]:
    """The bridge's address, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            if found := re.fullmatch(rf"{ROOT}/actions/artifacts/(\d+)/zip", url.path):
                self._reply(302, b"", f"{bridge.url}/storage/{found[1]}")
            elif found := re.fullmatch(r"/storage/(\d+)", url.path):
                self._reply(200, bridge.storage(int(found[1])))
            elif (own := bridge.answer(url.path, query)) is not None:
                self._reply(200, json.dumps(own).encode())
            elif found := re.fullmatch(rf"{ROOT}/commits/(\w+)/check-runs", url.path):
                token = self.headers.get("authorization", "")
                self._reply(*bridge.checks(found[1], self.path, token))
            else:
                token = self.headers.get("authorization", "")
                self._reply(*bridge.pass_on(self.command, self.path, body, token))

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _any  # noqa: N815 - the library's names

        def _reply(self, status: int, body: bytes, location: str = "") -> None:
            self.send_response_only(status)
            self.send_header("content-type", "application/json")
            self.send_header("date", self.date_time_string())
            self.send_header("content-length", str(len(body)))
            if location:
                self.send_header("location", location)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    bridge.url = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bridge.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
