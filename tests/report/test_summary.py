from math import inf

import msgspec
import pytest

from gates.finding import Decision, Family, Finding, Limit, Mode, Outcome, Result, State, Subject
from gates.report import headline
from gates.report.remedy import to_fix
from gates.report.sentences import METRICS, cells, direction, reason, subject_phrase
from gates.report.summary import Shown, blocks, counts_text, excess, shown
from gates.report.words import plain
from tests.report.samples import (
    SAMPLES,
    batch_of_1995,
    compared,
    data_gates,
    label_noise,
    loosened,
    metrics,
    outcome,
    said,
    undecided_strict,
    verdict,
)
from tests.report.samples import (
    trade_off as traded,
)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (Subject(metric="recall", segment={"sex": "Female"}), "recall for sex = Female"),
        (Subject(metric="roc_auc"), "ROC AUC"),
        (Subject(metric="recall_difference", column="sex"), "recall difference by sex"),
        (Subject(metric="psi", column="age"), "psi of age"),
        (
            Subject(metric="recall", segment={"sex": "F", "race": "B"}),
            "recall for sex = F and race = B",
        ),
        (Subject(key="dvc.lock"), "dvc.lock"),
        (Subject(), ""),
    ],
)
def test_subject(subject: Subject, words: str) -> None:
    assert plain(subject_phrase(subject)) == words


def bounded(limit: Limit, candidate: float, state: State = State.FAILED) -> Finding:
    return Finding(
        subject=Subject(metric="roc_auc"),
        state=state,
        limit=limit,
        message="m",
        candidate=candidate,
    )


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (
            compared("recall", 0.251, 0.086, 0.02, margin=0.05),
            "recall fell 16.5 points (limit 5.0)",
        ),
        (
            compared("recall", 0.5, 0.4499, 0.02, margin=0.05),
            "recall fell 5.01 points (limit 5.00)",
        ),
        (
            compared("log_loss", 0.194, 0.324, 0.01, margin=0.01, up=False),
            "log loss rose 0.130 (limit 0.010)",
        ),
        (compared("recall", 0.5, 0.49, 0.02, margin=0.005), "recall fell 1.0 point (limit 0.5)"),
        (
            compared("recall_difference", 0.108, 0.231, 0.02, margin=0.02, up=False, column="sex"),
            "recall difference by sex grew 12.3 points (limit 2.0)",
        ),
        (bounded(Limit(floor=0.9), 0.893), "ROC AUC is 0.893 (floor 0.900)"),
        (bounded(Limit(ceiling=0.9), 0.90004), "ROC AUC is 0.90004 (ceiling 0.90000)"),
        (
            bounded(Limit(floor=0.9), 0.905, State.UNDECIDED),
            "ROC AUC may lie below its floor of 0.900; the data cannot tell",
        ),
        (
            compared("recall", 0.5, 0.49, 0.06, margin=0.05, state=State.UNDECIDED, rows=58),
            "recall may have fallen more than 5.0 points; 58 rows cannot tell",
        ),
        (
            compared("unheard_of", 0.5, 0.4, 0.02, margin=0.05),
            "unheard_of went from 0.5 to 0.4; at most 0.05 may be lost.",
        ),
    ],
)
def test_reason(finding: Finding, words: str) -> None:
    assert plain(reason(finding, Family.METRICS)) == words


def test_a_family_that_measures_no_model_speaks_by_message() -> None:
    finding = compared("recall", 0.5, 0.4, 0.02, margin=0.05)
    assert plain(reason(finding, Family.DATA)) == finding.message


def test_numbers_of_a_row_have_the_same_decimals() -> None:
    row = cells(compared("roc_auc", 0.9085, 0.9063, 0.0021, margin=0.005))
    assert row[:4] == ("0.9085", "0.9063", "−0.0022", "−0.0043 to −0.0001")
    assert plain(row.limit) == "drop ≤ 0.0050"


@pytest.mark.parametrize(
    ("finding", "word"),
    [
        (compared("recall", 0.5, 0.4, 0.02, margin=0.05), "worse"),
        (compared("log_loss", 0.5, 0.4, 0.02, margin=0.05, up=False), "better"),
        (compared("recall", 0.5, 0.49, 0.02, margin=0.05), ""),
        (compared("recall", 0.5, 0.5, 0.0, margin=0.05), ""),
    ],
)
def test_direction_is_silent_about_noise(finding: Finding, word: str) -> None:
    assert direction(finding) == word


@pytest.mark.parametrize(
    ("finding", "times"),
    [
        (compared("recall", 0.5, 0.3, 0.02, margin=0.05), 4.0),
        (compared("log_loss", 0.2, 0.25, 0.02, margin=0.01, up=False), 5.0),
        (compared("recall", 0.3, 0.5, 0.02, margin=0.05), 0.0),
        (compared("recall", 0.5, 0.3, 0.02, margin=0.0), inf),
        (bounded(Limit(ceiling=0.1), 0.4), 4.0),
        (bounded(Limit(floor=0.9), 0.45), 2.0),
        (bounded(Limit(ceiling=0.0), 37.0), inf),
        (said("broken", state=State.FAILED), inf),
        (said("kept"), 0.0),
    ],
)
def test_excess_counts_in_limits(finding: Finding, times: float) -> None:
    assert excess(finding) == pytest.approx(times)


def test_causes_come_before_effects() -> None:
    items = to_fix(batch_of_1995())
    assert [item.gate.text for item in items] == [
        "schema",
        "drift",
        "metric_regression",
        "calibration",
    ]
    assert items[0].more == 3


def test_what_to_do_is_said_once_with_the_worst_ones_figures() -> None:
    mends = ("Look at 243 of 6,220 labels.", "Look at 12 of 99 labels.", "Train on more rows.")
    broken = [
        msgspec.structs.replace(said(f"gate {mend}", state=State.FAILED), mend=mend)
        for mend in mends
    ]
    (item,) = to_fix(verdict(Decision.FAIL, outcome("drift", Family.DATA, *broken)))
    assert [mend.text for mend in item.mends] == [mends[0], mends[2]]
    assert item.more == 2


def test_the_headline_is_the_first_thing_to_fix() -> None:
    assert headline(batch_of_1995()).startswith("migration_msa: every one of 51,584 rows")
    leak = said("37 rows of test stand in train. Draw the split again.", state=State.FAILED)
    both = verdict(
        Decision.FAIL,
        metrics(recall=compared("recall", 0.5, 0.3, 0.02, margin=0.03, state=State.FAILED)),
        outcome("train_test_overlap", Family.LEAKAGE, leak),
    )
    assert headline(both) == "37 rows of test stand in train"


def test_a_guarded_doubt_does_not_block_and_a_strict_one_does() -> None:
    guarded = compared("recall", 0.5, 0.49, 0.06, margin=0.05, state=State.UNDECIDED)
    strict = compared(
        "recall", 0.5, 0.49, 0.06, margin=0.05, state=State.UNDECIDED, mode=Mode.STRICT
    )
    assert not blocks(outcome("g", Family.METRICS, guarded))
    assert blocks(outcome("g", Family.METRICS, strict))


@pytest.mark.parametrize(
    ("result", "required", "stops"),
    [
        (Result.PASSED, False, False),
        (Result.FAILED, False, True),
        (Result.ERRORED, False, True),
        (Result.SKIPPED, False, False),
        (Result.SKIPPED, True, True),
        (Result.WAIVED, True, False),
    ],
)
def test_which_outcomes_block(result: Result, required: bool, stops: bool) -> None:
    assert blocks(Outcome(gate="g", family=Family.DATA, outcome=result, required=required)) == stops


def test_counts_name_what_decided_first() -> None:
    assert counts_text(label_noise()) == ("2 of 11 gates failed", "9 passed")
    assert counts_text(traded()) == ("10 of 11 gates passed", "1 undecided")
    assert counts_text(undecided_strict()) == ("2 of 11 gates undecided", "9 passed")


@pytest.mark.parametrize(
    ("sample", "state"),
    [
        ("label_noise", Shown.BLOCKED),
        ("improvement", Shown.PASSED),
        ("waived", Shown.WAIVED),
        ("unchanged", Shown.UNCHANGED),
        ("no_baseline", Shown.NO_BASELINE),
        ("cannot_judge", Shown.NOT_JUDGED),
    ],
)
def test_state(sample: str, state: Shown) -> None:
    assert shown(SAMPLES[sample]()) is state


def test_a_verdict_that_compared_nothing_is_not_unchanged() -> None:
    assert shown(verdict(Decision.PASS, *data_gates())) is Shown.PASSED


def test_a_blocked_verdict_without_any_reason_still_has_a_line() -> None:
    empty = msgspec.structs.replace(loosened(), outcomes=(), reason="")
    assert headline(empty) == "see the gates below"


def test_every_metric_that_gates_judge_has_words() -> None:
    judged = pytest.importorskip("gates.metrics")
    assert {name for of in judged.METRICS.values() for name in of} <= set(METRICS)
