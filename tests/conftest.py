"""What all tests share."""

import os
import signal
from typing import Any

import pytest
from hypothesis import settings

from tests.turns_of_workers import SlowestFirst, sort_slowest_first

# Workers take all cores between them; a pool of threads in each only waits for a turn.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("gatepost", deadline=None)
settings.load_profile("gatepost")


def pytest_configure() -> None:
    """Hear Ctrl-C again where we were started in the background.

    A background job ignores it, and so would all its children, some of which tests interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first what takes longest."""
    sort_slowest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SlowestFirst:
    """Give tests that share something slow to one worker."""
    return SlowestFirst(config, log)
