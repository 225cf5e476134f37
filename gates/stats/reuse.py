"""What judging on the same test rows again and again costs in certainty.

Who may choose the best of many readings will find one that flatters; a test set wears out by being
looked at. Sources: statistics.md §5; for the bounds by what is revealed Renggli et al., MLSys 2019.
"""

import math

from gates.stats.law import normal_cdf, normal_quantile


def share_spread(discordance: float, rows: int) -> float:
    """Standard error of the change of a share, where so large a share of rows disagrees.

    Conservative by the square of the change, which is small beside `discordance`.
    """
    return math.sqrt(discordance / rows)


def optimism(spread: float, looks: int) -> float:
    """The most that the best of so many equally good models seems to gain, on average.

    The maximum of `looks` normal variables of mean 0 and standard deviation `spread` has at most
    this mean, however they depend on each other.
    """
    return spread * math.sqrt(2 * math.log(looks))


def log_looks_apart(looks: int) -> float:
    """Log of the number of models that could be made, where no verdict steers the next one."""
    return math.log(looks)


def log_looks_by_verdict(looks: int, accepted: int) -> float:
    """The same, where only pass or fail is seen and at most `accepted` of them passed.

    One model for each sequence of verdicts that can lead to it: before look j there are
    Σ_{i≤accepted} C(j, i) of them. With `accepted` = 0 that is one a look, without a bound on it
    2^looks − 1. (statistics.md §5.2 counts only the sequences at the end, which is a little less.)
    """
    most = min(accepted + 1, looks)
    return math.log(sum(math.comb(looks, at) for at in range(1, most + 1)))


def log_looks_adaptive(looks: int) -> float:
    """The same, where every verdict may have steered all later models."""
    return looks * math.log(2)


def hoeffding_reach(log_looks: float, rows: int, error: float = 0.05, width: float = 1.0) -> float:
    """How far a mean over the test rows can lie above its truth, for all models at once.

    Args:
        log_looks: log of the number of models, by one of the functions above.
        rows: rows of the test set.
        error: chance that any of them lies further, one-sided.
        width: between the smallest and the largest value of a row.

    Source: Hoeffding's inequality and the union bound, as in ease.ml/ci.
    """
    return width * math.sqrt((log_looks - math.log(error)) / (2 * rows))


def vault_p_value(reused: float, rows: int, vault: float, vault_rows: int) -> float:
    """One-sided p-value that a share is no higher on reused rows than on rows never used.

    Large: nothing speaks for overfitting. The rows are different ones, so nothing is paired; a
    normal approximation with each set's own variance.
    """
    spread = _vault_spread(reused, rows, vault, vault_rows)
    if spread == 0:
        return 0.0 if reused > vault else 1.0
    return normal_cdf((vault - reused) / spread)


def vault_power(
    gain: float, share: float, rows: int, vault_rows: int, alpha: float = 0.05
) -> float:
    """How often `vault_p_value` is below `alpha`, where the reused rows flatter by `gain`."""
    spread = _vault_spread(share, rows, share, vault_rows)
    return normal_cdf(gain / spread + normal_quantile(alpha))


def _vault_spread(reused: float, rows: int, vault: float, vault_rows: int) -> float:
    return math.sqrt(reused * (1 - reused) / rows + vault * (1 - vault) / vault_rows)
