"""Gate `serving_parity`."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa

from gates.case.case import Case
from gates.errors import EvidenceError
from gates.finding import Family, Finding, Limit, State, Subject, Support
from gates.judging.served import measured_service, never_started
from gates.rules.gate import Change, Gate, Item
from gates.serving import SERVING
from gates.serving.measured import Answers, Sampled
from gates.tables.arrow import places_in
from gates.tables.table import Floats

_SHOWN_ROWS = 3
_MEND = (
    "Let training and service share one preprocessing: the saved pipeline, with missing values, "
    "types and the order of the columns as in training."
)


class ServingParity(Gate, frozen=True, kw_only=True):
    """Blocks a service that answers rows otherwise than the pipeline predicted them.

    What it blocks: sample rows of the test table whose answer differs from the pipeline's own
    prediction by more than `tolerance` (for numbers beyond 1, of their size), sent one by one, all
    in one request, and once more after an update; and rows that got no answer.

    Why: every metric of a verdict is of the predictions that the pipeline wrote. If the service
    fills in, scales or encodes a value otherwise than training did, its users get another model
    than the one that was judged.

    What it does not see: rows that were not sampled, and what reaches the service before its rows
    are built. The answers are the pull request's own claim, as of `latency`; the predictions that
    they are compared with are those that every metric is computed from.

    Example:
        serving_parity: {tolerance: 1.0e-6}
    """

    family: ClassVar[Family] = Family.SERVING
    tolerance: Change = 1e-6

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding for each way in which the sample was asked."""
        measured = measured_service(case)
        yield from never_started(measured)
        sampled = measured.sampled
        if sampled is None:
            return
        expected = _predictions(case, sampled)
        yield self._judge_way("one by one", sampled, sampled.single, expected)
        yield self._judge_way("in one request", sampled, sampled.batch, expected)
        if sampled.reloaded is not None:
            yield self._judge_way("after an update", sampled, sampled.reloaded, expected)

    def _judge_way(self, way: str, sampled: Sampled, answers: Answers, expected: Floats) -> Finding:
        width = len(sampled.columns)
        nothing = (np.nan,) * width
        got = np.array([nothing if one is None else one for one in answers], np.float64)
        got = got.reshape(len(answers), width)
        silent = np.isnan(got).any(axis=1)
        size = np.maximum(1.0, np.abs(expected))
        gap = np.abs(got - expected) / size
        off = ~silent & ~(gap <= self.tolerance).all(axis=1)
        bad = [*np.flatnonzero(silent), *np.flatnonzero(off)]
        state = State.FAILED if bad or not answers else State.PASSED
        worst = float(gap[~silent].max()) if (~silent).any() else None
        return Finding(
            subject=Subject(key=f"rows asked {way}"),
            state=state,
            limit=Limit(rule=f"the pipeline's prediction within {self.tolerance:g}"),
            message=_describe(way, sampled, (int(silent.sum()), int(off.sum())), worst, bad),
            mend="" if state is State.PASSED else _MEND,
            candidate=worst,
            greater_is_better=False,
            support=Support(rows=len(answers)),
        )


def _describe(
    way: str, sampled: Sampled, counts: tuple[int, int], worst: float | None, bad: Sequence[int]
) -> str:
    silent, off = counts
    rows = len(sampled.rows)
    if not rows:
        return "No sample row was asked."
    if not bad:
        return f"{rows:,} sample rows asked {way} are answered as the pipeline predicted them."
    parts = [f"{silent:,} got no valid answer"] if silent else []
    if off:
        parts.append(f"{off:,} are answered otherwise than predicted, by at most {worst:.3g}")
    names = ", ".join(sampled.rows[at] for at in bad[:_SHOWN_ROWS])
    return f"Of {rows:,} sample rows asked {way} {' and '.join(parts)}, such as {names}."


def _predictions(case: Case, sampled: Sampled) -> Floats:
    """What the pipeline predicts of the sample rows; shape (rows, columns)."""
    evidence = case.candidate
    at = places_in(pa.array(sampled.rows, evidence.ids.type), evidence.ids)
    if (at < 0).any():
        strange = sampled.rows[int(np.flatnonzero(at < 0)[0])]
        raise EvidenceError(
            f"{evidence.folder / SERVING}: asks of the row {strange!r}, which the test table does "
            "not have. Collect the evidence again."
        )
    scores = evidence.scores[at]
    wide = scores if scores.ndim > 1 else scores[:, np.newaxis]
    due = _columns(case)
    if due != sampled.columns:
        raise EvidenceError(
            f"{evidence.folder / SERVING}: answers are of {', '.join(sampled.columns)}; of this "
            f"task they are {', '.join(due)}. Collect the evidence again."
        )
    return wide


def _columns(case: Case) -> tuple[str, ...]:
    if case.settings.task == "multiclass":
        return tuple(f"score_{name}" for name in case.candidate.classes)
    return ("prediction",) if case.settings.task == "regression" else ("score",)
