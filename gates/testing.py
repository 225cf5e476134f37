"""For tests of gates: evidence made of plain Python columns, small enough to check by hand.

    evidence(tmp_path / "new", {"age": "feature integer"}, test={"age": [30, 40], "label": [0, 1]})

makes a whole folder with manifest, digests and dictionary, and opens it. What is left out is made
up: `row_id` (`r0`, `r1` … in the test, `t0`, `t1` … in the training table), the entries of
`row_id` and `label` in the dictionary, and a score of 0.5 for every test row.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.evidence.manifest import File, Manifest, digest, write_manifest
from gates.finding import Outcome
from gates.judge import judge
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.rules.gate import Gate, Item

Columns = Mapping[str, Sequence[Any] | pa.Array]
Entry = str | Mapping[str, Any]
Outputs = Sequence[float] | Mapping[str, Sequence[float]]  # scores, or columns by name

IMPLIED: dict[str, Entry] = {"row_id": "id text", "label": "label boolean"}


def evidence(
    folder: Path,
    dictionary: Mapping[str, Entry],
    *,
    test: Columns,
    train: Columns | None = None,
    scores: Outputs | None = None,
    other_scores: Mapping[str, tuple[Sequence[str], Outputs]] | None = None,
    metrics: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    revision: str = "0000000",
    settings: Settings | None = None,
) -> Evidence:
    """Write an evidence folder and open it.

    Args:
        folder: where; it must not exist.
        dictionary: the columns' entries; `"feature integer"` is short for role and type with a
            description, anything else is written as it is.
        test: the test table's columns; lists, or Arrow arrays where the type matters.
        train: the training table's columns, where there is one.
        scores: of the test rows in their order; of another task its columns, such as `prediction`.
        other_scores: row identifiers and scores by the name of a further prediction table.
        metrics: what the pipeline reported.
        texts: further files by name, such as `roadmap.md`.
        revision: what the manifest calls it.
        settings: how it is to be read, where the task is not binary or rows are weighted.
    """
    folder.mkdir(parents=True)
    entries = {name: _entry(name, entry) for name, entry in {**IMPLIED, **dictionary}.items()}
    (folder / "columns.yaml").write_text(json.dumps({"columns": entries}), encoding="utf-8")
    tested = _table(test, "r")
    pq.write_table(tested, folder / "test.parquet")
    if train is not None:
        pq.write_table(_table(train, "t"), folder / "train.parquet")
    name = next(name for name, entry in entries.items() if entry["role"] == "id")
    ids = tested[name].to_pylist()
    given = [0.5] * len(ids) if scores is None else scores
    _write_scores(folder / "predictions.parquet", ids, given)
    for file, (rows, values) in (other_scores or {}).items():
        _write_scores(folder / file, rows, values)
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    for file, text in (texts or {}).items():
        (folder / file).write_text(text, encoding="utf-8")
    seal(folder, revision)
    return Evidence(folder, settings)


def seal(folder: Path, revision: str = "0000000") -> None:
    """Write the manifest of whatever lies in the folder."""
    files = tuple(
        File(name=path.name, bytes=path.stat().st_size, sha256=digest(path)[0], rows=_rows(path))
        for path in sorted(folder.iterdir())
        if path.name != "manifest.json"
    )
    write_manifest(folder, Manifest(revision=revision, files=files))


def case(
    candidate: Evidence, baseline: Evidence | None = None, settings: Settings | None = None
) -> Case:
    """The case of two sides under the given settings, or those that the candidate was read by."""
    return Case(settings or candidate.settings, candidate, baseline)


def items(gate: Gate, of: Case) -> list[Item]:
    """All that a gate yields, before the judge decides."""
    return list(gate.judge(of))


def outcome(name: str, gate: Gate, of: Case) -> Outcome:
    """What the judge makes of a policy with this gate alone."""
    policy = Policy(of.settings, {name: gate}, Document("params.yaml", {}, {}))
    return judge(policy, of).outcomes[0]


def _entry(name: str, entry: Entry) -> dict[str, Any]:
    if not isinstance(entry, str):
        return dict(entry)
    role, kind = entry.split()
    return {"role": role, "type": kind, "description": f"what {name} is"}


def _table(columns: Columns, prefix: str) -> pa.Table:
    arrays = {
        name: values if isinstance(values, pa.Array) else pa.array(values)
        for name, values in columns.items()
    }
    if "row_id" not in arrays:
        rows = len(next(iter(arrays.values())))
        arrays = {"row_id": pa.array([f"{prefix}{at}" for at in range(rows)]), **arrays}
    return pa.table(arrays)


def _write_scores(path: Path, ids: Sequence[str], scores: Outputs) -> None:
    named = scores if isinstance(scores, Mapping) else {"score": scores}
    columns = {name: pa.array(values, pa.float64()) for name, values in named.items()}
    pq.write_table(pa.table({"row_id": pa.array(ids, pa.string()), **columns}), path)


def _rows(path: Path) -> int | None:
    if path.suffix != ".parquet":
        return None
    rows: int = pq.ParquetFile(path).metadata.num_rows
    return rows
