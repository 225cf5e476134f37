"""How much the area under the ROC curve changes between two models."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.jobs import EVALUATION
from benchmarks.measure import Job, Prepared, run_job
from gates.stats.auc import auc_pseudo_values, delong
from gates.tables.table import Table


def difference(folder: Path) -> Prepared:
    """The difference of two areas and its standard error, DeLong's."""

    def measure() -> Mapping[str, float]:
        table = Table(folder / EVALUATION)
        labels = table.numbers("label") > 0
        old, new = (
            auc_pseudo_values(labels, table.numbers(name)) for name in ("score_old", "score_new")
        )
        estimate = delong(labels, new - old)
        return {"difference": estimate.value, "standard error": estimate.standard_error}

    return measure


JOBS: Mapping[str, Job] = {"difference": difference}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
