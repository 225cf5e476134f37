"""Pass 1: what must be known before sums can be taken, and whether the rows can be judged."""

import hashlib
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.errors import EvidenceError
from gates.reduction.coding import Cut, Floats, encode_levels
from gates.reduction.scored_rows import (
    CELLS,
    Columns,
    Faults,
    Mask,
    ScoredRows,
    likelihoods_of,
    read_rows,
)
from gates.stats.binned_auc import BINS, BinnedScores, Ranking, bin_scores, rank_bins

MAX_LEVELS = 10_000  # of a column; a column of more is no segment

Counts = npt.NDArray[np.int64]
LevelRows = dict[str | None, int]  # rows by level as text, those without one under `None`


class ScoreBins(msgspec.Struct, frozen=True, eq=False):
    """Scores of one model: rows by (class, bin), and the one score of each bin.

    `only` is infinite where the bin is empty, and NaN where it holds more than one score.
    """

    counts: npt.NDArray[np.int32]  # (2, BINS): half as much of the cache as 64 bits
    only: Floats  # (BINS,)

    def binned(self) -> BinnedScores:
        """What the AUC is made of."""
        negatives, positives = self.counts.astype(np.int64)
        return BinnedScores(positives, negatives, np.isnan(self.only))


class Surveyed(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """What the first pass leaves; `bins` are the baseline's and the candidate's."""

    rows: int
    faults: Faults
    cells: Counts  # (8,) paired cells
    farthest: float  # largest distance of the two scores of a row
    least_likely: tuple[float, float]  # smallest probability either model gave to a row's label
    levels: tuple[LevelRows, ...]  # per cut, of those without edges
    bins: tuple[ScoreBins, ScoreBins] | None

    @cached_property
    def rankings(self) -> tuple[Ranking, Ranking]:
        """Both models' AUC over all rows, with its bound; asked for once all rows are in.

        Raises:
            UndefinedError: one class is missing.
        """
        assert self.bins is not None  # noqa: S101 - asked for only where ranked
        old, new = (rank_bins(each.binned()) for each in self.bins)
        return old, new

    def digest(self) -> bytes:
        """SHA-256 of what it says, for the seed of a verdict; the order of rows cannot change it.

        Two tables of the same digest have the same counts of scores by class in every bin.
        """
        said = (self.rows, self.farthest, self.least_likely, self.cells.tolist())
        digest = hashlib.sha256(msgspec.json.encode(said))
        for levels in self.levels:
            pairs = sorted(((level is None, level or ""), rows) for level, rows in levels.items())
            digest.update(msgspec.json.encode(pairs))
        for bins in self.bins or ():
            for array in (bins.counts, bins.only):
                digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.digest()


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel of pass 1."""

    columns: Columns
    cuts: tuple[Cut, ...] = ()  # their levels need not be known
    ranked: bool = False  # whether an AUC is asked for

    def start(self) -> Surveyed:
        """Of no row."""
        return Surveyed(
            rows=0,
            faults=Faults(),
            cells=np.zeros(CELLS, dtype=np.int64),
            farthest=0.0,
            least_likely=(1.0, 1.0),
            levels=tuple({} for _ in self.cuts),
            bins=(_no_scores(), _no_scores()) if self.ranked else None,
        )

    def take(self, value: Surveyed, batch: pa.RecordBatch) -> Surveyed:
        """With the rows of a batch.

        Raises:
            EvidenceError: a column has too many levels, or holds text where numbers are needed.
        """
        if batch.num_rows == 0:
            return value
        try:
            rows, faults = read_rows(batch, self.columns)
        except pa.ArrowException as fault:
            raise EvidenceError(
                f"label or score: holds text where numbers are needed ({fault}). Write numbers."
            ) from fault
        value.cells[:] += [np.count_nonzero(rows.cells == cell) for cell in range(CELLS)]
        for cut, levels in zip(self.cuts, value.levels, strict=True):
            try:
                _look_at(cut, levels, batch.column(cut.column))
            except pa.ArrowException as fault:
                raise EvidenceError(
                    f"{cut.column}: cannot be cut into segments ({fault}). Write text or numbers."
                ) from fault
        for bins, scores in zip(value.bins or (), (rows.baseline, rows.candidate), strict=False):
            _count_scores(bins, rows.labels, scores)
        farthest = float(np.abs(rows.candidate - rows.baseline).max())
        return msgspec.structs.replace(
            value,
            rows=value.rows + batch.num_rows,
            faults=value.faults + faults,
            farthest=max(value.farthest, farthest),
            least_likely=_pick_smaller(value.least_likely, _find_least_likely(rows)),
        )

    def merge(self, one: Surveyed, other: Surveyed) -> Surveyed:
        """Of the rows of both."""
        one.cells[:] += other.cells
        for mine, theirs, cut in zip(one.levels, other.levels, self.cuts, strict=True):
            _add_levels(mine, theirs, cut.column)
        for into, bins in zip(one.bins or (), other.bins or (), strict=True):
            into.counts[:] += bins.counts
            _mark_scores(into.only, np.arange(BINS), bins.only)
        return msgspec.structs.replace(
            one,
            rows=one.rows + other.rows,
            faults=one.faults + other.faults,
            farthest=max(one.farthest, other.farthest),
            least_likely=_pick_smaller(one.least_likely, other.least_likely),
        )

    def cut(self, found: Surveyed) -> tuple[Cut, ...]:
        """The cuts with the levels that occur, in their order as text."""
        return tuple(
            cut
            if cut.edges
            else msgspec.structs.replace(
                cut, levels=tuple(sorted(level for level in levels if level is not None))
            )
            for cut, levels in zip(self.cuts, found.levels, strict=True)
        )


def _find_least_likely(rows: ScoredRows) -> tuple[float, float]:
    return (
        float(likelihoods_of(rows.labels, rows.baseline).min()),
        float(likelihoods_of(rows.labels, rows.candidate).min()),
    )


def _pick_smaller(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), min(one[1], other[1])


def _no_scores() -> ScoreBins:
    return ScoreBins(np.zeros((2, BINS), dtype=np.int32), np.full(BINS, np.inf))


def _count_scores(bins: ScoreBins, labels: Mask, scores: Floats) -> None:
    at = bin_scores(scores)
    _mark_scores(bins.only, at, scores)
    at += labels * BINS
    np.add.at(bins.counts.reshape(-1), at, np.int32(1))  # a plain 1 is 50 times as slow


def _mark_scores(only: Floats, at: npt.NDArray[np.intp], scores: Floats) -> None:
    """Take scores, or what another part knows of its bins, into the one score of each bin.

    Of several that find their bin empty one is written, and the others differ from it next time.
    """
    while len(at):
        held = only.take(at)  # two thirds of the time of `only[at]`
        few = np.flatnonzero(held == held)  # noqa: PLR0124 - soon most bins hold NaN
        at, scores, held = at[few], scores[few], held[few]
        news = np.flatnonzero((held != scores) & ~np.isinf(scores))
        at, scores, held = at[news], scores[news], held[news]
        empty = np.isinf(held)
        only[at[empty]] = scores[empty]
        only[at[~empty]] = np.nan
        at, scores = at[empty], scores[empty]


def _look_at(cut: Cut, levels: LevelRows, array: pa.Array) -> None:
    if cut.edges:
        cut.code(array)  # refuses what is no number, before further passes would fail of it
    else:
        _count_levels(levels, cut.column, array)


def _count_levels(levels: LevelRows, column: str, array: pa.Array) -> None:
    indices, texts = encode_levels(array)
    counted = np.zeros(len(texts) + 1, dtype=np.int64)  # the last, where −1 points
    np.add.at(counted, indices.astype(np.intp), 1)
    found: LevelRows = {}
    for text, rows in zip((*texts, None), counted.tolist(), strict=True):
        if rows:
            found[text] = found.get(text, 0) + rows
    _add_levels(levels, found, column)


def _add_levels(into: LevelRows, levels: LevelRows, column: str) -> None:
    for text, rows in levels.items():
        into[text] = into.get(text, 0) + rows
    if len(into) > MAX_LEVELS:
        raise EvidenceError(
            f"{column}: more than {MAX_LEVELS:,} values, too many for segments. Cut it into bands, "
            "or take it out of `gates.segments`."
        )
