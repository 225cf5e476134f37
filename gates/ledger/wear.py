"""How worn the test set of a case is, by the ledger."""

import hashlib
import math

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.effect import CONFIDENCE, measure_effect
from gates.errors import GatesError
from gates.evidence.folder import Evidence
from gates.finding import TestSet, Use, Wear, WearState
from gates.ledger.ledger import Ledger, Page, rank_baselines
from gates.policy.policy import Primary
from gates.stats.quantile import critical_z
from gates.stats.reuse import optimism, share_spread
from gates.stats.undefined import UndefinedError
from gates.tables.arrow import values_of

_SHARES = ("accuracy",)  # every row counts, so that the discordance is the spread
_DECIMALS = 9  # closer scores are the same, on another machine too: statistics.md §0


def with_wear(case: Case, primary: Primary | None, ledger: Ledger | None) -> TestSet:
    """The case's test set, with what a verdict reads off it and, by a ledger, how worn it is.

    Args:
        case: both models.
        primary: the metric whose margin tells how much wear matters.
        ledger: what was judged before; `None` where nobody keeps one.
    """
    use = measure_use(case, primary)
    found = case.test_set
    wear = None if ledger is None else measure_wear(use, ledger.page(found.digest), primary)
    return msgspec.structs.replace(found, use=use, wear=wear)


def rank_by_primary(
    ledger: Ledger | None, test_set: str, primary: Primary | None
) -> tuple[str, ...]:
    """Revisions that were a baseline on these test rows, the best by the primary metric first."""
    if ledger is None or primary is None:
        return ()
    return rank_baselines(ledger.page(test_set), primary.metric)


def measure_use(case: Case, primary: Primary | None) -> Use:
    """What one verdict reads off the test set."""
    bare = Use(predictions=digest_predictions(case.candidate))
    if case.baseline is None:
        return bare
    if not case.test_set.changed:
        before = digest_predictions(case.baseline)
        bare = msgspec.structs.replace(bare, baseline_predictions=before)
    if primary is None:
        return bare
    try:
        metric = next(iter(case.metrics(primary.metric).values()))
        effect = measure_effect(metric, case)
        discordance = _discordance(case)
    except (GatesError, UndefinedError):
        return bare
    spread = (effect.interval[1] - effect.interval[0]) / 2 / critical_z(CONFIDENCE)
    if primary.metric in _SHARES and _is_plain(case) and discordance is not None:
        spread = share_spread(discordance, effect.support.rows)
    same = not case.test_set.changed
    return msgspec.structs.replace(
        bare,
        metric=primary.metric,
        greater_is_better=metric.greater_is_better,
        baseline=effect.baseline if same else None,
        candidate=effect.candidate if same else None,
        spread=0.0 if effect.same else spread if math.isfinite(spread) else None,
        discordance=discordance,
    )


def measure_wear(use: Use | None, page: Page, primary: Primary | None) -> Wear:
    """How often the test set has been judged, and what that may have cost.

    Args:
        use: what is read off it now, and may not be in the ledger yet.
        page: what the ledger says of the test set.
        primary: the metric whose margin tells how much wear matters.

    The spread is pooled over all verdicts that moved the primary metric, so that one harmless
    pull request does not make a worn test set look fresh.
    """
    readings = [(entry.metric, entry.spread) for entry in page.entries]
    judged = set(page.judged)
    if use is not None:
        readings.append((use.metric, use.spread))
        judged.add(use.predictions)
    wear = Wear(
        judged=len(judged) + page.unread,
        merged=len(page.merged),
        since=page.since,
        unread=page.unread,
    )
    if primary is None:
        return wear
    spreads = [spread for metric, spread in readings if metric == primary.metric and spread]
    if not spreads:
        return wear
    pooled = math.sqrt(math.fsum(each * each for each in spreads) / len(spreads))
    cost = optimism(pooled, wear.judged)
    return msgspec.structs.replace(
        wear,
        metric=primary.metric,
        margin=primary.margin,
        optimism=cost,
        state=_state(cost, primary.margin),
    )


def digest_predictions(evidence: Evidence) -> str:
    """SHA-256 of a model's scores of its test rows, whatever their order, to nine decimals.

    Of a large table it is of the file as it is: the same scores written otherwise count as others.
    """
    digest = hashlib.sha256(evidence.test_digest.encode())
    if evidence.is_large:
        digest.update((evidence.digest_of("predictions.parquet") or "").encode())
        return digest.hexdigest()
    ordered = evidence.scores[values_of(evidence.id_order, np.uint64)]
    rounded = np.round(ordered, _DECIMALS) + 0.0  # no negative zero
    digest.update(np.ascontiguousarray(rounded, dtype="<f8").tobytes())
    return digest.hexdigest()


def _is_plain(case: Case) -> bool:
    """Whether there is one test set, whose rows stand for themselves and count alike."""
    if case.streamed is not None:
        return True
    return len(case.arenas) == 1 and case.groups is None and case.candidate.weights is None


def _discordance(case: Case) -> float | None:
    """The share of rows that one of the models alone has right; `None` for numbers."""
    if case.streamed is not None:
        return case.streamed.whole.discordance
    arena = case.arenas[0]
    labels = arena.baseline.labels
    if np.issubdtype(labels.dtype, np.floating):
        return None
    old, new = arena.baseline.predictions == labels, arena.candidate.predictions == labels
    return float(np.mean(old != new))


def _state(cost: float, margin: float) -> WearState:
    if margin <= 0:  # no loss is accepted, so there is nothing to measure wear by
        return WearState.FRESH
    if cost > margin:
        return WearState.WORN_OUT
    return WearState.WORN if cost > margin / 2 else WearState.FRESH
