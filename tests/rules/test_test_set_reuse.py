"""Gate `test_set_reuse`: a worn test set is named, and blocks where that is asked."""

from pathlib import Path

import msgspec
import pytest

from gates.case.case import Case
from gates.finding import Decision, Mode, Observation, Result, Wear, WearState
from gates.judge import judge
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.rules.gate import NotApplicableError
from gates.rules.test_set_reuse import Reuse
from gates.testing import evidence, items

WEAR = Wear(judged=60, metric="accuracy", margin=0.01, optimism=0.004)


def case(folder: Path, wear: Wear | None) -> Case:
    new = evidence(folder / "new", {}, test={"label": [True, False]}, scores=[0.9, 0.1])
    made = Case(Settings(), new, None)
    made.test_set = msgspec.structs.replace(made.test_set, wear=wear)
    return made


@pytest.mark.parametrize(
    ("state", "mode", "result", "decision"),
    [
        (WearState.FRESH, Mode.STRICT, Result.PASSED, Decision.PASS),
        (WearState.WORN, Mode.STRICT, Result.PASSED, Decision.PASS),
        (WearState.WORN_OUT, Mode.GUARD, Result.UNDECIDED, Decision.PASS),
        (WearState.WORN_OUT, Mode.STRICT, Result.UNDECIDED, Decision.FAIL),
    ],
)
def test_only_what_is_worn_out_is_doubted(
    tmp_path: Path, state: WearState, mode: Mode, result: Result, decision: Decision
) -> None:
    made = case(tmp_path, msgspec.structs.replace(WEAR, state=state))
    policy = Policy(Settings(), {"test_set_reuse": Reuse(mode=mode)}, Document("", {}, {}))
    verdict = judge(policy, made)
    assert (verdict.outcomes[0].outcome, verdict.decision) == (result, decision)
    seen = [one for one in items(Reuse(), made) if isinstance(one, Observation)]
    assert bool(seen) is (state is WearState.WORN)


@pytest.mark.parametrize(
    ("wear", "reason"), [(None, "no ledger yet"), (Wear(judged=9), "no metric has moved yet")]
)
def test_without_a_count_there_is_nothing_to_judge(
    tmp_path: Path, wear: Wear | None, reason: str
) -> None:
    with pytest.raises(NotApplicableError, match=reason):
        list(items(Reuse(), case(tmp_path, wear)))


def test_where_it_is_required_a_missing_ledger_blocks(tmp_path: Path) -> None:
    policy = Policy(Settings(), {"test_set_reuse": Reuse(required=True)}, Document("", {}, {}))
    verdict = judge(policy, case(tmp_path, None))
    assert verdict.decision is Decision.CANNOT_JUDGE
    assert verdict.reason.startswith("test_set_reuse is required: there is no ledger yet")
