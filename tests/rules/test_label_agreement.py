"""Gate `label_agreement`: labelers agree on what they label."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.evidence.folder import Evidence
from gates.evidence.labelings import LABELS
from gates.finding import Finding, Observation, Outcome, Result, State
from gates.policy.settings import Settings
from gates.rules.label_agreement import LabelAgreement
from gates.testing import case, evidence, items, outcome, seal
from tests.build_tasks import regression

SEX: dict[str, Any] = {"sex": "feature category"}
Given = Mapping[str, Sequence[Any]]  # by labeler, one label an item, None where there is none


def with_labels(made: Evidence, given: Given | Mapping[str, pa.Array]) -> Evidence:
    """The same evidence with several labelers' labels; or with the columns as they are given."""
    table = pa.table(given) if "labeler" in given else long(given)
    pq.write_table(table, made.folder / LABELS)
    (made.folder / "manifest.json").unlink()
    seal(made.folder)
    return Evidence(made.folder, made.settings)


def long(given: Given) -> pa.Table:
    rows = [(f"r{at}", who, label) for who, all_ in given.items() for at, label in enumerate(all_)]
    ids, names, labels = zip(*rows, strict=True)
    return pa.table({"row_id": ids, "labeler": names, "label": pa.array(labels)})


def side(folder: Path, given: Given | None = None, rows: int = 100) -> Evidence:
    test = {"sex": ["f", "f", "m", "m"] * (rows // 4), "label": [True, False] * (rows // 2)}
    made = evidence(folder, SEX, test=test, settings=Settings(segments=("sex",)))
    return made if given is None else with_labels(made, given)


def judged(
    made: Evidence, gate: LabelAgreement | None = None, old: Evidence | None = None
) -> Outcome:
    return outcome("label_agreement", gate or LabelAgreement(), case(made, old))


def finding_of(made: Evidence, gate: LabelAgreement | None = None) -> Finding:
    (finding,) = judged(made, gate).findings
    return finding


def flipped(every: int, rows: int = 100) -> list[str]:
    """Yes and no by turns; each so many-th label is the other one."""
    return ["yes" if (at % 2 == 0) ^ (at % every == 0) else "no" for at in range(rows)]


TRUE = ["yes", "no"] * 50


@pytest.mark.parametrize(
    ("every", "state"), [(50, State.PASSED), (7, State.UNDECIDED), (3, State.FAILED)]
)
def test_the_floor(tmp_path: Path, every: int, state: State) -> None:
    """2, 15 or 34 of 100 rows with two labels: an alpha of about .96, .70 and .33."""
    found = finding_of(side(tmp_path / "e", {"ann": TRUE, "bob": flipped(every)}))
    assert found.state is state
    assert found.candidate is not None
    assert found.interval is not None
    assert found.interval[0] < found.candidate < found.interval[1]
    assert (found.rows_needed is not None) == (state is State.UNDECIDED)


def test_an_alpha_exactly_at_the_floor_is_undecided(tmp_path: Path) -> None:
    made = side(tmp_path / "e", {"ann": TRUE, "bob": flipped(7)})
    at = finding_of(made).candidate
    assert at is not None
    assert finding_of(made, LabelAgreement(floor=at)).state is State.UNDECIDED


def test_the_message_says_where_they_disagree(tmp_path: Path) -> None:
    worse = ["no" if at % 4 == 0 else label for at, label in enumerate(TRUE)]  # of women only
    made = side(tmp_path / "e", {"ann": TRUE, "bob": TRUE, "cid": worse})
    message = finding_of(made).message
    for part in (
        "Krippendorff's alpha (nominal) of 3 labelers on 100 rows: ",
        "The class with the least agreement is 'yes', 0.",
        "The labeler whom the others agree with least is 'cid', 0.7500.",
        "The segment with the least agreement is sex = f, ",
    ):
        assert part in message
    names = [
        each.subject.key
        for each in items(LabelAgreement(), case(made))
        if isinstance(each, Observation)
    ]
    assert names == ["Fleiss' kappa", "class", "labeler", "segment"]


def test_an_answer_that_was_given_once_is_a_disagreement(tmp_path: Path) -> None:
    made = side(tmp_path / "e", {"ann": TRUE, "bob": ["unsure", *TRUE[1:]]})
    found = finding_of(made)
    assert (found.state, "'unsure'" in found.message) == (State.PASSED, False)


def test_two_labelers_have_cohens_kappa(tmp_path: Path) -> None:
    """20 yes and yes, 5 yes and no, 10 no and yes, 15 no and no: kappa is .4."""
    ann, bob = ["y"] * 25 + ["n"] * 25, ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    made = side(tmp_path / "e", {"ann": ann, "bob": bob})
    (kappa,) = [
        each
        for each in items(LabelAgreement(), case(made))
        if isinstance(each, Observation) and each.subject.key == "Cohen's kappa"
    ]
    assert kappa.candidate == pytest.approx(0.4)


@pytest.mark.parametrize(("rows", "state"), [(49, State.UNDECIDED), (50, State.PASSED)])
def test_it_takes_fifty_rows_with_several_labels(tmp_path: Path, rows: int, state: State) -> None:
    short = [*TRUE[:rows], *[None] * (100 - rows)]
    found = finding_of(side(tmp_path / "e", {"ann": TRUE, "bob": short}))
    assert found.state is state
    assert found.rows_needed == (50 if state is State.UNDECIDED else None)


@pytest.mark.parametrize("given", [{"ann": ["yes"] * 100, "bob": ["yes"] * 100}, {"ann": TRUE}])
def test_one_class_or_one_labeler_is_no_agreement(tmp_path: Path, given: Given) -> None:
    found = finding_of(side(tmp_path / "e", given))
    assert (found.state, found.candidate) == (State.UNDECIDED, None)
    assert "cannot be judged: " in found.message


def test_numbers_are_of_an_interval_scale(tmp_path: Path) -> None:
    draws = np.random.default_rng(2).normal(size=200)
    made = regression(tmp_path / "e", truth=draws.tolist(), predicted=draws.tolist())
    labelled = with_labels(made, {"ann": draws.tolist(), "bob": (draws + 0.1).tolist()})
    found = finding_of(labelled)
    assert (found.state, "alpha (interval)" in found.message) == (State.PASSED, True)
    apart = {"ann": draws.tolist(), "bob": draws[::-1].tolist()}
    assert finding_of(with_labels(labelled, apart)).state is State.FAILED


def test_levels_in_order(tmp_path: Path) -> None:
    """Neighbouring levels disagree less than far ones, whatever the alphabet says."""
    listed = {"label": {"role": "label", "type": "category", "levels": ["low", "mid", "top"]}}
    truth = ["low", "mid", "top", "top"] * 25
    made = evidence(
        tmp_path / "e",
        listed,
        test={"label": truth},
        scores={f"score_{name}": [1 / 3] * 100 for name in ("low", "mid", "top")},
        settings=Settings(task="multiclass"),
    )
    near = ["mid" if at % 8 == 0 else label for at, label in enumerate(truth)]
    far = ["top" if at % 8 == 0 else label for at, label in enumerate(truth)]
    ordinal = LabelAgreement(scale="ordinal")
    values = [
        finding_of(with_labels(made, {"ann": truth, "bob": other}), ordinal).candidate
        for other in (near, far)
    ]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0] > values[1] + 0.05


def test_the_baselines_alpha_is_shown(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"ann": TRUE, "bob": TRUE})
    new = side(tmp_path / "new", {"ann": TRUE, "bob": flipped(3)})
    (finding,) = judged(new, old=old).findings
    assert (finding.state, finding.baseline) == (State.FAILED, 1.0)


def test_labels_that_vanish_are_named(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"ann": TRUE, "bob": TRUE})
    (finding,) = judged(side(tmp_path / "new"), old=old).findings
    assert finding.state is State.UNDECIDED
    assert finding.blocks
    assert "labels.parquet: cannot be judged: the baseline has it" in finding.message


def test_without_several_labelers_it_is_skipped(tmp_path: Path) -> None:
    result = judged(side(tmp_path / "e"))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there are no labels of several labelers (labels.parquet)",
    )


def columns(**changed: Any) -> dict[str, pa.Array]:
    usual = {"row_id": ["r0", "r0"], "labeler": ["ann", "bob"], "label": ["yes", "no"]}
    return {name: pa.array(each) for name, each in {**usual, **changed}.items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (columns(labeler=["ann", "ann"]), "'ann' labels row 'r0' more than once"),
        (columns(row_id=["r0", None]), "1 of 2 labels have no row_id"),
        (columns(labeler=["ann", None]), "1 of 2 labels have no labeler"),
    ],
)
def test_what_is_no_labelling_is_refused(
    tmp_path: Path, given: dict[str, pa.Array], message: str
) -> None:
    result = judged(with_labels(side(tmp_path / "e"), given))
    assert result.outcome is Result.ERRORED
    assert message in result.reason


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    made = side(tmp_path / "e")
    given = columns()
    del given["label"]
    result = judged(with_labels(made, given))
    assert "no column 'label'" in result.reason


@pytest.mark.parametrize(
    ("scale", "labels"), [("interval", ["yes", "no"]), ("interval", [1.0, float("inf")])]
)
def test_what_is_no_number_is_refused(tmp_path: Path, scale: Any, labels: list[Any]) -> None:
    made = with_labels(side(tmp_path / "e"), columns(label=labels))
    assert judged(made, LabelAgreement(scale=scale)).outcome is Result.ERRORED


def test_no_label_at_all_is_too_few(tmp_path: Path) -> None:
    empty = {name: pa.array([], pa.string()) for name in ("row_id", "labeler", "label")}
    assert finding_of(with_labels(side(tmp_path / "e"), empty)).state is State.UNDECIDED


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    name = "</td>\n| @all `x`" * 20
    given = {name: flipped(3), "bob": TRUE, "cid": TRUE}
    finding = finding_of(side(tmp_path / "e", given))
    assert "\n" not in finding.message
    assert len(finding.message) < 600


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "r0", "r1", "r2"]),
            st.sampled_from([None, "ann", "bob", ""]),
            st.sampled_from([None, "yes", "no", "</td>"]),
        ),
        max_size=12,
    ),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_any_labels_are_judged_or_refused(rows: list[tuple[Any, ...]], scale: Any) -> None:
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    table = dict(zip(("row_id", "labeler", "label"), map(list, columns), strict=True))
    with TemporaryDirectory() as folder:
        made = side(Path(folder) / "e")
        given_table = {name: pa.array(each, pa.string()) for name, each in table.items()}
        result = judged(with_labels(made, given_table), LabelAgreement(scale=scale))
    refused = result.outcome is Result.ERRORED and "labels.parquet" in result.reason
    assert refused or result.outcome is Result.UNDECIDED
