"""Measured figures with their Monte-Carlo standard error, and tables of them."""

import math
from collections.abc import Iterable, Sequence

import msgspec


class Share(msgspec.Struct):
    """How often something happened."""

    hits: int = 0
    trials: int = 0

    def count(self, hit: bool) -> None:
        """One more trial."""
        self.hits += hit
        self.trials += 1

    @property
    def value(self) -> float:
        """The share of hits; `nan` without trials."""
        return self.hits / self.trials if self.trials else math.nan

    @property
    def error(self) -> float:
        """Standard error of a binomial share, with half a hit and half a miss added."""
        share = (self.hits + 0.5) / (self.trials + 1)
        return math.sqrt(share * (1 - share) / max(1, self.trials))

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.error:.3f}" if self.trials else "–"


class Mean(msgspec.Struct, frozen=True):
    """The mean of simulated values."""

    values: tuple[float, ...]

    @property
    def value(self) -> float:
        """The mean."""
        return sum(self.values) / len(self.values)

    @property
    def error(self) -> float:
        """Its standard error."""
        around = sum((each - self.value) ** 2 for each in self.values)
        return math.sqrt(around / max(1, len(self.values) - 1) / len(self.values))

    def __str__(self) -> str:
        return f"{self.value:.4f} ± {self.error:.4f}"


class Table(msgspec.Struct, frozen=True):
    """Rows of texts under a title."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]

    def markdown(self) -> str:
        """The table as GitHub shows it."""
        lines = [f"### {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        return "\n".join([*lines, *map(_line, self.rows)])


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
