"""The column dictionary: what every column of the evidence's tables is (`columns.yaml`)."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from gates.errors import EvidenceError
from gates.reading.strict_yaml import load
from gates.reading.typed import build


class Role(StrEnum):
    """What a column is for; only a feature may reach the model."""

    FEATURE = "feature"
    LABEL = "label"
    ID = "id"
    GROUP = "group"
    TIME = "time"
    WEIGHT = "weight"
    IGNORED = "ignored"


class Type(StrEnum):
    """What values a column holds."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TEXT = "text"
    DATETIME = "datetime"
    IMAGE = "image"


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Missing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a column may be missing, as a share of its rows."""

    max_share: Share


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column's entry."""

    role: Role
    type: Type
    description: str = ""
    unit: str | None = None
    range: tuple[float, ...] | None = None
    levels: tuple[str, ...] | None = None  # a text label's last level is the positive one
    missing: Literal["allowed"] | Missing | None = None
    sensitive: bool = False
    segment: bool | tuple[float, ...] = False  # true, or the edges of the bands of a number
    known_at_prediction: bool = True
    hash_of: str | None = None  # the image of which this is a perceptual hash

    def __post_init__(self) -> None:
        """Refuse a range or bands that hold nothing."""
        if self.range is not None and (len(self.range) != 2 or self.range[0] > self.range[1]):  # noqa: PLR2004
            raise ValueError(f"range {list(self.range)}; expected [lowest, highest].")
        edges = self.segment
        if isinstance(edges, tuple) and (len(edges) < 2 or list(edges) != sorted(set(edges))):  # noqa: PLR2004
            raise ValueError(f"segment {list(edges)}; expected two or more rising edges.")

    @property
    def max_missing_share(self) -> float:
        """The largest share of missing values that the dictionary accepts."""
        if self.missing is None:
            return 0.0
        return 1.0 if self.missing == "allowed" else self.missing.max_share


class ColumnDictionary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All columns by name, in the file's order."""

    columns: dict[str, Description]

    def with_role(self, role: Role) -> tuple[str, ...]:
        """Names of the columns with a role."""
        return tuple(name for name, column in self.columns.items() if column.role is role)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns that may reach the model."""
        return self.with_role(Role.FEATURE)

    @property
    def id(self) -> str:
        """The column that names a row, the same in every version of the data."""
        return self.with_role(Role.ID)[0]

    @property
    def label(self) -> str:
        """The column that the model predicts."""
        return self.with_role(Role.LABEL)[0]

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Names of the sensitive columns."""
        return tuple(name for name, column in self.columns.items() if column.sensitive)


def read_columns(content: bytes, name: str) -> ColumnDictionary:
    """Parse a column dictionary.

    Raises:
        EvidenceError: not a dictionary, or without exactly one id and one label.
    """
    dictionary = build(load(content, name, EvidenceError), ColumnDictionary, (), EvidenceError)
    for role in (Role.ID, Role.LABEL):
        found = dictionary.with_role(role)
        if len(found) != 1:
            names = ", ".join(found) or "none"
            raise EvidenceError(
                f"{name}: columns with role {role}: {names}; exactly one is needed. "
                f"Give one column the role {role}."
            )
    return dictionary
