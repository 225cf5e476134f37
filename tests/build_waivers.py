"""Waivers as tests write them."""

import datetime as dt

from gates.waivers.waivers import Waiver

TODAY = dt.date(2026, 11, 23)


def waiver(
    fingerprint: str = "0f3b9a7c2d1e4f56",
    *,
    gate: str = "a",
    worst: float | None = -0.1,
    said: str | None = None,
    until: dt.date = dt.date(2026, 12, 20),
    written: dt.date = TODAY,
) -> Waiver:
    return Waiver(
        gate=gate,
        fingerprint=fingerprint,
        subject="accuracy",
        worst=worst if said is None else None,
        said=said,
        written=written,
        until=until,
        reason="relabelling is under way (#131)",
        author="dana",
    )
