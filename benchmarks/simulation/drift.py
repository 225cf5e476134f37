"""Alarms of drift detectors where nothing moved, and where something did (statistics.md §7.4)."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from benchmarks.simulation.figures import Share, Table
from benchmarks.simulation.in_memory import (
    LABEL_ONLY,
    SimulatedEvidence,
    SimulatedTable,
    judge_with,
)
from gates.case.answers import Scored
from gates.case.case import Case
from gates.evidence.columns import ColumnDictionary, Description, Role, Type
from gates.finding import Result
from gates.policy.settings import Settings
from gates.rules.drift import Drift

SETTINGS = (  # rows of each sample, shift in standard deviations
    (100, 0.0), (300, 0.0), (1_000, 0.0), (10_000, 0.0), (100_000, 0.0),
    (100_000, 0.02), (1_000, 0.2), (10_000, 0.2), (1_000, 0.5),
)  # fmt: skip
MANY_ROWS = 10_000  # from here on a tenth of the repetitions
BINS = 10
COLUMNS = 20  # of numbers, and as many of categories, in a table without any shift
LEVELS = (2, 5, 20, 60)
PSI, PSI_LARGE, KS, DISTANCE, WASSERSTEIN, JS, OURS, OURS_NARROW = (
    "PSI > .1 (10 bins)",
    "PSI > .2",
    "KS p < .05",
    "KS D > .2 (deepchecks)",
    "Wasserstein / sd > .1 (evidently)",
    "Jensen–Shannon > .1 (evidently)",
    "**gatepost** `drift`, tolerance .10",
    "**gatepost** `drift`, tolerance .05",
)
SPECIFIED: Mapping[str, str] = {
    PSI: ".87/.11/0/0/0 · 0 · .01/0 · 1.0",
    PSI_LARGE: ".39/0/0/0/0 · 0 · 0/0 · .89",
    KS: ".07/.05/.05/.05/.07 · .97 · .97/1.0 · 1.0",
    DISTANCE: ".02/0/0/0/0 · 0 · 0/0 · .68",
    WASSERSTEIN: ".95/.46/.02/0/0 · 0 · .99/1.0 · 1.0",
    JS: ".98/.49/0/0/0 · 0 · .50/0 · 1.0",
    OURS: "–",
    OURS_NARROW: ".005/0/0/0/0 · 0 · .34/.99 · 1.0",
}

Floats = NDArray[np.float64]


def tabulate(repetitions: int, seed: int) -> Iterator[Table]:
    """Alarms by detector, and of a whole table of columns."""
    rng = np.random.default_rng([seed, 7])
    alarms = {each: _alarms(*each, repetitions, rng) for each in SETTINGS}
    heads = [f"{rows:,} rows, {shift:g} sd" for rows, shift in SETTINGS]
    yield Table(
        "One column of numbers: share of alarms",
        ("detector", *heads, "specified, in this order"),
        [(rule, *(alarms[each][rule] for each in SETTINGS), SPECIFIED[rule]) for rule in SPECIFIED],
    )
    yield Table(
        f"{COLUMNS} columns of numbers and {COLUMNS} of categories, nothing moved: any alarm",
        ("rows", "one KS or chi-square p < .05", "gatepost, tolerance .10", "tolerance .05", "0"),
        [_family(rows, max(1, repetitions // 4), rng) for rows in (100, 300, 1_000, 10_000)],
    )


def _alarms(
    rows: int, shift: float, repetitions: int, rng: np.random.Generator
) -> dict[str, Share]:
    shares = {rule: Share() for rule in SPECIFIED}
    count = repetitions // 2 if rows < MANY_ROWS else repetitions // 20
    for _ in range(max(1, count)):
        old, new = rng.standard_normal(rows), rng.standard_normal(rows) + shift
        kolmogorov = ks_2samp(old, new, method="asymp")
        psi, js = _binned(old, new)
        flags = {
            PSI: psi > 0.1,
            PSI_LARGE: psi > 0.2,
            KS: kolmogorov.pvalue < 0.05,
            DISTANCE: kolmogorov.statistic > 0.2,
            WASSERSTEIN: np.abs(np.sort(old) - np.sort(new)).mean() / old.std() > 0.1,
            JS: js > 0.1,
            OURS: alarms({"x": old}, {"x": new}, 0.10),
            OURS_NARROW: alarms({"x": old}, {"x": new}, 0.05),
        }
        for rule, flag in flags.items():
            shares[rule].count(bool(flag))
    return shares


def alarms(old: Mapping[str, Floats], new: Mapping[str, Floats], tolerance: float) -> bool:
    """Whether the gate fails on a training and a test table; a `c…` column holds categories."""
    tables = [
        SimulatedTable(
            {name: values for name, values in side.items() if not name.startswith("c")},
            {name: values.astype(np.int32) for name, values in side.items() if name[0] == "c"},
        )
        for side in (old, new)
    ]
    columns = LABEL_ONLY.columns | {
        name: Description(
            role=Role.FEATURE, type=Type.CATEGORY if name.startswith("c") else Type.NUMBER
        )
        for name in old
    }
    empty = np.zeros(0)
    candidate = SimulatedEvidence(
        Scored(empty > 0, empty, empty > 0),
        dictionary=ColumnDictionary(columns=columns),
        train=tables[0],
        test=tables[1],
    )
    verdict = judge_with(Drift(tolerance=tolerance), Case(Settings(), candidate, None))
    (outcome,) = verdict.outcomes
    assert outcome.outcome not in (Result.ERRORED, Result.SKIPPED), outcome.reason
    return outcome.outcome is Result.FAILED


def _binned(old: Floats, new: Floats) -> tuple[float, float]:
    """PSI over the old sample's deciles, and Jensen and Shannon's distance over a histogram."""
    edges = np.quantile(old, np.linspace(0, 1, BINS + 1)[1:-1])
    counts = [np.bincount(np.searchsorted(edges, each), minlength=BINS) for each in (old, new)]
    before, after = (np.maximum(each / each.sum(), 1e-4) for each in counts)
    psi = float(((after - before) * np.log(after / before)).sum())
    bins = np.histogram_bin_edges(np.concatenate([old, new]), "sturges")
    before, after = (np.histogram(each, bins)[0] / len(each) for each in (old, new))
    middle = (before + after) / 2
    parts = [
        float((each[each > 0] * np.log(each[each > 0] / middle[each > 0])).sum())
        for each in (before, after)
    ]
    return psi, (sum(parts) / 2) ** 0.5


def _family(rows: int, repetitions: int, rng: np.random.Generator) -> tuple[object, ...]:
    naive, shares = Share(), (Share(), Share(), Share())
    for _ in range(repetitions):
        old, new = _draw_table(rows, rng), _draw_table(rows, rng)
        naive.count(any(_p_value(name, old[name], new[name]) < 0.05 for name in old))
        for share, tolerance in zip(shares, (0.10, 0.05, 0.0), strict=True):
            share.count(alarms(old, new, tolerance))
    return f"{rows:,}", naive, *shares


def _draw_table(rows: int, rng: np.random.Generator) -> dict[str, Floats]:
    numbers = {f"n{at}": rng.standard_normal(rows) for at in range(COLUMNS)}
    categories = {
        f"c{at}": np.floor(rng.random(rows) ** 2 * LEVELS[at % len(LEVELS)])
        for at in range(COLUMNS)
    }
    return {**numbers, **categories}


def _p_value(name: str, old: Floats, new: Floats) -> float:
    if name.startswith("n"):
        return float(ks_2samp(old, new, method="asymp").pvalue)
    levels = int(max(old.max(), new.max())) + 1
    table = np.array([np.bincount(each.astype(int), minlength=levels) for each in (old, new)])
    return float(chi2_contingency(table[:, table.any(axis=0)]).pvalue)
