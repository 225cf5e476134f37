"""The gap between groups: how often equal groups look unequal (statistics.md §4)."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Mean, Share, Table
from benchmarks.simulation.in_memory import SimulatedCase, judge_with, same_rows
from benchmarks.simulation.resampling import RESAMPLES
from gates.case.segments import Rows
from gates.finding import Finding, State
from gates.metrics.group import GroupMetric
from gates.rules.group_disparity import Demand, GroupDisparity

LIMIT, RATIO, WORSENING = 0.10, 0.8, 0.05
POSITIVES = 0.1  # of the rows, where the true positive rate is asked for
CHURN = 0.1  # of the rows that either model answers anew
FAIRLEARN_RUNS = 10
TWELVE = (3000, 2000, 1500, 1000, 700, 500, 300, 200, 120, 70, 40, 20)

Flags = NDArray[np.bool_]


class Layout(msgspec.Struct, frozen=True):
    """Groups of the same true rate, and what the specification measured."""

    name: str
    sizes: tuple[int, ...]
    metric: GroupMetric
    rate: float
    specified: tuple[str, str, str]


LAYOUTS = (
    Layout("5000/500", (5000, 500), "selection_rate", 0.1, (".011", "0", ".12")),
    Layout("900/100", (900, 100), "selection_rate", 0.1, (".025", ".002", ".49")),
    Layout(
        "5000/1000/300/100/30", (5000, 1000, 300, 100, 30), "selection_rate", 0.5,
        (".110", ".50", ".41"),
    ),
    Layout(
        "the same", (5000, 1000, 300, 100, 30), "true_positive_rate", 0.8, (".306", ".97", ".84")
    ),
    Layout("5 × 400", (400,) * 5, "true_positive_rate", 0.8, (".149", ".80", ".29")),
    Layout("12, of 3000 … 20", TWELVE, "selection_rate", 0.5, (".193", ".94", ".90")),
)  # fmt: skip


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """Equal groups; groups at the limit; groups that fall behind by just the margin."""
    rng = np.random.default_rng([seed, 5])
    yield Table(
        "Equal groups: mean of the largest gap, and blocked by",
        (
            "groups", "rate", "mean gap", "specified", "gap > .10", "specified",
            "four fifths of the points", "specified", "bootstrap of max − min covers 0",
            "gatepost: limit .10", "gatepost: ratio .8", "gatepost: growth .05",
        ),
        [_equal(layout, max(1, repetitions // 4), rng) for layout in LAYOUTS],
    )  # fmt: skip
    yield Table(
        "One group truly behind by the limit, .10: gatepost blocked (level 1 %), and its interval",
        ("groups", "rate", "blocked", "specified", "passed", "interval covers .10", "specified"),
        [_at_limit(layout, max(1, repetitions // 4), rng) for layout in LAYOUTS],
    )
    yield Table(
        "A group's true positive rate truly falls by the margin, .05, and the rest's does not",
        ("positives in the group", "blocked", "passed (nominal ≤ .025)", "covers .05"),
        [_growth(rows, max(1, repetitions // 2), rng) for rows in (30, 60, 100, 300, 1_000)],
    )
    covered, lowest = fairlearn_intervals(LAYOUTS[2], min(FAIRLEARN_RUNS, repetitions), rng)
    yield Table(
        "fairlearn's `difference_ci` itself, equal groups of 5000/1000/300/100/30",
        ("covers 0", "specified", "mean lower limit", "specified"),
        [(covered, "0/40", lowest, ".059")],
    )


def _equal(layout: Layout, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    gaps: list[float] = []
    points, fifths, covers = Share(), Share(), Share()
    ours = Share(), Share(), Share()
    demand = Demand(limit=LIMIT, ratio=RATIO, worsening=WORSENING)
    for _ in range(repetitions):
        case = draw(layout, 0.0, rng)
        hits, rows = _count(layout, case)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = (hits / rows)[rows > 0]
        gaps.append(float(rates.max() - rates.min()))
        points.count(gaps[-1] > LIMIT)
        fifths.count(bool(rates.min() < RATIO * rates.max()))
        covers.count(_bootstrap_lower(hits, rows, rng) <= 0)
        found = _judge(layout, demand, case)
        for share, bound in zip(ours, ("ceiling", "floor", "margin"), strict=True):
            states = [each.state for each in found if getattr(each.limit, bound) is not None]
            share.count(State.FAILED in states)
    gap, block, ratio = layout.specified
    name = f"{layout.metric} {layout.rate}"
    return (
        layout.name, name, Mean(tuple(gaps)), gap, points, block, fifths, ratio, covers, *ours
    )  # fmt: skip


def _at_limit(layout: Layout, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    failed, passed, covered = Share(), Share(), Share()
    for _ in range(repetitions):
        (found,) = _judge(layout, Demand(limit=LIMIT), draw(layout, LIMIT, rng))
        failed.count(found.state is State.FAILED)
        passed.count(found.state is State.PASSED)
        if found.interval is not None:
            covered.count(found.interval[0] <= LIMIT <= found.interval[1])
    name = f"{layout.metric} {layout.rate}"
    return layout.name, name, failed, "≤ .026", passed, covered, ".95–1.0"


def _growth(rows: int, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    """Only the group's own losses: the rest of 2,000 positives keeps 1 % gains and losses."""
    failed, passed, covered = Share(), Share(), Share()
    layout = Layout("", (rows, 2_000), "true_positive_rate", 0.8, ("", "", ""))
    codes = np.repeat([0, 1], layout.sizes)
    labels = np.ones(len(codes), dtype=np.bool_)
    for _ in range(repetitions):
        hit = np.where(codes == 0, rng.random(len(codes)) < 0.7, rng.random(len(codes)) < 0.9)
        draw = rng.random(len(codes))
        gain = ~hit & (draw < np.where(codes == 0, 0.0, 0.1))
        loss = hit & (draw < np.where(codes == 0, WORSENING / 0.7, 0.01 / 0.9))
        case = _case(labels, hit, hit & ~loss | gain, codes, rng)
        (found,) = _judge(layout, Demand(worsening=WORSENING), case)
        failed.count(found.state is State.FAILED)
        passed.count(found.state is State.PASSED)
        assert found.interval is not None
        covered.count(found.interval[0] <= WORSENING <= found.interval[1])
    return rows, failed, passed, covered


def draw(layout: Layout, behind: float, rng: np.random.Generator) -> SimulatedCase:
    """Two equally good models; the first group's rate lies so much below the others'."""
    codes = np.repeat(np.arange(len(layout.sizes)), layout.sizes)
    asked = layout.metric == "true_positive_rate"
    labels = rng.random(len(codes)) < (POSITIVES if asked else 0.5)
    rates = np.where(codes == 0, layout.rate - behind, layout.rate)
    if behind and layout.rate <= behind:
        rates = np.where(codes == 0, layout.rate + behind, layout.rate)
    if asked:
        rates = np.where(labels, rates, 0.05)
    common = rng.random(len(codes))
    old, new = (
        np.where(rng.random(len(codes)) < CHURN, rng.random(len(codes)), common) < rates
        for _ in range(2)
    )
    return _case(labels, old, new, codes, rng)


def _case(
    labels: Flags, old: Flags, new: Flags, codes: Rows, rng: np.random.Generator
) -> SimulatedCase:
    segments = {"group": {str(at): np.flatnonzero(codes == at) for at in np.unique(codes)}}
    scores = rng.random(len(codes))
    return same_rows(labels, (1 - scores, old), (scores, new), segments=segments)


def _judge(layout: Layout, demand: Demand, case: SimulatedCase) -> Sequence[Finding]:
    gate = GroupDisparity(features=("group",), metrics={layout.metric: demand})
    (outcome,) = judge_with(gate, case).outcomes
    assert outcome.findings, outcome.reason
    return outcome.findings


def _count(layout: Layout, case: SimulatedCase) -> tuple[Rows, Rows]:
    """Hits and counted rows by group, under the new model."""
    labels, selected = case.scored.labels, case.scored.predictions
    counted = labels if layout.metric == "true_positive_rate" else np.ones_like(labels)
    groups = list(case.arenas[0].segments(("group",)).values())
    hits = np.array([np.count_nonzero(selected[rows] & counted[rows]) for rows in groups])
    return hits, np.array([np.count_nonzero(counted[rows]) for rows in groups])


def _bootstrap_lower(hits: Rows, rows: Rows, rng: np.random.Generator) -> float:
    """The 2.5 % quantile of max − min over resampled rows, as fairlearn's `difference_ci`."""
    cells = np.concatenate([hits, rows - hits])
    drawn = rng.multinomial(cells.sum(), cells / cells.sum(), size=RESAMPLES)
    above, below = drawn[:, : len(hits)], drawn[:, len(hits) :]
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = above / (above + below)
    return float(np.quantile(np.nanmax(rates, axis=1) - np.nanmin(rates, axis=1), 0.025))


def fairlearn_intervals(layout: Layout, runs: int, rng: np.random.Generator) -> tuple[Share, Mean]:
    """How often the peer's own interval covers the true gap of 0, and its mean lower limit."""
    from fairlearn.metrics import MetricFrame, selection_rate  # noqa: PLC0415 - takes a second

    lowers: list[float] = []
    for _ in range(runs):
        case = draw(layout, 0.0, rng)
        codes = np.repeat(np.arange(len(layout.sizes)), layout.sizes)
        frame = MetricFrame(
            metrics=selection_rate,
            y_true=case.scored.labels,
            y_pred=case.scored.predictions,
            sensitive_features=codes,
            n_boot=100,
            ci_quantiles=[0.025, 0.975],
            random_state=int(rng.integers(2**31)),
        )
        lowers.append(float(frame.difference_ci()[0]))
    return Share(sum(lower <= 0 for lower in lowers), runs), Mean(tuple(lowers))
