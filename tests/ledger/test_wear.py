"""How worn a test set is: by hand, from a ledger and two models."""

import math
from pathlib import Path

import pytest

from gates.case.case import Case
from gates.finding import WearState
from gates.ledger.ledger import Ledger, gather
from gates.ledger.wear import digest_predictions, measure_use, rank_by_primary, with_wear
from gates.policy.policy import Primary
from gates.policy.settings import Settings
from gates.stats.reuse import optimism
from gates.testing import evidence
from tests.entries import entry, model

ROWS = 400
LABELS = [True, False] * (ROWS // 2)
ACCURACY = Primary("accuracy", 0.05)


def scores(wrong: int) -> list[float]:
    """Right but for the first so many rows."""
    right = [0.9 if label else 0.1 for label in LABELS]
    return [1 - score if at < wrong else score for at, score in enumerate(right)]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A base that is wrong on 16 of 400 rows, and a candidate that is right on them all."""
    new, old = (
        evidence(tmp_path / name, {}, test={"label": LABELS}, scores=scores(wrong))
        for name, wrong in (("new", 0), ("old", 16))
    )
    return Case(Settings(), new, old)


def past(case: Case, *numbers: int, spread: float | None = None) -> Ledger:
    digest = case.test_set.digest
    metric = None if spread is None else "accuracy"
    return gather(entry(one, test_set=digest, metric=metric, spread=spread) for one in numbers)


def test_what_is_read_off(case: Case) -> None:
    use = measure_use(case, ACCURACY)
    assert (use.metric, use.baseline, use.candidate) == ("accuracy", 0.96, 1.0)
    assert use.greater_is_better is True
    assert use.discordance == 0.04
    assert use.spread == math.sqrt(0.04 / ROWS)
    assert use.baseline_predictions != use.predictions


def test_another_metrics_spread_is_its_standard_error(case: Case) -> None:
    # log loss moves by log 9 on 16 of 400 rows: sd = log 9 · sqrt(.04 · .96), se = sd / 20
    spread = measure_use(case, Primary("log_loss", 0.01)).spread
    assert spread == pytest.approx(math.log(9) * math.sqrt(0.04 * 0.96) / 20, rel=0.01)


def test_without_a_baseline_only_the_predictions_count(case: Case) -> None:
    alone = Case(Settings(), case.candidate, None)
    assert measure_use(alone, ACCURACY).spread is None
    assert measure_use(alone, ACCURACY).predictions == measure_use(case, None).predictions


def test_a_last_digit_is_no_other_model(tmp_path: Path) -> None:
    digests = [
        digest_predictions(
            evidence(tmp_path / str(at), {}, test={"label": [True, False]}, scores=[0.5, score])
        )
        for at, score in enumerate((0.25, 0.25 + 1e-12, 0.25 + 1e-6))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_without_a_ledger_nothing_is_said(case: Case) -> None:
    found = with_wear(case, ACCURACY, None)
    assert found.wear is None
    assert found.use is not None


def test_the_first_time_costs_nothing(case: Case) -> None:
    wear = with_wear(case, ACCURACY, Ledger()).wear
    assert wear is not None
    assert (wear.judged, wear.optimism, wear.state) == (1, 0.0, WearState.FRESH)
    assert wear.text() == "judged once"


@pytest.mark.parametrize(
    ("margin", "state"),
    [
        (0.1, WearState.FRESH),
        (0.05, WearState.FRESH),
        (0.04, WearState.WORN),
        (0.02, WearState.WORN_OUT),
        (0.0, WearState.FRESH),
    ],
)
def test_ten_models_by_hand(case: Case, margin: float, state: WearState) -> None:
    # nine before and this one; s = sqrt(.04/400) = .01, .01 · sqrt(2 ln 10) = .0215
    ledger = past(case, *range(9), spread=0.01)
    wear = with_wear(case, Primary("accuracy", margin), ledger).wear
    assert wear is not None
    assert wear.judged == 10
    assert wear.optimism == pytest.approx(0.02146, abs=1e-5)
    assert wear.state is state
    assert wear.since == "2026-05-02"


def test_spreads_are_pooled_over_what_moved(case: Case) -> None:
    moved, still = past(case, 1, spread=0.07), past(case, 2, spread=0.0)
    ledger = gather((*moved.entries, *still.entries))
    wear = with_wear(case, ACCURACY, ledger).wear
    assert wear is not None
    assert wear.optimism == pytest.approx(optimism(0.05, 3))  # sqrt((.07² + .01²) / 2)


def test_what_cannot_be_read_counts(case: Case) -> None:
    wear = with_wear(case, ACCURACY, Ledger(unread=("", case.test_set.digest, "f" * 64))).wear
    assert wear is not None
    assert (wear.judged, wear.unread) == (3, 2)
    assert "judged 3 times, 2 of them unreadable" in wear.text()


def test_the_same_model_again_is_no_new_look(case: Case) -> None:
    use = measure_use(case, ACCURACY)
    again = entry(0, test_set=case.test_set.digest, predictions=use.predictions)
    wear = with_wear(case, ACCURACY, gather([again])).wear
    assert wear is not None
    assert wear.judged == 1


def test_a_margin_of_a_metric_that_nobody_named(case: Case) -> None:
    wear = with_wear(case, None, past(case, 1, 2)).wear
    assert wear is not None
    assert (wear.judged, wear.margin, wear.text()) == (3, None, "judged 3 times since 2026-05-02")


def test_the_best_baseline_by_a_loss_is_the_smallest() -> None:
    entries = [
        entry(at, base=str(at) * 40, metric="log_loss", baseline=value, predictions=model(at))
        for at, value in enumerate((0.3, 0.1, 0.2))
    ]
    ledger, primary = gather(entries), Primary("log_loss", 0.01)
    assert rank_by_primary(ledger, "a" * 64, primary)[0] == "1" * 40
    assert rank_by_primary(None, "a" * 64, primary) == ()
    assert rank_by_primary(ledger, "b" * 64, primary) == ()


def test_the_order_of_rows_is_nothing(tmp_path: Path) -> None:
    values = {"r0": (True, 0.9), "r1": (False, 0.2), "r2": (True, 0.4)}
    digests = [
        digest_predictions(
            evidence(
                tmp_path / str(at),
                {},
                test={"row_id": names, "label": [values[name][0] for name in names]},
                scores=[values[name][1] for name in names],
            )
        )
        for at, names in enumerate((["r0", "r1", "r2"], ["r2", "r0", "r1"]))
    ]
    assert digests[0] == digests[1]
