"""What a waiver keeps from blocking, and what it does not."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from gates.case.case import Case
from gates.day import read_day
from gates.evidence.folder import Evidence
from gates.finding import (
    Decision,
    Family,
    Finding,
    Limit,
    Mode,
    Result,
    State,
    Subject,
    Verdict,
    WaiverUse,
    fingerprint,
)
from gates.judge import judge
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.rules.gate import Gate, Item, NotApplicableError
from gates.testing import evidence
from gates.verdict import read_verdict, write_verdict
from gates.waivers.apply import Waiving, bounded, sentence_digest
from gates.waivers.waivers import Waiver, Waivers
from tests.build_waivers import TODAY, waiver


class Says(Gate, frozen=True, kw_only=True):
    """Yields what it is told to."""

    family: ClassVar[Family] = Family.DATA
    items: tuple[Finding, ...] = ()

    def judge(self, case: Case) -> Sequence[Item]:  # type: ignore[override]  # a list will do
        assert case.candidate.test.rows
        return self.items


class Skips(Says, frozen=True, kw_only=True):
    """Does not apply."""

    def judge(self, case: Case) -> Sequence[Item]:  # type: ignore[override]
        raise NotApplicableError(f"nothing to see in {case.candidate.test.rows} rows")


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder: Path = tmp_path_factory.mktemp("evidence") / "new"
    return evidence(folder, {}, test={"label": [True, False]})


def loss(
    change: float | None,
    *,
    key: str = "x",
    state: State = State.FAILED,
    mode: Mode = Mode.GUARD,
    up: bool | None = True,
) -> Finding:
    """A change with the margin 0.05."""
    return Finding(
        subject=Subject(metric="accuracy", key=key),
        state=state,
        limit=Limit(margin=0.05, mode=mode),
        message=f"changed by {change}",
        change=change,
        greater_is_better=up,
    )


def rule(message: str = "12 rows are broken") -> Finding:
    return Finding(
        subject=Subject(key="x"), state=State.FAILED, limit=Limit(rule="none"), message=message
    )


def name(finding: Finding, gate: str = "a") -> str:
    return fingerprint(gate, finding.subject, finding.limit)


def judged(
    candidate: Evidence, gates: dict[str, Gate], waivers: Sequence[Waiver], day: dt.date = TODAY
) -> Verdict:
    policy = Policy(Settings(), gates, Document("params.yaml", {}, {}))
    listed = Waivers(tuple(waivers), tuple(range(1, len(waivers) + 1)))
    return judge(policy, Case(Settings(), candidate, None), Waiving(listed, day))


def uses(verdict: Verdict) -> list[WaiverUse]:
    assert verdict.waivers is not msgspec.UNSET
    return [one.use for one in verdict.waivers.listed]


def why(verdict: Verdict) -> str:
    assert verdict.waivers is not msgspec.UNSET
    return verdict.waivers.listed[0].why


def test_a_waived_finding_does_not_block_and_says_by_which_waiver(candidate: Evidence) -> None:
    harm = loss(-0.07)
    verdict = judged(candidate, {"a": Says(items=(harm,))}, [waiver(name(harm))])
    (outcome,) = verdict.outcomes
    (finding,) = outcome.findings
    assert (verdict.decision, outcome.outcome) == (Decision.PASS, Result.WAIVED)
    assert finding.state is State.FAILED
    assert finding.waiver is not None
    assert (finding.waiver.until, finding.waiver.days_left) == ("2026-12-20", 27)
    assert (finding.waiver.worst, finding.waiver.line) == (-0.1, 1)
    assert outcome.reason == (
        "until 2026-12-20 (27 days left), by dana: relabelling is under way (#131)"
    )
    assert uses(verdict) == [WaiverUse.USED]
    assert read_verdict(write_verdict(verdict)) == verdict


@pytest.mark.parametrize(
    ("instant", "counts"),
    [
        ("Sun, 22 Nov 2026 23:59:59 GMT", False),  # before the day that it is dated
        ("Mon, 23 Nov 2026 00:00:00 GMT", True),
        ("Sun, 20 Dec 2026 23:59:59 GMT", True),  # the last second of its last day
        ("Mon, 21 Dec 2026 00:00:00 GMT", False),  # one second later
    ],
)
def test_it_counts_through_the_whole_of_its_last_day(
    candidate: Evidence, instant: str, counts: bool
) -> None:
    harm = loss(-0.07)
    verdict = judged(candidate, {"a": Says(items=(harm,))}, [waiver(name(harm))], read_day(instant))
    assert verdict.decision is (Decision.PASS if counts else Decision.FAIL)
    used = WaiverUse.EXPIRED if "Dec" in instant else WaiverUse.EARLY
    assert uses(verdict) == [WaiverUse.USED if counts else used]


@pytest.mark.parametrize(
    ("finding", "worst", "counts"),
    [
        (loss(-0.07), -0.07, True),  # exactly at the bound
        (loss(-0.07 - 1e-13), -0.07, True),  # another processor's last digits
        (loss(-0.0701), -0.07, False),
        (loss(0.07, up=False), 0.07, True),
        (loss(0.0701, up=False), 0.07, False),
        (loss(0.07, up=False), -0.5, False),  # of the wrong sign
        (loss(float("nan")), -1e9, False),
        (loss(None), -1e9, False),
        (loss(-0.07, up=None), -1e9, False),
        (loss(-0.07, state=State.UNDECIDED, mode=Mode.STRICT), -0.07, True),
    ],
)
def test_what_got_worse_than_its_waiver_blocks(
    candidate: Evidence, finding: Finding, worst: float, counts: bool
) -> None:
    verdict = judged(candidate, {"a": Says(items=(finding,))}, [waiver(name(finding), worst=worst)])
    assert verdict.decision is (Decision.PASS if counts else Decision.FAIL)
    assert uses(verdict) == [WaiverUse.USED if counts else WaiverUse.EXCEEDED]


@pytest.mark.parametrize(
    ("limit", "value", "bound"),
    [
        (Limit(floor=0.9), 0.8, (0.8, True)),
        (Limit(ceiling=0.1), 0.2, (0.2, False)),
        (Limit(rule="r"), 0.2, None),
        (Limit(floor=0.9), None, None),
        (Limit(floor=0.9), float("inf"), None),
    ],
)
def test_of_a_floor_or_a_ceiling_the_value_itself_is_bounded(
    limit: Limit, value: float | None, bound: tuple[float, bool] | None
) -> None:
    finding = Finding(
        subject=Subject(), state=State.FAILED, limit=limit, message="m", candidate=value
    )
    assert bounded(finding) == bound


def test_without_a_number_it_counts_only_while_the_same_is_said(candidate: Evidence) -> None:
    old = rule("12 rows are broken")
    entry = waiver(name(old), said=sentence_digest(old))
    same = judged(candidate, {"a": Says(items=(old,))}, [entry])
    worse = judged(candidate, {"a": Says(items=(rule("25,832 rows are broken"),))}, [entry])
    assert (same.decision, worse.decision) == (Decision.PASS, Decision.FAIL)
    assert why(worse) == "the finding says something else than when it was waived"


def test_a_number_is_not_waived_by_a_sentence_nor_a_sentence_by_a_number(
    candidate: Evidence,
) -> None:
    number, sentence = loss(-0.07), rule()
    of_number = judged(
        candidate,
        {"a": Says(items=(number,))},
        [waiver(name(number), said=sentence_digest(number))],
    )
    of_sentence = judged(candidate, {"a": Says(items=(sentence,))}, [waiver(name(sentence))])
    assert of_number.decision is of_sentence.decision is Decision.FAIL
    assert "waive it again with" in why(of_number)
    assert "waive it again without" in why(of_sentence)


def test_what_is_waived_in_part_blocks_for_the_rest(candidate: Evidence) -> None:
    known, new = loss(-0.07, key="known"), loss(-0.07, key="new")
    doubt = loss(-0.01, key="doubt", state=State.UNDECIDED, mode=Mode.STRICT)
    failed = judged(candidate, {"a": Says(items=(known, new))}, [waiver(name(known))])
    strict = judged(candidate, {"a": Says(items=(known, doubt))}, [waiver(name(known))])
    assert [one.waiver is None for one in failed.outcomes[0].findings] == [False, True]
    assert failed.outcomes[0].outcome is Result.FAILED
    assert strict.outcomes[0].outcome is Result.UNDECIDED
    assert failed.decision is strict.decision is Decision.FAIL


def test_a_guarded_doubt_beside_it_stays_a_doubt(candidate: Evidence) -> None:
    known, doubt = loss(-0.07), loss(-0.01, key="doubt", state=State.UNDECIDED)
    verdict = judged(candidate, {"a": Says(items=(known, doubt))}, [waiver(name(known))])
    assert verdict.outcomes[0].outcome is Result.WAIVED
    assert verdict.outcomes[0].findings[1].state is State.UNDECIDED


@pytest.mark.parametrize(
    ("entry", "use", "words"),
    [
        (waiver("ffffffffffffffff"), WaiverUse.UNUSED, "nothing that it names is there"),
        (waiver(gate="b"), WaiverUse.UNUSED, "the policy has no such gate"),
        (
            waiver(until=dt.date(2026, 11, 22), written=dt.date(2026, 11, 1)),
            WaiverUse.EXPIRED,
            "ended with 2026-11-22",
        ),
        (
            waiver(written=dt.date(2026, 11, 24)),
            WaiverUse.EARLY,
            "is dated 2026-11-24, which is still to come",
        ),
    ],
)
def test_what_does_nothing_is_named_with_its_reason(
    candidate: Evidence, entry: Waiver, use: WaiverUse, words: str
) -> None:
    verdict = judged(candidate, {"a": Says(items=(loss(-0.07),))}, [entry])
    assert verdict.decision is Decision.FAIL
    assert (uses(verdict), why(verdict)) == ([use], words)


def test_a_waiver_of_what_passes_is_named_as_unused(candidate: Evidence) -> None:
    passed = loss(-0.01, state=State.PASSED)
    verdict = judged(candidate, {"a": Says(items=(passed,))}, [waiver(name(passed))])
    assert verdict.outcomes[0].outcome is Result.PASSED
    assert (uses(verdict), why(verdict)) == (
        [WaiverUse.UNUSED],
        "what it names does not block: take it out",
    )


def test_a_gate_may_refuse_to_be_waived(candidate: Evidence) -> None:
    harm = loss(-0.07)
    verdict = judged(candidate, {"a": Says(items=(harm,), waivable=False)}, [waiver(name(harm))])
    assert verdict.decision is Decision.FAIL
    assert uses(verdict) == [WaiverUse.REFUSED]


def test_a_waiver_of_another_gate_or_bound_is_not_this_one(candidate: Evidence) -> None:
    harm = loss(-0.07)
    floor = msgspec.structs.replace(harm, limit=Limit(floor=0.9))
    entries = [waiver(name(harm, gate="b"), gate="b"), waiver(name(floor))]
    verdict = judged(candidate, {"a": Says(items=(harm,)), "b": Says(items=(rule(),))}, entries)
    assert verdict.decision is Decision.FAIL
    assert uses(verdict) == [WaiverUse.UNUSED, WaiverUse.UNUSED]


def test_a_waiver_is_of_the_gate_that_it_names(candidate: Evidence) -> None:
    """What gate `b` forbids to waive is not waived in the name of `a`."""
    harm = loss(-0.07)
    gates: dict[str, Gate] = {"a": Says(items=(rule(),)), "b": Says(items=(harm,), waivable=False)}
    verdict = judged(candidate, gates, [waiver(name(harm, "b"), gate="a")])
    assert verdict.outcomes[1].outcome is Result.FAILED
    assert uses(verdict) == [WaiverUse.UNUSED]


def test_of_several_findings_the_waiver_that_ends_first_is_told(candidate: Evidence) -> None:
    one, other = loss(-0.07), loss(-0.07, key="y")
    soon = waiver(name(other), until=dt.date(2026, 11, 30))
    verdict = judged(candidate, {"a": Says(items=(one, other))}, [waiver(name(one)), soon])
    assert verdict.outcomes[0].reason.startswith("2 findings, the first until 2026-11-30 (7 days")


def test_a_gate_that_could_not_judge_is_never_waived(candidate: Evidence) -> None:
    verdict = judged(
        candidate, {"a": Skips(required=True), "b": Says(items=())}, [waiver(), waiver(gate="b")]
    )
    assert verdict.decision is Decision.CANNOT_JUDGE
    assert [one.outcome for one in verdict.outcomes] == [Result.SKIPPED, Result.ERRORED]


def test_of_several_the_longest_that_covers_counts(candidate: Evidence) -> None:
    harm = loss(-0.07)
    short, long = dt.date(2026, 11, 30), dt.date(2026, 12, 20)
    entries = [
        waiver(name(harm), until=short),
        waiver(name(harm), until=long, worst=-0.06),
        waiver(name(harm), until=dt.date(2026, 12, 1)),
    ]
    verdict = judged(candidate, {"a": Says(items=(harm,))}, entries)
    found = verdict.outcomes[0].findings[0].waiver
    assert found is not None
    assert found.until == "2026-12-01"
    assert uses(verdict) == [WaiverUse.USED, WaiverUse.EXCEEDED, WaiverUse.USED]


def test_without_waivers_the_verdict_has_no_word_of_them(candidate: Evidence) -> None:
    policy = Policy(Settings(), {"a": Says(items=(loss(-0.07),))}, Document("params.yaml", {}, {}))
    case = Case(Settings(), candidate, None)
    empty = judge(policy, case, Waiving(Waivers(), TODAY))
    assert write_verdict(empty) == write_verdict(judge(policy, case))
    assert b"waive" not in write_verdict(empty)
