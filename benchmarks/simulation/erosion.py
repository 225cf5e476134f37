"""Sixty pull requests in a row on one test set: what erodes unseen, and what luck is kept.

A model is the set of test rows that it has right. Each pull request answers 4 % of all rows
otherwise, so that its true accuracy moves by what is asked, whatever the test rows show.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Mean, Table
from benchmarks.simulation.in_memory import SimulatedCase, judge_with, same_rows
from gates.finding import Decision, Mode
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.stats.reuse import optimism, share_spread

PULL_REQUESTS = 60
ACCURACY = 0.85
DISCORDANCE = 0.04
MARGIN = 0.01

Right = NDArray[np.bool_]  # which test rows a model answers rightly, shape (rows,)
Reference = Literal["merge base", "release", "best so far"]


class Rule(msgspec.Struct, frozen=True):
    """Who may merge: our gate in a mode, beside the merge base with another reference or none."""

    mode: Mode | None  # `None`: whose point estimate is no lower
    reference: Reference = "merge base"

    def __str__(self) -> str:
        if self.mode is None:
            return "point ≥ 0"
        also = "" if self.reference == "merge base" else f" and {self.reference}"
        return f"gatepost {self.mode.value}, margin 1 point, against merge base{also}"

    def lets(self, new: Right, main: list[Right]) -> bool:
        """Whether a model may follow all those that the default branch had."""
        if self.mode is None:
            return bool(new.sum() >= main[-1].sum())
        case = _case(main[-1], new)
        if self.reference != "merge base":
            release = main[0] if self.reference == "release" else max(main, key=np.sum)
            if release is not main[-1]:
                other = _case(release, new)
                other.reference = self.reference
                case.references = (case, other)
        gate = MetricRegression(metrics={"accuracy": MetricDemand(margin=MARGIN, mode=self.mode)})
        return judge_with(gate, case).decision is Decision.PASS


class Ended(msgspec.Struct, frozen=True):
    """What came of all pull requests; accuracies in points."""

    merged: int
    true_change: float
    optimism: float  # of the last model's accuracy on the test rows


POINT = Rule(None)
STRICT, GUARD = Rule(Mode.STRICT), Rule(Mode.GUARD)
WITH_RELEASE = (Rule(Mode.STRICT, "release"), Rule(Mode.GUARD, "release"))
WITH_BEST = (Rule(Mode.STRICT, "best so far"), Rule(Mode.GUARD, "best so far"))
EROSION: tuple[tuple[int, Rule, str], ...] = (
    (10_000, STRICT, "57, −10.3, +.2"),
    (10_000, WITH_RELEASE[0], "22, −2.0, +1.1 (release in guard)"),
    (10_000, WITH_BEST[0], "–"),
    (10_000, GUARD, "35, −3.6, +.8 (not significantly worse)"),
    (10_000, WITH_RELEASE[1], "–"),
    (10_000, WITH_BEST[1], "–"),
    (10_000, POINT, "9, +.2, +1.2"),
    (2_000, GUARD, "48, −8.4, +1.3 (not significantly worse)"),
    (2_000, WITH_RELEASE[1], "–"),
    (500, GUARD, "54, −10.4, +2.2 (not significantly worse)"),
    (500, WITH_RELEASE[1], "–"),
)
CLIMBING: tuple[tuple[int, Rule, str], ...] = (
    (500, POINT, "+6.1"),
    (2_000, POINT, "+2.3"),
    (10_000, POINT, "+.4"),
    (500, GUARD, "+.5 (not significantly worse)"),
    (2_000, GUARD, "+.6 (not significantly worse)"),
    (10_000, GUARD, "+.25 (not significantly worse)"),
)
HARMLESS = (STRICT, WITH_RELEASE[0], WITH_BEST[0], GUARD, WITH_RELEASE[1], WITH_BEST[1])


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """Erosion, honest hill climbing, and what a second reference costs harmless changes."""
    rng = np.random.default_rng([seed, 9])
    times = max(2, repetitions // 50)
    yield Table(
        "60 pull requests that each truly lose .2 points (sd .2)",
        ("rows", "rule", "merged", "true change", "apparent over true", "specified"),
        [
            (f"{rows:,}", rule, *_row(rows, rule, _losing, times, rng), specified)
            for rows, rule, specified in EROSION
        ],
    )
    yield Table(
        "60 mixed pull requests (sd .4 points): accuracy on the test rows over the true one",
        ("rows", "rule", "merged", "true change", "apparent over true", "specified", "s √(2 ln k)"),
        [
            (f"{rows:,}", rule, *_row(rows, rule, _mixed, times, rng), specified, _bound(rows))
            for rows, rule, specified in CLIMBING
        ],
    )
    yield Table(
        "60 pull requests without any true change, 10,000 rows",
        ("rows", "rule", "merged", "true change", "apparent over true"),
        [("10,000", rule, *_row(10_000, rule, _still, times, rng)) for rule in HARMLESS],
    )


def _row(
    rows: int,
    rule: Rule,
    draw: Callable[[np.random.Generator], float],
    times: int,
    rng: np.random.Generator,
) -> tuple[str, ...]:
    ends = [play(rows, rule, draw, rng) for _ in range(times)]
    columns = (
        [float(end.merged) for end in ends],
        [end.true_change for end in ends],
        [end.optimism for end in ends],
    )
    means = [Mean(tuple(values)) for values in columns]
    return (
        f"{means[0].value:.1f} ± {means[0].error:.1f}",
        *(f"{each.value:+.1f} ± {each.error:.1f}" for each in means[1:]),
    )


def play(
    rows: int, rule: Rule, draw: Callable[[np.random.Generator], float], rng: np.random.Generator
) -> Ended:
    """All pull requests in a row, each from what the default branch is by then."""
    truth = ACCURACY
    main = [rng.random(rows) < truth]
    for _ in range(PULL_REQUESTS):
        change = draw(rng)
        new = propose(main[-1], truth, change, rng)
        if rule.lets(new, main):
            main.append(new)
            truth += change
    return Ended(
        merged=len(main) - 1,
        true_change=100 * (truth - ACCURACY),
        optimism=100 * (float(main[-1].mean()) - truth),
    )


def propose(right: Right, truth: float, change: float, rng: np.random.Generator) -> Right:
    """A model that disagrees on `DISCORDANCE` of all rows and is truly better by `change`."""
    lost = (DISCORDANCE - change) / 2 / truth
    won = (DISCORDANCE + change) / 2 / (1 - truth)
    drawn = rng.random(len(right))
    return np.where(right, drawn >= lost, drawn < won)


def _losing(rng: np.random.Generator) -> float:
    return float(rng.normal(-0.002, 0.002))


def _mixed(rng: np.random.Generator) -> float:
    return float(rng.normal(0, 0.004))


def _still(_: np.random.Generator) -> float:
    return 0.0


def _bound(rows: int) -> str:
    return f"{100 * optimism(share_spread(DISCORDANCE, rows), PULL_REQUESTS):.1f}"


def _case(old: Right, new: Right) -> SimulatedCase:
    sides = [(np.where(each, 0.9, 0.1), each) for each in (old, new)]
    return same_rows(np.ones(len(new), dtype=np.bool_), sides[0], sides[1])
