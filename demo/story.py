"""What a story is: one pull request, and what the gate should say to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gates.finding import Decision

Edit = Callable[[Path], None]


def nothing(_root: Path) -> None:
    """Leave the working tree as it is."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """One pull request: where it starts, what it does, and how it must end."""

    name: str  # of the branch
    title: str
    starts_from: str
    base: str  # the branch it wants to merge into
    prepare: Edit | None = None  # what that branch has beside `starts_from`; `None`: it is there
    edit: Edit
    reproduces: bool = True  # the author runs the pipeline before the commit
    after: Edit = nothing  # done when the author's pipeline has run
    alone: bool = False  # measures times, so nothing else may run beside it
    decision: Decision
    blocked_by: frozenset[str] = field(default_factory=frozenset)  # all gates that fail, no other
