"""Overlapping segments times several metrics: 120 comparisons of one pull request.

Four attributes of ten levels each, accuracy, recall and log loss (statistics.md §3.2). A harmless
change retrains with other noise; a harmful one scores one level's rows with more noise.
"""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.in_memory import judge_with, same_rows
from benchmarks.simulation.segments import zipf_sizes
from gates.case.segments import Rows
from gates.finding import Finding, State
from gates.judging.margin import Margin
from gates.metrics import DirectedMetric
from gates.rules.segment_regression import SegmentRegression
from gates.stats.law import normal_cdf
from gates.stats.multiplicity import holm
from gates.stats.quantile import critical_z

ROWS, ATTRIBUTES, LEVELS = 10_000, 4, 10
SPREAD = 2.2  # of the true log odds, which makes an accuracy of .85
NOISE = 0.3  # of each model's log odds, which makes 6 % discordance
LOSS = 0.05  # of accuracy in the damaged level
DAMAGED = (4, 9)  # the levels of 683 and 341 rows
LEVEL = 0.05
MARGINS: Mapping[DirectedMetric, float] = {"accuracy": 0.02, "recall": 0.03, "log_loss": 0.01}
UNCORRECTED, HOLM, OURS, OURS_AT_LEVEL = (
    "uncorrected one-sided 95 %, no margin",
    "Holm on the same tests, 5 %, no margin",
    "**gatepost**: joint test at 2 % and the margins",
    "joint test at 5 %, no margin, as specified",
)
SPECIFIED = {
    UNCORRECTED: (".97", ".79"),
    HOLM: (".028", ".044"),
    OURS: ("≤ .02 (promise)", "≤ .02"),
    OURS_AT_LEVEL: (".040", ".048"),
}

Floats = NDArray[np.float64]


class Judged(msgspec.Struct, frozen=True):
    """The findings of one pull request."""

    findings: tuple[Finding, ...]

    def flags(self, rule: str, metrics: tuple[str, ...]) -> list[dict[str, str]]:
        """The segments that a rule blocks by some metrics."""
        asked = [finding for finding in self.findings if finding.subject.metric in metrics]
        alone = [_p_alone(finding) for finding in asked]
        if rule == HOLM:
            alone = holm(alone)
        return [
            finding.subject.segment
            for finding, p_value in zip(asked, alone, strict=True)
            if _is_flagged(rule, finding, p_value)
        ]


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """False blocks and detection by rule, for three metrics together and for accuracy alone."""
    rng = np.random.default_rng([seed, 3])
    every, accuracy = tuple(MARGINS), ("accuracy",)
    calm = [simulate(rng, None) for _ in range(repetitions // 4)]
    calm_accuracy = [simulate(rng, None, accuracy) for _ in range(repetitions // 8)]
    yield Table(
        "4 attributes × 10 levels, 10,000 rows: harmless PR blocked",
        ("rule", "accuracy, recall, log loss", "specified", "accuracy alone", "specified"),
        [
            (
                rule,
                Share(sum(bool(each.flags(rule, every)) for each in calm), len(calm)),
                SPECIFIED[rule][0],
                Share(
                    sum(bool(each.flags(rule, accuracy)) for each in calm_accuracy),
                    len(calm_accuracy),
                ),
                SPECIFIED[rule][1],
            )
            for rule in SPECIFIED
        ],
    )
    yield Table(
        "A true 5-point drop of accuracy in one level: found by",
        ("rows of the level", "rule", "log loss", "specified", "accuracy", "specified"),
        [row for level in DAMAGED for row in _detection(level, max(1, repetitions // 10), rng)],
    )


def _detection(
    level: int, repetitions: int, rng: np.random.Generator
) -> Iterator[tuple[object, ...]]:
    judged = [simulate(rng, level) for _ in range(repetitions)]
    target = {"a0": str(level)}
    specified = {4: (".99", ".64"), 9: (".78", ".24")}[level]
    for rule in (OURS, OURS_AT_LEVEL):
        shares = [
            Share(sum(target in each.flags(rule, (metric,)) for each in judged), repetitions)
            for metric in ("log_loss", "accuracy")
        ]
        texts = specified if rule == OURS_AT_LEVEL else ("–", "–")
        size = int(zipf_sizes(ROWS, LEVELS)[level])
        yield size, rule, shares[0], texts[0], shares[1], texts[1]


def simulate(
    rng: np.random.Generator, damaged: int | None, metrics: tuple[str, ...] = tuple(MARGINS)
) -> Judged:
    """The product's findings on one pull request, whose first attribute's level is damaged."""
    odds = SPREAD * rng.standard_normal(ROWS)
    labels = rng.random(ROWS) < _sigmoid(odds)
    codes = np.repeat(np.arange(LEVELS), zipf_sizes(ROWS, LEVELS))
    attributes = [codes, *(rng.permutation(codes) for _ in range(ATTRIBUTES - 1))]
    noise = np.full(ROWS, NOISE)
    if damaged is not None:
        noise[codes == damaged] = noise_of_loss(LOSS)
    old, new = (_sigmoid(odds + each * rng.standard_normal(ROWS)) for each in (NOISE, noise))
    segments: dict[str, dict[str, Rows]] = {
        f"a{at}": {str(level): np.flatnonzero(part == level) for level in range(LEVELS)}
        for at, part in enumerate(attributes)
    }
    gate = SegmentRegression(
        metrics={name: Margin(margin=m) for name, m in MARGINS.items() if name in metrics}
    )
    case = same_rows(labels, (old, old >= 0.5), (new, new >= 0.5), segments=segments)
    (outcome,) = judge_with(gate, case).outcomes
    assert len(outcome.findings) == ATTRIBUTES * LEVELS * len(metrics), outcome.reason
    return Judged(outcome.findings)


def noise_of_loss(loss: float) -> float:
    """The noise at which accuracy lies this much below that at `NOISE`."""
    low, high = NOISE, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _accuracy(NOISE) - _accuracy(middle) < loss else (low, middle)
    return low


def _accuracy(noise: float) -> float:
    """Chance that the noisy log odds have the label's sign, integrated over the true log odds."""
    grid = np.linspace(-8, 8, 801)
    right = np.array([normal_cdf(SPREAD * float(at) / noise) for at in grid])
    true = _sigmoid(SPREAD * grid)
    density = np.exp(-(grid**2) / 2)
    return float(density @ (true * right + (1 - true) * (1 - right)) / density.sum())


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)


def _p_alone(finding: Finding) -> float:
    """One-sided p-value of harm by the interval that is shown for the finding alone."""
    assert finding.interval is not None
    assert finding.change is not None
    low, high = finding.interval
    if high == low:
        return 1.0
    gain = finding.change if finding.greater_is_better else -finding.change
    return normal_cdf(gain / ((high - low) / 2 / critical_z(finding.confidence)))


def _is_flagged(rule: str, finding: Finding, p_alone: float) -> bool:
    if rule == OURS:
        return finding.state is State.FAILED
    if rule == OURS_AT_LEVEL:
        assert finding.p_value is not None
        return finding.p_value <= LEVEL
    return p_alone <= LEVEL
