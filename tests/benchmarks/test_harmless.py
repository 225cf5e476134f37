"""The tally of verdicts on real people; the verdicts themselves take minutes."""

import numpy as np
import pyarrow as pa

from benchmarks.harmless import Tally, tabulate, tabulate_harms
from benchmarks.simulation.harmless_changes import CHANGES
from benchmarks.simulation.harms import HARMS
from benchmarks.simulation.in_memory import judge_with, same_rows
from benchmarks.simulation.people import draw_by, frame_of
from gates.finding import Verdict
from gates.rules.metric_regression import MetricDemand, MetricRegression
from pipeline.model import make_frame

LABELS = np.arange(1000) % 2 == 0


def verdict(*, right: bool) -> Verdict:
    """Of a model that answers as the old one, which errs nowhere, or errs everywhere."""
    answers = LABELS if right else ~LABELS
    sides = [(each.astype(np.float64), each) for each in (LABELS, answers)]
    gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=0.01)})
    return judge_with(gate, same_rows(LABELS, *sides))


def test_verdicts_are_counted_by_the_gate_that_blocks() -> None:
    tally = Tally()
    tally.count(verdict(right=True))
    tally.count(verdict(right=False))
    assert (tally.passed.hits, tally.found.hits, tally.passed.trials) == (1, 1, 2)
    assert dict(tally.blocking) == {"gate": 1}
    assert tabulate({"x": tally}).markdown().endswith("| x | 1 of 2 | 0 | `gate` 1 | – | – |")


def test_a_harm_is_found_from_the_strength_on_from_which_none_is_missed() -> None:
    name, harm = next(iter(HARMS.items()))
    tallies = {f"{name} {strength:g}": Tally() for strength in harm.strengths}
    for tally, right in zip(tallies.values(), (False, True, False, False), strict=True):
        tally.count(verdict(right=right))
    (row,) = tabulate_harms(tallies).rows
    assert row[1:] == ("0.05: 1/1, 0.1: 0/1, 0.2: 1/1, 0.4: 1/1", "0.2", "`gate` 1")


def test_every_change_says_what_it_is() -> None:
    assert all(change.__doc__ for change in CHANGES.values())
    assert all(harm.act.__doc__ for harm in HARMS.values())


def test_frames_are_those_of_the_pipeline() -> None:
    table = pa.table({"a": ["x", None, "y"], "n": [1, 2, 3], "b": [True, False, None]})
    names = ("a", "n", "b")
    assert frame_of(table, names).equals(make_frame(table, names))


def test_a_draw_never_changes() -> None:
    table = pa.table({"row_id": [f"r{at}" for at in range(2000)]})
    drawn = draw_by(table, "a")
    assert np.array_equal(drawn[:10], draw_by(table.slice(0, 10), "a"))
    assert abs(drawn.mean() - 0.5) < 0.02
    assert not np.array_equal(drawn, draw_by(table, "b"))
