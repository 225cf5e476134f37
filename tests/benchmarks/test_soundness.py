"""That the simulations simulate what they say, and that our rule keeps its level on a small one."""

import numpy as np
import pytest

from benchmarks.simulation import drift, erosion, overlaps, seeds, segments
from benchmarks.simulation.decomposition import PULL_REQUESTS
from benchmarks.simulation.decomposition import draw as draw_pull_request
from benchmarks.simulation.disparity import LAYOUTS
from benchmarks.simulation.disparity import draw as draw_groups
from benchmarks.simulation.figures import Mean, Share, Table
from benchmarks.simulation.in_memory import same_rows
from benchmarks.simulation.intervals import JUDGED, cover
from benchmarks.simulation.resampling import bootstrap_interval
from benchmarks.simulation.scores import TwoModels
from benchmarks.soundness import main
from gates.case.effect import measure_effect
from gates.metrics.binary import METRICS
from gates.policy.settings import Alpha


def test_harmless_pull_requests_are_blocked_less_often_than_the_level() -> None:
    rng = np.random.default_rng(7)
    flags = [segments.flag(segments.harmless(), rng) for _ in range(25)]
    blocked = {rule: Share(sum(bool(each[rule].any()) for each in flags), 25) for rule in flags[0]}
    assert blocked[segments.OURS].value <= Alpha().segments
    assert blocked[segments.BARE].value > 0.5  # forty uncorrected intervals
    assert blocked[segments.ANY].value == 1.0


def test_a_large_loss_in_one_segment_is_found_there() -> None:
    flags = segments.flag(segments.harmful(0, 0.05), np.random.default_rng(8))
    assert flags[segments.OURS].tolist() == [True] + [False] * (segments.SEGMENTS - 1)


@pytest.mark.parametrize("metric", JUDGED)
def test_the_true_change_is_what_many_rows_show(metric: str) -> None:
    models = TwoModels(prevalence=0.1, separation=(1.9, 1.4))
    case = same_rows(*models.draw(200_000, np.random.default_rng(9)))
    effect = measure_effect(METRICS[metric], case)
    low, high = effect.interval
    truth = models.true_change(metric)  # type: ignore[arg-type]  # parametrised by the names
    assert abs(effect.change - truth) < 2 * (high - low) / 2
    assert high - low < abs(truth) / 2  # so that a wrong formula shows


def test_rows_of_a_group_share_label_and_noise() -> None:
    groups = np.repeat(np.arange(2_000), 5)
    models = TwoModels(prevalence=0.3, shared=0.0, clustered=0.5)
    labels, (old, _), _ = models.draw(len(groups), np.random.default_rng(1), groups)
    assert (labels.reshape(-1, 5) == labels[::5, None]).all()
    readings = np.log(old / (1 - old))[~labels].reshape(-1, 5)
    assert np.corrcoef(readings[:, 0], readings[:, 1])[0, 1] == pytest.approx(0.5, abs=0.06)


def test_more_noise_costs_the_accuracy_that_was_asked_for() -> None:
    rng, rows = np.random.default_rng(2), 400_000
    odds = overlaps.SPREAD * rng.standard_normal(rows)
    labels = rng.random(rows) < 1 / (1 + np.exp(-odds))
    calm, loud = (
        float(np.mean((odds + noise * rng.standard_normal(rows) > 0) == labels))
        for noise in (overlaps.NOISE, overlaps.noise_of_loss(overlaps.LOSS))
    )
    assert calm - loud == pytest.approx(0.05, abs=0.003)


def test_the_bootstrap_of_many_rows_is_the_closed_interval() -> None:
    case = same_rows(*TwoModels(prevalence=0.3).draw(4_000, np.random.default_rng(3)))
    for metric in JUDGED:
        ours = measure_effect(METRICS[metric], case).interval
        peer = bootstrap_interval(metric, case.arenas[0], 0.95, np.random.default_rng(4))
        assert peer == pytest.approx(ours, abs=0.2 * (ours[1] - ours[0]))


def test_the_drift_gate_judges_columns_in_memory() -> None:
    rng = np.random.default_rng(5)
    old = {"x": rng.standard_normal(500), "c": np.floor(rng.random(500) * 3)}
    assert not drift.alarms(old, old, 0.1)
    assert drift.alarms(old, {**old, "x": old["x"] + 1}, 0.1)
    assert drift.alarms(old, {**old, "c": np.zeros(500)}, 0.1)


def test_small_losses_add_up_unless_the_release_is_asked() -> None:
    ends = {
        rule: erosion.play(10_000, rule, lambda _: -0.002, np.random.default_rng(10))
        for rule in (erosion.STRICT, erosion.WITH_RELEASE[0], erosion.WITH_BEST[0])
    }
    assert ends[erosion.STRICT].merged > 50
    assert ends[erosion.STRICT].true_change == pytest.approx(-0.2 * ends[erosion.STRICT].merged)
    assert all(end.merged < 30 for rule, end in ends.items() if rule != erosion.STRICT)


def test_a_proposed_model_moves_as_asked() -> None:
    rng = np.random.default_rng(11)
    old = rng.random(400_000) < erosion.ACCURACY
    new = erosion.propose(old, erosion.ACCURACY, 0.01, rng)
    assert float(np.mean(old != new)) == pytest.approx(erosion.DISCORDANCE, abs=0.002)
    assert float(new.mean() - old.mean()) == pytest.approx(0.01, abs=0.002)


def test_simulated_sides_have_the_shape_they_are_named_after() -> None:
    rng = np.random.default_rng(6)
    new, old = draw_pull_request(PULL_REQUESTS[1], rng).arenas
    assert (len(old.rows), len(new.rows)) == (4_000, 5_000)
    assert len(np.intersect1d(old.union, new.union)) == 3_500
    case = draw_groups(LAYOUTS[0], 0.0, rng)
    assert [len(rows) for rows in case.arenas[0].segments(("group",)).values()] == [5_000, 500]


def test_a_share_counts_and_errs() -> None:
    share = Share()
    for hit in (True, False, False, False):
        share.count(hit)
    assert (share.hits, share.trials, share.value) == (1, 4, 0.25)
    assert Share(25, 100).error == pytest.approx(0.0434, abs=1e-3)
    assert str(Share()) == "–"
    assert str(Mean((1.0, 2.0, 3.0))) == "2.0000 ± 0.5774"


def test_refusals_are_counted_and_not_covered() -> None:
    cells = cover(0.01, 50, 3, seed=1)
    assert cells["roc_auc"].refused.value == 1.0
    assert cells["roc_auc"].ours.covered.trials == 0
    assert cells["accuracy"].ours.covered.trials == 3


def test_tables_are_markdown() -> None:
    assert Table("T", ("a", "b"), [(1, Share(1, 2))]).markdown().splitlines() == [
        "### T",
        "",
        "| a | b |",
        "| --- | --- |",
        "| 1 | 0.500 ± 0.354 |",
    ]


def test_the_command_prints_the_asked_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--repetitions", "2", "--table", "clusters"])
    printed = capsys.readouterr()
    assert printed.out.startswith("## clusters\n\n### Coverage")
    assert "accuracy" in printed.out
    assert printed.err.startswith("clusters: ")


def test_a_seed_blocks_where_its_spread_is_not_known() -> None:
    harmless, harmful = (str(table.markdown()) for table in seeds.tabulate(8, 1))
    assert "50,000 | 0.8 points | 0 points" in harmless
    rows = [line.split(" | ") for line in harmful.splitlines() if "0.2 points | 0 points" in line]
    assert all(cell.startswith("1.000") for row in rows for cell in row[3:])
