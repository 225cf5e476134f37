"""Entries of the ledger: what is kept, what is counted, and what cannot be read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.finding import Decision, Side, TestSet, Use, Verdict
from gates.ledger.ledger import (
    ENTRY_MAX_BYTES,
    Entry,
    Ledger,
    entry_name,
    entry_of,
    gather,
    rank_baselines,
    read_entry,
    read_ledger_lines,
    write_entry,
)
from tests.entries import ROWS_A, ROWS_B, entry, lines, model


class TestCounting:
    def test_the_same_predictions_are_one_model(self) -> None:
        again = entry(1, head="c" * 40, time="2026-05-03T10:00:00Z")
        page = gather([again, entry(1), entry(2)]).page(ROWS_A)
        assert len(page.entries) == 3
        assert page.judged == {model(1), model(2)}
        assert page.since == "2026-05-02"

    def test_a_model_that_a_later_one_started_from_was_merged(self) -> None:
        page = gather([entry(1, 0), entry(2, 0), entry(3, 2)]).page(ROWS_A)
        assert page.merged == {model(2)}  # 0 was main's too, but never judged

    def test_a_model_whose_commit_is_on_the_branch_was_merged(self) -> None:
        assert gather([entry(1, merged=True)]).page(ROWS_A).merged == {model(1)}

    def test_another_test_set_is_another_page(self) -> None:
        ledger = gather([entry(1, test_set=ROWS_B, time="2026-06-01T00:00:00Z"), entry(2)])
        assert [page.test_set for page in ledger.pages] == [ROWS_A, ROWS_B]
        assert ledger.page(ROWS_B).judged == {model(1)}
        assert not ledger.page("c" * 64).judged

    def test_pages_by_how_their_digest_starts(self) -> None:
        entries = gather([entry(1), entry(2, test_set=ROWS_B)]).entries
        narrowed = Ledger(entries, ("", ROWS_A, ROWS_B)).narrowed("bb")
        assert [page.test_set for page in narrowed.pages] == [ROWS_B]
        assert narrowed.unread == ("", ROWS_B)

    def test_a_verdict_that_is_recorded_twice_counts_once(self) -> None:
        later = entry(1, merged=True, time="2026-07-01T00:00:00Z")
        (kept,) = gather([later, entry(1)]).entries
        assert (kept.time, kept.merged) == ("2026-05-02T10:00:00Z", True)


BAD = {
    "no JSON": b"{",
    "a list": b"[]",
    "an unknown field": json.dumps({**msgspec.to_builtins(entry(1)), "more": 1}).encode(),
    "a missing field": json.dumps({"test_set": ROWS_A}).encode(),
    "a digest that is none": write_entry(entry(1)).replace(b"aaaa", b"../a", 1),
    "a head that is an option": write_entry(entry(1, head="x" * 40)).replace(b"xx", b"--", 1),
    "NaN": write_entry(entry(1, spread=0.5)).replace(b"0.5", b"NaN"),
    "a key twice": write_entry(entry(1)).replace(b"{", b'{"rows":1,', 1),
    "too long": b" " * ENTRY_MAX_BYTES + write_entry(entry(1)),
    "a later schema": write_entry(entry(1)).replace(b"{", b'{"schema":2,', 1),
    "a line break in a head": write_entry(entry(1)).replace(b'1","dec', b'1\\n","dec', 1),
    "a spread without bounds": write_entry(entry(1, spread=0.5)).replace(b"0.5", b"1e200"),
    "a number that is no float": write_entry(entry(1, spread=0.5)).replace(b"0.5", b"9" * 400),
    "bytes": b"\xff\xfe\x00",
    "control characters in a head": write_entry(entry(1)).replace(b'"0000', b'"\\u001b[2', 1),
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_what_cannot_be_read_counts_on_every_page(line: bytes) -> None:
    assert read_entry(line) is None
    ledger = read_ledger_lines(line + b"\n" + lines(entry(2)), "ledger.jsonl")
    assert [page.unread for page in ledger.pages] == [1]
    assert ledger.page(ROWS_B).unread == 1


@given(content=st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_none(content: bytes) -> None:
    assert read_entry(content) is None
    found = read_ledger_lines(content, "ledger.jsonl")
    assert len(found.unread) == sum(bool(line.strip()) for line in content.split(b"\n"))


@given(numbers=st.lists(st.integers(0, 5), max_size=8), seed=st.randoms())
def test_the_order_of_lines_is_nothing(numbers: list[int], seed: Any) -> None:
    entries = [entry(number, number + 1) for number in numbers]
    shuffled = seed.sample(entries, len(entries))
    assert read_ledger_lines(lines(*entries), "") == read_ledger_lines(lines(*shuffled), "")


def test_an_entry_survives_its_line() -> None:
    one = entry(1, 0, metric="log_loss", spread=0.25, discordance=0.04, anchor="v1.0", dirty=True)
    assert read_entry(write_entry(one)) == one
    assert entry_name(one) == entry_name(msgspec.structs.replace(one, time="2027-01-01T00:00:00Z"))
    assert entry_name(one) != entry_name(entry(1, 0))


def verdict(use: Use | None, revision: str = "d" * 40) -> Verdict:
    return Verdict(
        gatepost="1",
        decision=Decision.FAIL,
        candidate=Side(revision=revision),
        baseline=Side(revision="e" * 40),
        outcomes=(),
        test_set=TestSet(changed=False, digest=ROWS_A, rows=400, use=use),
    )


def test_a_verdict_becomes_an_entry() -> None:
    use = Use(predictions=model(7), metric="accuracy", baseline=0.8, candidate=0.7, spread=0.01)
    made = entry_of(verdict(use), "2026-05-02T10:00:00Z")
    assert (made.head, made.base, made.decision) == ("d" * 40, "e" * 40, Decision.FAIL)
    assert (made.rows, made.predictions, made.spread) == (400, model(7), 0.01)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (verdict(None), "does not say which predictions"),
        (verdict(Use(predictions="x")), "cannot be counted.*predictions"),
        (verdict(Use(predictions=model(1)), "--upload-pack=x"), "cannot be counted.*head"),
    ],
)
def test_a_verdict_that_cannot_be_counted(one: Verdict, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        entry_of(one, "2026-05-02T10:00:00Z")


def test_the_best_baseline_is_the_first() -> None:
    def based(base: str, value: float | None, metric: str = "log_loss", day: int = 1) -> Entry:
        when = f"2026-05-0{day}T00:00:00Z"
        up = metric == "accuracy"
        more: dict[str, Any] = {"baseline": value, "metric": metric, "greater_is_better": up}
        return entry(day, base=base * 40, time=when, **more)

    page = gather(
        [
            based("a", 0.3),
            based("b", 0.2, day=2),
            based("c", 0.2, day=3),
            based("d", None),
            based("f", 0.1, "accuracy", day=4),
        ]
    ).page(ROWS_A)
    best = rank_baselines(page, "log_loss")
    assert best == ("c" * 40, "b" * 40, "a" * 40)
    assert rank_baselines(page, "accuracy") == ("f" * 40,)
