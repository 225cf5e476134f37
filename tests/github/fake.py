"""A GitHub of our own: one repository with state, and faults where a test wants them.

`send` answers in the process; `serve` answers over HTTP on loopback, where a connection can be
dropped for real. Time is a number that `sleep` moves, so that nobody waits.
"""

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gates.github.calls import Answer, Call, LostError

REPOSITORY_ID = 4242
REPOSITORY = "acme/churn"
OLD_NAME = "acme/leavers"
BOT = "github-actions[bot]"
HEAD = "9f3c2e1d4b5a69788796a5b4c3d2e1f001234567"
OLD_HEAD = "c7719aa0000000000000000000000000000000aa"
BODY_MAX = 65_536
DATE = "Mon, 23 Nov 2026 12:00:00 GMT"
DATE_S = 1_795_435_200


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call: before or after it took effect."""

    kind: str  # `drop`, or an HTTP status
    after: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    said: str = "no"


class DroppedError(Exception):
    """The connection ends without an answer."""


Reply = tuple[int, Any]


class FakeGitHub:
    """State of `acme/churn` with pull request 7, and what was asked of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.late_s = 0.0  # a list shows what was written this long ago
        self.login: str | None = None  # `None`: an app's token, that may not ask who it is
        self.author = BOT
        self.head, self.state = HEAD, "open"
        self.head_repository: int | None = REPOSITORY_ID
        self.base_repository = REPOSITORY_ID
        self.locked = False
        self.comments: dict[int, dict[str, Any]] = {}
        self.checks: dict[int, dict[str, Any]] = {}
        self.files: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.archive = b""
        self.asked: list[Call] = []
        self.downloads = 0  # of artifacts; each is a call that `asked` does not have
        self.faults: list[tuple[str, str, Fault]] = []  # verb, a part of the path, what happens
        self.on_call: Callable[[Call], None] = lambda _call: None
        self._next = 1
        self._lock = threading.RLock()

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def comment_by(self, login: str, body: str) -> int:
        return self._add_comment(login, body)["id"]  # type: ignore[no-any-return]

    def ours(self) -> list[dict[str, Any]]:
        return [one for one in self.comments.values() if one["user"]["login"] == self.author]

    def writes(self) -> list[Call]:
        return [call for call in self.asked if call.verb != "GET"]

    def fail(self, verb: str, part: str, *faults: Fault) -> None:
        self.faults += [(verb, part, fault) for fault in faults]

    def send(self, call: Call) -> Answer:
        body = json.loads(json.dumps(msgspec.to_builtins(call.body)))
        try:
            return self.answer(call._replace(body=body))
        except DroppedError as error:
            raise LostError("no answer") from error

    def answer(self, call: Call) -> Answer:
        self.on_call(call)
        with self._lock:
            self.asked.append(call)
            fault = self._next_fault(call)
            if fault and not fault.after:
                return _broken(fault)
            status, value = self._route(call)
            if fault:
                return _broken(fault)
        headers = {"date": DATE, "content-type": "application/json"}
        if status == 302:
            return Answer(302, {**headers, "location": value}, b"")
        return Answer(status, headers, b"" if value is None else json.dumps(value).encode())

    def _next_fault(self, call: Call) -> Fault | None:
        for at, (verb, part, fault) in enumerate(self.faults):
            if verb in (call.verb, "*") and part in call.path:
                del self.faults[at]
                return fault
        return None

    def _route(self, call: Call) -> Reply:  # noqa: C901, PLR0911, PLR0912 - one line a route
        path = call.path.removeprefix(f"/repos/{REPOSITORY}").strip("/").split("/")
        body: Any = call.body
        match (call.verb, *path):
            case ("GET", ""):
                return 200, {"id": REPOSITORY_ID, "full_name": REPOSITORY}
            case ("GET", "user"):
                return (200, {"login": self.login}) if self.login else _refuse(403)
            case ("GET", "pulls"):
                return 200, [self.pull()] if self.state == "open" else []
            case ("GET", "pulls", "7"):
                return 200, self.pull()
            case ("GET", "pulls", "7", "files"):
                return 200, _page(self.files, call)
            case ("GET", "issues", "7", "comments"):
                return 200, _page(self._listed(), call)
            case ("POST", "issues", "7", "comments"):
                return self._post(body["body"])
            case ("GET", "issues", "comments", number):
                one = self.comments.get(int(number))
                return (200, one) if one else _refuse(404)
            case ("PATCH" | "DELETE", "issues", "comments", number):
                return self._change(call.verb, int(number), body)
            case ("GET", "commits", sha, "check-runs"):
                runs = [one for one in self.checks.values() if one["head_sha"] == sha]
                return 200, {"total_count": len(runs), "check_runs": runs[::-1]}
            case ("POST", "check-runs"):
                return 201, self._add_check(body)
            case ("PATCH", "check-runs", number):
                return self._update_check(int(number), body)
            case ("GET", "actions", "runs", _, "artifacts"):
                return 200, {"total_count": len(self.artifacts), "artifacts": self.artifacts}
        return _refuse(404)

    def pull(self) -> dict[str, Any]:
        repo = {"id": self.base_repository, "full_name": REPOSITORY}
        head = None if self.head_repository is None else {"id": self.head_repository}
        return {
            "number": 7,
            "state": self.state,
            "head": {"sha": self.head, "ref": "feature", "repo": head},
            "base": {"sha": "0" * 40, "ref": "main", "repo": repo},
            "url": f"/repos/{REPOSITORY}/pulls/7",
            "issue_url": f"/repos/{REPOSITORY}/issues/7",
        }

    def _listed(self) -> list[dict[str, Any]]:
        return [one for one in self.comments.values() if one["at"] <= self.now - self.late_s]

    def _post(self, body: str) -> Reply:
        if self.locked:
            return 403, {"message": "Unable to create comment because issue is locked."}
        if len(body) > BODY_MAX:
            return 422, {"message": "Validation Failed: body is too long (maximum is 65536)"}
        return 201, self._add_comment(self.author, body)

    def _change(self, verb: str, number: int, body: Any) -> Reply:
        one = self.comments.get(number)
        if one is None:
            return _refuse(404)
        if verb == "DELETE":  # a writer may change and remove what others said
            del self.comments[number]
            return 204, None
        if len(body["body"]) > BODY_MAX:
            return 422, {"message": "Validation Failed: body is too long (maximum is 65536)"}
        one["body"] = body["body"]
        return 200, one

    def _add_comment(self, login: str, body: str) -> dict[str, Any]:
        number = self._number()
        url = f"/repos/{REPOSITORY}/issues/comments/{number}"
        one = {"id": number, "user": {"login": login}, "body": body, "at": self.now, "url": url}
        self.comments[number] = one
        return one

    def _add_check(self, body: dict[str, Any]) -> dict[str, Any]:
        number = self._number()
        one = {"id": number, "conclusion": None, "app": {"id": 15368}, **body}
        one["annotations"] = list(body["output"].get("annotations", ()))
        self.checks[number] = one
        return one

    def _update_check(self, number: int, body: dict[str, Any]) -> Reply:
        if len(body["output"].get("annotations", ())) > 50:
            return _refuse(422)
        one = self.checks[number]
        one["annotations"] += body["output"].get("annotations", ())
        one |= {"conclusion": None} | body
        return 200, one

    def _number(self) -> int:
        self._next += 1
        return self._next


def _refuse(status: int) -> Reply:
    said = {403: "Resource not accessible by integration", 404: "Not Found"}
    return status, {"message": said.get(status, "refused")}


def _page(items: list[dict[str, Any]], call: Call) -> list[dict[str, Any]]:
    size, page = int(call.query.get("per_page", 30)), int(call.query.get("page", 1))
    return items[(page - 1) * size : page * size]


def _broken(fault: Fault) -> Answer:
    if fault.kind == "drop":
        raise DroppedError
    headers = {"date": DATE, **fault.headers}
    return Answer(int(fault.kind), headers, json.dumps({"message": fault.said}).encode())


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients that went away
            super().handle_error(request, client_address)


@contextmanager
def serve(
    fake: FakeGitHub, prefix: str = "", *, secured: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The address of an HTTP server that answers as the fake does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length)
            url = urlsplit(self.path)
            if url.path == "/storage":
                self._reply(200, {}, fake.archive)
                return
            if url.path.endswith("/zip"):
                fake.downloads += 1
                place = f"http://localhost:{server.server_port}/storage"
                self._reply(302, {"location": place}, b"")
                return
            path = url.path.removeprefix(prefix)
            if path.startswith(f"/repos/{OLD_NAME}"):
                now = f"{prefix}{path.replace(OLD_NAME, REPOSITORY)}?{url.query}"
                self._reply(301, {"location": f"http://localhost:{server.server_port}{now}"}, b"")
                return
            body = json.loads(sent) if sent else None
            call = Call(self.command, path, dict(parse_qsl(url.query)), body)
            try:
                answer = fake.answer(call)
            except DroppedError:
                self.close_connection = True
                return
            self._reply(answer.status, answer.headers, answer.body)

        do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815 - names of the library

        def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            with suppress(ConnectionError):  # of who asked and was cancelled
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if secured:
        server.socket = secured.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' * bool(secured)}://localhost:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
