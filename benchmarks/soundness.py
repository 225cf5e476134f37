"""Simulates pull requests and lets the product judge them: how often is a verdict wrong?

    python -m benchmarks.soundness [--repetitions 1000] [--seed 1] [--table NAME]

Prints the tables of `docs/soundness.md` as Markdown. Every table has its own stream of random
numbers, so that one alone shows the same figures as all together. After ± stands the Monte-Carlo
standard error.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

for _library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy is imported: one thread is steadier
    os.environ[f"{_library}_NUM_THREADS"] = "1"

from benchmarks.simulation import (  # noqa: E402
    classes,
    clusters,
    decomposition,
    disparity,
    drift,
    erosion,
    intervals,
    numbers,
    overlaps,
    recalibration,
    seeds,
    segments,
    weighting,
)
from benchmarks.simulation.figures import Table  # noqa: E402

TABLES: dict[str, Callable[[int, int], Iterator[Table]]] = {
    "intervals": intervals.tabulate,
    "segments": segments.tabulate,
    "overlaps": overlaps.tabulate,
    "recalibration": recalibration.tabulate,
    "clusters": clusters.tabulate,
    "disparity": disparity.tabulate,
    "decomposition": decomposition.tabulate,
    "drift": drift.tabulate,
    "classes": classes.tabulate,
    "numbers": numbers.tabulate,
    "weighting": weighting.tabulate,
    "erosion": erosion.tabulate,
    "seeds": seeds.tabulate,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the asked tables, and on standard error how long each took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soundness", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1_000, help="scales the whole run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", choices=TABLES, action="append", help="only this one")
    asked = parser.parse_args(arguments)
    for name in asked.table or TABLES:
        started = time.perf_counter()
        print(f"## {name}\n")
        for table in TABLES[name](asked.repetitions, asked.seed):
            print(table.markdown(), end="\n\n", flush=True)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
