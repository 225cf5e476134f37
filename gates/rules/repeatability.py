"""Gate `repeatability`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from gates.case.answers import Answers, Task
from gates.case.case import Case
from gates.evidence.folder import AGAIN, REPEATS
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.lost import tell_lost
from gates.judging.precision import tolerance_between
from gates.metrics import DirectedMetric
from gates.metrics.values import value_of
from gates.rules.gate import Change, Gate, Item
from gates.stats.seeds import MARGIN_SPREADS, measure_spread
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats

_USUAL: Mapping[Task, tuple[DirectedMetric, ...]] = MappingProxyType(
    {
        "binary": ("log_loss", "roc_auc", "f1"),
        "multiclass": ("log_loss", "accuracy", "macro_f1"),
        "regression": ("mean_absolute_error", "root_mean_squared_error"),
    }
)
_MEND = (
    "Fix every seed and the number of threads, order the rows, and train again; or set `tolerance` "
    "to what this training cannot help."
)


class Repeatability(Gate, frozen=True, kw_only=True):
    """Blocks a model that the same code, data and seed do not give a second time.

    What it blocks: a training that, done again with the same seed, says something else of a test
    row, by more than `tolerance` (of scores that have 32 bits, by more than such numbers agree to:
    1e-6).

    Why: a result that cannot be had again cannot be checked, mended or believed. Trainings with
    other seeds show how far chance alone moves each metric; the regression gates take the
    baseline's spread into their intervals, so that a lucky seed is no progress and an unlucky one
    no harm. The candidate's own is shown only: it must not widen the intervals that judge it.

    What it does not see: another machine, another library, another number of threads; and trainings
    that nobody repeated (`gates.evidence.repeats` names the table of their predictions).

    Example:
        repeatability: {tolerance: 1.0e-9}
    """

    family: ClassVar[Family] = Family.REPRODUCIBILITY
    tolerance: Change = 1e-9  # of a probability, or of a number's size
    metrics: tuple[DirectedMetric, ...] = ()  # whose spread is shown; the task's usual ones
    mode: Mode = Mode.STRICT

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding about the same training again, one observation per metric over seeds."""
        repeats = case.candidate.repeats_for(case.candidate.ids)
        if not repeats:
            why = f"training was not repeated: the evidence has no {REPEATS}"
            yield tell_lost(case, REPEATS, why)
            return
        yield self._judge_again(case, repeats.get(AGAIN))
        seeds = [case.repeated(scores) for run, scores in repeats.items() if run != AGAIN]
        if seeds:
            for name in self.metrics or _USUAL[case.settings.task]:
                yield from _show_spread(name, case, (case.scored, *seeds))

    def _judge_again(self, case: Case, again: Floats | None) -> Finding:
        subject = Subject(key="the same training again")
        support = Support(rows=case.candidate.test.rows)
        if again is None:
            return Finding(
                subject=subject,
                state=State.UNDECIDED,
                limit=self._limit(self.tolerance),
                message=f"No training was repeated with the same seed: {REPEATS} has no `{AGAIN}`.",
                mend="Let the pipeline train once more with the same seed.",
                support=support,
            )
        once = case.candidate.scores
        gap = np.abs(again - once)
        size = np.maximum(1.0, np.abs(once)) if case.settings.task == "regression" else 1.0
        tolerance = tolerance_between(self.tolerance, once, again)
        limit = self._limit(tolerance)
        within = bool((gap <= tolerance * size).all())
        return Finding(
            subject=subject,
            state=State.PASSED if within else State.FAILED,
            limit=limit,
            message=_describe(gap, case.scored, case.repeated(again)),
            mend="" if within else _MEND,
            candidate=float(gap.max()),
            greater_is_better=False,
            support=support,
        )

    def _limit(self, tolerance: float) -> Limit:
        return Limit(rule=f"within {tolerance:g} for every test row", mode=self.mode)


def _describe(gap: Floats, once: Answers, again: Answers) -> str:
    if not gap.any():
        return "Trained again with nothing changed, the model says exactly the same of every row."
    by_row = gap if gap.ndim == 1 else gap.max(axis=1)
    rows, flips = np.count_nonzero(by_row), np.count_nonzero(once.predictions != again.predictions)
    return (
        f"Trained again with nothing changed, the model says something else of {rows:,} of "
        f"{len(gap):,} rows, by at most {gap.max():.3g}; {flips:,} answers differ."
    )


def _show_spread(name: str, case: Case, trainings: tuple[Answers, ...]) -> Iterator[Observation]:
    for shown, metric in case.metrics(name).items():
        try:
            values = [value_of(metric, each) for each in trainings]
        except UndefinedError:
            continue
        spread = measure_spread([values])
        if spread is None:
            continue
        least = MARGIN_SPREADS * spread.deviation
        yield Observation(
            subject=Subject(metric=shown, key="seeds"),
            message=(
                f"{shown}: seeds alone move it by {spread.deviation:.4g} (one standard deviation "
                f"of {len(values)} trainings); a margin below {least:.4g} is within their reach."
            ),
            candidate=spread.deviation,
            support=trainings[0].support,
        )
