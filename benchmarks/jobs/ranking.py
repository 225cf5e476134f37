"""How much the area under the ROC curve changes between two models."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.jobs.groups import CONFIDENCE, RANKING, reduce_rows
from benchmarks.measure import Job, Prepared, run_job


def difference(folder: Path) -> Prepared:
    """The difference of two areas with its interval, and how far off the bins may put it."""

    def measure() -> Mapping[str, float]:
        reduced = reduce_rows(folder, RANKING)
        change = reduced.change("roc_auc", confidence=CONFIDENCE)
        return {
            "baseline": change.baseline,
            "candidate": change.candidate,
            "width of the interval": change.interval.upper - change.interval.lower,
            "bound": sum(ranking.bound for ranking in reduced.whole_rankings),
        }

    return measure


JOBS: Mapping[str, Job] = {"difference": difference}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
