"""All synthetic tables of one size: `python -m benchmarks.evidence_at_scale ROWS FOLDER`.

Beside the tables, the evidence of a baseline and a candidate that share their train and test
tables, and policies with all gates and with a few.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.tables_at_scale import CATEGORY_LEVELS, write_evaluation, write_train_and_test
from gates.collect.pack import pack

BASELINE, CANDIDATE = "baseline", "candidate"
ALL_GATES, FEW_GATES = "all_gates.yaml", "few_gates.yaml"
_COMPLETE = "complete"  # written last: a folder that was left half done is made again
_NOISE = {BASELINE: 0.35, CANDIDATE: 0.3}
_SEGMENTS = ("payment", "tier", "age", ["payment", "tier"])
_AGE_BANDS = [0, 25, 45, 65, 91]
_INTEGERS, _WITH_GAPS = ("age", "visits", "account", "year"), ("balance", "rating")
_GATES: dict[str, dict[str, Any]] = {  # every one that has something to judge here
    "metric_regression": {"metrics": {"log_loss": {"margin": 0.01}, "roc_auc": {"margin": 0.01}}},
    "metric_floor": {"metrics": {"roc_auc": 0.6}},
    "calibration": {},
    "segment_regression": {"metrics": {"recall": {"margin": 0.05}, "log_loss": {"margin": 0.03}}},
    "segment_floor": {"metrics": {"accuracy": 0.5}},
    "group_disparity": {"features": ["payment", "tier"]},
    "columns": {},
    "schema": {},
    "missing_values": {},
    "drift": {},
    "train_test_overlap": {},
    "target_leakage": {},
    "policy_change": {},
}
_FEW = (  # of metrics, of segments and of fairness: those that passes judge
    "metric_regression",
    "metric_floor",
    "segment_regression",
    "segment_floor",
    "group_disparity",
)


def write_all(folder: Path, rows: int) -> None:
    """Write the tables of one size, unless they are there, and the policies."""
    mark = folder / _COMPLETE
    if not mark.exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_evaluation(folder, rows)
        write_train_and_test(folder, rows)
        write_evidence(folder, rows)
        mark.touch()
    write_policies(folder)


def write_evidence(folder: Path, rows: int) -> None:
    """Write two folders of evidence."""
    new, old = folder / CANDIDATE, folder / BASELINE
    write_train_and_test(new, rows, identifiers=True)
    old.mkdir()
    for name in ("train.parquet", "test.parquet"):
        os.link(new / name, old / name)
    for side in (old, new):
        _write_predictions(side, _NOISE[side.name])
        entries = {"columns": dict(_describe(side / "test.parquet"))}
        (side / "columns.yaml").write_text(yaml.safe_dump(entries, sort_keys=False), "utf-8")
        pack(side, side.name)


def write_policies(folder: Path) -> None:
    """Write policies with all gates and with a few."""
    few = {name: _GATES[name] for name in _FEW}
    for name, gates in ((ALL_GATES, _GATES), (FEW_GATES, few)):
        policy = {"gates": {"segments": list(_SEGMENTS), **gates}}
        (folder / name).write_text(yaml.safe_dump(policy, sort_keys=False), "utf-8")


def _write_predictions(side: Path, noise: float) -> None:
    """What the label was drawn from, with some noise."""
    schema = pa.schema({"row_id": pa.string(), "score": pa.float64()})
    random = np.random.default_rng(len(side.name))
    with (
        pq.ParquetFile(side / "test.parquet", pre_buffer=False) as test,
        pq.ParquetWriter(side / "predictions.parquet", schema) as writer,
    ):
        for batch in test.iter_batches(columns=["row_id", "score", "income"]):
            risk = _floats(batch["score"]) + 0.3 * np.log(_floats(batch["income"])) - 4
            score = 1 / (1 + np.exp(-risk - noise * random.normal(0, 1, len(risk))))
            writer.write_batch(pa.record_batch([batch["row_id"], pa.array(score)], schema=schema))


def _describe(test: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in pq.read_schema(test).names:
        entry: dict[str, Any] = {"role": "feature", "type": "number"}
        if name in _INTEGERS:
            entry["type"] = "integer"
        elif name in CATEGORY_LEVELS:
            entry["type"] = "category"
            entry["levels"] = [f"{name} {level}" for level in range(CATEGORY_LEVELS[name])]
        elif name == "member":
            entry["type"] = "boolean"
        elif name == "label":
            entry = {"role": "label", "type": "boolean"}
        elif name == "row_id":
            entry = {"role": "id", "type": "text"}
        if name in _WITH_GAPS:
            entry["missing"] = "allowed"
        if name == "age":
            entry["segment"] = _AGE_BANDS
        yield name, {**entry, "description": "synthetic"}


def _floats(column: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(np.from_dlpack(column))


if __name__ == "__main__":
    write_all(Path(sys.argv[2]), int(sys.argv[1]))
