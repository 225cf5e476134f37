"""Evidence that is judged in passes gets the verdict of its rows; the limit is lowered here."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.__main__ import main
from gates.case.anchor import Anchor
from gates.case.case import Case
from gates.collect.pack import pack
from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.finding import (
    Direction,
    Outcome,
    PolicyChange,
    Result,
    Side,
    State,
    TestSet,
    Verdict,
)
from gates.judge import judge
from gates.ledger.wear import with_wear
from gates.policy.policy import read_policy
from gates.tables.embedded import EmbeddedEngine
from gates.testing import Columns, Entry, Outputs, evidence, seal

ROWS = 3_000
DICTIONARY: dict[str, Entry] = {
    "age": {"role": "feature", "type": "integer", "segment": [30, 50], "missing": "allowed"},
    "sex": {"role": "feature", "type": "category", "segment": True, "sensitive": True},
    "plan": {"role": "feature", "type": "category", "segment": True, "missing": "allowed"},
}
POLICY = """\
gates:
  segments: [sex, age, plan, [plan, sex]]
  metric_regression:
    metrics:
      log_loss: {margin: 0.01}
      roc_auc: {margin: 0.01}
      f1: {margin: 0.02}
      accuracy: {margin: 0.001, mode: strict}
  metric_floor: {metrics: {roc_auc: 0.8, brier_score_loss: 0.2, precision: 0.5}}
  segment_regression:
    metrics: {recall: {margin: 0.05}, log_loss: {margin: 0.03}, roc_auc: {margin: 0.02}}
    critical: [{segment: {sex: f}, margin: 0.03}]
  segment_floor: {metrics: {roc_auc: 0.7, accuracy: 0.5}, min_rows: 50}
  group_disparity:
    features: [sex, plan, [sex, plan]]
    metrics:
      selection_rate: {worsening: 0.02, limit: 0.4}
      true_positive_rate: {worsening: 0.05, ratio: 0.5}
      accuracy: {worsening: 0.05}
"""


def draw(rows: int = ROWS, seed: int = 1) -> tuple[dict[str, list[Any]], list[float], list[float]]:
    """A test table with gaps, and the scores of two models, the newer worse for one plan."""
    random = np.random.default_rng(seed)
    labels = random.random(rows) < 0.4
    plans = random.choice(["basic", "größer", "rare"], rows, p=[0.6, 0.39, 0.01])
    signal = random.normal(size=rows) + 1.8 * labels - 0.9
    old = 1 / (1 + np.exp(-signal - random.normal(0, 0.3, rows)))
    worse = np.where(plans == "größer", 1.2, 0.3)
    new = 1 / (1 + np.exp(-signal - random.normal(0, 1, rows) * worse))
    gaps = random.random(rows) < 0.1
    test = {
        "age": [None if at % 7 == 0 else int(at % 60 + 15) for at in range(rows)],
        "sex": random.choice(["f", "m"], rows).tolist(),
        "plan": [None if gap else plan for gap, plan in zip(gaps, plans.tolist(), strict=True)],
        "label": labels.tolist(),
    }
    return test, old.tolist(), new.tolist()


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sides")
    test, old, new = draw()
    train = {name: values[:50] for name, values in test.items()}
    release = np.clip(np.random.default_rng(2).normal(old, 0.05), 0, 1).tolist()
    for name, scores in (("baseline", old), ("candidate", new), ("release", release)):
        evidence(folder / name, DICTIONARY, test=test, train=train, scores=scores, revision=name)
    return folder


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)


def opened(folder: Path, policy: str = POLICY, *, baseline: str | None = "baseline") -> Case:
    """The case that `gatepost judge` makes."""
    parsed = read_policy(policy.encode(), "params.yaml")
    candidate = Evidence(folder / "candidate", parsed.settings)
    other = None
    if baseline is not None:
        other = Evidence(folder / baseline, parsed.settings, beside=candidate)
    return Case(parsed.settings, candidate, other, asked=parsed.asks(candidate))


def judged(case: Case, policy: str = POLICY) -> Verdict:
    parsed = read_policy(policy.encode(), "params.yaml")
    case.test_set = with_wear(case, parsed.primary, None)
    return judge(parsed, case)


def assert_close(one: Any, other: Any, where: str = "") -> None:
    """Equal, but for what sums and bins may hide, and what other draws of signs give."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for name in one:
            assert_close(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for at, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            assert_close(mine, theirs, f"{where}[{at}]")
    elif isinstance(one, float) and where.endswith(".p_value"):
        assert -0.02 <= one - other <= 0.05, where  # what bins may hide makes harm less sure
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=2e-3 if ".interval" in where else 3e-4), where
    elif not where.endswith((".message", ".rows_needed")):
        assert one == other, where


def outcomes_of(verdict: Verdict) -> Any:
    return json.loads(msgspec.json.encode(verdict.outcomes))


@pytest.mark.parametrize("baseline", ["baseline", None], ids=["compared", "alone"])
def test_both_ways_lead_to_one_verdict(
    sides: Path, monkeypatch: pytest.MonkeyPatch, baseline: str | None
) -> None:
    by_rows = judged(opened(sides, baseline=baseline))
    monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)
    case = opened(sides, baseline=baseline)
    in_passes = judged(case)
    assert case.streamed is not None
    assert not {"arenas", "scored"} & {*vars(case)}
    assert "labels" not in vars(case.candidate)
    assert "ids" not in vars(case.candidate)
    assert in_passes.decision == by_rows.decision
    assert_close(outcomes_of(in_passes), outcomes_of(by_rows))
    states = {finding.state for each in by_rows.outcomes for finding in each.findings}
    assert len(states) == (3 if baseline else 2)
    assert_close(
        json.loads(msgspec.json.encode(without_digests(in_passes.test_set))),
        json.loads(msgspec.json.encode(without_digests(by_rows.test_set))),
    )


def without_digests(found: TestSet | None) -> TestSet:
    """What both ways know a test set and predictions by is not the same."""
    assert found is not None
    assert found.use is not None
    use = msgspec.structs.replace(found.use, predictions="", baseline_predictions=None)
    return msgspec.structs.replace(found, digest="", use=use)


def test_counts_are_exactly_those_of_the_rows(sides: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = """\
gates:
  segments: [plan, [sex, age]]
  metric_regression: {metrics: {accuracy: {margin: 0.01}, recall: {margin: 0.01}}}
  segment_regression: {metrics: {precision: {margin: 0.05}}}
  segment_floor: {metrics: {recall: 0.5}}
"""
    by_rows = judged(opened(sides, policy), policy)
    monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)
    in_passes = judged(opened(sides, policy), policy)
    for mine, theirs in zip(in_passes.outcomes, by_rows.outcomes, strict=True):
        for one, other in zip(mine.findings, theirs.findings, strict=True):
            assert one.message == other.message
            assert (one.state, one.support) == (other.state, other.support)
            assert (one.baseline, one.candidate) == (other.baseline, other.candidate)


@pytest.mark.usefixtures("lowered")
def test_the_order_of_rows_and_of_parts_changes_no_byte(sides: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    for side in ("baseline", "candidate"):
        shutil.copytree(sides / side, tmp_path / side)
    for name in ("test", "predictions"):
        path = tmp_path / "candidate" / f"{name}.parquet"
        table = pq.read_table(path).take(random.permutation(ROWS))
        path.unlink()
        path.mkdir()
        for at in range(0, ROWS, 700):
            pq.write_table(table[at : at + 700], path / f"part-{at:05}.parquet")
    pack(tmp_path / "candidate", "candidate")
    pack(tmp_path / "baseline", "baseline")
    case = opened(tmp_path)  # the baseline's files differ now, so that a pass compares the rows
    moved, still = judged(case), judged(opened(sides))
    assert case.streamed is not None
    assert moved.outcomes == still.outcomes
    assert moved.test_set is not None
    assert still.test_set is not None
    assert moved.test_set.digest == still.test_set.digest


def make(folder: Path, **changes: Any) -> Path:
    """Both sides of few rows, something of which was changed."""
    test, old, new = draw(400)
    given: dict[str, Any] = {"dictionary": {**DICTIONARY}, "test": test}
    given |= {name: changes.pop(name) for name in ("dictionary", "test") if name in changes}
    for name, scores in (("baseline", old), ("candidate", new)):
        evidence(folder / name, given["dictionary"], test=given["test"], scores=scores, **changes)
    return folder


FEW = "gates:\n  metric_regression: {metrics: {accuracy: {margin: 0.1}}}\n"


def another_label(folder: Path) -> None:
    path = folder / "baseline" / "test.parquet"
    table = pq.read_table(path)
    labels = [not table["label"][0].as_py(), *table["label"].to_pylist()[1:]]
    at = table.schema.get_field_index("label")
    pq.write_table(table.set_column(at, "label", pa.array(labels)), path)
    seal(folder / "baseline")


def other_row(folder: Path) -> None:
    for name in ("test", "predictions"):
        path = folder / "baseline" / f"{name}.parquet"
        table = pq.read_table(path)
        ids = ["other", *table["row_id"].to_pylist()[1:]]
        at = table.schema.get_field_index("row_id")
        pq.write_table(table.set_column(at, "row_id", pa.array(ids)), path)
    seal(folder / "baseline")


def fewer_rows(folder: Path) -> None:
    for name in ("test", "predictions"):
        path = folder / "baseline" / f"{name}.parquet"
        pq.write_table(pq.read_table(path)[:-1], path)
    seal(folder / "baseline")


def repeat(folder: Path) -> None:
    table = pq.read_table(folder / "candidate" / "predictions.parquet")
    pq.write_table(
        table.rename_columns(["row_id", "seed_1.score"]), folder / "candidate" / "repeats.parquet"
    )
    seal(folder / "candidate")


def train_on(*ids: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        pq.write_table(
            pa.table({"row_id": [*ids], "label": [True] * len(ids)}),
            folder / "baseline" / "train.parquet",
        )
        seal(folder / "baseline")

    return write


def number(folder: Path) -> None:
    for side in ("baseline", "candidate"):
        for name in ("test", "predictions"):
            path = folder / side / f"{name}.parquet"
            table = pq.read_table(path)
            ids = pa.array(range(len(table)), pa.float64())
            pq.write_table(table.set_column(0, "row_id", ids), path)
        seal(folder / side)


def nothing(_folder: Path) -> None:
    pass


@pytest.mark.usefixtures("lowered")
@pytest.mark.parametrize(
    ("change", "policy", "reason"),
    [
        (nothing, FEW, ""),
        (train_on("t1", "t2"), FEW, ""),
        (nothing, f"{FEW}  sample_weight: age\n", "rows count by age"),
        (nothing, FEW.replace("accuracy", "average_precision"), "average_precision is no sum over"),
        (nothing, FEW.replace("accuracy", "matthews_corrcoef"), "matthews_corrcoef is no sum over"),
        (another_label, FEW, "the test set has changed"),
        (other_row, FEW, "the test set has changed"),
        (fewer_rows, FEW, "the test set has changed"),
        (repeat, FEW, "training was repeated"),
        (train_on("t1", "r7"), FEW, "a model was trained on some of them"),
        (number, FEW, "the identifiers in test.parquet are double"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_where_rows_are_needed_it_says_why(
    tmp_path: Path, change: Callable[[Path], None], policy: str, reason: str
) -> None:
    change(make(tmp_path))
    case = opened(tmp_path, policy)
    assert case.why_by_rows == reason if not reason else reason in case.why_by_rows
    assert (case.streamed is None) == bool(reason)


@pytest.mark.usefixtures("lowered")
@pytest.mark.parametrize(
    ("dictionary", "test", "reason"),
    [
        ({"person": "group text"}, {"person": ["p"] * 400}, "rows of one person hang together"),
        (
            {"age": {"role": "feature", "type": "number", "segment": [30, 50]}},
            {"age": [str(at) for at in range(400)]},
            "age is text that is cut into bands",
        ),
        (
            {"label": "label category"},
            {"label": ["no", "yes"] * 200},
            "the label is text, and not of two levels",
        ),
    ],
    ids=["groups", "text in bands", "text label"],
)
def test_what_the_dictionary_says_may_need_rows(
    tmp_path: Path, dictionary: Mapping[str, Entry], test: Columns, reason: str
) -> None:
    made = make(tmp_path, dictionary={**DICTIONARY, **dictionary}, test={**draw(400)[0], **test})
    policy = f"{FEW}  segments: [age]\n  segment_floor: {{metrics: {{accuracy: 0.1}}}}\n"
    assert opened(made, policy).why_by_rows == reason


@pytest.mark.usefixtures("lowered")
def test_so_do_very_many_segments(sides: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gates.reduction.reduce.MOST_RANKED", 11)
    assert opened(sides).why_by_rows == "sex × plan has 12 combinations of levels"
    monkeypatch.setattr("gates.reduction.reduce.MAX_CODES", 11)
    monkeypatch.setattr("gates.reduction.reduce.MOST_RANKED", 2_048)
    policy = POLICY.replace("roc_auc: 0.7, ", "").replace(", roc_auc: {margin: 0.02}", "")
    assert opened(sides, policy).why_by_rows == "sex × plan has 12 combinations of levels"


@pytest.mark.usefixtures("lowered")
def test_a_trained_on_row_is_left_out_as_ever(tmp_path: Path) -> None:
    train_on("r1", "r2")(make(tmp_path))
    found = judged(opened(tmp_path, FEW), FEW)
    assert found.test_set is not None
    assert found.test_set.seen == 2
    assert found.outcomes[0].findings[0].support is not None
    assert found.outcomes[0].findings[0].support.rows == 398


@pytest.mark.usefixtures("lowered")
def test_text_labels_are_read_and_others_refused(tmp_path: Path) -> None:
    entry = {"role": "label", "type": "category", "levels": ["no", "yes"], "description": "x"}
    test = draw(400)[0]
    words = ["yes" if label else "no" for label in test["label"]]
    plain = judged(opened(make(tmp_path / "a"), FEW), FEW)
    folder = make(
        tmp_path / "b", dictionary={"label": entry, **DICTIONARY}, test={**test, "label": words}
    )
    case = opened(folder, FEW)
    (found,), (expected,) = judged(case, FEW).outcomes[0].findings, plain.outcomes[0].findings
    assert (found.message, found.support) == (expected.message, expected.support)
    assert case.streamed is not None
    wrong = make(
        tmp_path / "c",
        dictionary={"label": entry, **DICTIONARY},
        test={**test, "label": ["maybe", *words[1:]]},
    )
    with pytest.raises(EvidenceError, match="the label 'label' holds 'maybe'; its levels are no,"):
        judged(opened(wrong, FEW), FEW)


@pytest.mark.usefixtures("lowered")
@pytest.mark.parametrize(
    ("scores", "says"),
    [
        ([0.5] * 399 + [1.5], r"candidate.score: the score lies outside \[0, 1\] in 1 of 400"),
        ([0.5] * 399 + [float("nan")], "the score is missing, NaN or infinite in 1 of 400 rows"),
    ],
)
def test_what_cannot_be_judged_is_refused(tmp_path: Path, scores: Outputs, says: str) -> None:
    folder = make(tmp_path)
    path = folder / "candidate" / "predictions.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "score", pa.array(scores)), path)
    seal(folder / "candidate")
    with pytest.raises(EvidenceError, match=says):
        judged(opened(folder, FEW), FEW)


@pytest.mark.usefixtures("lowered")
def test_a_column_that_is_not_there_is_refused_where_it_is_asked(sides: Path) -> None:
    policy = POLICY.replace("segments: [sex,", "segments: [sexx,")
    found = {each.gate: each for each in judged(opened(sides, policy), policy).outcomes}
    assert found["metric_regression"].outcome is not Result.ERRORED
    assert found["segment_floor"].outcome is Result.ERRORED
    assert "no column 'sexx', which the policy names as a segment" in found["segment_floor"].reason


def test_the_anchor_is_compared_in_passes_of_its_own(
    sides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = POLICY.replace("segments:", "references: [merge_base, anchor]\n  segments:")

    def both() -> tuple[Case, tuple[Outcome, ...]]:
        plain = opened(sides, policy)
        release = Evidence(sides / "release", plain.settings, beside=plain.candidate)
        anchor = Anchor(side=Side(revision="a", tag="v1"), evidence=release)
        case = Case(
            plain.settings, plain.candidate, plain.baseline, anchor=anchor, asked=plain.asked
        )
        return case, judged(case, policy).outcomes

    _, by_rows = both()
    monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)
    case, in_passes = both()
    assert [each.streamed is not None for each in case.references] == [True, True]
    less_sure = 0
    for mine, theirs in zip(in_passes, by_rows, strict=True):
        for one, other in zip(mine.findings, theirs.findings, strict=True):
            assert one.subject == other.subject
            if one.p_value is not None and other.p_value is not None:  # two parts are paid for
                assert -0.02 <= one.p_value - other.p_value <= other.p_value + 0.1
            if one.state is not other.state:
                assert (one.state, other.state) == (State.UNDECIDED, State.FAILED)
                less_sure += 1
    assert less_sure <= 2


def test_a_test_set_is_known_by_its_rows_in_any_order(
    sides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Evidence(sides / "candidate").test_digest
    rows = pq.read_table(sides / "candidate" / "test.parquet").sort_by("row_id")
    expected = list(zip(rows["row_id"].to_pylist(), rows["label"].to_pylist(), strict=True))
    monkeypatch.setattr("gates.evidence.row_digest._ENCODED_ROWS", 700)
    assert Evidence(sides / "candidate").test_digest == before
    assert before == digest_in_one(expected)
    monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)
    large = Evidence(sides / "candidate").test_digest
    assert large != before
    shutil.copytree(sides / "candidate", tmp_path / "moved")
    moved = rows.take(np.random.default_rng(3).permutation(ROWS))
    pq.write_table(moved, tmp_path / "moved" / "test.parquet", row_group_size=500)
    seal(tmp_path / "moved")
    assert Evidence(tmp_path / "moved").test_digest == large
    labels = moved["label"].to_pylist()
    labels[5] = not labels[5]
    at = moved.schema.get_field_index("label")
    other = moved.set_column(at, "label", pa.array(labels))
    pq.write_table(other, tmp_path / "moved" / "test.parquet")
    seal(tmp_path / "moved")
    assert Evidence(tmp_path / "moved").test_digest != large


def digest_in_one(rows: list[tuple[str, bool]]) -> str:
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def test_the_engine_is_the_stores(sides: Path) -> None:
    assert isinstance(Evidence(sides / "candidate").engine, EmbeddedEngine)


@pytest.mark.usefixtures("lowered")
def test_the_command_says_why_much_memory_is_taken(
    sides: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for metric in ("accuracy", "average_precision"):
        policy = tmp_path / f"{metric}.yaml"
        policy.write_text(FEW.replace("accuracy", metric))
        places = ("--candidate", str(sides / "candidate"), "--baseline", str(sides / "baseline"))
        main(("judge", *places, "--policy", str(policy)))
        said.append(capsys.readouterr().err)
    assert "memory" not in said[0]
    assert said[1].startswith(
        "gatepost: all 3,000 test rows are read into memory: average_precision is no sum over rows"
    )


@pytest.mark.usefixtures("lowered")
@pytest.mark.parametrize(("candidate", "outcome"), [("baseline", "passed"), ("release", "failed")])
def test_a_changed_model_is_known_by_sums(sides: Path, candidate: str, outcome: str) -> None:
    policy = f"{FEW}  policy_change: {{}}\n"
    parsed = read_policy(policy.encode(), "params.yaml")
    made = Evidence(sides / candidate, parsed.settings)
    change = PolicyChange(key="x", direction=Direction.LOOSENED)
    baseline = Evidence(sides / "baseline", parsed.settings, beside=made)
    case = Case(parsed.settings, made, baseline, (change,), asked=parsed.asks(made))
    assert judged(case, policy).outcomes[1].outcome == outcome
    assert "arenas" not in vars(case)


@pytest.mark.usefixtures("lowered")
def test_bytes_that_are_no_text_make_no_segments(tmp_path: Path) -> None:
    plans = pa.array([b"\xff"] * 400, pa.binary())
    folder = make(tmp_path, test={**draw(400)[0], "plan": plans})
    policy = f"{FEW}  segments: [plan]\n  segment_floor: {{metrics: {{accuracy: 0.1}}}}\n"
    with pytest.raises(EvidenceError, match=r"test\.plan: cannot be cut into segments"):
        judged(opened(folder, policy), policy)


@pytest.mark.usefixtures("lowered")
def test_passes_never_take_the_positive_class_for_the_rare_one(sides: Path) -> None:
    policy = "gates: {rare_class: {classes: [negative], metrics: {recall: {floor: 0.1}}}}"
    case = opened(sides, policy)
    [finding] = judged(case, policy).outcomes[0].findings
    assert case.streamed is not None
    assert finding.subject.metric == "recall.negative"
    assert "needs all rows at once" in finding.message
