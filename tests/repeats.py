"""Evidence whose training was repeated, small enough to check by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gates.evidence.folder import REPEATS, Evidence
from gates.testing import evidence, seal


def repeated_evidence(
    folder: Path,
    labels: Sequence[int],
    scores: Sequence[float],
    repeats: Mapping[str, Sequence[float]],
    rows: str = "r",
) -> Evidence:
    """Binary evidence with the columns of its repeats, such as `seed_21.score`.

    Args:
        folder: where; it must not exist.
        labels: of the test rows.
        scores: of the test rows by the model that is judged.
        repeats: by column.
        rows: what the repeats' row identifiers begin with; `r` is what the test table has.
    """
    made = evidence(folder, {}, test={"label": list(labels)}, scores=scores)
    return with_repeats(made, repeats, rows)


def with_repeats(
    made: Evidence, repeats: Mapping[str, Sequence[float]], rows: str = "r"
) -> Evidence:
    """The same evidence with a table of repeats."""
    ids = [f"{rows}{at}" for at in range(made.test.rows)]
    pq.write_table(pa.table({"row_id": ids, **repeats}), made.folder / REPEATS)
    (made.folder / "manifest.json").unlink()
    seal(made.folder)
    return Evidence(made.folder)
