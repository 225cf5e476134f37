"""How CML is called: by a stand-in that records it, or by the real one in `GATEPOST_CML`."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gates.github.cml import Cml, find_cml, title, would_take
from gates.github.mark import Run
from gates.github.values import Comment, User
from tests.github.conftest import Desk, message
from tests.github.fake import BOT, HEAD, serve

FIRST, SECOND, THIRD = Run(811, 1), Run(812, 1), Run(813, 1)
TOKEN = "ghs_canary0123456789"  # noqa: S105 - nobody's
WATERMARK = '![](https://cml.dev/watermark.png#{} "CML watermark gatepost-main")'

Install = Callable[..., Path]


@pytest.fixture
def url(desk: Desk) -> Iterator[str]:
    with serve(desk.fake) as address:
        yield address


@pytest.fixture
def install(desk: Desk, url: str, tmp_path: Path) -> Install:
    """Put a stand-in there that ends with `code`, after it posted or without."""

    def write(code: int = 0, *, posts: bool = True) -> Path:
        path = tmp_path / "cml"
        shutil.copy(Path(__file__).with_name("cml_stand_in.py"), path)
        wanted = {"url": url, "code": code, "posts": posts}
        (tmp_path / "stand_in.json").write_text(json.dumps(wanted), encoding="utf-8")
        desk.cml = Cml(str(path), "https://github.example", "acme/churn", TOKEN)
        return tmp_path / "record.json"

    return write


def posted_by_cml(desk: Desk) -> list[bool]:
    return ["cml.dev/watermark" in one["body"] for one in desk.fake.ours()]


def test_it_is_called_without_publishing_and_without_the_token_in_sight(
    desk: Desk, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("CML_COMMENT_PUBLISH", "true")
    record = install()
    desk.publish(FIRST, message())
    seen = json.loads(record.read_text())
    *arguments, path = seen["argv"]
    assert arguments == [
        "comment",
        "update",
        "--publish=false",
        "--target=pr/7",
        "--driver=github",
        "--repo=https://github.example/acme/churn",
        "--watermark-title=gatepost-main",
    ]
    assert seen["folder"] == [Path(path).name]
    assert not Path(path).exists()
    environment = seen["environment"]
    assert environment["ITERATIVE_DO_NOT_TRACK"] == "1"
    assert environment["REPO_TOKEN"] == TOKEN
    assert environment["HOME"] == environment["GIT_CONFIG_GLOBAL"].removesuffix("/gitconfig")
    assert not {"AWS_SECRET_ACCESS_KEY", "CML_COMMENT_PUBLISH"} & environment.keys()
    assert TOKEN not in " ".join(seen["argv"])


def test_it_posts_and_then_updates_the_one_comment(desk: Desk, install: Install) -> None:
    install()
    for run in (FIRST, SECOND):
        desk.publish(run, message(str(run)))
        assert posted_by_cml(desk) == [True]
    assert "812.1" in desk.fake.ours()[0]["body"]
    ours = [one for one in desk.fake.writes() if "comments" in one.path]
    assert [one.verb for one in ours] == ["POST", "PATCH"]


def test_the_same_again_does_not_call_it(desk: Desk, install: Install) -> None:
    record = install()
    desk.publish(FIRST, message())
    record.unlink()
    desk.publish(FIRST, message())
    assert not record.exists()


def test_where_it_fails_the_api_posts_and_says_so(desk: Desk, install: Install) -> None:
    install(1, posts=False)
    desk.publish(FIRST, message())
    assert posted_by_cml(desk) == [False]
    (line,) = [line for line in desk.said if "CML ended with 1" in line]
    assert TOKEN not in line
    assert "token ***" in line


def test_where_it_posts_and_then_fails_there_is_one_comment(desk: Desk, install: Install) -> None:
    install(1, posts=True)
    desk.publish(FIRST, message())
    assert posted_by_cml(desk) == [True]


def test_where_it_is_gone_the_api_posts(desk: Desk, tmp_path: Path) -> None:
    desk.cml = Cml(str(tmp_path / "gone"), "https://github.example", "acme/churn", TOKEN)
    desk.publish(FIRST, message())
    assert posted_by_cml(desk) == [False]
    assert any("cannot be started" in line for line in desk.said)


def test_it_is_not_called_where_it_would_change_a_strangers_comment(
    desk: Desk, install: Install
) -> None:
    record = install()
    desk.fake.comment_by("mallory", f"hello\n\n{WATERMARK.format(HEAD)}")
    desk.publish(FIRST, message())
    assert not record.exists()
    assert posted_by_cml(desk) == [False]
    assert any("as CML would change comment" in line for line in desk.said)


def test_it_is_not_called_where_it_would_miss_ours(desk: Desk, install: Install) -> None:
    for at in range(31):
        desk.fake.comment_by("dana", f"comment {at}")
    record = install()
    desk.publish(FIRST, message("first"))
    record.unlink()
    desk.publish(SECOND, message("second"))
    assert not record.exists()
    assert ["second" in one["body"] for one in desk.fake.ours()] == [True]


def test_a_late_list_after_cml_makes_no_second_comment(desk: Desk, install: Install) -> None:
    install()
    desk.fake.late_s = 5.0
    desk.publish(FIRST, message())
    assert posted_by_cml(desk) == [True]


def comment(number: int, body: str) -> Comment:
    return Comment(id=number, user=User(BOT), body=body)


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([], None),
        (["hello"], None),
        ([WATERMARK.format("ab1")], 0),
        ([WATERMARK.format("ab1"), "hello", f"x {WATERMARK.format('ff')}"], 2),
        ([WATERMARK.format("not-hex")], None),
        (["hello"] * 30 + [WATERMARK.format("ab1")], None),
        ([WATERMARK.format("ab1").replace("main", "other")], None),
    ],
)
def test_which_comment_it_would_take(bodies: list[str], expected: int | None) -> None:
    comments = [comment(at, body) for at, body in enumerate(bodies)]
    assert would_take(comments, "main") == expected


@pytest.mark.parametrize(
    ("project", "name"), [("main", "gatepost-main"), ("a_b/c*", "gatepost-a-b-c-")]
)
def test_its_watermark_needs_no_escapes(project: str, name: str) -> None:
    assert title(project) == name


def test_it_is_found_by_variable_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cml"
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.delenv("GATEPOST_CML", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_cml() == str(path)
    monkeypatch.setenv("PATH", "")
    assert find_cml() is None
    monkeypatch.setenv("GATEPOST_CML", str(path))
    assert find_cml() == str(path)
