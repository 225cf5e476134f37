"""Where and with what figures were taken."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime


def describe(packages: Mapping[str, str]) -> str:
    """The day, the machine and its load now, and versions of packages."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{platform.system()} {platform.machine()}, {cores} cores, load {load}"
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}; Python {platform.python_version()}; {versions}"
    )
