"""Where the files of one evidence folder lie, and who opens its tables."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gates.evidence.manifest import Manifest, read_manifest
from gates.tables.table import Table

if TYPE_CHECKING:
    from gates.tables.engine import Engine


class Store(Protocol):
    """An evidence folder on this machine, or elsewhere."""

    folder: Path  # what messages call it, and what an engine knows it by

    @property
    def engine(self) -> "Engine":
        """What passes over its tables where they are too large for memory."""

    def manifest(self, *, verify: bool) -> Manifest:
        """The manifest, after every file it lists was found with its size, and its digest."""

    def read(self, name: str) -> bytes:
        """The content of a listed file, whose size the caller has looked at."""

    def table(self, name: str) -> Table:
        """A listed table."""


class LocalStore:
    """A folder on this machine."""

    def __init__(
        self,
        folder: Path,
        open_table: Callable[[Path], Table] = Table,
        engine: "Engine | None" = None,
    ) -> None:
        """Name a folder; nothing is looked at.

        Args:
            folder: an evidence folder.
            open_table: an engine's way to open a table; by default it is read in this process.
            engine: that engine.
        """
        self.folder = folder
        self._open = open_table
        self._engine = engine

    @cached_property
    def engine(self) -> "Engine":
        """The given one, or that of this process."""
        from gates.tables.embedded import EmbeddedEngine  # noqa: PLC0415 - large tables need it

        return self._engine or EmbeddedEngine()

    def manifest(self, *, verify: bool) -> Manifest:
        """As `read_manifest`."""
        return read_manifest(self.folder, verify=verify)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self.folder / name).read_bytes()

    def table(self, name: str) -> Table:
        """A table, by its footers."""
        return self._open(self.folder / name)
