"""Entries of a ledger, small enough to count by hand."""

from typing import Any

from gates.finding import Decision
from gates.ledger.ledger import Entry, write_entry

ROWS_A, ROWS_B = "a" * 64, "b" * 64


def model(number: int) -> str:
    """The digest of a model's predictions."""
    return f"{number:064x}"


def entry(number: int, before: int | None = None, **more: Any) -> Entry:
    """A verdict on a model, with another one as its baseline."""
    values: dict[str, Any] = {
        "test_set": ROWS_A,
        "rows": 400,
        "predictions": model(number),
        "baseline_predictions": None if before is None else model(before),
        "head": f"{number:040x}",
        "decision": Decision.PASS,
        "time": "2026-05-02T10:00:00Z",
    }
    return Entry(**{**values, **more})


def lines(*entries: Entry) -> bytes:
    return b"".join(map(write_entry, entries))
