"""The row count of a Parquet file, from its footer alone.

Importing pyarrow takes longer than the rest of finding a baseline together; the footer is a
Thrift struct in the compact protocol, of which one number is wanted.
Format: https://github.com/apache/parquet-format, `FileMetaData`; Thrift's compact protocol.
"""

from pathlib import Path

from gates.errors import EvidenceError

_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_FOOTER_MAX_BYTES = 1 << 26
_NUM_ROWS_FIELD = 3
_VARINT_KINDS = (4, 5, 6)  # i16, i32, i64
_MAX_DEPTH = 16


def count_rows(path: Path) -> int:
    """The number of rows that a Parquet file says it has.

    Raises:
        EvidenceError: it is no Parquet file, or was cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size < len(_MAGIC) + _TAIL_BYTES or stream.read(len(_MAGIC)) != _MAGIC:
            raise _refusal(path, "it does not start as one")
        stream.seek(size - _TAIL_BYTES)
        tail = stream.read(_TAIL_BYTES)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or length > min(size - _TAIL_BYTES, _FOOTER_MAX_BYTES):
            raise _refusal(path, "it does not end as one, so it was probably cut short")
        stream.seek(size - _TAIL_BYTES - length)
        footer = stream.read(length)
    try:
        rows = _Compact(footer).find_integer(_NUM_ROWS_FIELD)
    except (IndexError, ValueError) as error:
        raise _refusal(path, f"its footer is damaged: {error}") from error
    if rows < 0:
        raise _refusal(path, f"it claims {rows} rows")
    return rows


def _refusal(path: Path, what: str) -> EvidenceError:
    return EvidenceError(f"{path}: not a Parquet file: {what}. Let the pipeline write it again.")


class _Compact:
    """Just enough of Thrift's compact protocol to skip over fields."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def find_integer(self, wanted: int) -> int:
        """The integer field of the outermost struct with this number."""
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            if number == wanted and head & 15 in _VARINT_KINDS:
                return self._zigzag()
            self._skip(head & 15, depth=0)
        raise ValueError(f"no field {wanted}")

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the highest bit says that more follows
                return value
        raise ValueError("an integer of more than ten bytes")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        if kind in (1, 2):  # a boolean lives in its field's head
            return
        if kind == 3:  # noqa: PLR2004 - a byte
            self._at += 1
        elif kind in _VARINT_KINDS:
            self._varint()
        elif kind == 7:  # noqa: PLR2004 - a double
            self._at += 8
        elif kind == 8:  # noqa: PLR2004 - bytes
            length = self._varint()
            self._at += length
        elif kind in (9, 10):
            self._skip_list(depth)
        elif kind == 12:  # noqa: PLR2004 - a struct
            self._skip_struct(depth)
        else:  # a map: Parquet's metadata has none
            raise ValueError(f"a field of unknown kind {kind}")

    def _skip_list(self, depth: int) -> None:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()  # noqa: PLR2004 - else it follows
        if count > len(self._content) - self._at:
            raise ValueError("a list longer than the footer")
        if head & 15 in (1, 2):  # inside a list, a boolean is a byte
            self._at += count
            return
        for _ in range(count):
            self._skip(head & 15, depth + 1)

    def _skip_struct(self, depth: int) -> None:
        while (head := self._byte()) != 0:
            if not head >> 4:
                self._zigzag()
            self._skip(head & 15, depth + 1)
