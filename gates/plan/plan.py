"""What the limits of a policy can decide on a test set, before anything is trained.

Values in, values out: a `Question` for each limit and what it is about, a `Plan` of `Line`s.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal

import msgspec

from gates.finding import Limit, Mode, Subject, Support, Value
from gates.stats.sizing import Chances, Kind, Size

Counted = Literal["rows", "positives", "negatives"]


class Answer(StrEnum):
    """Whether the test set can decide a limit."""

    WOULD_BLOCK = "would block"  # strict, and too small: what is harmless is blocked too
    TOO_SMALL = "too small"
    DECIDABLE = "decidable"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of one gate on some rows, and how much chance moves it.

    `family` names the comparisons that are corrected together; `kind` is `None` where the data
    carry no answer at all, for the `reason`.
    """

    gate: str
    subject: Subject
    limit: Limit
    family: str
    counted: int  # rows that the metric counts, such as positives for recall
    counts: Counted = "rows"
    kind: Kind | None
    support: Support | None = None
    reason: str = ""


class Family(Value, frozen=True, kw_only=True):
    """Comparisons that share one chance of a false block, and what each of them gets."""

    name: str
    alpha: float
    comparisons: int

    @property
    def each(self) -> float:
        """The level of one comparison by Bonferroni; the judge's own is hardly ever smaller."""
        return self.alpha / max(1, self.comparisons)


class Churn(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The share of rows whose answer two models give differently, and how it is known.

    Of predicted numbers, by how much they differ instead.
    """

    share: float
    source: Literal["measured", "given", "assumed"]
    between: str = ""  # whose models they are, where it is measured
    of: Literal["answers", "spread"] = "answers"  # the size of the change, over the labels' spread


class Line(Value, frozen=True, kw_only=True):
    """What the rows at hand can do about one limit; `None` where no number of rows helps."""

    gate: str
    subject: Subject
    limit: Limit
    answer: Answer
    counts: Counted = "rows"
    counted: int
    counted_needed: int | None = None
    rows: int | None = None  # of the subject, of which `counted` count
    positives: int | None = None
    rows_needed: int | None = None
    to_pass: int | None = None  # counted rows that show a harmless change to be harmless
    to_block: int | None = None  # counted rows that prove a breach
    visible: float | None = None
    blocks_from: float | None = None
    harmless_passes: float | None = None
    alpha: float | None = None
    reason: str = ""

    @property
    def strict(self) -> bool:
        """Whether an undecided answer blocks."""
        return self.limit.mode is Mode.STRICT


class Skipped(Value, frozen=True):
    """A gate without a line, and why."""

    gate: str
    reason: str


class Plan(Value, frozen=True, kw_only=True):
    """Every limit that a number of rows can decide, the worst first."""

    schema: Literal[1] = 1
    gatepost: str
    revision: str
    rows: int
    positives: int | None = None  # of a binary task
    power: float
    churn: Churn
    families: tuple[Family, ...]
    lines: tuple[Line, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def strict_undecidable(self) -> tuple[Line, ...]:
        """Strict limits that would block what is harmless."""
        return tuple(line for line in self.lines if line.answer is Answer.WOULD_BLOCK)


def families_of(alphas: Mapping[str, float], names: Sequence[str]) -> tuple[Family, ...]:
    """Each family that is judged, with how many comparisons share its level."""
    counts = Counter(names)
    return tuple(
        Family(name=name, alpha=alpha, comparisons=counts[name])
        for name, alpha in alphas.items()
        if counts[name]
    )


def plan_lines(
    questions: Sequence[Question],
    families: Sequence[Family],
    *,
    keep_confidence: float,
    power: float,
) -> tuple[Line, ...]:
    """Size every question; the worst first, then in the order of the policy.

    A loss is ruled out by the uncorrected two-sided interval of `keep_confidence`, and proven at
    its family's level divided by the number of comparisons (Bonferroni, where the judge tests them
    together).
    """
    levels = {family.name: family.each for family in families}
    lines = []
    for question in questions:
        alpha = levels.get(question.family)
        if question.kind is None or alpha is None:
            lines.append(_undefined(question))
            continue
        chances = Chances(keep_confidence=keep_confidence, alpha=alpha, power=power)
        bound = _bound(question.limit)
        lines.append(_line(question, question.kind.size(bound, question.counted, chances), alpha))
    rank = {answer: place for place, answer in enumerate(Answer)}
    return tuple(sorted(lines, key=lambda line: (rank[line.answer], -_shortfall(line))))


def _line(question: Question, size: Size, alpha: float) -> Line:
    strict = question.limit.mode is Mode.STRICT
    needed = _needed(question.limit, size)
    rows = question.support.rows if question.support else None
    enough = needed is not None and question.counted >= needed
    return Line(
        gate=question.gate,
        subject=question.subject,
        limit=question.limit,
        answer=_answer(enough=enough, strict=strict),
        counts=question.counts,
        counted=question.counted,
        counted_needed=needed,
        rows=rows,
        positives=question.support.positives if question.support else None,
        rows_needed=_scale(needed, rows, question.counted),
        to_pass=size.rows_to_pass,
        to_block=size.rows_to_block,
        visible=size.visible,
        blocks_from=size.blocks_from,
        harmless_passes=size.passes,
        alpha=alpha,
        reason="" if needed is not None else _why_never(question.limit),
    )


def _undefined(question: Question) -> Line:
    return Line(
        gate=question.gate,
        subject=question.subject,
        limit=question.limit,
        answer=_answer(enough=False, strict=question.limit.mode is Mode.STRICT),
        counts=question.counts,
        counted=question.counted,
        rows=question.support.rows if question.support else None,
        harmless_passes=0.0,
        reason=question.reason,
    )


def _answer(*, enough: bool, strict: bool) -> Answer:
    if enough:
        return Answer.DECIDABLE
    return Answer.WOULD_BLOCK if strict else Answer.TOO_SMALL


def _needed(limit: Limit, size: Size) -> int | None:
    """Rows for both answers; where undecided blocks, for the answer that lets pass.

    A value lies on one side of a floor or a ceiling, so that only one answer is asked for there.
    """
    if limit.margin is None and limit.mode is not Mode.STRICT:
        return size.rows_to_pass if size.rows_to_pass is not None else size.rows_to_block
    if limit.mode is Mode.STRICT or size.rows_to_pass is None:
        return size.rows_to_pass
    return max(size.rows_to_pass, size.rows_to_block or 0)


def _why_never(limit: Limit) -> str:
    if limit.margin is not None:
        return "no number of rows rules out a loss of nothing"
    return "the value lies on the limit or beyond it"


def _bound(limit: Limit) -> float:
    return next(one for one in (limit.margin, limit.floor, limit.ceiling) if one is not None)


def _scale(needed: int | None, rows: int | None, counted: int) -> int | None:
    """Test rows that hold so many counted ones, at the share that the test set has."""
    if needed is None or rows is None or not counted:
        return None
    return math.ceil(needed * rows / counted)


def _shortfall(line: Line) -> float:
    if line.counted_needed is None:
        return math.inf
    return line.counted_needed / max(1, line.counted)
