"""A whole verdict from two folders of evidence, with the import of what it needs."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.evidence_at_scale import ALL_GATES, BASELINE, CANDIDATE, FEW_GATES
from benchmarks.measure import Job, Prepared, run_job
from gates.__main__ import main

_JUDGED = (0, 1)  # may merge, or blocked by a gate


def all_gates(folder: Path) -> Prepared:
    """Every gate that has something to judge."""
    return lambda: _judge(folder, ALL_GATES)


def few_gates(folder: Path) -> Prepared:
    """Metrics, segments and fairness."""
    return lambda: _judge(folder, FEW_GATES)


def _judge(folder: Path, policy: str) -> Mapping[str, float]:
    sides = ("--candidate", str(folder / CANDIDATE), "--baseline", str(folder / BASELINE))
    code = main(("judge", *sides, "--policy", str(folder / policy), "--json"))
    assert code in _JUDGED, f"exit {code}"
    return {"exit code": code}


JOBS: Mapping[str, Job] = {"all gates": all_gates, "few gates": few_gates}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
