import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import PolicyError
from gates.report.words import clean
from gates.waivers.append import append_waivers, difference
from gates.waivers.waivers import Waiver, read_waivers
from tests.build_waivers import TODAY, waiver

OLD = """\
# Ours, by hand.
  - {gate: drift, fingerprint: 00ab12cd34ef56a7, subject: age, worst: 0.3,   # in one line
     written: 2026-11-01, until: 2026-11-20, reason: moved, author: kim}
  # the last word
"""


def test_a_new_file_says_what_it_is() -> None:
    assert append_waivers("", [waiver()]) == (
        "# Findings that do not block for a while. Only the base branch's entries count, up to "
        "the day\n"
        "# `until` (UTC), and while the finding is no worse than `worst`. `gatepost waive` adds "
        "one.\n"
        "- gate: a\n"
        '  fingerprint: "0f3b9a7c2d1e4f56"\n'
        '  subject: "accuracy"\n'
        "  worst: -0.1\n"
        "  written: 2026-11-23\n"
        "  until: 2026-12-20\n"
        '  reason: "relabelling is under way (#131)"\n'
        '  author: "dana"\n'
    )


def test_comments_order_and_spelling_of_the_rest_stay() -> None:
    new = append_waivers(OLD, [waiver(), waiver("1111111111111111")])
    assert new.startswith(f"{OLD}  - gate: a\n    fingerprint:")
    assert [one.gate for one in read_waivers(new.encode(), "w").entries] == ["drift", "a", "a"]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_line_ends_stay(end: str) -> None:
    old = OLD.rstrip("\n").replace("\n", end or "\n") + end
    new = append_waivers(old, [waiver()])
    assert ("\r\n" in new) == (end == "\r\n")
    assert len(read_waivers(new.encode(), "w").entries) == 2


@pytest.mark.parametrize("old", ["[]\n", "[{gate: x}]", "- x\n", f"{OLD}...\n"])
def test_a_file_that_cannot_be_added_to_is_left_alone(old: str) -> None:
    with pytest.raises(PolicyError, match=r"waivers\.yaml"):
        append_waivers(old, [waiver()])


def test_the_difference_is_what_was_added() -> None:
    shown = difference(OLD, append_waivers(OLD, [waiver()])).splitlines()
    assert shown[:3] == ["--- waivers.yaml", "+++ waivers.yaml", "@@ -2,3 +2,11 @@"]
    assert [line for line in shown[3:] if line.startswith("-")] == []
    assert "+    worst: -0.1" in shown


@given(
    texts=st.tuples(*[st.text(min_size=1, max_size=80).map(lambda text: clean(text, 600))] * 3),
    worst=st.floats(allow_nan=False, allow_infinity=False),
    days=st.integers(0, 30),
    old=st.sampled_from(["", OLD, "# none\n"]),
)
def test_what_is_written_is_read_back(
    texts: tuple[str, str, str], worst: float, days: int, old: str
) -> None:
    subject, reason, author = texts
    new = Waiver(
        gate="drift",
        fingerprint="1234567890123456",
        subject=subject,
        worst=worst,
        written=TODAY,
        until=TODAY + dt.timedelta(days=days),
        reason=reason,
        author=author,
    )
    text = append_waivers(old, [new])
    assert text.startswith(old)
    assert read_waivers(text.encode(), "w").entries[-1] == new
