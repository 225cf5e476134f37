"""How many rows a limit needs before the data can decide it.

`alpha` is one-sided, `power` the chance to decide when the truth is as stated.
"""

import math

from gates.stats.law import normal_quantile


def required_rows(
    discordance: float, margin: float, alpha: float, power: float, delta: float = 0.0
) -> int:
    """Rows after which Tango's test shows that a proportion loses less than `margin`.

    Args:
        discordance: share of rows on which only one of the models counts.
        margin: the largest accepted loss.
        alpha: level.
        power: chance to show it.
        delta: the true difference, positive is better.

    Source: statistics.md §3.4; the null variance at the constrained estimate of Tango, Statistics
    in Medicine 17 (1998), as in Lachenbruch & Lynch, Statistics in Medicine 17 (1998).

    Raises:
        ValueError: the true loss is the margin or more, so that no number of rows shows it.
    """
    null, true = paired_deviations(discordance, margin, delta)
    reach = _upper(alpha) * null + _upper(1 - power) * true
    return _rows(reach, margin + delta)


def paired_deviations(discordance: float, margin: float, delta: float = 0.0) -> tuple[float, float]:
    """Of a row's difference under a true loss of `margin`, and under the true `delta`.

    Arguments, source and errors as for `required_rows`.
    """
    _require_share(discordance, "discordance")
    if not 0 < margin < 1:
        raise ValueError(f"margin {margin!r}: a loss of a proportion lies between 0 and 1")
    if abs(delta) > discordance:
        raise ValueError(f"delta {delta!r}: it cannot exceed the discordance {discordance!r}")
    losses = (discordance - delta) / 2
    linear = -margin * (2 - delta) - discordance
    constant = losses * margin * (1 + margin)
    share = (math.sqrt(max(0.0, linear * linear - 8 * constant)) - linear) / 4
    null = math.sqrt(max(0.0, 2 * share - margin * (1 + margin)))
    true = math.sqrt(max(0.0, discordance - delta * delta))
    return null, true


def visible_drop(discordance: float, rows: int, alpha: float, power: float) -> float:
    """The smallest loss of a proportion that so many rows show as harm, at most 1.

    Source: statistics.md §3.4, (z_a + z_b) sqrt(discordance / rows).
    """
    _require_share(discordance, "discordance")
    return min(1.0, visible_mean_drop(math.sqrt(discordance), rows, alpha, power))


def required_rows_of_mean(
    spread: float, margin: float, alpha: float, power: float, delta: float = 0.0
) -> int:
    """Rows after which a paired mean shows a loss below `margin`.

    `spread` is the standard deviation of the per-row difference. Source: the normal approximation,
    Julious, Statistics in Medicine 23 (2004) §4.
    """
    return _rows((_upper(alpha) + _upper(1 - power)) * spread, margin + delta)


def visible_mean_drop(spread: float, rows: int, alpha: float, power: float) -> float:
    """The smallest loss of a paired mean that so many rows show as harm."""
    if rows < 1:
        return math.inf
    return (_upper(alpha) + _upper(1 - power)) * spread / math.sqrt(rows)


def required_rows_of_level(truth: float, limit: float, alpha: float, power: float) -> int:
    """Rows after which a share that is truly `truth` lies provably on its side of `limit`.

    Source: Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions (2003) §2.5, the
    score test of one proportion.
    """
    for share, name in ((truth, "truth"), (limit, "limit")):
        _require_share(share, name)
    null, true = math.sqrt(limit * (1 - limit)), math.sqrt(truth * (1 - truth))
    reach = _upper(alpha) * null + _upper(1 - power) * true
    return _rows(reach, abs(truth - limit))


def hoeffding_rows(value_range: float, tolerance: float, failure: float) -> int:
    """Rows after which a mean is within `tolerance` of the truth, whatever the distribution.

    `failure` is the chance to be wrong, already divided by variables, clauses and looks.
    Source: Renggli et al., MLSys 2019, §3: −r² ln(delta) / (2 eps²).
    """
    return math.ceil(-(value_range**2) * math.log(failure) / (2 * tolerance**2))


def bennett_rows(discordance: float, tolerance: float, log_looks: float, failure: float) -> int:
    """Rows after which a paired difference is within `tolerance`, at a bounded discordance.

    `log_looks` is ln of the number of transcripts: ln H, or H ln 2 with full adaptivity.
    Source: Renggli et al., MLSys 2019, §4.1, Bennett's inequality with four events.
    """
    ratio = tolerance / discordance
    exponent = discordance * ((1 + ratio) * math.log1p(ratio) - ratio)
    return math.ceil((log_looks - math.log(failure / 4)) / exponent)


def _rows(reach: float, distance: float) -> int:
    if distance <= 0:
        raise ValueError("the truth lies on the limit or beyond: no number of rows decides it")
    return max(1, math.ceil((reach / distance) ** 2))


def _upper(tail: float) -> float:
    if not 0 < tail < 1:
        raise ValueError(f"{tail!r} is no probability between 0 and 1")
    return -normal_quantile(tail)


def _require_share(share: float, name: str) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} {share!r}: a share lies in [0, 1]")
