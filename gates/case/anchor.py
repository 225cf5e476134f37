"""The last release, which a candidate is compared with beside its merge base; or why not."""

import msgspec

from gates.evidence.folder import Evidence
from gates.finding import Side


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The last release, which a candidate is compared with beside its merge base."""

    side: Side
    evidence: Evidence


class NoAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no anchor though the policy asks for one; not an error."""

    reason: str
