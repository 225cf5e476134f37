"""An evidence folder → typed evidence: the boundary at which files become values.

Everything is read as hostile data: sizes before content, a closed set of names, finite numbers,
each row once. Nothing that is read here is ever executed.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gates.case.answers import Values
from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary, Type, read_columns
from gates.evidence.identifiers import places_of, unique_ids
from gates.evidence.labels import classes_of, read_labels
from gates.evidence.manifest import Manifest
from gates.evidence.outputs import read_outputs, read_weights
from gates.evidence.reported import read_reported
from gates.evidence.row_digest import digest_rows
from gates.evidence.store import LocalStore, Store
from gates.policy.settings import Settings
from gates.reading import strict_json
from gates.tables.parts import no_column
from gates.tables.table import Floats, Table

if TYPE_CHECKING:
    from gates.tables.engine import Engine

COLUMNS_MAX_BYTES = 1 << 20
REPEATS = "repeats.parquet"
AGAIN = "again"  # the repeat with the same seed
LARGE_ROWS = 250_000  # test rows beyond which evidence is judged in passes, if it can be


class Evidence:
    """What one revision left to be judged; tables are read column by column when asked for."""

    settings: Settings = Settings()

    def __init__(
        self,
        folder: Path | Store,
        settings: Settings | None = None,
        *,
        verify: bool = True,
        beside: "Evidence | None" = None,
    ) -> None:
        """Open a folder.

        Args:
            folder: an evidence folder, or where one lies.
            settings: the policy's, which say how labels and predictions are to be read.
            verify: recompute the digests of its files, not only their sizes.
            beside: evidence that is judged with this one; what both have is read once.

        Raises:
            EvidenceError: the folder, its manifest, or one of its files is not what it should be.
        """
        self._store: Store = LocalStore(folder) if isinstance(folder, Path) else folder
        self.folder = self._store.folder
        self.settings = settings or self.settings
        self.manifest: Manifest = self._store.manifest(verify=verify)
        self._beside = beside
        self._tables: dict[str, Table] = {}  # by digest
        self.dictionary: ColumnDictionary = self._dictionary()
        self.test: Table = self._table("test.parquet")
        self.train: Table | None = (
            self._table("train.parquet") if self.has("train.parquet") else None
        )
        for name in (self.dictionary.id, self.dictionary.label):
            self._require_column(self.test, name)
        if self.test.rows == 0:
            raise EvidenceError(
                f"{self.test.path}: no rows, so nothing can be judged. Check the split."
            )
        self._twin = beside if beside is not None and self.has_rows_of(beside) else None

    def has(self, name: str) -> bool:
        """Whether the manifest lists a file, or parts of the table of this name."""
        return bool(self.manifest.listed(name))

    def digest_of(self, name: str) -> str | None:
        """The SHA-256 of a file or of a table's parts; `None` where none is listed."""
        return self.manifest.digest_of(name)

    @property
    def environment(self) -> Mapping[str, str]:
        """Where it was made: interpreter, platform, packages, seeds, threads."""
        return self.manifest.environment

    @cached_property
    def ids(self) -> pa.Array:
        """The test rows' identifiers, in the test table's order; each present and unique."""
        return self._twin.ids if self._twin else unique_ids(self.test, self.dictionary.id)

    @cached_property
    def train_ids(self) -> pa.Array | None:
        """The training rows' identifiers, where the training table has them."""
        if self.train is None or self.dictionary.id not in self.train:
            return None
        return self.train.texts(self.dictionary.id)

    @cached_property
    def labels(self) -> Values:
        """The test rows' labels, in the test table's order; shape (test rows,)."""
        return self._twin.labels if self._twin else self.labels_of(self.test)

    @cached_property
    def scores(self) -> Floats:
        """What the model says of each test row, in the test table's order; see `scores_for`."""
        return self.scores_for("predictions.parquet", self.ids)

    @property
    def predictions(self) -> Table:
        """What the model says of its own test rows."""
        return self._table("predictions.parquet")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The label's classes, in the order of its levels; none where the task has none."""
        return classes_of(self.settings.task, self.dictionary, str(self._columns))

    @cached_property
    def weights(self) -> Floats | None:
        """How much each test row counts; `None` where the policy names no weight."""
        name = self.settings.sample_weight
        return None if name is None else read_weights(self.test, self.dictionary, name)

    @cached_property
    def id_order(self) -> pa.Array:
        """Places of the test rows by their identifiers; by UTF-8, the order of code points."""
        return self._twin.id_order if self._twin else pc.sort_indices(self.ids)

    @cached_property
    def test_digest(self) -> str:
        """SHA-256 over the test rows' identifiers, labels and weights, whatever their order.

        Of a large table it is of sums over the rows, see `reduction.row_prints`: what hangs on it
        is the page of the ledger and the seed of the draws.
        """
        if self._twin:
            return self._twin.test_digest
        if self.is_large:
            from gates.case.passes import digest_test_rows  # noqa: PLC0415 - large tables need it

            return digest_test_rows(self)
        return digest_rows(self.ids, self.id_order, self.labels, self.classes, self.weights)

    @property
    def is_large(self) -> bool:
        """Whether the test table, by its footers, is too large for all rows in memory."""
        return self.test.rows > LARGE_ROWS

    @property
    def engine(self) -> "Engine":
        """What passes over its tables where they are too large for memory."""
        return self._store.engine

    def has_rows_of(self, other: "Evidence") -> bool:
        """Whether both sides' test rows and labels are the same by their files; none is read."""
        mine, theirs = self.dictionary, other.dictionary
        return (
            self.test is other.test
            and mine.id == theirs.id
            and mine.label == theirs.label
            and mine.columns[mine.label].levels == theirs.columns[theirs.label].levels
            and _reading(self.settings) == _reading(other.settings)
        )

    def labels_of(self, table: Table) -> Values:
        """Labels of a table by the task: booleans, places in the classes, or numbers.

        Raises:
            EvidenceError: a label is missing, or is none that the task has.
        """
        self._require_column(table, self.dictionary.label)
        return read_labels(self.settings.task, table, self.dictionary, str(self._columns))

    def scores_for(self, name: str, ids: pa.Array, run: str = "") -> Floats:
        """What a prediction table says of given rows: probabilities, or predicted numbers.

        Shape (rows,), of a multiclass task (rows, classes). `run` is how its columns begin.

        Raises:
            EvidenceError: rows are missing, unknown or repeated, or a value is none of the task's.
        """
        table = self._table(name)
        self._require_column(table, "row_id")
        at = places_of(ids, table)
        return read_outputs(self.settings.task, table, self.classes, run)[at]

    def row_ids(self, table: Table) -> pa.Array:
        """The identifiers of any table's rows, each present and unique.

        Raises:
            EvidenceError: it has no `row_id`, or one is missing or repeated.
        """
        self._require_column(table, "row_id")
        return unique_ids(table, "row_id")

    def repeats_for(self, ids: pa.Array) -> Mapping[str, Floats]:
        """What each repeated training says of given rows, by its name, such as `seed_21`.

        Nothing where training was not repeated. Shapes as of `scores_for`.

        Raises:
            EvidenceError: as of `scores_for`.
        """
        if not self.has(REPEATS):
            return {}
        table = self._table(REPEATS)
        self._require_column(table, "row_id")
        at = places_of(ids, table)
        runs = dict.fromkeys(name.partition(".")[0] for name in table.names if "." in name)
        task, classes = self.settings.task, self.classes
        return {run: read_outputs(task, table, classes, f"{run}.")[at] for run in runs}

    @cached_property
    def reported(self) -> Mapping[str, float] | None:
        """What the pipeline itself reported, by name; compared, never believed."""
        if not self.has("metrics.json"):
            return None
        return read_reported(self.read_json("metrics.json"), str(self.folder / "metrics.json"))

    def read_json(self, name: str) -> Any:
        """A listed JSON file as plain data, of a size and shape that nobody is hurt by.

        Raises:
            EvidenceError: it is too large, or no strict JSON.
        """
        content = self.content(name, strict_json.MAX_BYTES)
        return strict_json.load(content, str(self.folder / name), EvidenceError)

    def content(self, name: str, most: int) -> bytes:
        """The whole of a small file.

        Raises:
            EvidenceError: it is larger than `most` bytes.
        """
        size = sum(file.bytes for file in self.manifest.listed(name))
        if size > most:
            raise EvidenceError(
                f"{self.folder / name}: {size:,} bytes; at most {most:,} are read. Shorten it."
            )
        return self._store.read(name)

    @property
    def _columns(self) -> Path:
        return self.folder / "columns.yaml"

    def _dictionary(self) -> ColumnDictionary:
        name = "columns.yaml"
        if self._beside and self._beside.digest_of(name) == self.digest_of(name):
            return self._beside.dictionary
        return read_columns(self.content(name, COLUMNS_MAX_BYTES), str(self.folder / name))

    def table(self, name: str) -> Table:
        """A listed table, opened once.

        Raises:
            EvidenceError: it is not listed, or not what the manifest says.
        """
        return self._table(name)

    def opened(self, sha256: str) -> Table | None:
        """The table of this digest, where this evidence or the one beside it has opened it."""
        elsewhere = None if self._beside is None else self._beside.opened(sha256)
        return self._tables.get(sha256) or elsewhere

    def _table(self, name: str) -> Table:
        sha256, files = self.manifest.digest_of(name), self.manifest.listed(name)
        if sha256 is None:
            raise EvidenceError(
                f"{self.folder}: no {name}. Let the pipeline write it, then collect it again."
            )
        table = self.opened(sha256) or self._store.table(name)
        self._tables[sha256] = table
        rows = sum(file.rows or 0 for file in files)
        if rows != table.rows and all(file.rows is not None for file in files):
            raise EvidenceError(
                f"{table.path}: {table.rows:,} rows where the manifest says {rows:,}. "
                "Collect the evidence again."
            )
        return table

    def _require_column(self, table: Table, name: str) -> None:
        if name not in table:
            raise no_column(str(table.path), name, table.names)

    def is_number(self, name: str) -> bool:
        """Whether the dictionary calls a column a quantity rather than a category."""
        column = self.dictionary.columns.get(name)
        return column is not None and column.type in (Type.NUMBER, Type.INTEGER, Type.DATETIME)


def _reading(settings: Settings) -> tuple[str, str | None]:
    """What decides how a test table is read."""
    return settings.task, settings.sample_weight
