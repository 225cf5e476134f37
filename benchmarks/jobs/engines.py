"""The same reduction by both engines, byte for byte."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.jobs.groups import ALL, scan_rows
from benchmarks.measure import Job, Prepared, run_job
from gates.reduction.reduce import reduce_evidence
from gates.reduction.reduced import Reduced
from gates.tables.embedded import EmbeddedEngine
from gates.tables.spark import spark_engine


def both(folder: Path) -> Prepared:
    """By seven columns counts and losses, and the AUC: in this process, and by a local Spark."""

    def measure() -> Mapping[str, float]:
        here = reduce_evidence(EmbeddedEngine(), scan_rows(folder, ALL), ALL)
        with spark_engine() as engine:
            there = reduce_evidence(engine, scan_rows(folder, ALL), ALL)
            return {"rows": there.rows, "same bytes": float(_bytes(here) == _bytes(there))}

    return measure


def _bytes(reduced: Reduced) -> tuple[bytes, ...]:
    return reduced.surveyed.digest(), *(sums.tobytes() for sums in reduced.summed)


JOBS: Mapping[str, Job] = {"both": both}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow", "pyspark"))
