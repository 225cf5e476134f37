"""A small HTTP/1.1 client on asyncio, of which one knows when it sends: no library, no retry."""

import asyncio
from typing import NamedTuple

_BODY_MAX_BYTES = 1 << 22
_HEAD_MAX_BYTES = 1 << 16
_SERVER_ERROR = 500  # after one a server may close the connection without a word
_IDLE_S = 2.0  # a server may close what idles longer, and that is no failure of a request


class Reply(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes


class NoReplyError(Exception):
    """The request was not answered; `hung` says that it took too long."""

    def __init__(self, why: str, *, hung: bool = False) -> None:
        """Keep both."""
        super().__init__(why)
        self.hung = hung


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float


class Client:
    """Keeps connections to one port of this machine; each request has one of its own."""

    def __init__(self, port: int, timeout_s: float) -> None:
        """Talk to `127.0.0.1:port`; a request that takes longer than `timeout_s` hangs."""
        self.port = port
        self.timeout_s = timeout_s
        self._idle: list[_Connection] = []

    async def ask(self, method: str, path: str, body: bytes = b"") -> Reply:
        """Send one request and wait for its answer.

        Raises:
            NoReplyError: no connection, no whole answer, or none in time.
        """
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._exchange(head.encode() + body)
        except TimeoutError as error:
            raise NoReplyError(f"no answer in {self.timeout_s:g} s", hung=True) from error
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            why = str(error) or type(error).__name__
            raise NoReplyError(f"no whole answer: {why}") from error

    def close(self) -> None:
        """Let go of every connection."""
        while self._idle:
            self._idle.pop().writer.close()

    async def _exchange(self, request: bytes) -> Reply:
        connection = await self._connect()
        keeps = False
        try:
            connection.writer.write(request)
            await connection.writer.drain()
            reply, keeps = await _read(connection.reader)
            keeps = keeps and reply.status < _SERVER_ERROR
        finally:
            if keeps:
                self._idle.append(connection._replace(since=asyncio.get_running_loop().time()))
            else:
                connection.writer.close()
        return reply

    async def _connect(self) -> _Connection:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if now - connection.since < _IDLE_S and not connection.reader.at_eof():
                return connection
            connection.writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        return _Connection(reader, writer, now)


async def _read(reader: asyncio.StreamReader) -> tuple[Reply, bool]:
    """One answer, and whether the connection may be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    if len(head) > _HEAD_MAX_BYTES:
        raise ValueError("its head is too long")
    first, *lines = head.split("\r\n")
    version, _, rest = first.partition(" ")
    status = int(rest[:3])
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}
    keeps = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return Reply(status, await _read_chunks(reader)), keeps
    if "content-length" in headers:
        length = _length(headers["content-length"], 10)
        return Reply(status, await reader.readexactly(length)), keeps
    body = await reader.read(_BODY_MAX_BYTES)
    return Reply(status, body), False


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := _length((await reader.readline()).partition(b";")[0].decode("latin-1"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
        _length(str(len(body)), 10)
    while (await reader.readline()).strip():
        pass
    return body


def _length(text: str, base: int) -> int:
    length = int(text, base)
    if not 0 <= length <= _BODY_MAX_BYTES:
        raise ValueError(f"its body is of {length:,} bytes")
    return length
