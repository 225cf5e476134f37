"""That the tables say what the runs say, and that a job that does not end is ended."""

import math
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import alone, beside, goals
from benchmarks.children import Limits, Run, run_child
from benchmarks.commands import CACHED
from benchmarks.peers.environment import HERE
from benchmarks.ratios import compare_values, lighter, quicker, show_seconds, show_times
from benchmarks.speed import list_versions, main, write_report
from benchmarks.tables_at_scale import write_evaluation
from benchmarks.tasks import Results, run_tasks
from benchmarks.timing import Timed

NOT_RUN = Run(seconds=0, cpu_seconds=0, peak_mb=0, ended="not run", fault="no wheel")


def run(seconds: float, peak_mb: float = 100, **values: float) -> Run:
    return Run(seconds=seconds, cpu_seconds=seconds, peak_mb=peak_mb, values=values)


def taken(
    results: Results, large: Results | None = None, commands: Mapping[str, Timed] | None = None
) -> goals.Taken:
    return goals.Taken(rows=1_000_000, results=results, large=large or {}, commands=commands or {})


def line_of(found: goals.Taken, number: int) -> str:
    return goals.tabulate(found).markdown().splitlines()[3 + number]


def test_a_ratio_is_theirs_by_ours() -> None:
    assert quicker(run(12.9), run(0.1)) == pytest.approx(129)
    assert lighter(run(1, 900), run(1, 300)) == 3
    assert show_times(129.2, run(12.9)) == "129 ×"
    assert show_times(1.25, run(12.9)) == "1.2 ×"


def test_a_peer_that_is_stopped_is_at_least_so_slow() -> None:
    stopped = Run(
        seconds=500, cpu_seconds=500, peak_mb=9_000, ended="stopped", fault="stopped after 500 s"
    )
    assert show_seconds(stopped) == "> 500"
    assert show_times(quicker(stopped, run(2)), stopped) == "> 250 ×"
    assert compare_values(stopped, run(2)) == "stopped: stopped after 500 s"


def test_without_a_run_there_is_no_ratio() -> None:
    failed = Run(seconds=1, cpu_seconds=1, peak_mb=1, ended="raised", fault="KeyError: 'x'")
    assert math.isnan(quicker(NOT_RUN, run(2)))
    assert math.isnan(quicker(run(2), failed))
    assert show_times(math.nan, NOT_RUN) == "–"
    assert compare_values(NOT_RUN, run(2)) == "not run: no wheel"


@pytest.mark.parametrize(
    ("theirs", "own", "said"),
    [
        ({"recall a": 0.5}, {"recall a": 0.5, "recall b": 0.1}, "the same (1)"),
        ({"recall a": math.nan}, {"recall a": math.nan}, "the same (1)"),
        ({"recall a": 0.5}, {}, "no value in common"),
        (
            {"recall a": 0.5, "recall b": 0.25},
            {"recall a": 0.5, "recall b": 0.75},
            "1 of 2 differ, such as recall b: 0.2500, ours 0.7500",
        ),
    ],
)
def test_values_of_one_name_are_compared(
    theirs: dict[str, float], own: dict[str, float], said: str
) -> None:
    assert compare_values(run(1, **theirs), run(1, **own)) == said


def test_the_bootstrap_is_extrapolated_by_the_replicate() -> None:
    results = {beside.ONE_COLUMN: run(13), beside.BOOTSTRAP: run(273), beside.INTERVALS: run(2)}
    ours = {beside.SAME_COLUMN: run(0.5), beside.BY_GROUP: run(1)}
    wanted = beside.extrapolate(results)
    assert wanted is not None
    assert wanted.seconds == 13 + 200 * 13  # 13 s a replicate
    assert (
        "| the same with 200, extrapolated | 2,613 |"
        in beside.tabulate(results | ours, 1_000).markdown()
    )
    assert beside.extrapolate({beside.BOOTSTRAP: run(273)}) is None


def test_every_peer_has_its_lock_and_names_no_place() -> None:
    for peer in beside.PEERS:
        lock = (HERE / f"{peer}.lock").read_text("utf-8")
        assert f"\n{peer}==" in lock
        assert "://" not in lock
        assert " /" not in lock
        assert {task.tool for task in beside.list_tasks((peer,))} == {peer, "gatepost"}


def test_a_goal_is_kept_by_all_of_its_figures() -> None:
    theirs, own = run(300, 6_000), run(1, 300)
    large = {alone.DECODE_BOTH: run(2), beside.TWINS: run(4)}
    results = {beside.DUPLICATES: theirs, beside.TWINS: own}
    assert line_of(taken(results, large), 5).endswith("| 2 × decode / 300 × / 20 × | yes |")
    slow = {**large, beside.TWINS: run(6)}
    assert line_of(taken(results, slow), 5).endswith("| 3 × decode / 300 × / 20 × | no |")


def test_a_goal_without_all_figures_is_not_called_kept() -> None:
    large = {alone.DECODE_BOTH: run(2), beside.TWINS: run(4)}
    assert line_of(taken({}, large), 5).endswith("| 2 × decode / – / – | not taken |")
    stopped = {beside.DRIFT: NOT_RUN, beside.OUR_DRIFT: run(1)}
    assert line_of(taken(stopped), 9).endswith("| – | not taken |")


def test_figures_of_other_sizes_say_so() -> None:
    small = goals.Taken(rows=2_000, results={alone.ALL_GATES: run(0.5)}, large={}, commands={})
    assert line_of(small, 12).endswith("| 0.5 s / 100 MB (2,000 rows) | yes |")


def test_commands_are_judged_by_their_median() -> None:
    timed = {CACHED: Timed(wall_ms=[90.0, 99.0, 140.0])}
    assert line_of(taken({}, commands=timed), 11).endswith("| 99 ms | yes |")


def test_the_report_has_a_line_for_each_run() -> None:
    results = {
        beside.ONE_COLUMN: run(13),
        beside.SAME_COLUMN: run(0.05),
        beside.BY_GROUP: run(0.1),
        alone.DECODE: run(0.05),
    }
    report = "\n".join(write_report(taken(results)))
    assert "| fairlearn | 1 column, 1 model, 5 metrics | 13 | 100 |" in report
    assert "| by 7 columns: counts, 7 metrics of 2 models | 0.1 | 0.1 | 100 | 2.0 |  |" in report
    assert report.count("\n### ") == 3  # none of the larger tables


def test_versions_stand_with_their_tool() -> None:
    versions = {"python": "3.11.7", "fairlearn": "0.15.0", "numpy": "2.4.6"}
    found = list_versions(
        {beside.ONE_COLUMN: Run(seconds=1, cpu_seconds=1, peak_mb=1, versions=versions)}
    )
    assert found == {"fairlearn": "0.15.0 (python 3.11.7, numpy 2.4.6)"}


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rows", "10", "--against", "fairlern"])
    assert "known are fairlearn,evidently,deepchecks" in capsys.readouterr().err


def test_a_job_is_measured_in_its_own_process(tmp_path: Path) -> None:
    write_evaluation(tmp_path, 1_000)
    said: list[str] = []
    best = run_tasks([alone.DECODE, alone.DECODE_BOTH], tmp_path, said.append, rounds=2)
    assert best[alone.DECODE].ended == "done"
    assert best[alone.DECODE].values == {"rows": 1_000}
    assert best[alone.DECODE].peak_mb > 20
    assert best[alone.DECODE_BOTH].fault.startswith("FileNotFoundError: ")
    assert len(said) == 3  # what failed is not tried again


def test_a_job_that_takes_too_much_is_ended(tmp_path: Path) -> None:
    asked = (Path(sys.executable), alone.DECODE.module, ("evaluation", "--folder", str(tmp_path)))
    assert run_child(*asked, Limits(seconds=0.0)).fault == "stopped after 0 s"
    assert run_child(*asked, Limits(memory_mb=1.0)).fault == "stopped above 0 GB"
    unknown = run_child(asked[0], asked[1], ("nothing", "--folder", str(tmp_path)))
    assert unknown.fault.startswith("exit 2: ")
