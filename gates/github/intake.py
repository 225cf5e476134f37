"""The zip of an artifact, in memory → an evidence folder of ours. Everything in it is hostile.

Its directory is read by hand before Python's `zipfile` sees it, so that nothing is parsed that is
larger than evidence is. Names come from a closed set; a file is written under the name in that
set, never under a path that the archive gives. What is refused leaves nothing behind.
"""

import hashlib
import io
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from gates.errors import EvidenceError
from gates.evidence.manifest import FILES, MANIFEST, TABLES, Manifest, is_part, read_manifest
from gates.reading import strict_json
from gates.tables.parquet_footer import count_rows

_END = struct.Struct("<4s4H2LH")  # APPNOTE.TXT 4.3.16, end of central directory record
_END_MARK: Final = b"PK\x05\x06"
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES: Final = 20
_LOCAL_HEADER_BYTES: Final = 30
_ENTRY_MAX_BYTES: Final = 1_024  # in the directory: a name, and the times that Unix adds
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_ZIP64_EXTRA: Final = 0x0001
_BLOCK_BYTES: Final = 1 << 18
_TINY_BYTES: Final = 1 << 14  # so small that no ratio makes it a bomb


class Budget(NamedTuple):
    """What an archive may be at most."""

    archive_bytes: int = 64 << 20
    total_bytes: int = 256 << 20
    files: int = 512  # a table may be a folder of part files
    ratio: float = 100.0  # unpacked by packed; Parquet is packed already
    rows: int = 4_000_000  # of one table


class _Entry(NamedTuple):
    name: str
    info: zipfile.ZipInfo


def take_in(
    content: bytes, folder: Path, *, digest: str | None, revision: str | None, budget: Budget
) -> Manifest:
    """Unpack evidence into a folder that does not exist yet; the manifest of what lies there.

    Args:
        content: the zip.
        folder: where to; it appears whole or not at all.
        digest: `sha256:<hex>` as GitHub's API names it; `None` where it names none.
        revision: the commit that the run was of; `None` where any will do.
        budget: what is accepted at most.

    Raises:
        EvidenceError: the archive is not evidence; the message says what is wrong with it.
    """
    _refuse_other_digest(content, digest)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        raise EvidenceError(f"{folder}: is there already. Name a folder that is not, with --out.")
    with tempfile.TemporaryDirectory(prefix=".intake-", dir=folder.parent) as name:
        unpacked = Path(name) / "evidence"
        unpacked.mkdir()
        _unpack(content, unpacked, budget)
        try:
            _refuse_loose_json(unpacked)
            manifest = read_manifest(unpacked)
            _refuse_too_many_rows(unpacked, manifest, budget)
            _refuse_other_revision(manifest, revision)
        except EvidenceError as error:  # of a folder that nobody will find
            raise EvidenceError(str(error).replace(str(unpacked), "evidence")) from error
        shutil.move(unpacked, folder)
    return manifest


def _refuse_other_digest(content: bytes, digest: str | None) -> None:
    if digest is None:
        return
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        _refuse(f"its digest is {found[:19]}…, GitHub's record says {digest[:19]!r}…")


def _unpack(content: bytes, folder: Path, budget: Budget) -> None:
    directory_start = _read_end(content, budget)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _entries(archive.infolist())
            _refuse_sizes(entries, budget)
            _refuse_overlap([entry.info for entry in entries], directory_start)
            for entry in entries:
                if not entry.name.endswith("/"):
                    _write(archive, entry, folder)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of our own disk
        _refuse(f"it is broken: {error}")
    except (NotImplementedError, RuntimeError) as error:
        _refuse(f"it is packed in a way that is not accepted: {error}")


def _read_end(content: bytes, budget: Budget) -> int:
    """Where the directory starts, after what the end of the archive says was found modest."""
    if len(content) > budget.archive_bytes:
        _refuse(f"{len(content):,} bytes; at most {budget.archive_bytes:,} are read")
    if len(content) < _END.size or content[-_END.size :][:4] != _END_MARK:
        _refuse("it does not end as a zip without a comment does; it may have been cut short")
    end = _END.unpack(content[-_END.size :])
    _, disk, start_disk, here, total, size, start, comment = end
    if _ZIP64_LOCATOR in content[-_END.size - _ZIP64_LOCATOR_BYTES : -_END.size]:
        _refuse("it is a zip64 archive, which evidence never needs")
    if disk or start_disk or comment or here != total:
        _refuse("it is one of several parts, or has a comment")
    if total > budget.files:
        _refuse(f"{total:,} files; at most {budget.files:,} are read")
    if size > total * _ENTRY_MAX_BYTES or start + size + _END.size != len(content):
        _refuse("its directory does not lie where its end says")
    return int(start)


def _entries(infos: Sequence[zipfile.ZipInfo]) -> list[_Entry]:
    """The entries under names that are ours; each name once."""
    entries = [_Entry(_accepted_name(info), info) for info in infos]
    names = [entry.name.rstrip("/").casefold() for entry in entries]
    folders = {name.partition("/")[0] for name in names if "/" in name}
    for name in names:
        alone = name in folders and not any(one.name == f"{name}/" for one in entries)
        if names.count(name) > 1 or alone:
            _refuse(f"{name!r} stands in it more than once")
    return entries


def _accepted_name(info: zipfile.ZipInfo) -> str:
    """The name of a file of evidence, of a table's part, or of a table's folder."""
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & _ENCRYPTED:
        _refuse(f"{name[:100]!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        _refuse(f"{name[:100]!r} is packed by method {info.compress_type}, not stored or deflated")
    if _has_extra(info.extra, _ZIP64_EXTRA):
        _refuse(f"{name[:100]!r} is a zip64 entry, which evidence never needs")
    table, slash, part = name.partition("/")
    if slash and not part and table in TABLES and info.file_size == 0:
        expected = stat.S_IFDIR
    elif name == MANIFEST or name in FILES or (table in TABLES and is_part(part)):
        expected = stat.S_IFREG
    else:
        _refuse(f"{name[:100]!r} is no file of evidence; there are {', '.join(sorted(FILES))}")
    if kind not in (0, expected):
        _refuse(f"{name!r} is a link or a device, not a plain file")
    return name


def _has_extra(extra: bytes, wanted: int) -> bool:
    at = 0
    while at + 4 <= len(extra):
        number, length = struct.unpack_from("<HH", extra, at)
        if number == wanted:
            return True
        at += 4 + length
    return False


def _refuse_sizes(entries: Sequence[_Entry], budget: Budget) -> None:
    total = sum(entry.info.file_size for entry in entries)
    if total > budget.total_bytes:
        _refuse(f"{total:,} bytes unpacked; at most {budget.total_bytes:,} are read")
    for name, info in entries:
        if info.file_size > max(_TINY_BYTES, budget.ratio * info.compress_size):
            _refuse(
                f"{name!r} grows from {info.compress_size:,} to {info.file_size:,} bytes; at most "
                f"{budget.ratio:g} times as much is unpacked"
            )


def _refuse_overlap(infos: Sequence[zipfile.ZipInfo], directory_start: int) -> None:
    """Refuse entries that share bytes, by which few bytes become many files."""
    spans = sorted(
        (one.header_offset, one.header_offset + _LOCAL_HEADER_BYTES + one.compress_size)
        for one in infos
    )
    ends_inside = all(end <= directory_start for _, end in spans)
    if not ends_inside or any(end > start for (_, end), (start, _) in pairwise(spans)):
        _refuse("its entries overlap")


def _write(archive: zipfile.ZipFile, entry: _Entry, folder: Path) -> None:
    path = folder / entry.name
    path.parent.mkdir(exist_ok=True)
    left = entry.info.file_size
    with archive.open(entry.info) as packed, path.open("xb") as stream:
        while block := packed.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                _refuse(f"{entry.name!r} is longer than its directory says")
            stream.write(block)
    if left:
        _refuse(f"{entry.name!r} is {left:,} bytes shorter than its directory says")


def _refuse_loose_json(folder: Path) -> None:
    """Refuse what two parsers would read in two ways."""
    for path in sorted(folder.glob("*.json")):
        content = path.read_bytes()
        strict_json.load(content, str(path), EvidenceError)


def _refuse_too_many_rows(folder: Path, manifest: Manifest, budget: Budget) -> None:
    for table in sorted(TABLES):
        rows = sum(count_rows(folder / file.name) for file in manifest.listed(table))
        if rows > budget.rows:
            _refuse(f"{table} has {rows:,} rows; at most {budget.rows:,} are judged here")


def _refuse_other_revision(manifest: Manifest, revision: str | None) -> None:
    """Refuse what does not even claim to be of this commit; a claim proves nothing."""
    if revision is not None and (manifest.revision != revision or manifest.dirty):
        dirty = "a changed working tree at " if manifest.dirty else ""
        _refuse(
            f"its manifest is of {dirty}{manifest.revision[:40]!r}, the run was of {revision!r}; "
            "the workflow must check out the head of the pull request"
        )


def _refuse(what: str) -> NoReturn:
    raise EvidenceError(
        f"evidence: the artifact is not accepted: {what}. Let `gatepost collect` write it, and "
        "upload that folder only."
    )
