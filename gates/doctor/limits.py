"""Whether the limits can be held: by the rows of the test set, and by what seeds alone move."""

from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.doctor.sign import Sign, listed, ok, weak
from gates.evidence.folder import AGAIN, Evidence
from gates.plan.plan import Plan
from gates.policy.policy import Policy
from gates.rules.metric_regression import MetricRegression
from gates.stats.seeds import MARGIN_SPREADS, measure_spread
from gates.stats.undefined import UndefinedError

_SEEDS_MIN = 2  # trainings beside the model's own


def examine_plan(plan: Plan) -> Sign:
    """Whether a strict limit would block what is harmless, because the test set is too small."""
    blocking = plan.strict_undecidable
    if not any(line.strict for line in plan.lines):
        return ok("strict limits", "there are none")
    if not blocking:
        return ok("strict limits", f"{plan.rows:,} test rows can decide each of them")
    names = [f"{line.gate} {line.subject.text()}" for line in blocking]
    return weak(
        "strict limits",
        f"{plan.rows:,} test rows cannot decide, and so block what is harmless: {listed(names)}",
        "`gatepost plan` says how many rows each needs; write `mode: guard` until then.",
    )


def examine_margins(policy: Policy, evidence: Evidence) -> Sign:
    """Whether a margin lies within what another seed alone would move."""
    name = "margins"
    gate = next((one for one in policy.gates.values() if isinstance(one, MetricRegression)), None)
    if gate is None:
        return ok(name, "no metric has one")
    case = Case(policy.settings, evidence, None)
    repeats = evidence.repeats_for(evidence.ids)
    seeds = [case.repeated(scores) for run, scores in repeats.items() if run != AGAIN]
    if len(seeds) < _SEEDS_MIN:
        return weak(
            name,
            "nobody knows what seeds move: training was not repeated with other seeds",
            "Let a stage write `repeats.parquet` (docs/evidence.md), as `evidence.repeats`.",
        )
    within = []
    for named, margin in gate.metrics.items():
        for shown, metric in case.metrics(named).items():
            try:
                values = [metric.of(each, CONFIDENCE).value for each in (case.scored, *seeds)]
            except UndefinedError:
                continue
            spread = measure_spread([values])
            if spread is not None and margin.margin < MARGIN_SPREADS * spread.deviation:
                least = MARGIN_SPREADS * spread.deviation
                within.append(f"{shown} ({margin.margin:g}, seeds ask for {least:.2g})")
    if not within:
        return ok(name, f"none lies within what {len(seeds)} other seeds move")
    return weak(
        name,
        f"smaller than what another seed alone may move: {listed(within)}",
        "Widen the margin, or average several trainings.",
    )
