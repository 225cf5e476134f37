"""How much the area under the ROC curve changes between two models."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.jobs import EVALUATION
from benchmarks.jobs.groups import CONFIDENCE, WHERE
from benchmarks.measure import Job, Prepared, run_job
from gates.reduction.changes import auc_change, tally_of
from gates.reduction.features import rank_whole
from gates.reduction.grids import pair_needs, plan_grids
from gates.reduction.sums import Sums
from gates.reduction.survey import Survey
from gates.stats.binned_auc import rank_bins
from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import Scan, Source


def difference(folder: Path) -> Prepared:
    """The difference of two areas with its interval, and how far off the bins may put it."""

    def measure() -> Mapping[str, float]:
        columns = ("label", "score_old", "score_new")
        source = Source(name="rows", location=folder / EVALUATION, id="id", columns=columns)
        scan, engine = Scan(sources=(source,)), EmbeddedEngine()
        found = engine.reduce(scan, Survey(columns=WHERE, ranked=True))
        assert found.bins is not None
        old, new = (rank_bins(each.binned()) for each in found.bins)
        sums = Sums(
            columns=WHERE,
            cuts=(),
            grids=plan_grids(pair_needs([()], [(0,)], joint=False), ()),
            features=(rank_whole(old, new),),
            row_count=found.rows,
        )
        table = sums.table(engine.reduce(scan, sums), ())
        assert table is not None
        change = auc_change(0, tally_of(table, ()), old, new, CONFIDENCE)
        return {
            "baseline": change.baseline,
            "candidate": change.candidate,
            "width of the interval": change.interval.upper - change.interval.lower,
            "bound": old.bound + new.bound,
        }

    return measure


JOBS: Mapping[str, Job] = {"difference": difference}

if __name__ == "__main__":
    run_job(JOBS, ("numpy", "pyarrow"))
