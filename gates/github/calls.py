"""Calls to GitHub's API: which are repeated, how long is waited, what is given up. No socket here.

A call that only reads, replaces or deletes is repeated. A POST is sent once: where no answer came,
whether it took effect is unknown, and only who sent it can find out by reading back.
"""

import random
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from gates.errors import GatesError

T = TypeVar("T")

TRIES: Final = 5
LIMITS_MAX_S: Final = 480.0  # in all, for one process
_LIMITED_S: Final = 60.0  # GitHub asks for this much where it names no time, doubling
_FIRST_WAIT_S: Final = 1.0
_LIMITED = ("rate limit", "abuse detection", "wait a few minutes", "retry your request again later")
_PER_PAGE: Final = 100


class GitHubError(GatesError):
    """GitHub did not do what publishing needs."""


class LostError(GitHubError):
    """No answer came, so whether the call took effect is unknown."""


class RefusedError(GitHubError):
    """GitHub answered that it will not do this."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class Answer(NamedTuple):
    """What a server answered; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Call(NamedTuple):
    """One request; the path is absolute below the API's root, the query is not in it."""

    verb: str
    path: str
    query: Mapping[str, str | int] = {}
    body: object = None

    def __str__(self) -> str:
        """The verb and the path, as an error names them."""
        return f"{self.verb} {self.path}"


Send = Callable[[Call], Answer]  # raises LostError


class Calls:
    """Sends calls one after another, with the patience that GitHub asks for."""

    def __init__(
        self,
        send: Send,
        *,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the transport, the log, and what time is."""
        self._send = send
        self._clock = clock
        self._limits_left_s = LIMITS_MAX_S
        self._spread = random.SystemRandom()
        self.say = say
        self.sleep = sleep
        self.made = 0
        self.date = ""  # GitHub's, as the last answer's `Date` header has it

    def get(self, kind: type[T], path: str, **query: str | int) -> T:
        """Read one value."""
        return self._decode(kind, Call("GET", path, query))

    def pages(
        self, kind: type[T], path: str, *, pages_max: int, **query: str | int
    ) -> tuple[list[T], bool]:
        """Read a list to its end or to `pages_max`; and whether the end was reached."""
        found: list[T] = []
        for page in range(1, pages_max + 1):
            call = Call("GET", path, {**query, "per_page": _PER_PAGE, "page": page})
            got = self._decode(list[kind], call)  # type: ignore[valid-type]
            found += got
            if len(got) < _PER_PAGE:
                return found, True
        return found, False

    def write(self, kind: type[T], verb: str, path: str, body: object) -> T:
        """Change something; a POST is sent once.

        Raises:
            LostError: a POST got no answer.
        """
        return self._decode(kind, Call(verb, path, {}, body))

    def delete(self, path: str) -> None:
        """Remove something; what is gone already is as well."""
        try:
            self.make(Call("DELETE", path))
        except RefusedError as error:
            if error.status not in (404, 410):
                raise

    def make(self, call: Call) -> Answer:
        """Send one call until it is answered, or until patience ends.

        Raises:
            RefusedError: GitHub will not do it.
            LostError: nobody knows.
        """
        wait_s, limited_s = _FIRST_WAIT_S, _LIMITED_S
        tries = 1 if call.verb == "POST" else TRIES
        while True:
            answer, problem = self._try(call)
            if answer is None:
                tries -= 1
                if not tries:
                    raise LostError(f"GitHub: {call}: {problem}. {_AGAIN}")
                self._wait(wait_s * self._spread.uniform(0.5, 1.5), str(problem), call)
                wait_s *= 2
            elif (asked_s := self._limit_of(answer)) is None:
                return _accepted(call, answer)
            else:
                self._wait_for_limit(asked_s or limited_s, call, answer)
                limited_s *= 2

    def _try(self, call: Call) -> tuple[Answer | None, str]:
        self.made += 1
        try:
            answer = self._send(call)
        except LostError as error:
            return None, str(error)
        self.date = answer.headers.get("date", self.date)
        if answer.status >= 500:  # noqa: PLR2004 - the server failed, perhaps after it had done it
            return None, f"answered {answer.status}"
        return answer, ""

    def _limit_of(self, answer: Answer) -> float | None:
        """Seconds that a rate limit asks for, 0 where it names none; `None` without a limit."""
        if answer.status not in (403, 429):
            return None
        headers = answer.headers
        if (after := headers.get("retry-after", "")).isdigit():
            return float(after) + 1.0
        if headers.get("x-ratelimit-remaining") == "0":
            reset = headers.get("x-ratelimit-reset", "")
            left_s = float(reset) - self._now(headers) if reset.isdigit() else 0.0
            return max(left_s, 0.0) + 1.0
        said = _message(answer).lower()
        return 0.0 if answer.status == 429 or any(it in said for it in _LIMITED) else None  # noqa: PLR2004

    def _now(self, headers: Mapping[str, str]) -> float:
        """GitHub's clock, which its resets are told in; ours may be wrong."""
        try:
            return parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return self._clock()

    def _wait_for_limit(self, seconds: float, call: Call, answer: Answer) -> None:
        if seconds > self._limits_left_s:
            raise RefusedError(
                f"GitHub: {call}: limited us for {seconds:.0f} s, and {self._limits_left_s:.0f} s "
                "are left of what we wait in all. Re-run the job later.",
                answer.status,
                _message(answer),
            )
        self._limits_left_s -= seconds
        self._wait(seconds, "GitHub limits us", call)

    def _wait(self, seconds: float, why: str, call: Call) -> None:
        self.say(f"waiting {seconds:.0f} s: {call}: {why}")
        self.sleep(seconds)

    def _decode(self, kind: type[T], call: Call) -> T:
        answer = self.make(call)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise GitHubError(
                f"GitHub: {call}: the answer is not what the API promises: {error}. Check "
                "GITHUB_API_URL; a proxy may have answered instead."
            ) from error


_AGAIN = "Re-run the job; nothing that was judged is lost"
_MENDS = {
    401: "The token is wrong or has expired; re-run the job, or renew the token",
    403: "The token lacks a permission; give the job `checks: write` and `pull-requests: write`",
    404: "It is not there, or the token may not see it",
}


def _accepted(call: Call, answer: Answer) -> Answer:
    if answer.status < 400:  # noqa: PLR2004 - everything from here on is a refusal
        return answer
    said = _message(answer)
    mend = _MENDS.get(answer.status, _AGAIN)
    raise RefusedError(
        f"GitHub: {call}: refused with {answer.status}: {said!r}. {mend}.", answer.status, said
    )


def _message(answer: Answer) -> str:
    """What GitHub says in words; one line, without anything that a terminal or runner acts on."""
    try:
        said: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "no reason"
    words = said.get("message") if isinstance(said, dict) else None
    if not isinstance(words, str):
        return "no reason"
    return "".join(sign if sign.isprintable() else "?" for sign in words)[:300]
