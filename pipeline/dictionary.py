"""The column dictionary `data/columns.yaml`, as far as the stages need it."""

from pathlib import Path
from typing import Literal

import msgspec
import yaml

from pipeline.stage import StageError

COLUMNS = Path("data/columns.yaml")


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """What one column is; levels, ranges and the like are for the gates to judge."""

    role: Literal["feature", "label", "id", "group", "time", "weight", "ignored"]
    type: Literal["number", "integer", "boolean", "category", "text", "datetime"]


class Dictionary(msgspec.Struct, frozen=True, kw_only=True):
    """All columns of the tables, in their order."""

    columns: dict[str, Column]

    def with_role(self, role: str) -> tuple[str, ...]:
        """Names of the columns of one role."""
        return tuple(name for name, column in self.columns.items() if column.role == role)

    def only(self, role: str) -> str:
        """Name of the one column of a role; raises `StageError` unless there is exactly one."""
        names = self.with_role(role)
        if len(names) != 1:
            raise StageError(f"{COLUMNS}: {len(names)} columns have role {role}; one must")
        return names[0]


def read_dictionary(path: Path = COLUMNS) -> Dictionary:
    """Reads the dictionary; raises `StageError` where it is no dictionary."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Dictionary)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise StageError(f"{path}: not a column dictionary: {error}") from error
