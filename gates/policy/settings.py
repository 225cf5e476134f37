"""What all gates of a policy share: the task, the segments, the chance of a false block."""

from typing import Annotated, Literal

import msgspec

from gates.case.answers import Task
from gates.evidence.sources import Sources

Level = Annotated[float, msgspec.Meta(gt=0, lt=0.5)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Columns = str | tuple[str, ...]
Reference = Literal["merge_base", "anchor"]


class Alpha(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One-sided chance of blocking a harmless pull request, per kind of comparison.

    Each level holds for all comparisons of its kind together, so a harmless pull request is
    blocked at most as often as they add up to: 1 in 20 by default.
    """

    overall: Level = 0.01
    segments: Level = 0.02
    fairness: Level = 0.01
    other: Level = 0.01


class AnchorTag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tags mark a release: the nearest one before the merge base is the anchor."""

    tag: str = "v*"  # a pattern as of `git describe --match`
    otherwise: Literal["best"] | None = (
        "best"  # without one: the best baseline that the ledger knows
    )


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under `gates:` that are no gate."""

    task: Task = "binary"
    decision_threshold: Probability = 0.5  # of a binary task
    sample_weight: str | None = None  # a column with the role weight; by default rows count alike
    segments: tuple[Columns, ...] = ()
    references: tuple[Reference, ...] = ("merge_base",)
    anchor: AnchorTag = AnchorTag()
    alpha: Alpha = Alpha()
    unjudged: Probability = 0.0  # share of the baseline's test rows that may go without a judgement
    evidence: Sources = Sources()
    custom: dict[str, str] = {}  # a team's own gates: name, and the module's path from the root

    @property
    def segment_columns(self) -> tuple[tuple[str, ...], ...]:
        """The declared segmentations, each a tuple of columns."""
        return tuple((each,) if isinstance(each, str) else each for each in self.segments)
