"""Pull requests that change the test set and the model (statistics.md §6)."""

from collections.abc import Iterator
from copy import copy

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Mean, Share, Table
from benchmarks.simulation.in_memory import SimulatedCase, arena_of, judge_with
from benchmarks.simulation.intervals import Record
from benchmarks.simulation.scores import TwoModels
from gates.case.arena import Arena
from gates.case.effect import CONFIDENCE, measure_effect
from gates.finding import State
from gates.metrics import METRICS, DirectedMetric
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.stats.decomposition import Square, TestSetValues, combine_means
from gates.stats.quantile import critical_z
from gates.stats.undefined import UndefinedError

BINARY = METRICS["binary"]
MARGIN = 0.01
DISCORDANCE = 0.06
JUDGED: tuple[DirectedMetric, ...] = (
    "accuracy", "recall", "precision", "f1", "roc_auc", "log_loss",
)  # fmt: skip
MODELS = TwoModels(prevalence=0.1)

Flags = NDArray[np.bool_]


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """Rows alike: in which test sets, and how often both models are right on them."""

    rows: int
    old_set: bool
    new_set: bool
    accuracy: float
    gain: float  # of the new model's accuracy


class PullRequest(msgspec.Struct, frozen=True):
    """What it does, and what the specification measured: naive change, model, test set."""

    name: str
    strata: tuple[Stratum, ...]
    specified: tuple[str, str, str]
    naive: str


def _kept(rows: int, accuracy: float, gain: float) -> Stratum:
    return Stratum(rows=rows, old_set=True, new_set=True, accuracy=accuracy, gain=gain)


def _removed(rows: int, accuracy: float, gain: float) -> Stratum:
    return Stratum(rows=rows, old_set=True, new_set=False, accuracy=accuracy, gain=gain)


def _added(rows: int, accuracy: float, gain: float) -> Stratum:
    return Stratum(rows=rows, old_set=False, new_set=True, accuracy=accuracy, gain=gain)


PULL_REQUESTS = (
    PullRequest(
        "adds 1,000 easy rows, model −2 points",
        (_kept(4_000, 0.85, -0.02), _added(1_000, 1.0, -0.02)),
        ("+.96", "−2.03", "+2.99"),
        "passes",
    ),
    PullRequest(
        "removes 500, adds 1,500 hard rows, model +2",
        (_kept(3_500, 0.85, 0.02), _removed(500, 0.85, 0.02), _added(1_500, 0.65, 0.02)),
        ("−4.05", "+1.99", "−6.03"),
        "blocks 1.00",
    ),
    PullRequest(
        "corrects 3 % of the labels, model the same",
        (_kept(3_880, 0.85, 0.0), _removed(120, 0.8, 0.0), _added(120, 0.2, 0.0)),
        ("−1.80", "−.01", "−1.79"),
        "blocks .996",
    ),
    PullRequest(
        "fresh test set, model −1",
        (_removed(4_000, 0.85, -0.01), _added(4_000, 0.85, -0.01)),
        ("−1.00", "−1.00", ".00"),
        "–",
    ),
    PullRequest(
        "adds 1,000 rows, model the same",
        (_kept(4_000, 0.85, 0.0), _added(1_000, 0.85, 0.0)),
        ("–", "–", "–"),
        "–",
    ),
    PullRequest(
        "removes 80 rows that its model gets wrong",
        (_kept(3_920, 0.85, 0.0), _removed(80, 0.9, -0.8)),
        ("–", "–", "–"),
        "–",
    ),
)


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """The pull requests, and small test sets that grow."""
    rng = np.random.default_rng([seed, 6])
    yield Table(
        "Six pull requests, accuracy in points: naive change, and its two parts",
        (
            "pull request", "naive", "specified", "model effect", "specified", "test-set effect",
            "specified", "coverage (model, test set)", "width naive / ours",
            "naive rule (drop ≥ 1 point)", "specified", "gatepost failed / undecided / passed",
            "by the mean over both test sets alone",
        ),
        [_row(each, max(1, repetitions // 4), rng) for each in PULL_REQUESTS],
    )  # fmt: skip
    yield Table(
        "A test set that grows by a fifth, 10 % positives: coverage of the model effect",
        ("rows", *JUDGED),
        [_grow(rows, max(1, repetitions // 2), rng) for rows in (50, 100, 200, 1_000)],
    )


class _Tally(msgspec.Struct):
    naive: list[float] = []
    model: list[float] = []
    test_set: list[float] = []
    widths: list[float] = []
    naive_widths: list[float] = []
    model_covered: Share = msgspec.field(default_factory=Share)
    test_set_covered: Share = msgspec.field(default_factory=Share)
    naive_block: Share = msgspec.field(default_factory=Share)
    states: list[State] = []
    by_mean: list[State] = []


def _row(request: PullRequest, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    tally = _Tally()
    for _ in range(repetitions):
        _measure(request, draw(request, rng), tally)
    states, by_mean = (
        "/".join(
            f"{found.count(state) / repetitions:.2f}"
            for state in (State.FAILED, State.UNDECIDED, State.PASSED)
        )
        for found in (tally.states, tally.by_mean)
    )
    naive, model, test_set = request.specified
    wider = np.mean(tally.naive_widths) / np.mean(tally.widths)
    return (
        request.name, _points(tally.naive), naive, _points(tally.model), model,
        _points(tally.test_set), test_set, f"{tally.model_covered}, {tally.test_set_covered}",
        f"{wider:.2f}", tally.naive_block, request.naive, states, by_mean,
    )  # fmt: skip


def _points(values: list[float]) -> str:
    mean = Mean(tuple(100 * value for value in values))
    return f"{mean.value:+.2f} ± {mean.error:.2f}"


def draw(request: PullRequest, rng: np.random.Generator) -> SimulatedCase:
    """Both models on both test sets."""
    parts = [_answers(stratum, rng) for stratum in request.strata]
    old, new = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    rows = [stratum.rows for stratum in request.strata]
    labels = rng.random(sum(rows)) < 0.5
    arenas = []
    for inside in (
        np.repeat([stratum.new_set for stratum in request.strata], rows),
        np.repeat([stratum.old_set for stratum in request.strata], rows),
    ):
        at = np.flatnonzero(inside)
        scores = rng.random(len(at))
        answers = [labels[at] == right[at] for right in (old, new)]
        arenas.append(
            arena_of(labels[at], (1 - scores, answers[0]), (scores, answers[1]), union=at)
        )
    return SimulatedCase((arenas[0], arenas[1]))


def _answers(stratum: Stratum, rng: np.random.Generator) -> tuple[Flags, Flags]:
    """Whether the old and the new model are right on each row."""
    gained = max(0.0, min(1 - stratum.accuracy, (DISCORDANCE + stratum.gain) / 2))
    at = rng.random(stratum.rows)
    old = at < stratum.accuracy
    lost = at < gained - stratum.gain
    won = at > 1 - gained
    return old, old & ~lost | won


def _measure(request: PullRequest, case: SimulatedCase, tally: _Tally) -> None:
    new, old = case.arenas
    effect = measure_effect(BINARY["accuracy"], case)
    square = Square(
        old_on_old=_accuracy(old, new=False),
        new_on_old=_accuracy(old, new=True),
        old_on_new=_accuracy(new, new=False),
        new_on_new=_accuracy(new, new=True),
    )
    truth = _true_square(request)
    whole = square.new_on_new - square.old_on_old
    test_set = combine_means(_means(old), _means(new)).estimate
    reach = _unpaired_reach(square.old_on_old, len(old.rows), square.new_on_new, len(new.rows))
    gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=MARGIN)})
    alone = copy(case)
    alone.on_base = None  # as if nobody asked for the old rows alone
    tally.naive.append(whole)
    tally.model.append(effect.change)
    tally.test_set.append(test_set.value)
    tally.widths.append(effect.interval[1] - effect.interval[0])
    tally.naive_widths.append(2 * reach)
    tally.model_covered.count(effect.interval[0] <= truth.model_effect <= effect.interval[1])
    tally.test_set_covered.count(truth.test_set_effect in test_set.interval(CONFIDENCE))
    tally.naive_block.count(whole <= -MARGIN)
    tally.states.append(_worst(gate, case))
    tally.by_mean.append(_worst(gate, alone))


def _worst(gate: MetricRegression, case: SimulatedCase) -> State:
    states = {finding.state for finding in judge_with(gate, case).outcomes[0].findings}
    return next(each for each in (State.FAILED, State.UNDECIDED, State.PASSED) if each in states)


def _accuracy(arena: Arena, *, new: bool) -> float:
    side = arena.candidate if new else arena.baseline
    return BINARY["accuracy"].of(side, CONFIDENCE).value


def _means(arena: Arena) -> TestSetValues:
    old, new = (
        BINARY["accuracy"].of(side, CONFIDENCE).values for side in (arena.baseline, arena.candidate)
    )
    return TestSetValues(arena.union, (old + new) / 2)


def _true_square(request: PullRequest) -> Square:
    def mean(name: str, gained: bool) -> float:
        inside = [stratum for stratum in request.strata if getattr(stratum, name)]
        hits = sum(each.rows * (each.accuracy + gained * each.gain) for each in inside)
        return hits / sum(each.rows for each in inside)

    return Square(
        old_on_old=mean("old_set", gained=False),
        new_on_old=mean("old_set", gained=True),
        old_on_new=mean("new_set", gained=False),
        new_on_new=mean("new_set", gained=True),
    )


def _unpaired_reach(p: float, rows: int, q: float, others: int) -> float:
    variance = p * (1 - p) / rows + q * (1 - q) / others
    return float(critical_z(CONFIDENCE) * variance**0.5)


def _grow(rows: int, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    records = {name: Record() for name in JUDGED}
    truths = {name: MODELS.true_change(name) for name in JUDGED}
    for _ in range(repetitions):
        labels, old, new = MODELS.draw(rows + rows // 5, rng)
        arenas = []
        for count in (len(labels), rows):
            sides = [(scores[:count], selected[:count]) for scores, selected in (old, new)]
            arenas.append(arena_of(labels[:count], *sides))
        case = SimulatedCase((arenas[0], arenas[1]))
        for name, record in records.items():
            better = BINARY[name].greater_is_better is True
            try:
                effect = measure_effect(BINARY[name], case)
            except UndefinedError:
                continue
            record.add(effect.interval, truths[name], greater_is_better=better)
    return f"{rows:,}", *records.values()
