"""The client over a real connection, through PyGithub."""

import io
import socket
import zipfile
from collections.abc import Iterator

import pytest

from gates.errors import UsageError
from gates.github.calls import Call, Calls, GitHubError, LostError, RefusedError
from gates.github.repository import GitHub, batches, connect
from gates.github.values import Artifact
from tests.github.fake import (
    BOT,
    HEAD,
    OLD_NAME,
    REPOSITORY,
    REPOSITORY_ID,
    FakeGitHub,
    Fault,
    serve,
)

TOKEN = "ghs_canary0123456789"  # noqa: S105 - nobody's


class Client:
    """A client, the server it speaks to, and what it said."""

    def __init__(self, fake: FakeGitHub, url: str) -> None:
        self.fake = fake
        self.said: list[str] = []
        calls = Calls(connect(TOKEN, url), say=self.said.append, sleep=fake.sleep)
        self.github = GitHub(calls, REPOSITORY)


@pytest.fixture(params=["", "/api/v3"], ids=["github.com", "Enterprise"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    fake = FakeGitHub()
    with serve(fake, request.param) as url:
        yield Client(fake, url)


def test_values_are_typed_and_more_fields_are_no_fault(client: Client) -> None:
    pull = client.github.pull(7)
    assert (pull.number, pull.state, pull.head.sha, pull.base.ref) == (7, "open", HEAD, "main")


def test_a_post_whose_connection_drops_is_sent_once(client: Client) -> None:
    client.fake.fail("POST", "comments", Fault("drop", after=True))
    with pytest.raises(LostError):
        client.github.create_comment(7, "text")
    assert len(client.fake.comments) == 1
    assert client.fake.now == 0


def test_a_post_that_is_answered_with_502_is_sent_once(client: Client) -> None:
    client.fake.fail("POST", "comments", Fault("502", after=True))
    with pytest.raises(LostError):
        client.github.create_comment(7, "text")
    assert len(client.fake.comments) == 1


def test_reading_goes_on_after_dropped_connections(client: Client) -> None:
    client.fake.fail("GET", "pulls/7", *[Fault("drop")] * 4)
    assert client.github.pull(7).number == 7


def test_a_limit_is_waited_for_by_us_alone(client: Client) -> None:
    client.fake.fail("GET", "pulls/7", Fault("403", headers={"retry-after": "30"}))
    client.github.pull(7)
    assert client.fake.now == 31
    assert [line.split(":")[0] for line in client.said] == ["waiting 31 s"]


def test_all_pages_are_read(client: Client) -> None:
    for at in range(250):
        client.fake.comment_by("mallory", f"comment {at}")
    comments, whole = client.github.comments(7)
    assert (len(comments), whole) == (250, True)
    assert len(client.fake.asked) == 3


def test_who_an_apps_token_belongs_to_cannot_be_asked(client: Client) -> None:
    assert client.github.login() is None
    client.fake.login = "dana"
    assert client.github.login() == "dana"


def test_deleting_what_is_gone_is_no_fault(client: Client) -> None:
    number = client.fake.comment_by(BOT, "text")
    client.github.delete_comment(number)
    client.github.delete_comment(number)
    assert client.fake.comments == {}


def test_a_branch_without_protection_has_none(client: Client) -> None:
    assert client.github.protection("main") is None


def test_no_error_holds_the_token(client: Client) -> None:
    client.fake.fail("GET", "pulls/7", *[Fault("drop")] * 5)
    with pytest.raises(GitHubError) as lost:
        client.github.pull(7)
    client.fake.fail("GET", "pulls/7", Fault("404", said="\x1b[2J::error::\u202e"))
    with pytest.raises(RefusedError) as refused:
        client.github.pull(7)
    for error in (lost.value, refused.value):
        assert TOKEN not in str(error)
        assert str(error).isprintable()


def test_an_answer_that_is_no_json_is_named(client: Client) -> None:
    client.fake.fail("GET", "pulls/7", Fault("200"))
    with pytest.raises(GitHubError, match=r"GET .*pulls/7: the answer is not what"):
        client.github.pull(7)


def test_a_renamed_repository_is_followed(client: Client) -> None:
    github = GitHub(client.github.calls, OLD_NAME)
    github.follow(REPOSITORY_ID)
    assert github.repository == REPOSITORY
    for at in range(150):
        client.fake.comment_by("mallory", f"comment {at}")
    assert len(github.comments(7)[0]) == 150


def test_another_repository_under_the_name_is_refused(client: Client) -> None:
    with pytest.raises(GitHubError, match="is repository 4242 now, and the event was of 99"):
        client.github.follow(99)


@pytest.mark.parametrize("name", ["acme", "acme/", "/churn", "a/b/c", "../churn", "acme/.."])
def test_what_is_no_repository_is_refused(name: str) -> None:
    calls = Calls(FakeGitHub().send, say=print)
    with pytest.raises(UsageError, match="owner/name"):
        GitHub(calls, name)


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(UsageError, match="GITHUB_API_URL"):
        connect(TOKEN, "api.example.org")


def archive(size: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        zipped.writestr("a.bin", bytes(size))
    return stream.getvalue()


def test_an_artifact_comes_into_memory(client: Client) -> None:
    client.fake.archive = archive(10)
    artifact = Artifact(id=1, name="evidence", size_in_bytes=len(client.fake.archive))
    assert client.github.download(artifact, bytes_max=1_000) == client.fake.archive


def test_an_artifact_that_says_it_is_too_large_is_not_fetched(client: Client) -> None:
    artifact = Artifact(id=1, name="evidence", size_in_bytes=1_001)
    with pytest.raises(GitHubError, match="1,001 bytes or more; at most 1,000"):
        client.github.download(artifact, bytes_max=1_000)
    assert client.fake.asked == []


def test_an_artifact_that_is_larger_than_it_says_is_dropped(client: Client) -> None:
    client.fake.archive = archive(500_000)
    artifact = Artifact(id=1, name="evidence", size_in_bytes=10)
    with pytest.raises(GitHubError, match="at most 1,000 are read"):
        client.github.download(artifact, bytes_max=1_000)


def test_artifacts_are_taken_by_their_whole_name(client: Client) -> None:
    client.fake.artifacts = [
        {"id": 1, "name": "evidence-1", "size_in_bytes": 1},
        {"id": 2, "name": "evidence-11", "size_in_bytes": 1},
    ]
    assert [one.id for one in client.github.artifacts(811, "evidence-1")] == [1]


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (50, [50]), (51, [50, 1])])
def test_annotations_go_by_fifties(number: int, sizes: list[int]) -> None:
    from gates.github.values import Annotation

    one = Annotation(
        path="p", start_line=1, end_line=1, annotation_level="notice", message="m", title="t"
    )
    assert [len(some) for some in batches([one] * number)] == sizes


@pytest.mark.parametrize("name", ["nobody.invalid", "localhost:9"], ids=["no such name", "closed"])
def test_a_server_that_cannot_be_reached_is_lost_after_some_tries(name: str) -> None:
    said: list[str] = []
    calls = Calls(connect(TOKEN, f"http://{name}"), say=said.append, sleep=lambda _: None)
    with pytest.raises(LostError, match="Re-run the job; nothing that was judged is lost"):
        GitHub(calls, REPOSITORY).pull(7)
    assert len(said) == 4


def test_a_server_that_takes_the_call_and_is_silent_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gates.github.repository._TIMEOUT_S", 1)
    with socket.create_server(("localhost", 0)) as silent:
        send = connect(TOKEN, f"http://localhost:{silent.getsockname()[1]}")
        with pytest.raises(LostError, match="no answer"):
            send(Call("GET", "/user"))
