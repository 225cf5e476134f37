"""Gate `split_balance`: the test set represents what the model is made for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Observation, Result, State
from gates.policy.settings import Settings
from gates.rules.split_balance import SplitBalance
from gates.testing import Columns, case, evidence, items, outcome
from tests.build_tasks import multiclass, regression

SETTINGS = Settings(segments=("k",))
LISTED = {"k": "feature category", "t": "time integer"}


def rows(a: int, b: int, times: Sequence[Any] | None = None) -> dict[str, Any]:
    """So many rows of either level; labels and times by turns."""
    both = a + b
    return {
        "k": ["a"] * a + ["b"] * b,
        "t": [at % 2 for at in range(both)] if times is None else times,
        "label": [at % 2 == 0 for at in range(both)],
    }


def side(folder: Path, test: Columns, train: Columns | None = None, **listed: str) -> Evidence:
    return evidence(folder, {**LISTED, **listed}, test=test, train=train, settings=SETTINGS)


def findings(
    new: Evidence, old: Evidence | None = None, **keys: Any
) -> dict[tuple[str | None, str | None], Finding]:
    found = outcome("split_balance", SplitBalance(**keys), case(new, old)).findings
    return {(each.subject.metric or each.subject.key, each.subject.column): each for each in found}


K, ROWS_OF_K, TIME = ("balance", "k"), ("rows", "k"), ("balance", "t")


@pytest.mark.parametrize(
    ("test", "state"),
    [
        ((2000, 2000), State.PASSED),
        ((2080, 1920), State.PASSED),  # 2 % moved
        ((2200, 1800), State.UNDECIDED),  # exactly at the tolerance
        ((2500, 1500), State.FAILED),
    ],
)
def test_segments_by_the_share_of_rows_that_moved(
    tmp_path: Path, test: tuple[int, int], state: State
) -> None:
    found = findings(side(tmp_path / "a", rows(*test), rows(2000, 2000)))[K]
    assert found.state is state


def test_the_message_says_what_moved(tmp_path: Path) -> None:
    found = findings(side(tmp_path / "a", rows(2500, 1500), rows(2000, 2000)))[K]
    assert found.message == (
        "'k': total variation 0.1250 between test and train (most moved 'a', 50.0% → 62.5%; "
        "Cramér's V 0.1255); up to 0.05 is accepted."
    )


def test_the_label_is_compared(tmp_path: Path) -> None:
    train = {**rows(1000, 1000), "label": [at % 10 == 0 for at in range(2000)]}
    found = findings(side(tmp_path / "a", rows(1000, 1000), train))
    assert found["balance", "label"].state is State.FAILED
    assert "most moved 'negative', 90.0% → 50.0%" in found["balance", "label"].message


def test_another_test_set_is_compared_with_the_baselines(tmp_path: Path) -> None:
    old = side(tmp_path / "old", rows(1000, 3000), rows(2000, 2000))
    new = side(tmp_path / "new", rows(2000, 2000), rows(2000, 2000))
    assert "the baseline's test set" in findings(new, old)[K].message
    assert findings(new, old)[K].state is State.FAILED
    assert findings(new, new)[K].state is State.PASSED


@pytest.mark.parametrize(
    ("train", "state"),
    [((500, 100), State.FAILED), ((500, 29), State.UNDECIDED), ((500, 3), State.UNDECIDED)],
)
def test_a_segment_that_is_gone_from_the_test_set(
    tmp_path: Path, train: tuple[int, int], state: State
) -> None:
    """Of 100 rows of `b` none in a test set of half the rows is no chance; of 3 it is."""
    test = rows(300, 29 if train[1] == 29 else 0)
    found = findings(side(tmp_path / "a", test, rows(*train)))[ROWS_OF_K]
    assert found.state is state
    expected = {100: "'b' has no row in test", 29: "'b' has 29 in test", 3: "'b' has 0 in test"}
    assert expected[train[1]] in found.message
    assert found.rows_needed == (341 if train[1] == 29 else None)  # 329 rows by 30 / 29


def test_a_segment_that_the_model_never_saw(tmp_path: Path) -> None:
    found = findings(side(tmp_path / "a", rows(500, 100), rows(600, 0)))[ROWS_OF_K]
    assert (found.state, "'b' has no row in train" in found.message) == (State.FAILED, True)


def test_a_segment_that_the_baselines_test_set_had(tmp_path: Path) -> None:
    old, new = side(tmp_path / "old", rows(300, 60)), side(tmp_path / "new", rows(360, 0))
    assert findings(new, old)[ROWS_OF_K].state is State.FAILED


@pytest.mark.parametrize(
    ("rare", "state"), [(30, State.PASSED), (29, State.UNDECIDED), (0, State.FAILED)]
)
def test_rare_classes(tmp_path: Path, rare: int, state: State) -> None:
    names = ["cat"] * 300 + ["dog"] * 300
    train = {"x": [1] * 720, "label": [*names, *["eel"] * 120]}
    truth = [*names, *["eel"] * rare]
    made = multiclass(
        tmp_path / "a",
        truth=truth,
        decided=truth,
        dictionary={"x": "feature integer"},
        columns={"x": [1] * len(truth)},
        train=train,
    )
    assert findings(made)["rows", "label"].state is state


@pytest.mark.parametrize("many", [False, True])
def test_time(tmp_path: Path, many: bool) -> None:
    """A quarter of the early rows are lost from train; in few times, or in many."""
    times = [at % (200 if many else 2) for at in range(4000)]
    half = 100 if many else 1
    kept = [time for at, time in enumerate(times) if time >= half or at % 4]
    train = rows(2000, len(kept) - 2000, kept)
    found = findings(side(tmp_path / "a", rows(2000, 2000, times), train), tolerance=0.02)[TIME]
    assert found.state is State.FAILED
    assert ("Kolmogorov distance" in found.message) is many


def test_a_split_by_time_is_meant(tmp_path: Path) -> None:
    made = side(tmp_path / "a", rows(50, 50, [1995] * 100), rows(50, 50, [1994] * 100))
    assert TIME not in findings(made)
    shown = [
        one.message for one in items(SplitBalance(), case(made)) if isinstance(one, Observation)
    ]
    assert (
        "100 test rows come after all training rows by 't'; their times are not compared." in shown
    )


def test_a_newer_year_in_the_test_set_is_meant(tmp_path: Path) -> None:
    test = rows(500, 500, [1994, 1995] * 500)
    found = findings(side(tmp_path / "a", test, rows(500, 500, [1994] * 1000)))[TIME]
    assert (found.state, found.candidate) == (State.PASSED, 0.0)
    older = findings(side(tmp_path / "b", test, rows(500, 500, [1995] * 1000)))[TIME]
    assert (older.state, older.candidate) == (State.FAILED, 0.5)


def test_times_that_round_alike_are_not_one(tmp_path: Path) -> None:
    """Microseconds of two days."""
    days = [1_700_000_000_000_000, 1_700_086_400_000_000]
    train = rows(500, 500, [days[1]] * 1000)
    found = findings(side(tmp_path / "a", rows(500, 500, days * 500), train))[TIME]
    assert (found.state, found.candidate) == (State.FAILED, 0.5)


def test_times_as_text(tmp_path: Path) -> None:
    text = {"t": "time text"}
    later = side(tmp_path / "a", rows(5, 5, ["2024-02"] * 10), rows(5, 5, ["2024-01"] * 10), **text)
    assert TIME not in findings(later)
    mixed = rows(500, 500, ["2024-01", "2024-02"] * 500)
    early = rows(500, 500, ["2024-02"] * 1000)
    assert findings(side(tmp_path / "b", mixed, early, **text))[TIME].state is State.FAILED


def test_a_missing_time_is_a_time(tmp_path: Path) -> None:
    test = rows(500, 500, [1, None] * 500)
    found = findings(side(tmp_path / "a", test, rows(500, 500, [1] * 1000)))[TIME]
    assert (found.state, found.candidate) == (State.FAILED, 0.5)


@pytest.mark.parametrize(("least", "state"), [(0.2, State.PASSED), (0.21, State.FAILED)])
def test_the_share_of_test_rows(tmp_path: Path, least: float, state: State) -> None:
    made = side(tmp_path / "a", rows(10, 10), rows(40, 40))
    assert findings(made, least_share=least)["share of test rows", None].state is state
    (shown,) = [one for one in items(SplitBalance(), case(made)) if isinstance(one, Observation)]
    assert shown.message == "20 of 100 rows (20.0%) are test rows."


def test_numbers(tmp_path: Path) -> None:
    truth = np.random.default_rng(1).normal(size=2000)
    made = [
        regression(
            tmp_path / str(move),
            truth=truth.tolist(),
            predicted=truth.tolist(),
            train={"label": (truth + move).tolist()},
        )
        for move in (0.0, 1.0)
    ]
    assert findings(made[0])["balance", "label"].state is State.PASSED
    assert findings(made[1])["balance", "label"].state is State.FAILED


@pytest.mark.parametrize("count", [1, 2])
def test_few_rows_prove_nothing(tmp_path: Path, count: int) -> None:
    found = findings(side(tmp_path / "a", rows(count, 0), rows(0, count)))
    assert {each.state for each in found.values()} == {State.UNDECIDED}


def test_an_empty_training_table_is_none(tmp_path: Path) -> None:
    empty = {
        "k": pa.array([], pa.string()),
        "t": pa.array([], pa.int64()),
        "label": pa.array([], pa.bool_()),
        "row_id": pa.array([], pa.string()),
    }
    found = findings(side(tmp_path / "a", rows(40, 40), empty))
    assert set(found) == {ROWS_OF_K, ("rows", "label")}


def test_numbers_without_anything_to_compare_with(tmp_path: Path) -> None:
    made = regression(tmp_path / "a", truth=[1.0, 2.0], predicted=[1.0, 2.0])
    assert outcome("split_balance", SplitBalance(), case(made)).outcome is Result.SKIPPED


def test_hostile_levels_are_only_text(tmp_path: Path) -> None:
    name = "</td>\n| @all `x`" * 20
    test = {**rows(5, 5), "k": [name] * 10}
    for found in findings(side(tmp_path / "a", test, rows(5, 5))).values():
        assert "\n" not in found.message
        assert len(found.message) < 300


@pytest.mark.parametrize(("persons", "state"), [(4000, State.FAILED), (20, State.UNDECIDED)])
def test_rows_of_one_person_say_no_more_than_one(
    tmp_path: Path, persons: int, state: State
) -> None:
    """An eighth of the rows would have to change: by lot no chance, of twenty persons one."""
    tables = [
        {**rows(*sizes), "person": [f"{name}{at * persons // 4000}" for at in range(4000)]}
        for name, sizes in (("test", (2500, 1500)), ("train", (2000, 2000)))
    ]
    new = side(tmp_path / "a", *tables, person="group text")
    assert findings(new)[K].state is state


@pytest.mark.parametrize(("each", "state"), [(1, State.FAILED), (20, State.UNDECIDED)])
def test_two_persons_may_well_lie_on_one_side(tmp_path: Path, each: int, state: State) -> None:
    """Forty rows are gone from test: by lot one in 2^40, of two persons with twenty one in four."""
    tables = [
        {**rows(400, more), "person": [f"{name}{at // each}" for at in range(400 + more)]}
        for name, more in (("test", 0), ("train", 40))
    ]
    assert findings(side(tmp_path / "a", *tables, person="group text"))[ROWS_OF_K].state is state
