"""Columns that the survey does not have, and that a later stage adds."""

from collections.abc import Sequence
from pathlib import Path

from demo.edits import append, replace


def declare(root: Path, entries: str, names: Sequence[str]) -> None:
    """Write them into the dictionary, and tell `ingest` not to look for them in a batch."""
    append(root / "data/columns.yaml", entries)
    ingest = root / "pipeline/ingest.py"
    listed = ", ".join(f'"{name}"' for name in names)
    replace(ingest, 'MISSING = "?"\n', f'MISSING = "?"\nADDED = {{{listed}}}\n')
    own = '{dictionary.only("id")}\n    if set(batch'
    replace(ingest, own, own.replace("}\n", "} - ADDED\n"))
    replace(
        ingest,
        '        if column.role != "id":\n',
        '        if column.role != "id" and name not in ADDED:\n',
    )
    every = "{name: columns[name] for name in dictionary.columns}"
    replace(ingest, every, every.replace("columns}", "columns if name in columns}"))
