"""Evidence folders as files on disk, and limits that they keep."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gates.testing import evidence, seal

ROWS = 200
LIMITS = """\
gates:
  segments: [town]
  metric_regression:
    metrics: {accuracy: {margin: 0.1}, roc_auc: {margin: 0.1}, log_loss: {margin: 0.5}}
  metric_floor: {metrics: {accuracy: 0.5}}
  calibration: {ceiling: 0.5}
  segment_regression: {metrics: {recall: {margin: 0.3}}}
  segment_floor: {metrics: {accuracy: 0.2}}
  group_disparity: {features: [town], metrics: {selection_rate: {worsening: 0.3}}}
  columns: {}
  schema: {}
  missing_values: {}
  drift: {tolerance: 0.9}
  train_test_overlap: {excess: 0.99}
  target_leakage: {}
  reported_metrics: {}
  policy_change: {}
"""
LISTED: dict[str, Any] = {
    "town": "feature category",
    "age": {"role": "feature", "type": "integer", "unit": "years", "description": "age"},
}


def make_rows(rows: int = ROWS) -> dict[str, Any]:
    """Towns a and b by turns, ages up to 99, every fourth and its neighbour positive."""
    return {
        "town": [("a", "b")[at % 2] for at in range(rows)],
        "age": [at % 100 for at in range(rows)],
        "label": [at % 4 in (0, 3) for at in range(rows)],
    }


def make_good(folder: Path, **parts: Any) -> Path:
    """Evidence of a model that is right on all rows; what is given replaces the usual."""
    test = parts.pop("test", make_rows())
    labels = test.get("label", [])
    given = {
        "train": make_rows(),
        "scores": [0.9 if label else 0.1 for label in labels],
        "metrics": {"accuracy": 1.0},
        **parts,
    }
    listed = given.pop("listed", LISTED)
    evidence(folder, listed, test=test, **given)
    return folder


def spoil(folder: Path, target: Path, change: Callable[[Path], object]) -> Path:
    """A copy in which something is changed, under a manifest that agrees."""
    shutil.copytree(folder, target)
    (target / "manifest.json").unlink()
    change(target)
    seal(target)
    return target


def rewrite(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], object]:
    """Change one table of a folder."""

    def apply(folder: Path) -> None:
        path = folder / name
        table = change(pq.read_table(path))
        pq.write_table(table, path)

    return apply


def set_column(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    """Replace or add one column."""

    def change(table: pa.Table) -> pa.Table:
        if name in table.column_names:
            return table.set_column(table.column_names.index(name), name, pa.array(values))
        return table.append_column(name, pa.array(values))

    return change
