"""Cases that the product judges as if they came from evidence folders, made from arrays.

Only the reading of files is left out: arenas, gates, measures and the judge are the product's own.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from gates.case.answers import Answers, Scored
from gates.case.arena import Arena
from gates.case.case import Case
from gates.case.segments import Rows
from gates.case.streamed import SummedSegment
from gates.evidence.columns import ColumnDictionary, Description, Role, Type
from gates.evidence.folder import Evidence
from gates.evidence.manifest import File, Manifest
from gates.finding import TestSet, Verdict
from gates.judge import judge
from gates.judging.sides import TEST, TRAIN
from gates.policy.policy import Policy
from gates.policy.settings import Alpha, Settings
from gates.reading.strict_yaml import Document
from gates.rules.gate import Gate
from gates.tables.table import Categories, Codes, Floats, Mask, Table

LABEL_ONLY = ColumnDictionary(
    columns={"label": Description(role=Role.LABEL, type=Type.BOOLEAN)},
)
SegmentsByName = Mapping[str, Mapping[str, Rows]]


class SimulatedTable(Table):
    """Columns of numbers and of codes, without a file."""

    def __init__(self, numbers: Mapping[str, Floats], codes: Mapping[str, Codes]) -> None:
        """Every column as long as the others; a code's level is its decimal text."""
        self.path = Path("simulated")
        self.names = (*numbers, *codes)
        columns: list[Floats | Codes] = [*numbers.values(), *codes.values()]
        self.rows = max((len(each) for each in columns), default=0)
        self.types = {**dict.fromkeys(numbers, "number"), **dict.fromkeys(codes, "text")}
        self._numbers = dict(numbers)
        self._categories = {
            name: Categories(values, tuple(f"{at:03}" for at in range(int(values.max()) + 1)))
            for name, values in codes.items()
        }


class SimulatedEvidence(Evidence):
    """One side, without a folder."""

    def __init__(
        self,
        scored: Answers,
        *,
        dictionary: ColumnDictionary | None = None,
        test: Table | None = None,
        train: Table | None = None,
    ) -> None:
        """Tables and dictionary are needed by gates that look at columns only."""
        self.folder = Path("simulated")
        tables = (TEST,) if train is None else (TEST, TRAIN)  # the same ones on both sides
        self.manifest = Manifest(
            revision="simulated",
            files=tuple(File(name=name, bytes=0, sha256="simulated") for name in tables),
        )
        self.dictionary = dictionary or LABEL_ONLY
        self.train = train
        self.test = test or SimulatedTable({}, {})
        self.labels, self.scores, self.test_digest = scored.labels, scored.scores, "simulated"
        self.train_ids = None


class SimulatedArena(Arena, frozen=True, dict=True, kw_only=True):
    """A test set whose segments are given instead of read."""

    by_column: SegmentsByName = msgspec.field(default_factory=dict)

    def segments(self, columns: tuple[str, ...]) -> dict[tuple[str, ...], Rows]:
        """Positions by level of one column."""
        (column,) = columns
        return {(level,): rows for level, rows in self.by_column[column].items()}


class SimulatedCase(Case):
    """Two models on one or two test sets."""

    def __init__(
        self,
        arenas: tuple[SimulatedArena, ...],
        *,
        groups: Rows | None = None,
        alpha: Alpha | None = None,
    ) -> None:
        """The first arena's models stand for the two sides."""
        first = arenas[0]
        super().__init__(
            Settings(segments=tuple(first.by_column), alpha=alpha or Alpha()),
            SimulatedEvidence(first.candidate),
            SimulatedEvidence(first.baseline),
        )
        self.arenas = arenas
        self.retrained = tuple(() for _ in arenas)  # nobody trains twice here
        self.groups = groups
        self.scored = first.candidate
        self.test_set = TestSet(
            changed=len(arenas) > 1, digest="simulated", rows=len(first.candidate.labels)
        )

    def candidate_segments(
        self, columns: tuple[str, ...]
    ) -> list[tuple[dict[str, str], Rows | SummedSegment]]:
        """The first arena's."""
        return [
            (dict(zip(columns, values, strict=True)), rows)
            for values, rows in self.arenas[0].segments(columns).items()
        ]


def same_rows(
    labels: Mask,
    old: tuple[Floats, Mask],
    new: tuple[Floats, Mask],
    *,
    segments: SegmentsByName | None = None,
    groups: Rows | None = None,
    alpha: Alpha | None = None,
) -> SimulatedCase:
    """Two models (scores, predictions) on one test set."""
    arena = arena_of(labels, old, new, segments=segments)
    return SimulatedCase((arena,), groups=groups, alpha=alpha)


def arena_of(
    labels: Mask,
    old: tuple[Floats, Mask],
    new: tuple[Floats, Mask],
    *,
    union: Rows | None = None,
    segments: SegmentsByName | None = None,
) -> SimulatedArena:
    """One test set with both models' scores and predictions."""
    before, after = Scored(labels, *old), Scored(labels, *new)
    every = np.arange(len(labels))
    return SimulatedArena(
        side=SimulatedEvidence(after),
        rows=every,
        baseline=before,
        candidate=after,
        union=every if union is None else union,
        by_column=segments or {},
    )


def judge_with(gate: Gate, case: Case) -> Verdict:
    """The product's verdict under a policy of this gate alone."""
    return judge(Policy(case.settings, {"gate": gate}, Document("params.yaml", {}, {})), case)
