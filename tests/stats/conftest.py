"""Independent reference numbers, by id."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

Reference = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def reference() -> Reference:
    rows = msgspec.json.decode(Path(__file__).with_name("reference.json").read_bytes())
    by_id = {row["id"]: row for row in rows}
    return by_id.__getitem__
