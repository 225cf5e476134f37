"""The value that every interval of this package is."""

import msgspec


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A closed interval of plausible values; `upper` is infinite where a ratio is unbounded."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """Upper minus lower limit."""
        return self.upper - self.lower

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def __neg__(self) -> "Interval":
        return Interval(-self.upper, -self.lower)


def confidence_of(alpha: float) -> float:
    """Confidence of the two-sided interval whose either limit is one-sided at level `alpha`."""
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - at one half the two limits meet
        raise ValueError(f"alpha {alpha!r}: a one-sided level lies between 0 and 0.5")
    return 1 - 2 * alpha
