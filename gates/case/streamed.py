"""A case that passes have judged: sums instead of rows, asked segment by segment."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, get_args

import msgspec

from gates.case.segments import require_column
from gates.evidence.folder import Evidence
from gates.finding import Support
from gates.metrics.binary import CellCount, MeanLoss, RocAuc
from gates.metrics.metric import Metric
from gates.reduction.changes import SummedChange, SummedValue
from gates.reduction.correct import Comparison, correct
from gates.reduction.gaps import SummedGap
from gates.reduction.grids import Cuts
from gates.reduction.joint import Contribution
from gates.reduction.reduced import AUC, Codes, Reduced, Share
from gates.reduction.scored_rows import Loss
from gates.stats.multiplicity import Doubt
from gates.tables.engine import Engine, Scan

LOSSES: tuple[Loss, ...] = get_args(Loss)


def summed_name(metric: Metric[Any]) -> str | None:
    """What sums know a metric by; `None` where it needs all rows at once."""
    if isinstance(metric, CellCount | MeanLoss):
        return metric.name
    return AUC if isinstance(metric, RocAuc) else None


class Added(msgspec.Struct, frozen=True, eq=False):
    """What the rows of a segment add to a difference, known by sums."""

    of: "Streamed"
    terms: Contribution

    def __neg__(self) -> "Added":
        return Added(self.of, tuple(-term for term in self.terms))


class SummedSegment(msgspec.Struct, frozen=True, eq=False):
    """The sums over one segment's rows, or over all; its length is the number of rows."""

    of: "Streamed"
    cuts: Cuts
    codes: Codes
    rows: int

    def __len__(self) -> int:
        return self.rows

    @property
    def support(self) -> Support:
        """How much data this is."""
        return Support(
            rows=self.rows, positives=self._reduced.tally(self.cuts, self.codes).classes[1]
        )

    @property
    def same(self) -> bool:
        """Whether both models say the same of all its rows."""
        return self._reduced.same_in(self.cuts, self.codes)

    @property
    def discordance(self) -> float:
        """The share of rows that one of the models alone has right."""
        cells = self._reduced.tally(self.cuts, self.codes).rows.reshape(2, 4)
        return float(cells[:, 1:3].sum()) / self.rows

    def change(self, metric: Metric[Any], confidence: float) -> tuple[SummedChange, Added]:
        """How much a metric changes, and what the rows add to that.

        Raises:
            UndefinedError: it has no value here.
        """
        name = _name_of(metric)
        found = self._reduced.change(name, self.cuts, self.codes, confidence=confidence)
        return found, Added(self.of, self._reduced.term(found, self.cuts, self.codes))

    def value(self, metric: Metric[Any], confidence: float) -> SummedValue:
        """The candidate's metric.

        Raises:
            UndefinedError: it has no value here.
        """
        name = _name_of(metric)
        return self._reduced.value(name, self.cuts, self.codes, confidence=confidence)

    def rates(self, rate: str) -> tuple[Share, Share]:
        """A rate under both models: hits, and the rows that it counts."""
        return self._reduced.rates(rate, self.cuts, self.codes)

    def gap(self, rate: str, confidence: float) -> tuple[SummedGap, Added]:
        """How far the segment lies from all other rows, and what rows add to the growth, as harm.

        Raises:
            UndefinedError: the rate counts no row here, or none elsewhere.
        """
        found = self._reduced.gap(rate, self.cuts, self.codes, confidence=confidence)
        return found, Added(self.of, self._reduced.gap_terms(found, self.cuts, self.codes))

    @property
    def _reduced(self) -> Reduced:
        return self.of.reduced


class Streamed:
    """What the passes over a case left, and how further ones are run."""

    def __init__(
        self,
        reduced: Reduced,
        engine: Engine,
        scan: Scan,
        places: Mapping[str, int],
        candidate: Evidence,
    ) -> None:
        """Hold what was reduced; `places` are those of the segment columns among the cuts."""
        self.reduced = reduced
        self._engine = engine
        self._scan = scan
        self._places = places
        self._candidate = candidate

    @cached_property
    def whole(self) -> SummedSegment:
        """All rows."""
        return SummedSegment(self, (), (), self.reduced.rows)

    def segments(self, columns: tuple[str, ...]) -> dict[tuple[str, ...], SummedSegment]:
        """Every segment by some columns that has rows, by its values, in the order of levels.

        Raises:
            EvidenceError: a column is not in the test table.
        """
        for name in columns:
            require_column(name, self._candidate.test)
        cuts = tuple(sorted({self._places[name] for name in columns}))
        at = [cuts.index(self._places[name]) for name in columns]
        found = sorted(self.reduced.segments(cuts), key=lambda each: [each[0][cut] for cut in at])
        return {
            tuple(values[cut] for cut in at): SummedSegment(self, cuts, codes, rows)
            for codes, values, rows in found
        }

    @cached_property
    def seed(self) -> bytes:
        """The same evidence gives the same draws."""
        digest = hashlib.sha256(self._candidate.test_digest.encode())
        digest.update(self.reduced.surveyed.digest())
        return digest.digest()

    def harm_p_values(
        self, comparisons: Sequence[tuple[str, Added, Doubt]], seed: bytes
    ) -> list[float]:
        """The adjusted p-value of harm of every (family, what rows add, doubt)."""
        asked = [
            Comparison(family=family, contribution=added.terms, doubt=doubt)
            for family, added, doubt in comparisons
        ]
        return correct(self.reduced, self._engine, self._scan, asked, seed=seed)


def _name_of(metric: Metric[Any]) -> str:
    name = summed_name(metric)
    assert name is not None  # noqa: S101 - `passes.why_by_rows` has looked
    return name
