"""Which worker of a test run runs what, and what comes first.

A file's tests go to one worker, so that what they share is made once; files that take long, or
share something slow with their folder, are handed out first, so that no worker ends alone. The mark
`xdist_group` would not do: with pytest 9.2 nobody hears it (pytest-xdist, issue 1386).
"""

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# The slowest first. A folder's tests go to one worker: they share a model, or a session.
SLOW = (
    "tests/bites/",
    "tests/workflows/test_end_to_end.py",
    "tests/shell/test_baseline.py",
    "tests/pipeline/test_pipeline.py",
    "tests/tables/test_spark",
    "tests/cli/",
    "tests/shell/",
    "tests/report/",
    "tests/github/",
    "tests/commands/",
    "tests/ledger/",
    "tests/benchmarks/",
)
TOGETHER = ("tests/bites/", "tests/tables/test_spark")


def rank(name: str) -> int:
    """The place of a test in the order of the run."""
    return next((at for at, start in enumerate(SLOW) if name.startswith(start)), len(SLOW))


def scope_of(name: str) -> str:
    """What goes to the same worker as this test."""
    return next((each for each in TOGETHER if name.startswith(each)), name.partition("::")[0])


def sort_slowest_first(items: list[pytest.Item]) -> None:
    """Bring the tests into the order of the run; each scope stays together."""
    items.sort(key=lambda item: rank(item.nodeid))


class SlowestFirst(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole scopes in the order in which their tests stand."""

    def schedule(self) -> None:
        """Begin, or go on; the number of tests says nothing of how long they take."""
        self.config.option.loadscopereorder = False
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
