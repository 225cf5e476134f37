"""Gate `churn`."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa

from gates.case.arena import Arena, NotComparableError
from gates.case.case import Case
from gates.case.effect import CONFIDENCE, clustered
from gates.case.segments import Rows, split_by
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.flips import (
    Flips,
    compare_answers,
    list_ids,
    show_rows,
    show_segments,
    take_ids,
)
from gates.judging.margin import cannot_tell
from gates.rules.gate import Change, Gate, Item, Measurement, NotApplicableError, Share
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.law import binomial_cdf
from gates.stats.proportion import clopper_pearson
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import require_weights, weighted_mean
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask

_CHANGED = Subject(key="changed answers")
_GOLDEN = Subject(key="golden rows")
_MEND_SHARE = (
    "Find what changed so many answers (seed, features, threshold), or accept a larger share."
)
_MEND_GOLDEN = (
    "Mend the model on these rows; if the new answer is the right one, take the row out of "
    "`golden` in a pull request of its own, or waive the finding."
)
_MEND_MISSING = "Put the golden rows back into the test set, and let the model answer them."


class Churn(Gate, frozen=True, kw_only=True):
    """Names what a pull request fixes and breaks, row by row; blocks a broken golden row.

    What it blocks: a golden row that the baseline had right and the candidate has wrong; and, where
    `share` is set, a provably larger share of test rows whose answer changes. An answer is the
    decided class; of a regression a number, which is another one if it moved by more than
    `tolerance` (by default a tenth of the labels' standard deviation), and broken if its error grew
    by more than that.

    Why: two models of the same accuracy can differ in one answer of twenty. Whoever relies on an
    answer, or has explained it to somebody, pays for each that flips; an average shows none of it.
    Rows that must never break again belong into `golden`: a boolean column of the test table, a
    segment, or a list of row identifiers. Flags are read from the baseline's table, so that no pull
    request takes a row out.

    What it does not see: scores that move without another answer (`calibration`), and rows that are
    not in the test set; golden rows that cannot be compared are undecided, by `mode`.

    Example:
        churn: {share: 0.1, golden: is_golden}
    """

    family: ClassVar[Family] = Family.METRICS
    share: Share | None = None  # of the test rows, whose answer may change
    golden: str | dict[str, str] | tuple[str, ...] | None = None
    tolerance: Change | None = None  # of a number, in the label's unit
    mode: Mode = Mode.GUARD

    def __post_init__(self) -> None:
        """Refuse golden rows that are none, and a segment that is all rows."""
        if self.golden is not None and not self.golden:
            raise ValueError("`golden` names nothing; name rows or a column, or take the key away.")

    def judge(self, case: Case) -> Iterator[Item]:
        """Golden rows and the share of changed answers; then segments and rows are shown."""
        if case.baseline is None:
            raise NotApplicableError("there is no baseline to compare with")
        try:
            arena = case.arenas[-1]  # the baseline's own rows, where the pull request changes them
        except NotComparableError as error:
            limit = Limit(rule="answers can be compared", mode=self.mode)
            yield cannot_tell(_CHANGED, limit, str(error))
            return
        flips = compare_answers(arena, self.tolerance)
        if self.golden is not None:
            yield self._judge_golden(case.baseline, arena, flips)
        yield self._judge_share(case, arena, flips)
        yield from show_segments(case, arena, flips)
        yield from show_rows(case, arena, flips)

    def _judge_share(self, case: Case, arena: Arena, flips: Flips) -> Item:
        message = flips.text()
        if self.share is None:
            return Finding(
                subject=_CHANGED,
                state=State.PASSED,
                limit=Limit(rule="changed answers are named", mode=self.mode),
                message=message,
                support=Support(rows=flips.rows),
            )
        limit = Limit(ceiling=self.share, mode=self.mode)
        try:
            value, interval, p_value = _share_of(case, arena, flips.changed, self.share)
        except UndefinedError as error:
            return cannot_tell(_CHANGED, limit, str(error), flips.rows)
        return Measurement(
            subject=_CHANGED,
            limit=limit,
            value=value,
            interval=(interval.lower, interval.upper),
            p_value=p_value,
            message=f"{message} At most {self.share:.1%} may change.",
            mend=_MEND_SHARE,
            support=Support(rows=flips.rows),
            rows_needed=_rows_needed(value, self.share, flips.rows),
        )

    def _judge_golden(self, baseline: Evidence, arena: Arena, flips: Flips) -> Finding:
        limit = Limit(rule="no golden row breaks", mode=self.mode)
        golden = self._golden_ids(baseline)
        if isinstance(golden, str):
            return cannot_tell(_GOLDEN, limit, golden)
        at = _positions(golden, arena)
        found = at[at >= 0]
        broken = np.flatnonzero((at >= 0) & flips.broken[at])
        missing = len(golden) - len(found)
        lost = (
            f" {missing:,} of them cannot be compared: {list_ids(golden, np.flatnonzero(at < 0))}."
        )
        state = State.FAILED if len(broken) else State.UNDECIDED if missing else State.PASSED
        names = f": {list_ids(golden, broken)}" if len(broken) else ""
        return Finding(
            subject=_GOLDEN,
            state=state,
            limit=limit,
            message=(
                f"{len(broken):,} of {len(golden):,} golden rows were right and are wrong now"
                f"{names}.{lost if missing else ''}"
            ),
            mend="" if state is State.PASSED else _MEND_GOLDEN if len(broken) else _MEND_MISSING,
            candidate=float(len(broken)),
            greater_is_better=False,
            support=Support(rows=len(golden)),
        )

    def _golden_ids(self, baseline: Evidence) -> "pa.Array | str":
        """Identifiers of the golden rows; or why there are none."""
        if isinstance(self.golden, tuple):
            return pa.array(sorted(set(self.golden)), pa.large_string())
        columns = {self.golden: "true"} if isinstance(self.golden, str) else dict(self.golden or {})
        for name in columns:
            if name not in baseline.test:
                return f"the baseline's test table has no column {name!r}"
        if isinstance(self.golden, str):
            if not _is_flag(baseline, self.golden):
                return f"{self.golden!r} holds other numbers than 0 and 1, so it flags no row"
            rows = np.flatnonzero(_flags(baseline, self.golden))
        else:
            parts = split_by(tuple(columns), baseline.test, baseline.dictionary)
            rows = next(
                (part.rows for part in parts if part.name == columns), np.zeros(0, dtype=np.intp)
            )
        return take_ids(baseline.ids, rows) if len(rows) else "no row is golden"


def _share_of(
    case: Case, arena: Arena, changed: Mask, ceiling: float
) -> tuple[float, Interval, float]:
    """The share with its interval, and the p-value of a true share of at most the ceiling."""
    rows, weights = len(changed), arena.candidate.weights
    if case.groups is None and weights is None:
        hits = int(np.count_nonzero(changed))
        p_value = 1 - binomial_cdf(hits - 1, rows, ceiling) if ceiling < 1 else 1.0
        return hits / rows, clopper_pearson(hits, rows, CONFIDENCE), max(0.0, p_value)
    estimate = _weighted_share(case, arena, changed.astype(np.float64))
    interval = estimate.interval(CONFIDENCE)
    held = Interval(max(0.0, interval.lower), min(1.0, interval.upper))
    return estimate.value, held, estimate.p_at_most(ceiling)


def _weighted_share(case: Case, arena: Arena, changed: Floats) -> Estimate:
    weights = arena.candidate.weights
    if case.groups is None:
        return weighted_mean(changed, weights)
    scaled = require_weights(weights, len(changed))
    return clustered(changed * scaled, case.groups[arena.union])


def _rows_needed(value: float, ceiling: float, rows: int) -> int | None:
    """Rows from which on an interval of this value would not hold the ceiling."""
    gap = abs(ceiling - value)
    if gap == 0:
        return None
    needed = int(np.ceil(1.96**2 * max(value * (1 - value), 1 / rows) / gap**2))
    return needed if needed > rows else None


def _is_flag(baseline: Evidence, name: str) -> bool:
    if baseline.test.types[name] == "text":
        return True
    values = baseline.test.numbers(name)
    return bool(np.isin(values[~np.isnan(values)], (0.0, 1.0)).all())


def _flags(baseline: Evidence, name: str) -> Mask:
    """Where a column says yes: a boolean, the number 1, or the text true, yes or 1."""
    if baseline.test.types[name] != "text":
        values = baseline.test.numbers(name)
        return np.asarray((values != 0) & ~np.isnan(values))
    column = baseline.test.categories(name)
    yes = np.array([*(level.lower() in ("true", "yes", "1") for level in column.levels), False])
    return np.asarray(yes[column.codes])


def _positions(ids: pa.Array, arena: Arena) -> Rows:
    """Where rows stand in an arena's arrays; −1 for those that it does not have."""
    place = np.full(arena.side.test.rows + 1, -1, dtype=np.intp)
    place[arena.rows] = np.arange(len(arena.rows))
    return np.asarray(place[places_in(ids, arena.side.ids)])
