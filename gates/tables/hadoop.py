"""A folder at a URI, through the file systems that a running Spark knows (`s3a://`, `hdfs://`)."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gates.errors import EvidenceError
from gates.tables.parts import first_line

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from pyspark.sql import SparkSession

MAX_IN_MEMORY_BYTES = 1 << 28  # a larger file is digested as a stream, on one machine
_READ_BYTES = 1 << 20


class HadoopFolder:
    """Reads the files of one folder; never writes."""

    def __init__(self, session: "SparkSession", uri: str) -> None:
        """Name a folder; nothing is looked at.

        Raises:
            EvidenceError: Spark has no file system of this scheme, or may not use it.
        """
        self.uri = uri.rstrip("/")
        self._session = session
        self._java: Any = session._jvm  # noqa: SLF001 - PySpark has no other way to a file system
        with translated(self.uri):
            place = self._path("")
            self._files: Any = place.getFileSystem(session._jsc.hadoopConfiguration())  # noqa: SLF001

    def place_of(self, name: str) -> str:
        """The URI of a file of this folder."""
        return f"{self.uri}/{name}" if name else self.uri

    def sizes(self, inside: str = "") -> dict[str, int]:
        """Bytes of each file, and -1 of each folder, that lies directly inside; by name.

        Raises:
            EvidenceError: there is no such folder, or it cannot be read.
        """
        with translated(self.place_of(inside)):
            return {
                str(found.getPath().getName()): -1 if found.isDirectory() else int(found.getLen())
                for found in self._files.listStatus(self._path(inside))
            }

    def read(self, name: str, size: int) -> bytes:
        """The first `size` bytes of a file.

        Raises:
            EvidenceError: it cannot be read, or is shorter.
        """
        with self.open(name, size) as stream:
            return stream.read(size)

    def open(self, name: str, size: int) -> io.BufferedReader:
        """A file of so many bytes, to be read at any place."""
        with translated(self.place_of(name)):
            stream = self._files.open(self._path(name))
        return io.BufferedReader(_Stream(self._java, stream, size), _READ_BYTES)

    def digests(self, sizes: dict[str, int]) -> dict[str, str]:
        """SHA-256 by name: of small files where they lie, of large ones as they stream by.

        Raises:
            EvidenceError: a file cannot be read.
        """
        small = [name for name, size in sizes.items() if size <= MAX_IN_MEMORY_BYTES]
        found = self._digest_apart(small)
        for name in sizes:
            if name not in found:
                found[name] = self._digest_streaming(name)
        return found

    def _digest_apart(self, names: Sequence[str]) -> dict[str, str]:
        """By Spark's executors, each file in the memory of one."""
        if not names:
            return {}
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as everybody calls it

        with translated(self.uri):
            paths = [escape(self.place_of(name)) for name in names]
            read = self._session.read.format("binaryFile").options(recursiveFileLookup=True)
            files = read.load(paths)
            rows = files.select("path", F.sha2("content", 256).alias("sha256")).collect()
        by_end = {tuple(row["path"].split("/")[-2:]): str(row["sha256"]) for row in rows}
        return {name: by_end[tuple(self.place_of(name).split("/")[-2:])] for name in names}

    def _digest_streaming(self, name: str) -> str:
        """By the Java machine beside us, which holds a few bytes of it at a time."""
        with translated(self.place_of(name)):
            stream = self._files.open(self._path(name))
            try:
                digest = self._java.org.apache.commons.codec.digest.DigestUtils
                return str(digest.sha256Hex(stream))
            finally:
                stream.close()

    def _path(self, name: str) -> Any:
        return self._java.org.apache.hadoop.fs.Path(self.place_of(name))


class _Stream(io.RawIOBase):
    """Bytes of a Hadoop stream at any place."""

    def __init__(self, java: Any, stream: Any, size: int) -> None:
        self._java, self._stream = java, stream
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self._size - self._at))
        if length == 0:
            return 0
        with translated("a file of the evidence"):
            self._stream.seek(self._at)
            content = self._java.org.apache.commons.io.IOUtils.toByteArray(self._stream, length)
        view[:length] = bytes(content)
        self._at += length
        return length

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


@contextmanager
def translated(where: str) -> Iterator[None]:
    """What Spark or its file systems refuse becomes one message."""
    from py4j.protocol import Py4JError, Py4JJavaError  # noqa: PLC0415 - comes with PySpark
    from pyspark.errors import PySparkException, PythonException  # noqa: PLC0415

    try:
        yield
    except PythonException:  # of our own code in a worker: a bug, with its traceback
        raise
    except Py4JJavaError as fault:
        raise _refusal(where, str(fault.java_exception)) from fault
    except (PySparkException, Py4JError) as fault:
        raise _refusal(where, first_line(fault)) from fault


def escape(place: str) -> str:
    """A path that Spark takes as it stands, not as a pattern."""
    return "".join(f"\\{letter}" if letter in "\\*?[]{}" else letter for letter in place)


def _refusal(where: str, reason: str) -> EvidenceError:
    return EvidenceError(
        f"{where}: Spark cannot read it ({(reason.splitlines() or ['?'])[0][:300]}). Look at the "
        "address and at what Spark may read; if the file is damaged, write it again."
    )
