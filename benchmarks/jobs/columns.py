"""Columns that are distributed otherwise in the test table than in the training table."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.evidence_at_scale import CANDIDATE
from benchmarks.measure import Job, Prepared, run_job
from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.policy.settings import Settings
from gates.rules.drift import Drift
from gates.rules.gate import Measurement


def drift(folder: Path) -> Prepared:
    """The gate `drift` on 19 features and the label."""

    def measure() -> Mapping[str, float]:
        case = Case(Settings(), Evidence(folder / CANDIDATE, verify=False), None)
        judged = [each for each in Drift().judge(case) if isinstance(each, Measurement)]
        return {"columns": sum(each.subject.column != "label" for each in judged)}

    return measure


JOBS: Mapping[str, Job] = {"drift": drift}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
