"""Where and with what figures were taken."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime


def show_load() -> str:
    """The load averages of the last 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


def describe(packages: Mapping[str, str], load: str | None = None) -> str:
    """The day, the machine and its load (now, where none is given), and versions of packages."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{platform.system()} {platform.machine()}, {cores} cores, load {load or show_load()}"
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}; Python {platform.python_version()}; {versions}"
    )
