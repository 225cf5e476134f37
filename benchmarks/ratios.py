"""One run beside another: how much quicker, how much lighter, and whether both say the same."""

import math

from benchmarks.children import Run

SAME = 1e-9  # values closer than this are the same
_SHOWN_FAULT = 120  # characters
_WHOLE = 10  # ratios from here on need no decimals


def quicker(theirs: Run, own: Run) -> float:
    """Their seconds by ours; `nan` where one of the two was not run, or ours failed."""
    return _ratio(theirs, own, theirs.seconds, own.seconds)


def lighter(theirs: Run, own: Run) -> float:
    """Their memory by ours, each at its peak."""
    return _ratio(theirs, own, theirs.peak_mb, own.peak_mb)


def show_times(ratio: float, theirs: Run) -> str:
    """A ratio; at least that, if theirs was stopped."""
    if math.isnan(ratio):
        return "–"
    least = "> " if theirs.ended == "stopped" else ""
    return f"{least}{ratio:,.0f} ×" if ratio >= _WHOLE else f"{least}{ratio:.1f} ×"


def show_seconds(run: Run) -> str:
    """Three digits, and how the run ended if not well."""
    if run.ended == "not run":
        return "–"
    least = "> " if run.ended == "stopped" else ""
    return f"{least}{run.seconds:,.0f}" if run.seconds >= 100 else f"{least}{run.seconds:.3g}"


def show_mb(run: Run) -> str:
    """Memory at its peak."""
    return f"{run.peak_mb:,.0f}" if run.peak_mb else "–"


def compare_values(theirs: Run, own: Run) -> str:
    """How many values both computed, and how many of theirs are others than ours."""
    if theirs.fault or own.fault:
        return show_fault(theirs) or f"ours {show_fault(own)}"
    shared = [name for name in theirs.values if name in own.values]
    wrong = [name for name in shared if not _same(theirs.values[name], own.values[name])]
    if not shared:
        return "no value in common"
    if not wrong:
        return f"the same ({len(shared):,})"
    name = wrong[0]
    return (
        f"{len(wrong):,} of {len(shared):,} differ, such as {name}: "
        f"{theirs.values[name]:.4f}, ours {own.values[name]:.4f}"
    )


def show_fault(run: Run) -> str:
    """Why a run did not come to a good end; nothing where it did."""
    said = " ".join(run.fault.replace("|", "/").split())
    return f"{run.ended}: {said[:_SHOWN_FAULT]}" if said else ""


def _ratio(theirs: Run, own: Run, above: float, below: float) -> float:
    if theirs.ended == "not run" or own.ended != "done" or not below:
        return math.nan
    return above / below


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME or (math.isnan(one) and math.isnan(other))
