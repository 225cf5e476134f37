import pytest

from gates.serving.schedule import TURNS, Plan, due_times, in_turns, levels, load_rate


def test_requests_are_due_evenly_whatever_comes_back() -> None:
    assert due_times(4.0, 1.0) == (0.0, 0.25, 0.5, 0.75)
    assert due_times(0.1, 1.0) == (0.0,)


def test_drift_cancels_in_turns() -> None:
    assert in_turns(4) == ((True, False), (False, True), (True, False), (False, True))


@pytest.mark.parametrize(
    ("taken", "rate"),
    [([0.01, 0.01, 0.5], 50.0), ([0.0001], 200.0), ([60.0], 2.0), ([0.0], 200.0)],
)
def test_the_load_is_half_of_what_is_borne_within_bounds(taken: list[float], rate: float) -> None:
    assert load_rate(taken) == pytest.approx(rate)


@pytest.mark.parametrize("sides", [1, 2])
def test_all_parts_together_take_two_thirds_of_the_time(sides: int) -> None:
    """The rest is for starts, sample rows and full queues."""
    plan = Plan(seconds=30.0, limit_ms=100.0, sides=sides)
    latency = TURNS * sides * plan.turn_s
    busy = sides * plan.saturated_s * (TURNS + len(levels()) / 2)
    total = latency + busy + plan.update_s + plan.faults_s
    assert 0.6 * 30 <= total <= 0.75 * 30
