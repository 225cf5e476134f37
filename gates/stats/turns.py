"""Two systems measured in alternating blocks: how much slower one is, in spite of a noisy machine.

Whatever slows the machine for a while slows a block of either side, so it is the pairs of
neighbouring blocks that are compared, and the spread between pairs is the noise. A ratio is judged
by its logarithm. Sections instead of resampling: requests of one block hang together, and a tail
quantile's bootstrap over few blocks is too narrow. Source: Nakayama, Confidence intervals for
quantiles using sectioning (ACM TOMACS 24, 2014): the estimate is of all values together, its
variance that of the sections' estimates, with Student's law of sections − 1.
"""

import math
from collections.abc import Sequence

import numpy as np

from gates.stats.estimate import Estimate
from gates.stats.undefined import UndefinedError

MIN_BLOCKS = 4
_BEYOND = 2  # the quantile, of each section
_ROUNDING = 1e-9
Blocks = Sequence[Sequence[float]]


def log_quantile_ratio(candidate: Blocks, baseline: Blocks, level: float) -> Estimate:
    """Logarithm of the ratio of two systems' quantiles, candidate to baseline.

    Args:
        candidate: positive values by block, each block beside the baseline's of the same place.
        baseline: the same of the other system.
        level: of the quantile, such as 0.95.

    Raises:
        UndefinedError: fewer than `MIN_BLOCKS` pairs have values on both sides, or too few values
            lie beyond the quantile.
    """
    pairs = [(new, old) for new, old in zip(candidate, baseline, strict=True) if new and old]
    own, other = [new for new, _ in pairs], [old for _, old in pairs]
    ratio = _log_quantile(own, level) - _log_quantile(other, level)
    sides = zip(_sections(own, level), _sections(other, level), strict=True)
    return _sectioned(ratio, [_log_at(new, level) - _log_at(old, level) for new, old in sides])


def log_quantile(blocks: Blocks, level: float) -> Estimate:
    """Logarithm of one system's quantile.

    Raises:
        UndefinedError: as of `log_quantile_ratio`.
    """
    full = [block for block in blocks if block]
    sections = _sections(full, level)
    return _sectioned(_log_quantile(full, level), [_log_at(one, level) for one in sections])


def log_ratio(candidate: Sequence[float], baseline: Sequence[float]) -> Estimate:
    """Logarithm of the ratio of two systems' typical (geometric mean) values, pair by pair.

    Raises:
        UndefinedError: fewer than `MIN_BLOCKS` pairs, or a value that is not positive.
    """
    pairs = list(zip(candidate, baseline, strict=True))
    if any(min(pair) <= 0 for pair in pairs):
        raise UndefinedError("in a block nothing was answered")
    by_pair = [math.log(new / old) for new, old in pairs]
    return _sectioned(sum(by_pair) / max(len(by_pair), 1), by_pair)


def log_mean(values: Sequence[float]) -> Estimate:
    """Logarithm of one system's typical (geometric mean) value.

    Raises:
        UndefinedError: as of `log_ratio`.
    """
    return log_ratio(values, [1.0] * len(values))


def _sections(blocks: Blocks, level: float) -> list[list[float]]:
    """Neighbouring blocks put together, until some two values of each lie beyond the quantile.

    A section without one says nothing of the tail, and its spread would be too small.
    """
    beyond = (1 - level) * sum(map(len, blocks))
    count = min(len(blocks), max(MIN_BLOCKS, int(beyond / _BEYOND + _ROUNDING)))
    return [
        [value for block in part for value in block]
        for part in (
            blocks[at * len(blocks) // count : (at + 1) * len(blocks) // count]
            for at in range(count)
        )
    ]


def _sectioned(value: float, by_section: Sequence[float]) -> Estimate:
    sections = len(by_section)
    if sections < MIN_BLOCKS:
        raise UndefinedError(f"{sections} blocks were answered; {MIN_BLOCKS} are needed")
    spread = float(np.std(by_section, ddof=1))
    return Estimate(
        value=value, standard_error=spread / math.sqrt(sections), degrees=float(sections - 1)
    )


def _log_quantile(blocks: Blocks, level: float) -> float:
    values = [value for block in blocks for value in block]
    needed = math.ceil(1 / (1 - level) - _ROUNDING)
    if len(values) < needed:
        raise UndefinedError(
            f"{len(values):,} answers; at least {needed:,} have one beyond the quantile {level:g}"
        )
    return _log_at(values, level)


def _log_at(values: Sequence[float], level: float) -> float:
    """Of a block; a clock's zero counts as a millionth, so that it has a logarithm."""
    return math.log(max(float(np.quantile(values, level)), 1e-6))


def seconds_to_decide(estimate: Estimate, bound: float, seconds: float, reach: float) -> float:
    """How long measuring would take until the interval excludes the bound; infinite at the bound.

    The standard error falls with the square root of the time.

    Args:
        estimate: on the scale of the bound.
        bound: the limit.
        seconds: that the estimate took.
        reach: half the interval's width in standard errors.
    """
    distance = abs(estimate.value - bound)
    if estimate.standard_error == 0:
        return seconds
    if distance == 0:
        return math.inf
    return seconds * max(1.0, (reach * estimate.standard_error / distance) ** 2)
