import datetime as dt

import pytest

from gates.day import read_day, utc_today
from gates.errors import UsageError


@pytest.mark.parametrize(
    "text", ["2026-12-20", "Sun, 20 Dec 2026 00:00:00 GMT", "Sun, 20 Dec 2026 23:59:59 GMT"]
)
def test_a_day_is_utc_from_midnight_to_midnight(text: str) -> None:
    assert read_day(text) == dt.date(2026, 12, 20)


@pytest.mark.parametrize(
    "text",
    [
        "", "tomorrow", "20.12.2026", "2026-12-20T10:00:00Z", "2026-13-01", "2026-02-29",
        "Sun, 20 Dez 2026 00:00:00 GMT", "Sun, 31 Nov 2026 00:00:00 GMT",
        "Sun, 20 Dec 2026 24:00:00 GMT", "Sun, 20 Dec 2026 10:00:00 +0100", "２０２６-12-20",
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="2026-12-20"):
        read_day(text)


def test_today_is_the_day_in_utc() -> None:
    before = dt.datetime.now(dt.UTC).date()
    assert before <= utc_today() <= dt.datetime.now(dt.UTC).date()
