"""Gate `time_leakage`: the model did not learn from the future of its test rows."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gates.finding import Outcome, Result, State
from gates.rules.time_leakage import TimeLeakage
from gates.stats.leakage import top_p_value
from gates.testing import case, evidence, outcome

NAN = float("nan")


def table(when: Any) -> dict[str, Any]:
    return {"when": when, "label": [at % 2 == 0 for at in range(len(when))]}


def judged(
    tmp_path: Path, test: Any, train: Any, role: str = "time integer", **keys: Any
) -> Outcome:
    side = evidence(tmp_path / "a", {"when": role}, test=table(test), train=table(train))
    return outcome("time_leakage", TimeLeakage(**keys), case(side))


def days(*numbers: int) -> pa.Array:
    return pa.array([date(2024, 5, number) for number in numbers], pa.date32())


def test_a_test_set_from_after_training_passes(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, [2002, 2003], [2000, 2001]).findings
    assert (found.state, found.message) == (
        State.PASSED,
        "0 of 2 test rows (0.00%) are not later than the newest training row, by 'when': training "
        "reaches 2001, the test rows begin at 2002.",
    )


def test_the_same_year_is_not_later(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, [2001, 2002], [2000, 2001]).findings
    assert (found.state, found.blocks, found.candidate) == (State.FAILED, True, 0.5)


def test_dates_are_written_as_dates(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, days(9, 11), days(1, 10), "time datetime").findings
    assert found.message == (
        "1 of 2 test rows (50.00%) are not later than the newest training row, by 'when': training "
        "reaches 2024-05-10, the test rows begin at 2024-05-09."
    )


@pytest.mark.parametrize(("gap", "state"), [(0, "passed"), (1.9, "passed"), (2, "failed")])
def test_the_gap_in_days(tmp_path: Path, gap: float, state: str) -> None:
    (found,) = judged(tmp_path, days(12, 13), days(1, 10), "time datetime", gap=gap).findings
    assert found.state == state
    assert ("by more than" in found.message) is (gap > 0)


@pytest.mark.parametrize(("share", "state"), [(0.5, State.PASSED), (0.49, State.FAILED)])
def test_the_share_itself(tmp_path: Path, share: float, state: State) -> None:
    (found,) = judged(tmp_path, [2001, 2002], [2001], share=share).findings
    assert found.state is state


def test_rows_without_a_time_are_left_out(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, [NAN, 2002.0], [2001.0, None]).findings
    assert (found.state, found.support and found.support.rows) == (State.PASSED, 1)


@pytest.mark.parametrize(
    ("test", "train", "why"),
    [
        ([NAN, NAN], [2001.0], "no row of one of the tables has a time"),
        (["May"], ["June"], "test.parquet holds text, which is no time"),
        (["2024-05-01"], [1.0], "only one table holds dates"),
        ([True], [False], "test.parquet holds boolean, which is no time"),
        ([5], days(1), "only one table holds dates"),
    ],
)
def test_times_that_cannot_be_compared(tmp_path: Path, test: Any, train: Any, why: str) -> None:
    (found,) = judged(tmp_path, test, train).findings
    assert (found.state, found.blocks) == (State.UNDECIDED, True)
    assert found.message == f"when: cannot be judged: {why}."


@pytest.mark.parametrize(
    ("test", "train", "reaches"),
    [
        (["2024-05-11", None], ["2024-05-10"], "2024-05-10"),
        (["2024-05-10T08:00:01Z"], ["2024-05-10T08:00:00Z"], "2024-05-10 08:00:00"),
        (["2024-06"], ["2024-05", "2023-12"], "2024-05-01"),
    ],
)
def test_written_dates_are_dates(tmp_path: Path, test: Any, train: Any, reaches: str) -> None:
    (found,) = judged(tmp_path / "later", test, train, "time text").findings
    assert found.state is State.PASSED
    assert f"training reaches {reaches}, " in found.message
    (found,) = judged(tmp_path / "same", train, train, "time category").findings
    assert found.state is State.FAILED


def test_a_random_split_on_purpose_passes_and_is_named(tmp_path: Path) -> None:
    result = judged(tmp_path, [1, 5, 9], [2, 4, 8, 9], random=True)
    assert result.outcome is Result.PASSED
    (shown,) = result.observations
    assert shown.message.startswith("The split is random over 'when': 3 of 3 test rows (100.00%) ")


@pytest.mark.parametrize(("later", "state"), [(6, State.PASSED), (8, State.FAILED)])
def test_training_rows_from_after_a_random_test_set(
    tmp_path: Path, later: int, state: State
) -> None:
    # Half of all rows are for training: six on top are one chance in 73, eight one in 311.
    train = [*range(100 - later), *range(1000, 1000 + later)]
    (found,) = judged(tmp_path, list(range(100)), train, random=True).findings
    assert found.state is state
    assert found.message.startswith(f"{later} of 100 training rows are later than every test row")


def test_the_chance_that_the_largest_are_all_of_one_side() -> None:
    # Of two rows and two others, the two largest are both rows in 1 of 6 orders.
    assert top_p_value(2, 2, 2) == pytest.approx(1 / 6)
    assert top_p_value(1, 3, 1) == pytest.approx(3 / 4)
    assert top_p_value(0, 3, 1) == 1


def test_the_bases_times_count_whatever_the_pull_request_calls_them(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", {"when": "time integer"}, test=table([5]))
    listed = {"when": "ignored integer"}
    new = evidence(tmp_path / "new", listed, test=table([5]), train=table([7]))
    assert outcome("time_leakage", TimeLeakage(), case(new, old)).outcome is Result.FAILED


def test_a_time_of_the_base_that_is_gone_blocks(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", {"when": "time integer"}, test=table([5]))
    new = evidence(tmp_path / "new", {}, test={"label": [True]}, train={"label": [True]})
    (found,) = outcome("time_leakage", TimeLeakage(), case(new, old)).findings
    assert (found.state, found.blocks) == (State.UNDECIDED, True)
    assert found.message == "when: cannot be judged: test.parquet has no such column."


def test_without_a_time_it_is_skipped(tmp_path: Path) -> None:
    result = judged(tmp_path, [5], [7], "ignored integer")
    assert (result.outcome, result.reason) == (Result.SKIPPED, "no column has the role time")


def test_without_training_rows_it_is_skipped(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {"when": "time integer"}, test=table([5]))
    assert outcome("time_leakage", TimeLeakage(), case(side)).outcome is Result.SKIPPED
