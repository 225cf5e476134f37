"""Evidence with what others said of the same rows beside it, small enough to check by hand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gates.evidence.folder import Evidence
from gates.testing import seal


def with_table(
    made: Evidence, name: str, ids: Sequence[str] | None = None, **columns: Sequence[Any]
) -> Evidence:
    """The same evidence with a further table, of the test rows where no others are named."""
    rows = ids or [f"r{at}" for at in range(made.test.rows)]
    pq.write_table(pa.table({"row_id": rows, **columns}), made.folder / f"{name}.parquet")
    return _sealed(made)


def with_simple(made: Evidence, scores: Sequence[float]) -> Evidence:
    """With what a simple model says of the test rows."""
    return with_table(made, "quick_baselines", None, **{"simple.score": scores})


def with_sizes(made: Evidence, sizes: Mapping[str, Any]) -> Evidence:
    """With the sizes that its pipeline claims, as JSON."""
    (made.folder / "sizes.json").write_text(json.dumps(sizes), "utf-8")
    return _sealed(made)


def _sealed(made: Evidence) -> Evidence:
    (made.folder / "manifest.json").unlink()
    seal(made.folder)
    return Evidence(made.folder, made.settings)
