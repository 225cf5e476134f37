"""What is left in a pull request after faults: ours, PyGithub as it comes, CML as it comes.

    python -m benchmarks.reliability                    # the table, and 2,000 random schedules
    GATEPOST_CML=/path/to/cml python -m benchmarks.reliability

PyGithub's column is what most recipes do: list, edit the comment with the marker, else create.
Where no CML is named its column is left out. Takes two minutes.
"""

import argparse
import os
import random
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from github import Auth, Github, GithubException
from requests import RequestException

from gates.github.calls import Calls, GitHubError
from gates.github.cml import Cml
from gates.github.mark import Run, read_mark
from gates.github.publish import Channel, publish
from gates.github.repository import GitHub, connect
from tests.github.conftest import Desk, head, message
from tests.github.fake import BOT, HEAD, REPOSITORY, FakeGitHub, Fault, serve

MARK = "<!-- sticky -->"
TOKEN = "ghs_nobody"  # noqa: S105
DROP, BAD_GATEWAY = Fault("drop", after=True), Fault("502", after=True)
Post = Callable[[FakeGitHub, str, int], None]  # a server, its address, and which run posts


class Scene(NamedTuple):
    """Something that happens, and what it does to a server before runs post to it."""

    name: str
    runs: tuple[int, ...]
    prepare: Callable[[FakeGitHub], None] = lambda _fake: None
    at_once: bool = False


def _crowd(fake: FakeGitHub) -> None:
    for at in range(31):
        fake.comment_by("dana", f"comment {at}")


def _imitate(fake: FakeGitHub) -> None:
    image = f'![](https://cml.dev/watermark.png#{HEAD} "CML watermark gatepost-main")'
    fake.comment_by("mallory", f"{MARK}\nlooks good\n\n{image}")


def _fail_posts(fake: FakeGitHub, fault: Fault, times: int) -> None:
    fake.fail("POST", "comments", *[fault] * times)


def _delay(fake: FakeGitHub) -> None:
    fake.late_s = 5.0


SCENES = (
    Scene("two runs", (1, 2)),
    Scene("31 other comments", (1, 2), _crowd),
    Scene("one post: 502 after it", (1,), lambda fake: fake.fail("POST", "comments", BAD_GATEWAY)),
    Scene("one post dropped after it", (1,), lambda fake: fake.fail("POST", "comments", DROP)),
    Scene(
        "each post dropped after it", (1,), lambda fake: fake.fail("POST", "comments", *[DROP] * 20)
    ),
    Scene("lists 5 s late", (1, 2), _delay),
    Scene("the older run ends last", (2, 1)),
    Scene("a stranger copies the mark", (1,), _imitate),
    Scene("8 runs at once", tuple(range(1, 9)), at_once=True),
)


def post_ours(fake: FakeGitHub, url: str, run: int) -> None:
    """As `gatepost publish --poster api`; its waits move the fake's clock."""

    def nap(seconds: float) -> None:
        fake.sleep(seconds)
        time.sleep(0.02)

    calls = Calls(connect(TOKEN, url), say=lambda _line: None, sleep=nap)
    channel = Channel(GitHub(calls, REPOSITORY))
    publish(channel, head(Run(run, 1)), message(f"run {run}"), say=lambda _line: None, sleep=nap)


def post_by_pygithub(_fake: FakeGitHub, url: str, run: int) -> None:
    """The usual recipe, with PyGithub's own retries and pauses."""
    github = Github(auth=Auth.Token(TOKEN), base_url=url, lazy=True)
    pull = github.get_repo(REPOSITORY).get_pull(7)
    body = f"{MARK}\nrun {run}"
    for comment in pull.get_issue_comments():
        if MARK in comment.body:
            comment.edit(body)
            return
    pull.create_issue_comment(body)


def post_by_cml(_fake: FakeGitHub, url: str, run: int) -> None:
    """`cml comment update`, as its documentation shows it."""
    cml = Cml(os.environ["GATEPOST_CML"], f"https://{urlsplit(url).netloc}", REPOSITORY, TOKEN)
    cml.post(7, "main", HEAD, f"{MARK}\nrun {run}")


def left_after(scene: Scene, post: Post, *, secured: ssl.SSLContext | None) -> str:
    """How many comments of ours a scene leaves, what they say, and how long it took."""
    fake = FakeGitHub()
    scene.prepare(fake)
    strangers = {number: one["body"] for number, one in fake.comments.items()}
    started = time.monotonic()
    with serve(fake, "/api/v3" if secured else "", secured=secured) as url:
        threads = [
            threading.Thread(target=_safely, args=(post, fake, url, at)) for at in scene.runs
        ]
        for thread in threads:
            thread.start()
            if not scene.at_once:
                thread.join()
        for thread in threads:
            thread.join()
    took_s = time.monotonic() - started + fake.now
    ours = [one["body"] for one in fake.ours()]
    newest = max(scene.runs)
    shown = "newest" if ours and all(f"run {newest}" in body for body in ours) else "older"
    told = f"{len(ours)} {shown if len(ours) == 1 else ''}".strip()
    changed = any(fake.comments[number]["body"] != body for number, body in strangers.items())
    return f"{told}{', a stranger’s changed' if changed else ''} ({took_s:.0f} s)"


def _safely(post: Post, fake: FakeGitHub, url: str, run: int) -> None:
    try:
        post(fake, url, run)
    except (GithubException, GitHubError, RequestException):
        return  # what it left behind is counted


def play_random(sequences: int, seed: int) -> tuple[int, int, int]:
    """Random runs under random faults, then one calm run; schedules, calls, and broken promises."""
    chance, calls, broken = random.Random(seed), 0, 0  # noqa: S311 - schedules, not secrets
    for _ in range(sequences):
        desk = Desk()
        said: dict[str, set[str]] = {}
        for _ in range(chance.randint(1, 6)):
            _play_one(desk, chance, said)
        desk.publish(Run(9, 1), message("last"))
        ours = [read_mark(one["body"]) for one in desk.fake.ours()]
        untrue = [
            one
            for one in desk.fake.checks.values()
            if one["conclusion"] == "success"
            and "success" not in said.get(one["external_id"], {"success"})
        ]
        broken += [mark.run for mark in ours if mark] != [Run(9, 1)] or bool(untrue)
        calls += len(desk.fake.asked)
    return sequences, calls, broken


def _play_one(desk: Desk, chance: random.Random, said: dict[str, set[str]]) -> None:
    run, end = (
        Run(chance.randint(1, 6), chance.randint(1, 2)),
        chance.choice(("success", "failure")),
    )
    said.setdefault(f"gatepost:{run}", set()).add(end)
    desk.fake.late_s = chance.choice((0.0, 5.0))
    for _ in range(chance.randint(0, 6)):
        kind, after = chance.choice(("drop", "500", "502", "429")), chance.random() < 0.5
        fault = Fault(kind, after=after and kind != "429")
        part = chance.choice(("comments", "check-runs", ""))
        desk.fake.fail(chance.choice(("GET", "POST", "PATCH", "DELETE", "*")), part, fault)
    with suppress(GitHubError):
        desk.publish(run, message(str(run), conclusion=end))
    desk.fake.faults, desk.fake.late_s = [], 0.0
    desk.fake.sleep(10.0)


@contextmanager
def certificate() -> Iterator[ssl.SSLContext | None]:
    """What a server needs that CML speaks to; `None` where no CML is named."""
    openssl = shutil.which("openssl")
    if "GATEPOST_CML" not in os.environ or openssl is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        key, made = Path(folder) / "key.pem", Path(folder) / "made.pem"
        words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj")
        named = ("/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        files = ("-keyout", str(key), "-out", str(made))
        subprocess.run((openssl, *words, *named, *files), check=True, capture_output=True)
        os.environ["NODE_EXTRA_CA_CERTS"] = str(made)
        secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secured.load_cert_chain(made, key)
        yield secured


def main() -> None:
    """Print the table and the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with certificate() as secured:
        posters: dict[str, tuple[Post, ssl.SSLContext | None]] = {
            "gatepost": (post_ours, None),
            "PyGithub as it comes": (post_by_pygithub, None),
        }
        if secured:
            posters["CML as it comes"] = (post_by_cml, secured)
        print(f"Comments of `{BOT}` afterwards, what the one says, and seconds:\n")
        print(f"| | {' | '.join(posters)} |\n|:--|{':--|' * len(posters)}")
        for scene in SCENES:
            cells = [left_after(scene, post, secured=with_) for post, with_ in posters.values()]
            print(f"| {scene.name} | {' | '.join(cells)} |", flush=True)
    schedules, calls, broken = play_random(arguments.sequences, arguments.seed)
    print(f"\n{schedules:,} random schedules, {calls:,} calls: {broken} broke a promise.")


if __name__ == "__main__":
    main()
