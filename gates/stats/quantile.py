"""Critical values by two-sided confidence."""

from functools import lru_cache

from gates.stats.law import normal_quantile, student_quantile


@lru_cache
def critical_z(confidence: float) -> float:
    """Normal quantile at (1 + confidence) / 2."""
    return -normal_quantile(_tail(confidence))


@lru_cache(maxsize=1024)
def critical_t(confidence: float, degrees: float) -> float:
    """Student's quantile at (1 + confidence) / 2; infinite degrees of freedom give the normal."""
    return -student_quantile(_tail(confidence), degrees)


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence!r}: it lies between 0 and 1")
    return (1 - confidence) / 2
