"""Answers that change between two models: which are fixed, which are broken, and where."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa

from gates.case.answers import Answers, Predicted
from gates.case.arena import Arena
from gates.case.case import Case
from gates.case.segments import Rows
from gates.finding import Observation, Subject, Support
from gates.judging.row_losses import row_losses, usual_loss
from gates.quoting import quote
from gates.stats.law import binomial_cdf
from gates.stats.multiplicity import holm
from gates.tables.arrow import indices_of
from gates.tables.table import Mask

_SHOWN_ROWS, _SHOWN_SEGMENTS = 10, 3
_ALPHA = 0.05  # of naming a segment, which blocks nothing
_PART_OF_SPREAD = 0.1  # of the labels' deviation: from which on a number is another answer


class Flips(msgspec.Struct, frozen=True, eq=False):
    """What became of each row's answer; masks of shape (rows,)."""

    changed: Mask
    fixed: Mask
    broken: Mask

    @property
    def rows(self) -> int:
        """How many were answered."""
        return len(self.changed)

    def text(self) -> str:
        """How many rows were fixed, broken and otherwise changed."""
        changed, fixed, broken = (
            int(np.count_nonzero(each)) for each in (self.changed, self.fixed, self.broken)
        )
        if not changed:
            return f"The same answer for each of {self.rows:,} rows."
        other = changed - fixed - broken
        more = f", {other:,} are as right or wrong as before" if other else ""
        return (
            f"{changed:,} of {self.rows:,} answers change ({changed / self.rows:.2%}): {fixed:,} "
            f"are fixed, {broken:,} broken{more}; net {fixed - broken:+,}."
        )


def compare_answers(arena: Arena, tolerance: float | None) -> Flips:
    """What became of every answer; of numbers, beyond a tolerance in the label's unit."""
    old, new = arena.baseline, arena.candidate
    if isinstance(new, Predicted):
        least = _PART_OF_SPREAD * float(np.std(new.labels)) if tolerance is None else tolerance
        before, after = np.abs(old.scores - old.labels), np.abs(new.scores - new.labels)
        changed = np.abs(new.scores - old.scores) > least
        return Flips(changed, before - after > least, after - before > least)
    was, now = old.predictions == old.labels, new.predictions == new.labels
    return Flips(np.asarray(old.predictions != new.predictions), now & ~was, was & ~now)


def show_segments(case: Case, arena: Arena, flips: Flips) -> Iterator[Observation]:
    """Declared segments in which more rows break than chance explains, those that break most first.

    Source: McNemar's exact test, one-sided, Holm over the segments.
    """
    found = []
    for columns in case.settings.segment_columns:
        if any(name not in arena.side.test for name in columns):
            continue
        for values, rows in arena.segments(columns).items():
            fixed = int(np.count_nonzero(flips.fixed[rows]))
            broken = int(np.count_nonzero(flips.broken[rows]))
            p_value = binomial_cdf(fixed, fixed + broken, 0.5) if broken > fixed else 1.0
            found.append((p_value, dict(zip(columns, values, strict=True)), rows, fixed, broken))
    adjusted = holm([each[0] for each in found])
    worst = sorted(range(len(found)), key=lambda at: (adjusted[at], found[at][3] - found[at][4]))
    for at in worst[:_SHOWN_SEGMENTS]:
        _, segment, rows, fixed, broken = found[at]
        if adjusted[at] <= _ALPHA:
            subject = Subject(key="net broken", segment=segment)
            yield Observation(
                subject=subject,
                message=(
                    f"{Subject(segment=segment).text()}: {broken:,} of {len(rows):,} rows break, "
                    f"{fixed:,} are fixed; net {fixed - broken:+,}."
                ),
                candidate=float(broken - fixed),
                greater_is_better=False,
                support=Support(rows=len(rows)),
            )


def show_rows(case: Case, arena: Arena, flips: Flips) -> Iterator[Observation]:
    """The broken rows whose loss grew most, by their identifiers."""
    broken = np.flatnonzero(flips.broken)
    if not len(broken):
        return
    loss = usual_loss(case.settings.task)
    old, new = (row_losses(loss, model.take(broken)) for model in (arena.baseline, arena.candidate))
    worst = broken[np.argsort(old - new, kind="stable")[:_SHOWN_ROWS]]
    ids = take_ids(arena.side.ids, arena.rows[worst]).to_pylist()
    told = [
        f"{quote(name)} ({_say(arena.baseline, at, case)} → {_say(arena.candidate, at, case)})"
        for name, at in zip(ids, worst.tolist(), strict=True)
    ]
    more = len(broken) - len(worst)
    yield Observation(
        subject=Subject(key="broken rows"),
        message=(
            f"Broken rows, the worst first: {', '.join(told)}"
            f"{f' and {more:,} more' if more else ''}."
        ),
        support=Support(rows=len(broken)),
    )


def _say(answers: Answers, at: int, case: Case) -> str:
    """What a model says of a row, in a word."""
    if case.candidate.classes and answers.scores.ndim > 1:
        return quote(case.candidate.classes[int(answers.predictions[at])])
    return f"{float(answers.scores[at]):.4g}"


def take_ids(ids: pa.Array, rows: Rows) -> pa.Array:
    """Identifiers at some places."""
    return ids.take(indices_of(rows))


def list_ids(ids: pa.Array, rows: Rows) -> str:
    """The first few of them, quoted, and how many more there are."""
    return quote(*take_ids(ids, rows).to_pylist(), shown=_SHOWN_ROWS)
