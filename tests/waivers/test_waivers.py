import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import PolicyError
from gates.waivers.waivers import LONGEST_DAYS, Waiver, read_waivers

ENTRY = """\
- gate: segment_regression
  fingerprint: "0f3b9a7c2d1e4f56"
  subject: recall for sex = Female
  worst: -0.07
  written: 2026-11-23
  until: 2026-12-20
  reason: "relabelling is under way (#131)"
  author: dana
"""


def read(text: str) -> tuple[Waiver, ...]:
    return read_waivers(text.encode(), "waivers.yaml").entries


def test_an_entry_is_typed_values_with_its_line() -> None:
    waivers = read_waivers(f"# ours\n{ENTRY}\n{ENTRY}".encode(), "waivers.yaml")
    first, second = waivers.entries
    assert first == second
    assert (first.worst, first.said, first.approved_by) == (-0.07, None, None)
    assert (first.written, first.until) == (dt.date(2026, 11, 23), dt.date(2026, 12, 20))
    assert waivers.lines == (2, 11)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]", "~"])
def test_an_empty_file_waives_nothing(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- gate:", "- gaet:", "waivers.yaml:1: [0].gaet: unknown key; did you mean gate?"),
        ("worst: -0.07", "worst: .nan", "no finite number"),
        ("worst: -0.07", "worst: a lot", "[0].worst: 'a lot'"),
        ("  worst: -0.07\n", "", "needs exactly one of worst and said"),
        ("worst: -0.07", "worst: -0.07\n  said: 0f3b9a7c2d1e4f5a", "needs exactly one of"),
        ("until: 2026-12-20", "until: 2026-12-24", "31 days after written 2026-11-23; 0 to 30"),
        ("until: 2026-12-20", "until: 2026-11-22", "-1 days after written"),
        ("until: 2026-12-20", "until: 2026-12-32", "waivers.yaml:6: [0].until: '2026-12-32'"),
        ("until: 2026-12-20", "until: never", "[0].until: 'never'"),
        ("  until: 2026-12-20\n", "", "waivers.yaml:1: [0]: until is missing"),
        ("  author: dana\n", "", "author is missing"),
        ('reason: "relabelling is under way (#131)"', 'reason: ""', "[0].reason"),
        ('"0f3b9a7c2d1e4f56"', "0f3b", "[0].fingerprint: '0f3b'"),
        ('"0f3b9a7c2d1e4f56"', "1234567890123456", "[0].fingerprint: 1234567890123456"),
        ('"0f3b9a7c2d1e4f56"', '"0f3b9a7c2d1e4f56\\n"', "[0].fingerprint"),
        ("gate: segment_regression", "gate: ../x", "[0].gate: '../x'"),
        ("- gate", "a: 1\n- gate", "not YAML"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_with_its_line(
    old: str, new: str, message: str
) -> None:
    assert ENTRY.count(old) == 1
    with pytest.raises(PolicyError) as caught:
        read(ENTRY.replace(old, new))
    assert message in str(caught.value)


def test_a_file_of_another_shape_is_refused() -> None:
    with pytest.raises(PolicyError, match="where a list is expected"):
        read("waivers: []")


def test_the_longest_waiver_is_thirty_days() -> None:
    (kept,) = read(ENTRY.replace("until: 2026-12-20", "until: 2026-12-23"))
    assert (kept.until - kept.written).days == LONGEST_DAYS


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_file_is_read_or_refused(content: bytes) -> None:
    try:
        waivers = read_waivers(content, "waivers.yaml")
    except PolicyError as error:
        assert str(error).startswith("waivers.yaml")
    else:
        assert len(waivers.entries) == len(waivers.lines)


@given(
    at=st.integers(0, len(ENTRY) - 1),
    change=st.text("- :#\"'\n[]{}&*!|>%@`0aé\x00\u2028", min_size=1, max_size=3),
)
def test_an_entry_with_a_slip_is_read_whole_or_refused(at: int, change: str) -> None:
    """Whatever is read has a bound, an end within thirty days, a reason and an author."""
    try:
        entries = read(ENTRY[:at] + change + ENTRY[at + len(change) :])
    except PolicyError:
        return
    for one in entries:
        assert (one.worst is None) != (one.said is None)
        assert 0 <= (one.until - one.written).days <= LONGEST_DAYS
        assert one.reason
        assert one.author
