"""The day on which a verdict is given, in UTC: the one thing that a clock adds to it."""

import datetime as dt
import re

from gates.errors import UsageError

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_HTTP = re.compile(  # RFC 9110, section 5.6.7: always in GMT
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) "
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60) GMT"
)


def utc_today() -> dt.date:
    """The day that this machine's clock says."""
    return dt.datetime.now(dt.UTC).date()


def read_day(text: str) -> dt.date:
    """The day of `2026-12-20`, or of an HTTP `Date` header, whatever the locale.

    Raises:
        UsageError: it is neither, or no such day exists.
    """
    try:
        if found := _ISO.fullmatch(text):
            return dt.date(int(found[1]), int(found[2]), int(found[3]))
        if found := _HTTP.fullmatch(text):
            return dt.date(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
    except ValueError as error:
        raise UsageError(f"{text}: no day of the calendar ({error}). Write 2026-12-20.") from error
    raise UsageError(
        f"{text!r}: not a day. Write 2026-12-20, or the `Date` header of an answer of the API."
    )
