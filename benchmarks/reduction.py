"""What judging from sums costs: `python -m benchmarks.reduction [ROWS] [ROUNDS]`.

Every job runs in a process of its own, which first decodes the same columns and does nothing with
them; the best round counts, and the ratio is to that decoding in the same process. Peak memory is
of the whole process. The table is written to `build/` and deleted.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import msgspec

from benchmarks.tables_at_scale import SEGMENT_LEVELS, write_evaluation
from gates.reduction.coding import Cut
from gates.reduction.correct import Comparison, correct
from gates.reduction.reduce import reduce_evidence
from gates.reduction.reduced import Reduced, Request
from gates.reduction.scored_rows import Columns
from gates.stats.undefined import UndefinedError
from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import Scan, Source
from gates.tables.stream import Stream

ROWS, ROUNDS = 10_000_000, 3
CONFIDENCE = 0.95
COMMAND = (sys.executable, "-m", "benchmarks.reduction")
CUTS = (
    *(Cut(column=f"t.{name}") for name in SEGMENT_LEVELS),
    Cut(column="t.age", edges=(25.0, 45.0, 65.0), levels=("-25", "25-45", "45-65", "65-")),
)
ONE_WAY = tuple((at,) for at in range(len(CUTS)))
TWO_WAY = (*ONE_WAY, *combinations(range(len(CUTS)), 2))
CELL_METRICS = ("accuracy", "recall", "precision")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, and its goals."""

    name: str
    request: Request
    most_decodes: float | None = None
    most_seconds: float | None = None
    most_mb: float = 300
    corrected: bool = False


class Measured(msgspec.Struct, frozen=True):
    """One round of a job in a process."""

    decode_s: float
    decode_cpu_s: float
    job_s: float
    job_cpu_s: float
    peak_mb: float
    said: str


def list_jobs() -> list[Job]:
    """The goals 1, 2, 3 and 8 of the figures to beat."""
    columns = Columns(
        label="t.label", baseline="t.score_old", candidate="t.score_new", decision_threshold=0.5
    )
    ask = partial(Request, columns=columns, cuts=CUTS, joint=False)
    return [
        Job(
            name="one-way slices, sums, intervals",
            request=ask(segmentations=ONE_WAY, losses=("log_loss",)),
            most_decodes=5,
        ),
        Job(name="two-way slices, counts", request=ask(segmentations=TWO_WAY), most_decodes=5),
        Job(
            name="two-way slices, counts and sums",
            request=ask(segmentations=TWO_WAY, losses=("log_loss",)),
            most_decodes=8,
        ),
        Job(
            name="AUC difference",
            request=Request(columns=columns, ranked=True),
            most_seconds=0.6,  # at 10 million rows
            most_mb=150,
        ),
        Job(
            name="metrics, AUC, one-way slices, all tested together",
            request=Request(
                columns=columns,
                cuts=CUTS,
                segmentations=ONE_WAY,
                losses=("log_loss", "brier_score_loss"),
                ranked=True,
            ),
            corrected=True,
        ),
    ]


def main(arguments: Sequence[str]) -> None:
    """Measure every job and print one table."""
    if arguments[:1] == ["job"]:
        folder, place = arguments[1:]
        print(json.dumps(msgspec.to_builtins(run(list_jobs()[int(place)], Path(folder)))))
        return
    if arguments[:1] == ["write"]:
        write_evaluation(Path(arguments[1]), int(arguments[2]))
        return
    rows = int(arguments[0]) if arguments else ROWS
    rounds = int(arguments[1]) if arguments[1:] else ROUNDS
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build") as folder:
        # A process inherits the peak of the one that starts it, so this one stays small.
        subprocess.run((*COMMAND, "write", folder, str(rows)), check=True)
        print(
            "\n".join(
                render(
                    rows, [(job, measure(at, folder, rounds)) for at, job in enumerate(list_jobs())]
                )
            )
        )


def measure(place: int, folder: str, rounds: int) -> list[Measured]:
    """Rounds of one job, each in a process of its own."""
    command = (*COMMAND, "job", folder, str(place))
    return [
        msgspec.json.decode(
            subprocess.run(command, check=True, capture_output=True).stdout, type=Measured
        )
        for _ in range(rounds)
    ]


def run(job: Job, folder: Path) -> Measured:
    """Decode the columns, do the job, say what it found."""
    names = [job.request.columns.label, job.request.columns.baseline, job.request.columns.candidate]
    names += [cut.column for cut in job.request.cuts]
    source = Source(
        name="t",
        location=folder / "evaluation.parquet",
        id="id",
        columns=tuple(name.removeprefix("t.") for name in names),
    )
    decode_s, decode_cpu_s, _ = timed(partial(decode, source))
    job_s, job_cpu_s, said = timed(partial(judge, job, Scan(sources=(source,))))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(decode_s, decode_cpu_s, job_s, job_cpu_s, peak_mb, said)


def decode(source: Source) -> str:
    """Read what the job needs, the identifier too, and throw it away."""
    batches = Stream(source).batches((source.id, *source.columns))
    return str(sum(batch.num_rows for batch in batches))


def judge(job: Job, scan: Scan) -> str:
    """Reduce; then every value and interval."""
    engine = EmbeddedEngine()
    reduced = reduce_evidence(engine, scan, job.request)
    metrics = [*CELL_METRICS, *job.request.losses]
    segments = [
        (cuts, codes)
        for cuts in ((), *job.request.segmentations)
        for codes, _, _ in reduced.segments(cuts)
    ]
    asked = [(metric, *segment) for metric in metrics for segment in segments]
    asked += [("roc_auc", (), ())] if job.request.ranked else []
    comparisons = []
    for metric, cuts, codes in asked:
        try:
            change = reduced.change(metric, cuts, codes, confidence=CONFIDENCE)
        except UndefinedError:
            continue
        contribution = reduced.term(change, cuts, codes)
        comparisons.append(Comparison(family="f", contribution=contribution))
    said = f"{len(segments):,} slices, {len(comparisons):,} intervals"
    if job.corrected:
        correct(reduced, engine, scan, comparisons, seed=b"benchmark")
    return said + describe_auc(reduced)


def describe_auc(reduced: Reduced) -> str:
    """The bound of the AUC difference, where it was asked for."""
    if not reduced.request.ranked:
        return ""
    return f", bound {sum(each.bound for each in reduced.whole_rankings):.1e}"


def timed(work: Callable[[], str]) -> tuple[float, float, str]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    said = work()
    return time.perf_counter() - wall, time.process_time() - cpu, said


def render(rows: int, measured: list[tuple[Job, list[Measured]]]) -> list[str]:
    """The table, in Markdown."""
    lines = [
        f"{rows:,} rows",
        "",
        "| job | decode s | job s | × decode | of CPU | peak MB | goal | kept | what |",
        "|---|---:|---:|---:|---:|---:|---|---|---|",
    ]
    for job, rounds in measured:
        best = min(rounds, key=lambda each: each.job_s / each.decode_s)
        ratio, peak = best.job_s / best.decode_s, max(each.peak_mb for each in rounds)
        kept = peak <= job.most_mb and ratio <= (job.most_decodes or ratio)
        kept = kept and best.job_s <= (job.most_seconds or best.job_s)
        goal = [f"≤ {job.most_mb:.0f} MB"]
        goal += [f"≤ {job.most_decodes:.0f} ×"] if job.most_decodes else []
        goal += [f"≤ {job.most_seconds} s"] if job.most_seconds else []
        lines.append(
            f"| {job.name} | {best.decode_s:.3f} | {best.job_s:.3f} | {ratio:.1f} "
            f"| {best.job_cpu_s / best.decode_cpu_s:.1f} | {peak:.0f} | {', '.join(goal)} "
            f"| {'yes' if kept else 'no'} | {best.said} |"
        )
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
