"""Gate `target_leakage`: no feature gives the label away."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.evidence.columns import Description, Role, Type
from gates.evidence.folder import Evidence
from gates.finding import Finding, Mode, Observation, Result, State
from gates.judging.telling import measure_column
from gates.rules.target_leakage import TargetLeakage
from gates.testing import case, evidence, items, outcome

ROWS = 1000
LABELS = [at % 10 == 0 for at in range(ROWS)]  # one in ten
NOISE = [float(at * 7919 % ROWS) for at in range(ROWS)]
COPY = [float(label) for label in LABELS]
AFTER = ["paid" if label and at % 20 == 0 else None for at, label in enumerate(LABELS)]
HONEST = {"x": "feature number"}


def side(
    folder: Path,
    dictionary: dict[str, Any],
    scores: list[float] | None = None,
    **columns: Any,
) -> Evidence:
    return evidence(folder, dictionary, test={**columns, "label": LABELS}, scores=scores)


def finding_of(found: list[Any], column: str) -> Finding:
    (finding,) = [
        each for each in found if isinstance(each, Finding) and each.subject.column == column
    ]
    return finding


def with_new(tmp_path: Path, kind: str, values: Any) -> Finding:
    """What is found of a column that the pull request adds."""
    old = side(tmp_path / "old", HONEST, x=NOISE)
    new = side(tmp_path / "new", {**HONEST, "new": f"feature {kind}"}, x=NOISE, new=values)
    return finding_of(items(TargetLeakage(), case(new, old)), "new")


def test_a_copy_of_the_label_fails(tmp_path: Path) -> None:
    finding = with_new(tmp_path, "number", COPY)
    assert finding.state is State.FAILED
    assert finding.message.startswith("'new' alone has an AUC of 1.0000 (lower limit 0.9924); ")
    assert "it exceeds 0.95; names the rarer class by '1' (100 of 100 rows)" in finding.message
    assert finding.message.endswith("; the column is new in this pull request.")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", [-value for value in COPY]),  # whichever way round
        ("boolean", LABELS),
        ("category", ["yes" if label else "no" for label in LABELS]),
        ("category", [f"y{at}" if label else None for at, label in enumerate(LABELS)]),
        ("number", [1.0 if label else float("nan") for label in LABELS]),
        ("integer", [2 if label else at % 2 * 4 for at, label in enumerate(LABELS)]),  # no order
    ],
    ids=["reversed", "boolean", "category", "missing", "nan", "middle"],
)
def test_other_shapes_of_a_copy_fail(tmp_path: Path, kind: str, values: Any) -> None:
    assert with_new(tmp_path, kind, values).state is State.FAILED


def test_a_field_that_is_filled_after_the_outcome_fails_by_its_purity(tmp_path: Path) -> None:
    finding = with_new(tmp_path, "category", AFTER)
    assert finding.candidate == pytest.approx(0.75, abs=0.01)  # half of the positives stand out
    assert finding.state is State.FAILED
    assert "names the rarer class by 'paid' (50 of 50 rows)" in finding.message


def test_a_missing_value_can_give_the_label_away(tmp_path: Path) -> None:
    values = [None if after else "open" for after in AFTER]
    assert "by '(missing)' (50 of 50 rows)" in with_new(tmp_path, "category", values).message


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", NOISE),
        ("number", [float(at % 10 < 3) for at in range(ROWS)]),  # a third of them positive
        ("category", [f"c{at}" for at in range(ROWS)]),  # all distinct: says nothing of new rows
        ("category", ["a"] * ROWS),
        ("number", [None] * (ROWS - 1) + [1.0]),
    ],
    ids=["noise", "honest", "distinct", "constant", "empty"],
)
def test_honest_features_pass(tmp_path: Path, kind: str, values: Any) -> None:
    old = side(
        tmp_path / "old", HONEST, x=NOISE, scores=[0.9 if label else 0.1 for label in LABELS]
    )
    new = side(tmp_path / "new", {**HONEST, "new": f"feature {kind}"}, x=NOISE, new=values)
    finding = finding_of(items(TargetLeakage(), case(new, old)), "new")
    assert finding.state is State.PASSED, finding.message


def test_a_new_feature_better_than_the_whole_baseline_model_fails(tmp_path: Path) -> None:
    # Alone it ranks 7 of 10 positives above all negatives: an AUC of 0.85.
    values = [1.0 if label and at % 100 < 70 else 0.5 * (at % 3) for at, label in enumerate(LABELS)]
    listed = {**HONEST, "new": "feature number"}
    new = side(tmp_path / "new", listed, x=NOISE, new=values)
    weak = side(tmp_path / "weak", HONEST, x=NOISE)  # a score of 0.5 for everybody
    found = finding_of(items(TargetLeakage(purity=1.0), case(new, weak)), "new")
    assert found.state is State.FAILED
    assert "it exceeds the whole baseline model's 0.5000; the column is new" in found.message


def test_an_inherited_leak_is_shown_and_does_not_block(tmp_path: Path) -> None:
    listed = {**HONEST, "paid": "feature category"}
    old = side(tmp_path / "old", listed, x=NOISE, paid=AFTER)
    new = side(tmp_path / "new", listed, x=NOISE[::-1], paid=AFTER)
    found = items(TargetLeakage(), case(new, old))
    assert finding_of(found, "paid").state is State.PASSED
    (shown,) = [item for item in found if isinstance(item, Observation)]
    assert shown.message.endswith("; inherited from the baseline.")


# Half of those with the label have gains, and nobody else.
GAINS = [7.0 if label and at % 20 == 0 else 0.0 for at, label in enumerate(LABELS)]


@pytest.mark.parametrize(
    ("old", "values", "state"),
    [
        (GAINS, [2 * gain for gain in GAINS], State.PASSED),  # a range of what was known
        (GAINS, [gain if at < 980 else 0.0 for at, gain in enumerate(GAINS)], State.FAILED),
        ([str(gain) for gain in GAINS], [2 * gain for gain in GAINS], State.PASSED),  # a level
        ([str(at) for at in range(ROWS)], [2 * gain for gain in GAINS], State.FAILED),  # names
        ([gain or None for gain in GAINS], [-gain for gain in GAINS], State.PASSED),
    ],
    ids=["range", "part of it", "level", "names that fit anything", "missing elsewhere"],
)
def test_a_value_that_restates_an_inherited_feature_is_shown(
    tmp_path: Path, old: list[Any], values: list[float], state: State
) -> None:
    kind = "category" if isinstance(old[0], str) else "number"
    known = {"gains": f"feature {kind}"}
    scores = [0.9 if label else 0.1 for label in LABELS]  # the base's model is better than gains
    before = side(tmp_path / "old", known, scores, gains=old)
    after = side(tmp_path / "new", {**known, "new": "feature number"}, gains=old, new=values)
    found = items(TargetLeakage(), case(after, before))
    finding = finding_of(found, "new")
    assert finding.state is state
    assert ("as 'gains' did before" in finding.message) is (state is State.PASSED)


@pytest.mark.parametrize(("moved", "state"), [(0, State.PASSED), (1, State.FAILED)])
def test_a_column_by_another_name_is_no_news(tmp_path: Path, moved: int, state: State) -> None:
    scores = [0.9 if label else 0.1 for label in LABELS]
    before = side(tmp_path / "old", {"gains": "feature number"}, scores, gains=GAINS)
    values = [7.0 if at == 1 and moved else gain for at, gain in enumerate(GAINS)]
    after = side(tmp_path / "new", {"gain": "feature number"}, gain=values)
    assert finding_of(items(TargetLeakage(), case(after, before)), "gain").state is state


def test_a_role_that_becomes_feature_makes_a_column_new(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {**HONEST, "paid": "ignored category"}, x=NOISE, paid=AFTER)
    new = side(tmp_path / "new", {**HONEST, "paid": "feature category"}, x=NOISE, paid=AFTER)
    finding = finding_of(items(TargetLeakage(), case(new, old)), "paid")
    assert finding.state is State.FAILED
    assert finding.message.endswith("it was ignored and becomes a feature in this pull request.")


def test_values_that_this_pull_request_fills_in_make_a_column_new(tmp_path: Path) -> None:
    listed = {**HONEST, "paid": "feature category"}
    old = side(tmp_path / "old", listed, x=NOISE, paid=["open"] * ROWS)
    filled = [after or "open" for after in AFTER]
    new = side(tmp_path / "new", listed, x=NOISE, paid=filled)
    finding = finding_of(items(TargetLeakage(), case(new, old)), "paid")
    assert finding.state is State.FAILED
    assert finding.message.endswith("this pull request changes 50 of its values.")


@pytest.mark.parametrize("kept", [0, 40])
@pytest.mark.parametrize("kind", ["number", "category"])
def test_rows_of_other_names_do_not_make_a_leak_inherited(
    tmp_path: Path, kept: int, kind: str
) -> None:
    """All rows new, or the kept ones as they were: no value of a shared row changes."""
    rng = np.random.default_rng(3)
    labels = np.arange(400) % 5 == 0
    words = ["later", "before"] if kind == "category" else [9.0, 2.0]
    noise = [words[each] for each in rng.integers(0, 2, 400)]
    leak = [words[not each] for each in labels]
    names = [f"a{at}" for at in range(400)]
    others = [*names[:kept], *(f"b{at}" for at in range(kept, 400))]
    listed = {"note": f"feature {kind}"}
    before = {"row_id": names, "note": noise, "label": labels.tolist()}
    after = {**before, "row_id": others, "note": [*noise[:kept], *leak[kept:]]}
    old = evidence(tmp_path / "old", listed, test=before)
    found = finding_of(
        items(TargetLeakage(), case(evidence(tmp_path / "new", listed, test=after), old)), "note"
    )
    assert found.state is State.FAILED
    assert "on the baseline's rows its AUC is 0.5" in found.message
    leaky = evidence(tmp_path / "leaky", listed, test={**before, "note": leak})
    renamed = evidence(tmp_path / "renamed", listed, test={**after, "note": leak})
    found = finding_of(items(TargetLeakage(), case(renamed, leaky)), "note")
    assert (found.state, "inherited" in found.message) == (State.PASSED, True)


def test_without_a_baseline_what_shows_is_undecided(tmp_path: Path) -> None:
    new = side(tmp_path / "new", {"paid": "feature category"}, paid=AFTER)
    result = outcome("target_leakage", TargetLeakage(), case(new))
    assert result.outcome is Result.UNDECIDED
    assert result.findings[0].limit.mode is Mode.GUARD
    assert result.findings[0].message.endswith("there is no baseline to ask.")


def test_one_class_is_a_skip(tmp_path: Path) -> None:
    one = evidence(tmp_path / "a", HONEST, test={"x": [1.0], "label": [True]})
    result = outcome("target_leakage", TargetLeakage(), case(one))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "the test rows have 1 positives and 0 negatives",
    )


def test_an_auc_by_hand(tmp_path: Path) -> None:
    # Positives 3 and 4, negatives 1, 2 and 3: of six pairs five are in order and one is tied.
    rows = {"x": [3.0, 4.0, 1.0, 2.0, 3.0], "label": [True, True, False, False, False]}
    one = evidence(tmp_path / "a", HONEST, test=rows)
    entry = Description(role=Role.FEATURE, type=Type.NUMBER)
    assert measure_column("x", entry, one, 0.9).auc == pytest.approx(5.5 / 6)


def test_pure_values_count_only_where_the_rarer_class_is_rare(tmp_path: Path) -> None:
    labels = [at % 2 == 0 for at in range(ROWS)]
    values = np.where(labels, np.arange(ROWS) % 10, 20 + np.arange(ROWS) % 10)
    one = evidence(tmp_path / "a", HONEST, test={"x": values.tolist(), "label": labels})
    entry = Description(role=Role.FEATURE, type=Type.NUMBER)
    assert measure_column("x", entry, one, 0.9).pure_values == ()


def told(share: float) -> list[int]:
    """The label in this share of the rows, in the others by turns 0 and 1."""
    return [
        int(label) if at % 100 < 100 * share else at // 10 % 2 for at, label in enumerate(TURNS)
    ]


TURNS = [at % 1000 % 7 < 2 for at in range(4000)]


def shown_of(tmp_path: Path, values: list[int], scores: list[float]) -> list[Observation]:
    """What is shown of a column that comes with other scores than the same one for everybody."""
    tables = {"x": NOISE * 4, "label": TURNS}
    before = evidence(tmp_path / "old", HONEST, test=tables, scores=[0.3] * len(TURNS))
    listed = {**HONEST, "new": "feature integer"}
    after = evidence(tmp_path / "new", listed, test={**tables, "new": values}, scores=scores)
    found = items(TargetLeakage(max_auc=0.99, purity=0.99), case(after, before))
    return [each for each in found if isinstance(each, Observation)]


def test_a_new_feature_that_carries_the_gain_is_shown(tmp_path: Path) -> None:
    values = told(0.4)
    # The model says of each value how often it is positive: all that it gains is the feature's.
    rates = [np.mean([t for t, v in zip(TURNS, values, strict=True) if v == k]) for k in (0, 1)]
    (shown,) = shown_of(tmp_path, values, [float(rates[value]) for value in values])
    assert shown.subject.column == "new"
    assert shown.message.startswith("Most of the gain in log_loss comes with 'new': 0.0")
    assert "; the column is new in this pull request. Make sure" in shown.message


def test_a_gain_that_comes_with_something_else_is_no_news(tmp_path: Path) -> None:
    noise = [at * 7919 % 4000 % 2 for at in range(4000)]
    assert shown_of(tmp_path, noise, [0.6 if label else 0.2 for label in TURNS]) == []


def test_a_feature_without_a_gain_is_no_news(tmp_path: Path) -> None:
    assert shown_of(tmp_path, told(0.4), [0.3] * 4000) == []
