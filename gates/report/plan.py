"""A plan on a terminal: which limits the test set can decide, the worst first."""

from collections.abc import Iterator, Sequence

from gates.finding import Limit
from gates.plan.plan import Answer, Churn, Line, Plan
from gates.report.figures import counted
from gates.report.terminal import NARROWEST, WIDEST, Look, Paint
from gates.report.words import clean, columns, fit, shorten

GAP = "  "
INDENT = " " * 11
MANY = 3  # segments of one limit; with more of them one sentence speaks for all
MOST_NAMED = 5
LEAST_SUBJECT = 16
_HIGH_CHANCE = 0.995
PAINTS = {
    Answer.WOULD_BLOCK: Paint.BAD,
    Answer.TOO_SMALL: Paint.DOUBT,
    Answer.DECIDABLE: Paint.GOOD,
}
GIVE_WAY = (4, 3, 0)  # places in TITLES
TITLES = ("limit", "at hand", "needed", "visible", "blocks from")


def render_plan(
    plan: Plan, *, width: int = 100, colour: bool = False, verbose: bool = False
) -> str:
    """The plan in lines of at most `width` columns (60 to 120); `verbose` lists every segment."""
    look = Look(min(WIDEST, max(NARROWEST, width)), colour, verbose)
    gates = dict.fromkeys(line.gate for line in plan.lines)
    by_gate = {gate: [line for line in plan.lines if line.gate == gate] for gate in gates}
    grid = _Grid([line for lines in by_gate.values() for line in _listed(lines, look)], look)
    parts = [_head(plan, look)]
    parts += [_section(gate, lines, grid, look) for gate, lines in by_gate.items()]
    parts.append(_end(plan, look))
    return "\n\n".join(parts) + "\n"


def _head(plan: Plan, look: Look) -> str:
    positive = "" if plan.positives is None else f", {plan.positives:,} positive"
    levels = "; ".join(
        f"{one.name} {_percent(one.alpha)} over {counted(one.comparisons, 'comparison')}"
        for one in plan.families
    )
    return "\n".join(
        [
            look.wrap(
                f"{clean(plan.revision)} · {plan.rows:,} test rows{positive}",
                first="planned    ",
                indent=INDENT,
            ),
            look.wrap(_churn(plan.churn), first="churn      ", indent=INDENT),
            look.wrap(
                f"{_percent(plan.power)} for either answer; a false block: {levels}",
                first="power      ",
                indent=INDENT,
            ),
        ]
    )


def _churn(churn: Churn) -> str:
    share = f"{_percent(churn.share)} of the answers change"
    if churn.of == "spread":
        share = f"predictions move by {_percent(churn.share)} of the labels' deviation"
    if churn.source == "measured":
        return f"{share}: measured between {clean(churn.between)}"
    if churn.source == "given":
        return f"{share}: as given"
    return f"{share}: assumed; reseeds change 0.2 % to 6 %, measure yours with --second"


def _section(gate: str, lines: Sequence[Line], grid: "_Grid", look: Look) -> str:
    listed = _listed(lines, look)
    written = [look.paint(fit(gate, len(INDENT) + len(GAP) + grid.subject), Paint.STRONG)]
    if listed:
        written[0] += GAP + grid.titles()
    written += [grid.write(line, look) for line in listed]
    written += [text for group in _grouped(lines, look) for text in _summarise(group, look)]
    return "\n".join(text.rstrip() for text in written)


def _listed(lines: Sequence[Line], look: Look) -> list[Line]:
    """The lines with a row of their own."""
    together = {id(line) for group in _grouped(lines, look) for line in group}
    return [line for line in lines if id(line) not in together]


def _grouped(lines: Sequence[Line], look: Look) -> list[list[Line]]:
    """Lines of the same limit on many segments; none where every line is wanted."""
    if look.verbose:
        return []
    groups: dict[tuple[str | None, Limit], list[Line]] = {}
    for line in lines:
        if line.subject.segment and line.answer is not Answer.WOULD_BLOCK:
            groups.setdefault((line.subject.metric, line.limit), []).append(line)
    return [group for group in groups.values() if len(group) > MANY]


def _summarise(group: Sequence[Line], look: Look) -> Iterator[str]:
    """Two sentences: how many segments can, and which cannot."""
    able = [line for line in group if line.answer is Answer.DECIDABLE]
    small = [line for line in group if line.answer is Answer.TOO_SMALL]
    word = Answer.TOO_SMALL if small else Answer.DECIDABLE
    text = f"{len(able)} of {len(group)} segments can decide {_limit_words(group[0])}"
    if able:
        least = min(able, key=lambda line: line.counted)
        text += (
            f"; the smallest, {_where(least)}, has {counted(least.counted, least.counts[:-1])} "
            f"and needs {least.counted_needed:,}"
        )
    if small:
        shown = ", ".join(f"{_where(line)} ({_of_needed(line)})" for line in small[:MOST_NAMED])
        more = len(small) - MOST_NAMED
        text += f". Too small: {shown}" + (f", and {more} more (--verbose)" if more > 0 else "")
    lines = look.wrap(text + ".", INDENT + GAP, fit(word, len(INDENT)) + GAP)
    yield look.paint(lines[: len(word)], PAINTS[word]) + lines[len(word) :]


def _where(line: Line) -> str:
    return " and ".join(f"{clean(k)} = {clean(v)}" for k, v in line.subject.segment.items())


def _of_needed(line: Line) -> str:
    if line.counted_needed is None:
        return clean(line.reason, 200)
    return f"{line.counted:,} of {line.counted_needed:,} {line.counts}"


def _limit_words(line: Line) -> str:
    limit, metric = line.limit, clean(line.subject.metric or "")
    if limit.margin is not None:
        return f"a {_harm(line)} of {limit.margin:g} in {metric}"
    if limit.floor is not None:
        return f"a floor of {limit.floor:g} in {metric}"
    return f"a ceiling of {limit.ceiling:g} in {metric}" if limit.ceiling is not None else metric


def _harm(line: Line) -> str:
    return "growth" if (line.subject.metric or "").endswith("_difference") else "loss"


class _Grid:
    """The widths of the table's columns; some give way where there is no room."""

    def __init__(self, lines: Sequence[Line], look: Look) -> None:
        rows = [_cells(line) for line in lines]
        self.widths = [
            max([columns(title), *(columns(row[at]) for row in rows)])
            for at, title in enumerate(TITLES)
        ]
        self.shown = list(range(len(TITLES)))
        for hidden in GIVE_WAY:
            if self._room(look) < LEAST_SUBJECT:
                self.shown = [at for at in self.shown if at != hidden]
        longest = max((columns(_name(line)) for line in lines), default=0)
        self.subject = max(1, min(longest, self._room(look)))

    def _room(self, look: Look) -> int:
        taken = sum(self.widths[at] + len(GAP) for at in self.shown)
        return look.width - len(INDENT) - len(GAP) - taken

    def titles(self) -> str:
        """The words over the numbers."""
        return self._join(TITLES)

    def write(self, line: Line, look: Look) -> str:
        """One limit: its answer, what it is about, its numbers or why there are none."""
        word = fit(line.answer, len(INDENT))
        subject = fit(shorten(_name(line), self.subject), self.subject)
        text = self._join(_cells(line))
        if line.reason:
            indent = len(INDENT) + self.subject + 2 * len(GAP)
            text = shorten(clean(line.reason, 200), max(1, look.width - indent))
        return look.paint(word, PAINTS[line.answer]) + GAP + subject + GAP + text

    def _join(self, cells: Sequence[str]) -> str:
        return GAP.join(fit(cells[at], self.widths[at], right=at > 0) for at in self.shown)


def _name(line: Line) -> str:
    return clean(line.subject.text())


def _cells(line: Line) -> tuple[str, str, str, str, str]:
    limit = line.limit
    bound = next((b for b in (limit.margin, limit.floor, limit.ceiling) if b is not None), None)
    sign = "≥" if limit.floor is not None else "≤"
    sign = _harm(line) if limit.margin is not None else sign
    return (
        ("" if bound is None else f"{sign} {bound:g}") + (" strict" if line.strict else ""),
        counted(line.counted, line.counts[:-1]),
        "" if line.counted_needed is None else f"{line.counted_needed:,}",
        _number(line.visible),
        _number(line.blocks_from),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _end(plan: Plan, look: Look) -> str:
    able = sum(line.answer is Answer.DECIDABLE for line in plan.lines)
    strict = plan.strict_undecidable
    texts = [look.wrap(_strict_words(line), INDENT) for line in strict]
    reasons: dict[str, list[str]] = {}
    for one in plan.skipped:
        reasons.setdefault(one.reason, []).append(one.gate)
    texts += [
        look.wrap(f"not sized  {', '.join(gates)}: {clean(reason, 200)}", INDENT)
        for reason, gates in reasons.items()
    ]
    last = f"{able} of {counted(len(plan.lines), 'limit')} can be decided"
    last += f"; {counted(len(strict), 'strict limit')} cannot" if strict else ""
    texts.append(look.wrap(last + ".", ""))
    return "\n".join(texts)


def _strict_words(line: Line) -> str:
    """What a strict limit does that the test set does not support, and what to do."""
    passes = line.harmless_passes or 0.0
    share = (
        "every pull request"
        if 1 - passes > _HIGH_CHANCE
        else f"{100 * (1 - passes):.0f} of 100 pull requests that break nothing"
    )
    text = f"{line.gate}: {_name(line)} would block {share}"
    if line.counted_needed is None:
        return f"{text}: {clean(line.reason, 200)}."
    mend = f"it needs {line.counted_needed:,} {line.counts}"
    if line.limit.margin is not None and line.visible is not None:
        mend += f", a margin of {line.visible:.2g}"
    return f"{text}; {mend}, or `mode: guard`."
