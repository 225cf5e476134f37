"""Evidence at an address that Spark can read, such as `s3a://bucket/candidate`."""

import hashlib
import re
from pathlib import Path

from gates.errors import EvidenceError
from gates.evidence.manifest import (
    MANIFEST,
    TABLES,
    File,
    Manifest,
    parse_manifest,
    refuse_other_digest,
    refuse_other_size,
    refuse_size,
    refuse_unlisted,
)
from gates.evidence.store import LocalStore, Store
from gates.tables.hadoop import HadoopFolder
from gates.tables.spark import SparkEngine
from gates.tables.table import Table

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


def is_address(place: str) -> bool:
    """Whether a place is a URI, and no path of this machine."""
    return _ADDRESS.match(place) is not None


def spark_store(engine: SparkEngine, place: str) -> Store:
    """A folder whose tables Spark reads, at a URI or a local path."""
    if is_address(place):
        return HadoopStore(engine, place)
    return LocalStore(Path(place), engine.open, engine)


class HadoopStore:
    """An evidence folder in a file system that Spark knows; nothing is copied from it."""

    def __init__(self, engine: SparkEngine, uri: str) -> None:
        """Name a folder; nothing is looked at.

        Raises:
            EvidenceError: Spark has no file system of this scheme.
        """
        self.folder = Path(uri)
        self.engine = engine
        self._place = HadoopFolder(engine.session, uri)
        self._listed: dict[str, File] = {}

    def manifest(self, *, verify: bool) -> Manifest:
        """The manifest, after sizes and, if asked, the digests of the tables' files were compared.

        Raises:
            EvidenceError: no manifest, or a file that differs from it.
        """
        sizes = self._place.sizes()
        if sizes.get(MANIFEST, -1) < 0:
            raise EvidenceError(
                f"{self._place.uri}: no {MANIFEST}, so this is not complete evidence. Write it "
                "with `gatepost pack` where the evidence is made, and copy the whole folder."
            )
        where = self._place.place_of(MANIFEST)
        refuse_size(where, sizes[MANIFEST])
        manifest = parse_manifest(self._place.read(MANIFEST, sizes[MANIFEST]), where)
        self._listed = {file.name: file for file in manifest.files}
        self._compare_sizes(manifest, sizes)
        if verify:
            self._compare_digests()
        self.engine.mount(self.folder, self._place, manifest)
        return manifest

    def read(self, name: str) -> bytes:
        """The content of a file, which is what the manifest says.

        Raises:
            EvidenceError: it cannot be read, or is another.
        """
        file = self._listed[name]
        content = self._place.read(name, file.bytes)
        digest = hashlib.sha256(content).hexdigest()
        refuse_other_digest(self._place.place_of(name), digest, file)
        return content

    def table(self, name: str) -> Table:
        """A table, by its footers."""
        return self.engine.open(self.folder / name)

    def _compare_sizes(self, manifest: Manifest, sizes: dict[str, int]) -> None:
        found = dict(sizes)
        for table in sorted(TABLES):
            if sizes.get(table, 0) < 0:
                parts = self._place.sizes(table)
                refuse_unlisted(self._place.place_of(table), sorted(parts), manifest)
                found |= {f"{table}/{part}": size for part, size in parts.items()}
        for name, file in self._listed.items():
            if found.get(name, -1) < 0:
                raise EvidenceError(
                    f"{self._place.place_of(name)}: listed in the manifest, but not a file here. "
                    "Collect it again."
                )
            refuse_other_size(self._place.place_of(name), found[name], file)

    def _compare_digests(self) -> None:
        tables = {
            name: file.bytes
            for name, file in self._listed.items()
            if name.partition("/")[0] in TABLES
        }
        for name, digest in self._place.digests(tables).items():
            refuse_other_digest(self._place.place_of(name), digest, self._listed[name])
