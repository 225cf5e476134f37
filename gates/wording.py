"""One plain sentence for each judged comparison; numbers keep what tells observed from limit."""

from gates.finding import State, TestSet
from gates.rules.gate import Comparison, Measurement
from gates.stats.seeds import MARGIN_SPREADS

_USUAL = (1e-3, 1e9)  # sizes that decimals suit; a predicted number may have any unit


def number(value: float, form: str = ".4f") -> str:
    """Four decimals, or a whole number with separators from 1,000 on; else as `form` says."""
    whole = form == ".4f" and abs(value) >= 1000  # noqa: PLR2004
    return f"{value:,.0f}" if whole else f"{value:{form}}"


def form_of(*values: float) -> str:
    """How numbers of such a size are written: four decimals, or four significant digits."""
    largest = max(map(abs, values))
    return ".4f" if largest == 0 or _USUAL[0] <= largest < _USUAL[1] else ".4g"


def apart(value: float, limit: float) -> tuple[str, str]:
    """Both numbers with as many digits as it takes to tell them apart."""
    if (form := form_of(value, limit)) != ".4f":
        texts = f"{value:{form}}", f"{limit:{form}}"
        return texts if texts[0] != texts[1] or value == limit else (repr(value), repr(limit))
    for digits in (4, 6, 9, 17):
        texts = f"{value:.{digits}f}", f"{limit:.{digits}f}"
        if texts[0] != texts[1] or value == limit:
            return texts
    return repr(value), repr(limit)


def describe_comparison(item: Comparison, state: State) -> str:
    """What changed, how sure that is, and what it means for the limit."""
    subject, margin = item.subject.text(), item.limit.margin or 0.0
    form = form_of(item.baseline, item.candidate, margin)
    if item.same:
        return f"{subject}: identical predictions ({number(item.candidate, form)})."
    low, high = item.interval
    change = (
        f"{subject}: {number(item.baseline, form)} → {number(item.candidate, form)}, change "
        f"{item.change:+{form}} (95 % interval {low:+{form}} to {high:+{form}}{_seeds(item, form)})"
    )
    if state is State.PASSED:
        return f"{change}; a loss of {margin:g} is ruled out."
    if state is State.FAILED:
        return f"{change}; proven to be worse, and by at least the accepted {margin:g}."
    rows, spread = item.support.rows, item.doubt.spread
    if spread is not None and margin < MARGIN_SPREADS * spread.deviation:
        least = MARGIN_SPREADS * spread.deviation
        return f"{change}; margins below {least:{form}} are within what seeds alone move."
    if item.rows_needed is None:
        return f"{change}; {rows:,} rows cannot rule out a loss of {margin:g}."
    return (
        f"{change}; {rows:,} rows cannot rule out a loss of {margin:g}, about "
        f"{item.rows_needed:,} could."
    )


def why_unjudged(test_set: TestSet, accepted: float) -> str:
    """Why nothing passes where too much of the baseline's test set was not judged on, and a way.

    Args:
        test_set: which counts the rows.
        accepted: the share of the baseline's test rows that may go unjudged.
    """
    rows = test_set.rows - test_set.added + test_set.removed
    unjudged = test_set.unpredicted + test_set.learnt
    if not unjudged or unjudged <= accepted * rows:
        return ""
    parts = []
    if test_set.unpredicted:
        parts.append(
            f"{test_set.unpredicted:,} of them are taken out, and this model was not run on them "
            "(let `gates.evidence.predict` say how)"
        )
    if test_set.learnt:
        parts.append(
            f"{test_set.learnt:,} of them are training rows now (leave every row on its side)"
        )
    share = f"{unjudged / rows:.2g}"
    return (
        f"this model cannot be judged on {unjudged:,} of the baseline's {rows:,} test rows: "
        f"{'; '.join(parts)}. Where that is meant, `gates.unjudged: {share}` on the default branch "
        "accepts it"
    )


def _seeds(item: Comparison, form: str) -> str:
    """How much of that uncertainty is training's, where training was repeated."""
    spread = item.doubt.spread
    return "" if spread is None else f"; seeds alone move it by {spread.deviation:{form}}"


def describe_measurement(item: Measurement, state: State) -> str:
    """What was measured, how sure that is, and on which side of the limit it lies."""
    floor, ceiling = item.limit.floor, item.limit.ceiling
    limit = floor if floor is not None else ceiling or 0.0
    kind = "floor" if floor is not None else "ceiling"
    value, bound = apart(item.value, limit)
    low, high = item.interval
    form = form_of(item.value, limit)
    sentence = f"{item.subject.text()}: {value} (95 % interval {low:{form}} to {high:{form}})"
    if state is State.PASSED:
        return f"{sentence}; keeps the {kind} of {bound}."
    if state is State.FAILED:
        return f"{sentence}; beyond the {kind} of {bound}."
    return f"{sentence}; cannot be told from the {kind} of {bound}."
