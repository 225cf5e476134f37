"""How unequal the rates of groups are, judged against a limit with their uncertainty.

A rate is `hits` of `rows` per group: selected of all, true positives of positives, false positives
of negatives. The largest observed gap is too large by chance (.11 between five equal groups), so
it is shown and never judged; the limits of its pairs are.
"""

import math
from itertools import combinations

import msgspec

from gates.finding import State
from gates.stats.estimate import Estimate
from gates.stats.interval import Interval, confidence_of
from gates.stats.proportion import koopman_ratio, newcombe_difference
from gates.stats.undefined import UndefinedError

FEW_ROWS = 30  # of a group, below which its rate is reported as too small: statistics.md §4.3


class GroupRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one group's rate is made of; `name` is the caller's.

    Of weighted rows, `rows` are the effective ones and `hits` the weighted share of them. Of a mean
    that is no share `hits` is the sum, and `error` the mean's standard error.
    """

    name: str
    hits: float
    rows: float
    error: float | None = None

    @property
    def rate(self) -> float:
        """Share of hits; only asked of groups that are large enough."""
        return self.hits / self.rows


class Disparity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most unequal pair of groups and what can be said about it.

    `interval` holds the limit that the verdict `failed` needs (corrected for all pairs) and the
    one that `passed` needs (uncorrected); they can come from different pairs.
    """

    value: float
    lowest: str
    highest: str
    interval: Interval
    state: State
    too_small: tuple[str, ...]


class GapToRest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One group's rate minus that of all other rows, limits corrected for all groups."""

    name: str
    difference: float
    interval: Interval


def judge_difference(groups: tuple[GroupRate, ...], limit: float, alpha: float) -> Disparity:
    """Whether the rates of any two groups differ by more than `limit`.

    Failed when a pair's lower limit, at alpha / pairs, exceeds it; passed when no pair's upper
    limit, at alpha, does (an intersection–union test needs no correction).
    Source: Newcombe's interval; statistics.md §4.3; Berger, Technometrics 24 (1982).

    Raises:
        UndefinedError: fewer than two groups have `FEW_ROWS` rows.
    """
    large, too_small = _split_by_size(groups)
    pairs = list(combinations(large, 2))
    lower = max(_gap(*pair, confidence_of(alpha / len(pairs))).lower for pair in pairs)
    upper = max(_gap(*pair, confidence_of(alpha)).upper for pair in pairs)
    low, high = _find_extremes(large)
    return Disparity(
        value=high.rate - low.rate,
        lowest=low.name,
        highest=high.name,
        interval=Interval(lower, upper),
        state=_judge(failed=lower > limit, passed=upper <= limit),
        too_small=too_small,
    )


def judge_ratio(groups: tuple[GroupRate, ...], limit: float, alpha: float) -> Disparity:
    """Whether any group's rate is less than `limit` times another's (four fifths: 0.8).

    Failed when a pair's upper limit, at alpha / pairs, lies below it; passed when every pair's
    lower limit, at alpha, reaches it. Without any hit nothing can be said.
    Source: Koopman's interval; statistics.md §4.3; 29 CFR 1607.4(D).

    Raises:
        UndefinedError: fewer than two groups have `FEW_ROWS` rows, or no group has a hit.
    """
    large, too_small = _split_by_size(groups)
    if not any(group.hits for group in large):
        raise UndefinedError("a ratio of rates needs a hit in at least one group, found none")
    pairs = list(combinations(large, 2))
    upper = min(_fraction(*pair, confidence_of(alpha / len(pairs))).upper for pair in pairs)
    lower = min(_fraction(*pair, confidence_of(alpha)).lower for pair in pairs)
    low, high = _find_extremes(large)
    return Disparity(
        value=low.rate / high.rate,
        lowest=low.name,
        highest=high.name,
        interval=Interval(lower, upper),
        state=_judge(failed=upper < limit, passed=lower >= limit),
        too_small=too_small,
    )


def compare_to_rest(groups: tuple[GroupRate, ...], alpha: float) -> tuple[GapToRest, ...]:
    """Each large enough group against all other rows, those of small groups included.

    Raises:
        UndefinedError: fewer than two groups have `FEW_ROWS` rows.
    """
    large, _ = _split_by_size(groups)
    hits, rows = sum(group.hits for group in groups), sum(group.rows for group in groups)
    confidence = confidence_of(alpha / len(large))
    gaps = []
    for group in large:
        rest = GroupRate("rest", hits - group.hits, rows - group.rows)
        interval = _difference(group, rest, confidence)
        gaps.append(GapToRest(group.name, group.rate - rest.rate, interval))
    return tuple(gaps)


def _split_by_size(groups: tuple[GroupRate, ...]) -> tuple[list[GroupRate], tuple[str, ...]]:
    large = [group for group in groups if group.rows >= FEW_ROWS]
    if len(large) < 2:  # noqa: PLR2004
        counts = ", ".join(f"{group.name}: {group.rows:.0f}" for group in groups) or "none"
        raise UndefinedError(f"rates need 2 groups of {FEW_ROWS} rows, found {counts}")
    return large, tuple(group.name for group in groups if group.rows < FEW_ROWS)


def _find_extremes(groups: list[GroupRate]) -> tuple[GroupRate, GroupRate]:
    ordered = sorted(groups, key=lambda group: (group.rate, group.name))
    return ordered[0], ordered[-1]


def _judge(*, failed: bool, passed: bool) -> State:
    if failed:
        return State.FAILED
    return State.PASSED if passed else State.UNDECIDED


def _difference(one: GroupRate, two: GroupRate, confidence: float) -> Interval:
    """Newcombe's interval of shares; of other means Welch's, with the fewer degrees of freedom."""
    if one.error is not None and two.error is not None:
        return Estimate(
            value=one.rate - two.rate,
            standard_error=math.hypot(one.error, two.error),
            degrees=min(one.rows, two.rows) - 1,
        ).interval(confidence)
    return newcombe_difference(one.hits, one.rows, two.hits, two.rows, confidence)


def _gap(one: GroupRate, two: GroupRate, confidence: float) -> Interval:
    """The difference of two rates, whichever is larger."""
    interval = _difference(one, two, confidence)
    return Interval(max(0.0, interval.lower, -interval.upper), max(interval.upper, -interval.lower))


def _fraction(one: GroupRate, two: GroupRate, confidence: float) -> Interval:
    """The smaller of two rates as a fraction of the larger."""
    ratio = koopman_ratio(one.hits, one.rows, two.hits, two.rows, confidence)
    inverse = 1 / ratio.lower if ratio.lower else math.inf
    return Interval(min(ratio.lower, 1 / ratio.upper), min(1.0, ratio.upper, inverse))
