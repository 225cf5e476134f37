"""How large a model is, as its pipeline says: `sizes.json`."""

from typing import Annotated

import msgspec

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence

SIZES = "sizes.json"

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class Size(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one model."""

    bytes: Count  # of its file
    features: Count  # that it asks for

    def text(self) -> str:
        """`450,767 bytes, 31 features`."""
        return f"{self.bytes:,} bytes, {self.features:,} features"

    def is_simpler_than(self, other: "Size") -> bool:
        """Whether it has less of something, and more of nothing."""
        no_larger = self.bytes <= other.bytes and self.features <= other.features
        return no_larger and self != other


class Sizes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the model that is judged, and of the simple one beside it."""

    candidate: Size
    simple: Size | None = None


def read_sizes(evidence: Evidence | None) -> Sizes | None:
    """What one side says of its sizes; `None` where it says nothing.

    Raises:
        EvidenceError: the file holds something else.
    """
    if evidence is None or not evidence.has(SIZES):
        return None
    try:
        return msgspec.convert(evidence.read_json(SIZES), Sizes)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"{evidence.folder / SIZES}: {error}. Write "
            '{"candidate": {"bytes": 450767, "features": 31}, "simple": {…}}.'
        ) from error
