"""Against raw sockets: what a server may say, and what it must not get away with."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from gates.serving.client import Client, NoReplyError, Reply

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _asked(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))


def exchange(talk: Talk, *bodies: bytes, timeout_s: float = 2.0) -> list[Reply | NoReplyError]:
    """Ask a server that talks so, one request after the other; what came of each."""

    async def run() -> list[Reply | NoReplyError]:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        found: list[Reply | NoReplyError] = []
        async with server:
            with contextlib.closing(
                Client(server.sockets[0].getsockname()[1], timeout_s)
            ) as client:
                for body in bodies:
                    try:
                        found.append(await client.ask("POST", "/predict", body))
                    except NoReplyError as error:
                        found.append(error)
            await asyncio.sleep(0.01)  # so that both ends are closed before the loop is
        return found

    return asyncio.run(run())


def says(answer: bytes) -> Talk:
    """A server that always answers so, and then closes the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            await _asked(reader)
            writer.write(answer)
            await writer.drain()

    return talk


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Reply(200, b"ok")),
        (b"HTTP/1.1 422 Unprocessable\r\ncontent-length: 0\r\n\r\n", Reply(422, b"")),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", Reply(200, b"until the end")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            Reply(200, b"abcde"),
        ),
    ],
)
def test_every_way_to_end_a_body(answer: bytes, reply: Reply) -> None:
    assert exchange(says(answer), b"{}") == [reply]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"a" * (1 << 17) + b"\r\n\r\n",
        b"A" * (1 << 21),
    ],
)
def test_half_an_answer_is_none(answer: bytes) -> None:
    (found,) = exchange(says(answer), b"{}")
    assert isinstance(found, NoReplyError)
    assert not found.hung


def test_no_answer_in_time_hangs() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await _asked(reader)
            await asyncio.sleep(0.3)

    found, _ = exchange(talk, b"{}", b"{}", timeout_s=0.2)
    assert isinstance(found, NoReplyError)
    assert found.hung


def test_a_connection_is_used_again_and_a_closed_one_is_not() -> None:
    connections = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError), contextlib.closing(writer):
            while body := await _asked(reader):
                ends = b"Connection: close\r\n" if body == b"last" else b""
                head = b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (ends, len(body))
                writer.write(head + body)
                await writer.drain()

    found = exchange(talk, b"1", b"2", b"last", b"4")
    assert [one.body for one in found if isinstance(one, Reply)] == [b"1", b"2", b"last", b"4"]
    assert len(connections) == 2


def test_after_a_servers_error_the_next_request_has_a_connection_of_its_own() -> None:
    """Whoever fails closes the connection a moment later: no fault of the next request."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            body = await _asked(reader)
            status = b"500 Error" if body == b"bad" else b"200 OK"
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status)
            await writer.drain()
            await asyncio.sleep(0.05)

    assert exchange(talk, b"bad", b"{}") == [Reply(500, b""), Reply(200, b"")]


def test_where_nobody_listens_there_is_no_reply() -> None:
    async def run() -> None:
        server = await asyncio.start_server(says(b""), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await Client(port, 1.0).ask("GET", "/health")

    with pytest.raises(NoReplyError, match="no whole answer"):
        asyncio.run(run())
