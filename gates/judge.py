"""Policy and evidence of both sides → verdict. Pure: reads no file, asks no clock, runs nothing."""

import hashlib
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from gates import __version__
from gates.case.anchor import Anchor, NoAnchor
from gates.case.case import Case
from gates.data_difference import find_data_differences
from gates.errors import GatesError
from gates.evidence.folder import Evidence
from gates.finding import (
    Decision,
    Difference,
    Family,
    Finding,
    Observation,
    Outcome,
    Result,
    Side,
    State,
    Verdict,
    WaiverList,
    fingerprint,
)
from gates.policy.policy import Policy
from gates.policy.settings import Alpha
from gates.rules.gate import Comparison, Correction, Gate, Item, Measurement, NotApplicableError
from gates.stats import multiplicity
from gates.waivers.apply import Waiving, waive
from gates.wording import describe_comparison, describe_measurement, why_unjudged

_ROUNDING = 1e-12  # so that 0.9 - 1.0 is a loss of 0.1, and 0.95 - 1.0 one of 0.05
_MEASURED = frozenset({Family.METRICS, Family.SEGMENTS, Family.FAIRNESS})  # on the test rows
CRITICAL_SHARE = 0.8  # of the segments' level goes to declared critical ones: statistics.md §3.5


class _Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate yielded, before anything is decided."""

    gate: Gate
    items: tuple[Item, ...] = ()
    result: Result | None = None  # where it could not judge
    reason: str = ""


def judge(policy: Policy, case: Case, waiving: Waiving | None = None) -> Verdict:
    """Every gate of the policy, and what follows for the merge.

    All comparisons of all gates are tested together, so that the chance of blocking a harmless
    pull request is the policy's, however many segments it declares. A waiver takes nothing out of
    them: it only keeps a finding from blocking.
    """
    heard = {name: _hear(gate, case) for name, gate in policy.gates.items()}
    items = [item for each in heard.values() for item in each.items]
    levels = levels_of(policy.settings.alpha, items)
    p_values = _corrected(items, case)
    outcomes = tuple(_outcome(name, each, policy, levels, p_values) for name, each in heard.items())
    waivers: WaiverList | msgspec.UnsetType = msgspec.UNSET
    if waiving is not None and waiving.waivers.entries:
        outcomes, waivers = waive(outcomes, policy, waiving)
    decision, reason = _decide(outcomes, case)
    return Verdict(
        gatepost=__version__,
        decision=decision,
        reason=reason,
        candidate=_side(case.candidate),
        baseline=None if case.baseline is None else _side(case.baseline),
        anchor=case.anchor.side if isinstance(case.anchor, Anchor) else None,
        anchor_reason=case.anchor.reason if isinstance(case.anchor, NoAnchor) else "",
        outcomes=outcomes,
        policy_changes=case.policy_changes,
        test_set=case.test_set,
        environment=_differences(case),
        waivers=waivers,
        data=find_data_differences(case) or msgspec.UNSET,
    )


def _hear(gate: Gate, case: Case) -> _Heard:
    try:
        items = tuple(gate.judge(case))
    except NotApplicableError as error:
        return _Heard(gate=gate, result=Result.SKIPPED, reason=str(error))
    except GatesError as error:  # the evidence is at fault, and the message says how to mend it
        return _Heard(gate=gate, result=Result.ERRORED, reason=str(error))
    except Exception as error:  # noqa: BLE001 - one broken gate must not silence the others
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__} in {where.name}, line {where.lineno}: {error}"
        return _Heard(gate=gate, result=Result.ERRORED, reason=reason)
    if not any(isinstance(item, Finding | Comparison | Measurement) for item in items):
        return _Heard(gate=gate, result=Result.ERRORED, reason="it judged nothing")
    return _Heard(gate=gate, items=items)


def levels_of(alpha: Alpha, items: Sequence[Item]) -> Mapping[Correction, float]:
    """The level of each correction; critical segments take most of the segments' where declared."""
    critical = any(
        isinstance(item, Comparison) and item.correction is Correction.CRITICAL for item in items
    )
    share = CRITICAL_SHARE if critical else 0.0
    return {
        Correction.OVERALL: alpha.overall,
        Correction.CRITICAL: alpha.segments * share,
        Correction.SEGMENTS: alpha.segments * (1 - share),
        Correction.FAIRNESS: alpha.fairness,
        Correction.OTHER: alpha.other,
    }


def _corrected(items: Sequence[Item], case: Case) -> dict[int, float]:
    """P-values by the item's identity, each corrected for all items of its kind together."""
    comparisons = [item for item in items if isinstance(item, Comparison)]
    measurements = [item for item in items if isinstance(item, Measurement)]
    harm = _harm(comparisons, case) if comparisons else []
    breach = multiplicity.holm([item.p_value for item in measurements])
    return {
        **{id(item): p for item, p in zip(comparisons, harm, strict=True)},
        **{id(item): p for item, p in zip(measurements, breach, strict=True)},
    }


def _harm(comparisons: Sequence[Comparison], case: Case) -> list[float]:
    """P-values of harm; those whose joint law is not known are tested apart, and paid for.

    The joint law is known of all rows in memory, and of the sums of one case. A family's p-values
    are multiplied by the number of its parts, which holds under any dependence (Bonferroni).
    """
    parts: dict[object, list[int]] = {}
    for place, item in enumerate(comparisons):
        parts.setdefault(item.added and item.added.of, []).append(place)
    seed, p_values = _seed(case), [1.0] * len(comparisons)
    shares = Counter(
        family for part in parts.values() for family in {comparisons[at].correction for at in part}
    )
    for part in parts.values():
        members = [comparisons[at] for at in part]
        for at, item, p_value in zip(
            part, members, _harm_together(members, case, seed), strict=True
        ):
            p_values[at] = min(1.0, p_value * shares[item.correction])
    return p_values


def _harm_together(members: Sequence[Comparison], case: Case, seed: bytes) -> list[float]:
    if (added := members[0].added) is not None:
        asked = [(item.correction, item.added, item.doubt) for item in members if item.added]
        return added.of.harm_p_values(asked, seed)
    return multiplicity.harm_p_values(
        [
            multiplicity.Comparison(item.correction, item.rows, item.contributions, item.doubt)
            for item in members
        ],
        seed=seed,
        groups=case.groups,
    )


def _seed(case: Case) -> bytes:
    """The same evidence gives the same draws, so running a job again cannot change a verdict."""
    if case.streamed is not None:
        return case.streamed.seed
    digest = hashlib.sha256(case.candidate.test_digest.encode())
    for side in (case.baseline, case.candidate):
        if side is not None:
            digest.update(side.test_digest.encode())
            digest.update(side.scores.tobytes())
    return digest.digest()


def _outcome(
    name: str,
    heard: _Heard,
    policy: Policy,
    levels: Mapping[Correction, float],
    p_values: Mapping[int, float],
) -> Outcome:
    findings: list[Finding] = []
    for item in heard.items:
        if isinstance(item, Observation):
            continue
        if isinstance(item, Comparison):
            item = _judge_comparison(item, p_values[id(item)], levels[item.correction])  # noqa: PLW2901
        elif isinstance(item, Measurement):
            item = _judge_measurement(item, p_values[id(item)], levels[Correction.OTHER])  # noqa: PLW2901
        findings.append(_sign(name, item, policy))
    return Outcome(
        gate=name,
        family=heard.gate.family,
        outcome=heard.result or _result(findings),
        reason=heard.reason,
        required=heard.gate.required,
        findings=tuple(findings),
        observations=tuple(item for item in heard.items if isinstance(item, Observation)),
    )


def _judge_comparison(item: Comparison, p_value: float, alpha: float) -> Finding:
    """Failed: harm is proven and at least the margin. Passed: a loss of the margin is ruled out."""
    margin = item.limit.margin
    assert margin is not None  # noqa: S101 - comparisons are made from margins
    gain = item.change if item.greater_is_better else -item.change
    worst = item.interval[0] if item.greater_is_better else -item.interval[1]
    if item.same or worst > -margin + _ROUNDING:
        state = State.PASSED
    elif p_value <= alpha and gain <= -margin + _ROUNDING:
        state = State.FAILED
    else:
        state = State.UNDECIDED
    return Finding(
        subject=item.subject,
        state=state,
        limit=item.limit,
        message=describe_comparison(item, state),
        mend="" if state is State.PASSED else item.mend,
        baseline=item.baseline,
        candidate=item.candidate,
        change=item.change,
        greater_is_better=item.greater_is_better,
        interval=None if item.same else item.interval,  # what is the same has no uncertainty
        p_value=p_value,
        support=item.support,
        seed_spread=None if item.doubt.spread is None else item.doubt.spread.deviation,
        rows_needed=item.rows_needed if state is State.UNDECIDED else None,
    )


def _judge_measurement(item: Measurement, p_value: float, alpha: float) -> Finding:
    """Failed: the limit is provably broken. Passed: the whole interval keeps it."""
    low, high = item.interval
    floor, ceiling = item.limit.floor, item.limit.ceiling
    kept = low >= floor if floor is not None else ceiling is not None and high <= ceiling
    unproven = State.PASSED if kept else State.UNDECIDED
    state = State.FAILED if p_value <= alpha else unproven
    return Finding(
        subject=item.subject,
        state=state,
        limit=item.limit,
        message=item.message or describe_measurement(item, state),
        mend="" if state is State.PASSED else item.mend,
        baseline=item.baseline,
        candidate=item.value,
        change=None if item.baseline is None else item.value - item.baseline,
        greater_is_better=floor is not None,
        interval=item.interval,
        interval_of="candidate",
        p_value=p_value,
        support=item.support,
        rows_needed=item.rows_needed if state is State.UNDECIDED else None,
    )


def _sign(gate: str, finding: Finding, policy: Policy) -> Finding:
    """Give the finding its fingerprint, and its limit the line that sets it."""
    subject, limit = finding.subject, finding.limit
    line = policy.line(gate, "metrics", subject.metric) if subject.metric else policy.line(gate)
    return msgspec.structs.replace(
        finding,
        fingerprint=fingerprint(gate, subject, limit),
        limit=msgspec.structs.replace(limit, line=line),
    )


def _result(findings: Sequence[Finding]) -> Result:
    states = {finding.state for finding in findings}
    if State.FAILED in states:
        return Result.FAILED
    return Result.UNDECIDED if State.UNDECIDED in states else Result.PASSED


def _decide(outcomes: Sequence[Outcome], case: Case) -> tuple[Decision, str]:
    """Fail closed: what failed blocks, and where nothing was judged nothing passes."""
    if any(finding.blocks for outcome in outcomes for finding in outcome.findings):
        return Decision.FAIL, ""
    for outcome in outcomes:
        if outcome.outcome is Result.ERRORED:
            return Decision.CANNOT_JUDGE, f"{outcome.gate} could not judge: {outcome.reason}"
        if outcome.outcome is Result.SKIPPED and outcome.required:
            return Decision.CANNOT_JUDGE, f"{outcome.gate} is required: {outcome.reason}"
    if all(outcome.outcome is Result.SKIPPED for outcome in outcomes):
        return Decision.CANNOT_JUDGE, "every gate was skipped"
    measured = any(o.family in _MEASURED and o.findings for o in outcomes)
    if measured and (reason := why_unjudged(case.test_set, case.settings.unjudged)):
        return Decision.CANNOT_JUDGE, reason
    return Decision.PASS, ""


def _side(evidence: Evidence) -> Side:
    return Side(revision=evidence.manifest.revision, dirty=evidence.manifest.dirty)


def _differences(case: Case) -> tuple[Difference, ...]:
    """Facts about the environment that both sides state, and state differently."""
    if case.baseline is None:
        return ()
    old, new = case.baseline.environment, case.candidate.environment
    return tuple(
        Difference(name=name, baseline=old[name], candidate=new[name])
        for name in sorted(set(old) & set(new))
        if old[name] != new[name]
    )
