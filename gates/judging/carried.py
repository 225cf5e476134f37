"""How much of a model's gain over the baseline comes with one column, without training anything.

The baseline's scores are corrected by the column's bins alone; what that gains is what the column
brings, as far as it adds to what the baseline knew. A correction that is the same for all rows is
no merit of the column and is not counted.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.answers import Answers, Classified, Scored
from gates.case.arena import Arena, NotComparableError
from gates.case.case import Case
from gates.case.effect import measure_effect
from gates.evidence.columns import Description
from gates.finding import Observation, Subject
from gates.judging.constant_columns import is_quantity
from gates.judging.telling import halve
from gates.quoting import quote
from gates.stats.influence import log_losses
from gates.stats.losses import class_log_losses
from gates.stats.recalibrated import corrected_log_losses, corrected_squares
from gates.stats.undefined import UndefinedError
from gates.tables.table import Codes, Floats

Bins = npt.NDArray[np.intp]

_BINS = 20  # of numbers, and of levels with the last for all rare ones; missing is one more
_MOST = 0.5  # of the gain: statistics.md §7.2 (b)
_SURE = 1.645  # standard errors above nought, one-sided 95 %


class Carried(msgspec.Struct, frozen=True):
    """What one column brings and what the whole model gains, in the mean loss of a row."""

    brought: float
    gain: float

    @property
    def share(self) -> float:
        """Of the gain; more than 1 where the model does not use all that the column brings."""
        return self.brought / self.gain


def show_carried(
    case: Case, names: Sequence[str], novelty: Callable[[str], str]
) -> Iterator[Observation]:
    """Each new or changed feature with which most of the gain comes, where there surely is one.

    Nothing of evidence that is judged in passes.

    Args:
        case: both models.
        names: the features.
        novelty: what is new about one, in words; empty where nothing is.
    """
    arena = _arena_of_candidate(case)
    if arena is None or not _surely_gains(case):
        return
    for name in names:
        if not (news := novelty(name)):
            continue
        carried = measure_carried(name, case.candidate.dictionary.columns[name], arena)
        if carried is not None and carried.share > _MOST:
            yield _say(name, carried, news, case)


def measure_carried(name: str, entry: Description, arena: Arena) -> Carried | None:
    """What a column brings: in log loss, of a regression in squared error.

    `None` where the model gains nothing, or where what the column brings may be chance.

    Args:
        name: the column.
        entry: what the dictionary says of it.
        arena: the rows that both models scored, of a side that has the column.
    """
    old, new = arena.baseline, arena.candidate
    gain = _mean(_losses(old) - _losses(new), old.weights)
    if gain <= 0:
        return None
    bins = bin_column(name, entry, arena)
    moved = _corrected(old, np.zeros_like(bins)) - _corrected(old, bins)
    brought = _mean(moved, old.weights)
    error = float(moved.std()) / len(moved) ** 0.5
    return Carried(brought, gain) if brought > _SURE * error else None


def bin_column(name: str, entry: Description, arena: Arena) -> Bins:
    """A code per row of the arena; the last is for missing values.

    Half of the limits part a number's rows alike, half its distinct values: nine in ten may be 0.
    """
    table = arena.side.test
    if is_quantity(entry) and table.types[name] != "text":
        return _bin_numbers(table.numbers(name)[arena.rows])
    return _bin_levels(table.categories(name).codes[arena.rows])


def _arena_of_candidate(case: Case) -> Arena | None:
    if case.baseline is None or case.streamed is not None:
        return None
    with contextlib.suppress(NotComparableError):
        return next((each for each in case.arenas if each.side is case.candidate), None)
    return None


def _surely_gains(case: Case) -> bool:
    """Whether the loss falls by more than rows and seeds move it."""
    with contextlib.suppress(UndefinedError, NotComparableError):
        (metric,) = case.metrics(_loss_of(case)).values()
        return measure_effect(metric, case).interval[1] < 0
    return False


def _loss_of(case: Case) -> str:
    return "mean_squared_error" if case.settings.task == "regression" else "log_loss"


def _say(name: str, carried: Carried, news: str, case: Case) -> Observation:
    return Observation(
        subject=Subject(column=name),
        message=(
            f"Most of the gain in {_loss_of(case)} comes with {quote(name)}: {carried.brought:.4g} "
            f"of {carried.gain:.4g}, {min(carried.share, 1):.0%}; {news}. Make sure that its value "
            "is known when the model predicts."
        ),
        change=carried.brought,
    )


def _bin_numbers(values: Floats) -> Bins:
    filled = values[~np.isnan(values)]
    distinct = np.unique(filled)
    edges = distinct
    if len(distinct) > _BINS:
        parts = np.linspace(0, 1, _BINS // 2 + 1)[1:-1]
        edges = np.unique([np.quantile(each, parts) for each in (filled, distinct)])
    found = np.searchsorted(edges, values)  # missing is placed last
    return np.where(np.isnan(values), len(edges) + 1, found).astype(np.intp)


def _bin_levels(codes: Codes) -> Bins:
    counts = np.bincount(codes[codes >= 0], minlength=1)
    frequent = np.argsort(-counts, kind="stable")[: _BINS - 1]
    bins = np.full(len(counts) + 1, _BINS - 1, dtype=np.intp)
    bins[frequent] = np.arange(len(frequent))
    bins[-1] = _BINS
    return bins[codes]


def _losses(answers: Answers) -> Floats:
    if isinstance(answers, Scored):
        return log_losses(answers.labels, answers.scores)
    if isinstance(answers, Classified):
        return class_log_losses(answers.labels, answers.scores)
    return np.square(cast("Floats", answers.labels) - cast("Floats", answers.scores))


def _corrected(answers: Answers, bins: Bins) -> Floats:
    second = halve(len(bins)).astype(np.bool_)
    if isinstance(answers, Scored):
        both = np.stack([1 - answers.scores, answers.scores], axis=1)
        return corrected_log_losses(answers.labels.astype(np.intp), both, bins, second)
    if isinstance(answers, Classified):
        return corrected_log_losses(answers.labels.astype(np.intp), answers.scores, bins, second)
    residuals = cast("Floats", answers.labels) - cast("Floats", answers.scores)
    return corrected_squares(residuals, bins, second)


def _mean(values: Floats, weights: Floats | None) -> float:
    return float(np.average(values, weights=weights))
