"""Intervals of statistics that are called directly: of a change, and of one model's value."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.intervals import Record
from gates.stats.interval import Interval
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.undefined import UndefinedError

COLUMNS = ("metric", "rows", "change (false pass)", "one model (false pass)", "refused")


class Truth(msgspec.Struct, frozen=True):
    """A metric of two models on infinitely many rows."""

    old: float
    new: float
    greater_is_better: bool


class Tally(msgspec.Struct):
    """What became of one metric's intervals."""

    change: Record = msgspec.field(default_factory=Record)
    value: Record = msgspec.field(default_factory=Record)
    refused: Share = msgspec.field(default_factory=Share)

    def judge(
        self, truth: Truth, change: Callable[[], PairedChange], value: Callable[[], ModelValue]
    ) -> None:
        """One more table of rows; a refusal of either is one of both."""
        try:
            of_change, of_value = change(), value()
        except UndefinedError:
            self.refused.count(True)
            return
        self.refused.count(False)
        better = truth.greater_is_better
        self.change.add(
            _limits(of_change.interval), truth.new - truth.old, greater_is_better=better
        )
        self.value.add(_limits(of_value.interval), truth.new, greater_is_better=better)


def show(title: str, tallies: Mapping[tuple[str, int], Tally]) -> Table:
    """One row per metric and number of rows."""
    return Table(title, COLUMNS, _rows(tallies))


def _rows(tallies: Mapping[tuple[str, int], Tally]) -> Iterable[tuple[object, ...]]:
    for (name, size), tally in tallies.items():
        refused = f"{tally.refused.value:.2f}"
        yield name, f"{size:,}", _text(tally.change), _text(tally.value), refused


def _text(record: Record) -> str:
    if not record.covered.trials:
        return "–"
    return f"{record.covered} ({record.false_pass.value:.3f})"


def _limits(interval: Interval) -> tuple[float, float]:
    return interval.lower, interval.upper
