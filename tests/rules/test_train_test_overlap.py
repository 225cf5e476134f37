"""Gate `train_test_overlap`: the model has not seen the test rows."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.finding import Finding, Result, State
from gates.judging.twins import count_near_twins, count_twins, draw_rows
from gates.rules.train_test_overlap import TrainTestOverlap
from gates.stats.leakage import excess_p_value
from gates.tables.table import Table
from gates.testing import Columns, case, evidence, outcome

FEATURES = {"x": "feature number", "k": "feature category"}
NAN = float("nan")


def table(x: Any, k: Any | None = None) -> Columns:
    rows = len(x)
    return {"x": x, "k": ["a"] * rows if k is None else k, "label": [False] * rows}


def findings(gate: TrainTestOverlap, of: Any) -> dict[str | None, Finding]:
    return {each.subject.key: each for each in outcome("train_test_overlap", gate, of).findings}


def twins_of(tmp_path: Path, test: Columns, train: Columns) -> str:
    side = evidence(tmp_path / "a", FEATURES, test=test, train=train)
    return findings(TrainTestOverlap(), case(side))["twins above chance"].message


@pytest.mark.parametrize(
    ("test", "train", "twins"),
    [
        ([1.0, 2.0], [1.0, 3.0], 1),
        ([1.0, 1.0], [1.0, 3.0], 2),  # each of two equal test rows has a twin
        ([NAN, 2.0], [NAN, 3.0], 1),
        ([None, 2.0], [NAN, 3.0], 1),  # null and NaN are one
        ([0.0, 2.0], [-0.0, 3.0], 1),
        ([1, 2], [1.0, 3.0], 1),  # a whole number equals the same float
        ([1, 2], [1.5, 3.0], 0),
        ([2**53, 7], [2**53 + 1, 8], 0),  # which a float does not tell apart
        ([True, False], [1, 3], 1),
        ([2**53 + 1, 7], [2.0**53, 7.0], 1),
    ],
)
def test_twins_are_equal_in_every_feature(
    tmp_path: Path, test: list[Any], train: list[Any], twins: int
) -> None:
    assert f"{twins} of 2 test rows" in twins_of(tmp_path, table(test), table(train))


def test_one_feature_that_differs_makes_no_twin(tmp_path: Path) -> None:
    message = twins_of(tmp_path, table([1.0], ["a"]), table([1.0, 1.0], ["b", None]))
    assert message == (
        "0 of 1 test rows (0.00%) have a twin in train, equal in all 2 features; about 0 are "
        "expected by chance. Without a baseline, copies made before the split look like chance."
    )


def test_the_label_does_not_count(tmp_path: Path) -> None:
    train = {**table([1.0, 2.0]), "label": [True, True]}
    assert "1 of 1 test rows" in twins_of(tmp_path, table([1.0]), train)


def test_copies_of_test_rows_in_train_fail(tmp_path: Path) -> None:
    test = [float(at) for at in range(200)]
    train = [float(at) for at in range(1000, 1400)] + test[:40]
    side = evidence(tmp_path / "a", FEATURES, test=table(test), train=table(train))
    found = findings(TrainTestOverlap(), case(side))["twins above chance"]
    assert (found.state, found.candidate) == (State.FAILED, 0.2)
    assert found.message.startswith("40 of 200 test rows (20.00%) have a twin in train, ")
    accepted = findings(TrainTestOverlap(excess=0.2), case(side))["twins above chance"]
    assert accepted.state is State.PASSED


def test_a_table_of_few_values_has_twins_by_chance(tmp_path: Path) -> None:
    values = [float(at % 7) for at in range(900)]
    side = evidence(tmp_path / "a", FEATURES, test=table(values[:300]), train=table(values[300:]))
    found = findings(TrainTestOverlap(share=0.99), case(side))
    assert found["twins above chance"].state is State.PASSED
    assert "about 300 are expected by chance" in found["twins above chance"].message
    assert found["share of twins"].state is State.FAILED


@pytest.mark.parametrize(("share", "state"), [(0.5, State.PASSED), (0.49, State.FAILED)])
def test_the_ceiling_of_the_share_itself(tmp_path: Path, share: float, state: State) -> None:
    side = evidence(tmp_path / "a", FEATURES, test=table([1.0, 2.0]), train=table([1.0, 3.0]))
    found = findings(TrainTestOverlap(share=share), case(side))["share of twins"]
    assert (found.state, found.candidate) == (state, 0.5)


def test_a_random_split_is_not_blamed(tmp_path: Path) -> None:
    # A hundred splits of tables in which two rows in three have twins.
    generator = np.random.default_rng(5)
    alarms = 0
    for draw in range(100):
        values = generator.geometric(0.02, size=600) * generator.integers(1, 40, size=600)
        test, train = (
            stored(tmp_path / f"{draw}{side}.parquet", x=part)
            for side, part in (("test", values[:200]), ("train", values[200:]))
        )
        twins = count_twins(["x"], test, train, f"{draw:016x}")
        p_value = excess_p_value(twins.in_part, twins.rows, twins.by_chance, twins.drawn)
        alarms += p_value <= 0.05
    assert alarms <= 10


WIDE = {**FEATURES, "n": "feature integer", "m": "feature integer", "p": "feature integer"}


def wide(values: range, *, noise: float = 0.0, step: int = 0) -> Columns:
    """Rows of which no two have more than the category in common."""
    numbers = [float(at) for at in values]
    return {
        **table([each * (1 + noise) for each in numbers]),
        "n": [at + step for at in values],
        "m": [7 * at for at in values],
        "p": [9 * at for at in values],
    }


def near_of(tmp_path: Path, copies: Columns, gate: TrainTestOverlap) -> Finding:
    own = wide(range(5000, 5400))
    train = {name: [*values, *copies[name]] for name, values in own.items()}
    side = evidence(tmp_path / "a", WIDE, test=wide(range(1000, 1200)), train=train)
    return findings(gate, case(side))["near twins above chance"]


@pytest.mark.parametrize(
    ("copies", "near"),
    [
        (wide(range(1000, 1040), noise=1e-5), "near"),  # the float is off by a part in 100,000
        (wide(range(1000, 1040), step=1), "near"),  # one number is one too many
        (wide(range(1000, 1040), noise=1e-5, step=1), "near"),
        (wide(range(1000, 1040), noise=0.1, step=1), "far"),  # two features differ
        (wide(range(1000, 1040)), "far"),  # exact twins are counted elsewhere
    ],
)
def test_nearly_equal_copies_in_train_fail(tmp_path: Path, copies: Columns, near: str) -> None:
    found = near_of(tmp_path, copies, TrainTestOverlap())
    assert (found.state is State.FAILED) is (near == "near")


def test_rows_that_train_repeats_do_not_make_chance_look_small(tmp_path: Path) -> None:
    # Of each person there is another who differs in one number; the split is by lot.
    lots = random.Random(7)  # noqa: S311 - no secret
    people = {(at, step): lots.random() < 0.3 for at in range(1000, 1600) for step in (0, 1)}
    test, train = (
        [wide(range(at, at + 1), step=step) for (at, step), side in people.items() if side is one]
        for one in (True, False)
    )
    side = evidence(tmp_path / "a", WIDE, test=together(*test), train=together(*train, *train))
    found = findings(TrainTestOverlap(), case(side))["near twins above chance"]
    assert found.state is State.PASSED
    assert found.candidate == pytest.approx(0, abs=0.08)


def test_where_train_repeats_every_row_chance_cannot_be_told(tmp_path: Path) -> None:
    often = together(*[wide(range(1000, 1040), step=1)] * 10)
    side = evidence(tmp_path / "a", WIDE, test=wide(range(1000, 1020)), train=often)
    found = findings(TrainTestOverlap(), case(side))["near twins above chance"]
    assert (found.state, found.blocks) == (State.UNDECIDED, False)
    assert "stands in train again" in found.message


def test_what_is_said_of_near_twins(tmp_path: Path) -> None:
    found = near_of(tmp_path, wide(range(1000, 1200), step=1), TrainTestOverlap())
    part = int(found.message.split()[0])
    assert 100 < part < 200  # of the copies, some were drawn
    assert found.message == (
        f"{part} of 200 test rows without a twin ({part / 200:.2%}) have a near twin among 400 "
        "training rows, equal in 4 of 5 features; of 200 other training rows without a twin, drawn "
        "by lot, 0 have (0.00%)."
    )


def test_two_features_may_differ_where_the_policy_says_so(tmp_path: Path) -> None:
    copies = wide(range(1000, 1040), noise=0.1, step=1)
    assert near_of(tmp_path, copies, TrainTestOverlap(differing=2)).state is State.FAILED


def test_without_near_twins_only_exact_ones_count(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", WIDE, test=wide(range(9)), train=wide(range(20, 40)))
    assert "near twins above chance" not in findings(TrainTestOverlap(differing=0), case(side))


def test_near_twins_by_chance_are_nobodys_fault(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    alarms = 0
    for draw in range(40):
        rows = {name: generator.integers(0, 5, 600).tolist() for name in "abcde"}
        test, train = (
            stored(tmp_path / f"{draw}{side}.parquet", **{k: v[part] for k, v in rows.items()})
            for side, part in (("test", slice(200)), ("train", slice(200, None)))
        )
        twins = count_twins(list(rows), test, train, f"{draw:016x}")
        near = count_near_twins(list(rows), test, train, twins, 1)
        assert near.in_part > 20
        p_value = excess_p_value(near.in_part, near.rows, near.by_chance, near.drawn)
        alarms += p_value <= 0.05
    assert alarms <= 4


def stored(path: Path, **columns: Any) -> Table:
    """A table on its own, without evidence around it."""
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
    return Table(path)


def test_row_identifiers_on_both_sides_fail(tmp_path: Path) -> None:
    side = evidence(
        tmp_path / "a",
        FEATURES,
        test={**table([1.0, 2.0]), "row_id": ["a", "b"]},
        train={**table([3.0, 4.0]), "row_id": ["b", "c"]},
    )
    found = findings(TrainTestOverlap(), case(side))["row identifiers in train and test"]
    assert found.state is State.FAILED
    assert found.message == "1 of 2 training rows are in the test table too: 'b'."


def test_a_split_that_moves_the_baselines_test_rows_into_train_fails(tmp_path: Path) -> None:
    old = evidence(
        tmp_path / "old", FEATURES, test={**table([1.0]), "row_id": ["a"]}, train=table([9.0])
    )
    new = evidence(
        tmp_path / "new",
        FEATURES,
        test={**table([2.0]), "row_id": ["b"]},
        train={**table([1.0, 9.0]), "row_id": ["a", "c"]},
    )
    found = findings(TrainTestOverlap(), case(new, old))
    assert found["row identifiers in train and test"].state is State.PASSED
    moved = found["row identifiers in train and the baseline's test"]
    assert (moved.state, moved.message) == (
        State.FAILED,
        "1 of 2 training rows are in the baseline's test table too: 'a'.",
    )


PEOPLE = 300  # whom the baseline knows: a third of them are test rows


def people(numbers: range, prefix: str, *, of: str = "p", step: int = 0) -> Columns:
    """Rows of which no two have more than the category in common, by the names of their people."""
    return {**wide(numbers, step=step), "row_id": [f"{prefix}{of}{at}" for at in numbers]}


def together(*parts: Columns) -> Columns:
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def known_and_new(tmp_path: Path, test: Columns, train: Columns) -> Any:
    """The baseline's people, and new rows on either side."""
    tested, trained = people(range(100), "n"), people(range(100, PEOPLE), "n")
    old = evidence(tmp_path / "old", WIDE, test=tested, train=trained)
    all_tested, all_trained = together(tested, test), together(trained, train)
    return case(evidence(tmp_path / "new", WIDE, test=all_tested, train=all_trained), old)


def test_copies_of_everybody_before_the_split_fail(tmp_path: Path) -> None:
    # Every person comes twice; the copies of 60 to 159 are dealt to test, the others to train.
    rest = together(people(range(60), "copy"), people(range(160, PEOPLE), "copy"))
    found = findings(
        TrainTestOverlap(), known_and_new(tmp_path, people(range(60, 160), "copy"), rest)
    )
    assert found["twins above chance"].state is State.PASSED  # 120 of 200, and so of train
    new = found["twins of new rows"]
    assert (new.state, new.candidate) == (State.FAILED, 0.6)
    assert new.message == (
        "60 of 100 new test rows (60.00%) are the twin of a single row that the baseline knew and "
        "that stands on the other side; of 100 test rows that it knew 0 are (0.00%). 15.00% more "
        "are accepted."
    )


def test_nearly_equal_copies_of_everybody_fail(tmp_path: Path) -> None:
    rest = together(people(range(60), "copy", step=1), people(range(160, PEOPLE), "copy", step=1))
    copies = people(range(60, 160), "copy", step=1)
    found = findings(TrainTestOverlap(), known_and_new(tmp_path, copies, rest))
    assert found["near twins above chance"].state is State.PASSED
    assert found["twins of new rows"].state is State.PASSED
    assert (found["near twins of new rows"].state, found["near twins of new rows"].candidate) == (
        State.FAILED,
        0.6,
    )
    two = findings(TrainTestOverlap(differing=2), known_and_new(tmp_path / "2", copies, rest))
    assert two["near twins of new rows"].state is State.FAILED


def test_copies_that_stay_in_train_are_nobodys_fault(tmp_path: Path) -> None:
    more = people(range(1000, 1010), "n")
    found = findings(
        TrainTestOverlap(), known_and_new(tmp_path, more, people(range(100, PEOPLE), "copy"))
    )
    assert found["twins of new rows"].state is State.PASSED
    assert found["near twins of new rows"].state is State.PASSED


def test_rows_that_many_share_are_no_copies(tmp_path: Path) -> None:
    values = [float(at % 7) for at in range(300)]
    old = evidence(
        tmp_path / "old", FEATURES, test=table(values[:100]), train=table(values[100:200])
    )
    new = evidence(
        tmp_path / "new", FEATURES, test=table(values[:150]), train=table(values[100:300])
    )
    found = findings(TrainTestOverlap(), case(new, old))["twins of new rows"]
    assert (found.state, found.candidate) == (State.PASSED, 0)


@pytest.mark.parametrize(
    ("worsening", "state"), [(0.6, State.PASSED), (0.59, State.PASSED), (0.4, State.FAILED)]
)
def test_what_is_accepted_of_new_rows(tmp_path: Path, worsening: float, state: State) -> None:
    # Of 100 new test rows, 60 repeat a known training row.
    of = known_and_new(tmp_path, people(range(60, 160), "copy"), people(range(2000, 2009), "n"))
    found = findings(TrainTestOverlap(worsening=worsening), of)["twins of new rows"]
    assert (found.state, found.candidate) == (state, 0.6)


def test_names_that_the_baseline_does_not_know_tell_no_copies(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", FEATURES, test=table([1.0, 2.0]), train=table([3.0, 4.0]))
    renamed = evidence(
        tmp_path / "new",
        FEATURES,
        test={**table([1.0, 2.0]), "row_id": ["a", "b"]},
        train={**table([3.0, 4.0]), "row_id": ["c", "d"]},
    )
    new = findings(TrainTestOverlap(), case(renamed, old))["twins of new rows"]
    assert (new.state, new.blocks) == (State.UNDECIDED, False)
    assert "the baseline knows too few of these rows by their identifiers" in new.message


def test_without_new_training_rows_nothing_is_said_of_them(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", FEATURES, test=table([1.0, 2.0]), train=table([3.0, 4.0]))
    assert "twins of new rows" not in findings(TrainTestOverlap(), case(side, side))


def test_a_training_table_without_identifiers_cannot_be_compared(tmp_path: Path) -> None:
    listed = {**FEATURES, "key": "id text", "row_id": "ignored text"}
    test = {**table([1.0]), "key": ["a"]}
    side = evidence(tmp_path / "a", listed, test=test, train=table([2.0]))
    result = outcome("train_test_overlap", TrainTestOverlap(), case(side))
    assert (result.outcome, result.findings[-1].message) == (
        Result.UNDECIDED,
        "row identifiers: cannot be judged: train.parquet has no column 'key'.",
    )


@pytest.mark.parametrize("train", [None, {"x": pa.array([], pa.float64())}])
def test_without_training_rows_it_is_skipped(tmp_path: Path, train: Columns | None) -> None:
    empty = None if train is None else {**train, "k": pa.array([], pa.string())}
    if empty is not None:
        empty = {**empty, "label": pa.array([], pa.bool_()), "row_id": pa.array([], pa.string())}
    side = evidence(tmp_path / "a", FEATURES, test=table([1.0]), train=empty)
    result = outcome("train_test_overlap", TrainTestOverlap(), case(side))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there are no training rows (train.parquet)",
    )


def test_the_draw_is_the_same_for_the_same_seed() -> None:
    seed = "0123456789abcdef"
    one, other = draw_rows(1000, 300, seed), draw_rows(1000, 300, "fedcba9876543210")
    assert int(one.sum()) == int(other.sum()) == 300
    assert (one == draw_rows(1000, 300, seed)).all()
    assert 50 < int((one & other).sum()) < 130  # 90 in the mean


def prose(*numbers: int) -> list[str]:
    """Texts of nine words of which no two are alike."""
    return [" ".join(f"word{number * 10 + at}" for at in range(9)) for number in numbers]


def of_texts(tmp_path: Path, test: list[Any], train: list[Any], **keys: Any) -> list[Finding]:
    listed = {"note": "feature text"}
    tables = [{"note": each, "label": [False] * len(each)} for each in (test, train)]
    side = evidence(tmp_path / "a", listed, test=tables[0], train=tables[1])
    found = outcome("train_test_overlap", TrainTestOverlap(**keys), case(side)).findings
    return [each for each in found if each.subject.key == "near copies"]


def test_a_text_with_a_near_copy_in_train_fails(tmp_path: Path) -> None:
    test = [*prose(1, 2, 3), prose(4)[0] + " again"]
    (found,) = of_texts(tmp_path, test, prose(4, 5))
    assert (found.state, found.blocks, found.candidate) == (State.FAILED, True, 0.25)
    assert found.message == (
        "1 of 4 test rows (25.00%) have a 'note' that nearly equals a training row's: of all runs "
        "of three words in both, 80% or more are shared, such as 'r3' of the test rows and 't0' of "
        "the training rows."
    )


@pytest.mark.parametrize(("copies", "state"), [(0.25, State.PASSED), (0.24, State.FAILED)])
def test_the_share_of_copies_itself(tmp_path: Path, copies: float, state: State) -> None:
    (found,) = of_texts(tmp_path, prose(1, 2, 3, 4), prose(4, 5), copies=copies)
    assert found.state is state


def test_other_texts_pass(tmp_path: Path) -> None:
    (found,) = of_texts(tmp_path, prose(1, 2), prose(4, 5))
    assert (found.state, found.candidate) == (State.PASSED, 0)


def test_a_lower_similarity_sees_more(tmp_path: Path) -> None:
    changed = prose(4)[0].replace("word44", "other")  # 3 of 7 runs are others: 4 of 10 are shared
    assert of_texts(tmp_path, [changed], prose(4))[0].state is State.PASSED
    longer = prose(4)[0].replace("word48", "other")  # 1 of 7: 6 of 8 are shared
    assert of_texts(tmp_path / "b", [longer], prose(4), similarity=0.7)[0].state is State.FAILED


def test_short_texts_are_no_prose(tmp_path: Path) -> None:
    assert of_texts(tmp_path, ["none", None], ["none", "none"]) == []


def of_images(
    tmp_path: Path, test: list[Any], train: list[Any], listed: Any = None, **keys: Any
) -> Finding:
    of = {"role": "ignored", "type": "text", "description": "dHash", "hash_of": "photo"}
    columns = {"photo": "feature image", "hash": of if listed is None else listed}
    tables = [
        {
            "photo": [f"{side}/{at}.png" for at in range(len(each))],
            "hash": each,
            "label": [False] * len(each),
        }
        for side, each in (("test", test), ("train", train))
    ]
    side = evidence(tmp_path / "a", columns, test=tables[0], train=tables[1])
    found = outcome("train_test_overlap", TrainTestOverlap(**keys), case(side)).findings
    (mine,) = [each for each in found if each.subject.key == "near copies"]
    return mine


def test_a_picture_with_a_near_copy_in_train_fails(tmp_path: Path) -> None:
    found = of_images(
        tmp_path, ["00000000000000ff", "1234567812345678"], ["00000000000000f0", "ffffffffffffffff"]
    )
    assert (found.state, found.blocks, found.candidate) == (State.FAILED, True, 0.5)
    assert found.message == (
        "1 of 2 test rows (50.00%) have a 'photo' that nearly equals a training row's: at most 4 "
        "of 64 bits of 'hash' differ, such as 'r0' of the test rows and 't0' of the training rows."
    )


@pytest.mark.parametrize(("bits", "state"), [(4, State.FAILED), (3, State.PASSED)])
def test_the_bits_themselves(tmp_path: Path, bits: int, state: State) -> None:
    found = of_images(tmp_path, ["00000000000000ff"], ["00000000000000f0"], bits=bits)
    assert found.state is state


def test_a_picture_without_a_hash_cannot_be_looked_for(tmp_path: Path) -> None:
    found = of_images(tmp_path, ["00000000000000ff"], ["00000000000000f0"], "ignored text")
    assert (found.state, found.blocks) == (State.UNDECIDED, False)
    assert "no column says `hash_of: photo`" in found.message


def test_what_is_no_hash_cannot_be_compared(tmp_path: Path) -> None:
    found = of_images(tmp_path, ["00000000000000ff", "x"], ["00000000000000f0", None])
    assert (found.state, found.message) == (
        State.UNDECIDED,
        "Copies of 'photo' cannot be looked for: 2 values of 'hash' are no 16 hexadecimal digits.",
    )
