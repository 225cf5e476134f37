"""The lists and tables of the comment, as Markdown: everything foreign in them is harmless."""

from collections.abc import Iterable, Iterator

from gates.finding import Finding, State
from gates.report.folds import Fold
from gates.report.rows import NO_LIMIT, Row, moved_row
from gates.report.top import Top
from gates.report.trade_off import Moved
from gates.report.words import Markdown, Phrase, code, markdown, say

ALIGNED = "|:-:|:--|--:|--:|:--|:--|"
HOLDS = {State.PASSED: "kept", State.FAILED: "broken", State.UNDECIDED: "undecided"}
MOST_MOVES = 3  # on each side of a trade-off


def findings_section(top: Top, base: Markdown) -> Markdown:
    """What blocks before what is undecided: sentences of gates as a list, numbers as a table."""
    numbers = _numbers((*top.failed, *top.doubts), base)
    parts = (_sentences(top.failed), numbers, _sentences(top.doubts), *_left_out(top))
    return Markdown("\n\n".join(part for part in parts if part))


def _numbers(rows: Iterable[Row], base: Markdown) -> str:
    lines = [_row(row) for row in rows if row.subject]
    return _table(lines, base) if lines else ""


def _left_out(top: Top) -> Iterator[str]:
    if top.failed_left_out:
        yield f"… **{top.failed_left_out:,} more failed**: in `report.html`"
    if top.waived_left_out:
        yield f"… {top.waived_left_out:,} more waived: in `report.html`"
    if top.doubts_left_out:
        yield f"… {top.doubts_left_out:,} more undecided: below, or in `report.html`"


def _sentences(rows: Iterable[Row]) -> str:
    """One item a gate; where it said several things, they stand under it."""
    by_gate: dict[str, list[Row]] = {}
    for row in rows:
        if not row.subject:
            by_gate.setdefault(row.gate, []).append(row)
    lines: list[str] = []
    for gate, said in by_gate.items():
        first, name = said[0], code(gate)
        if len(said) == 1:
            lines.append(f"- {first.sign} {name} — {_sentence(first)}{_limit_of(first)}")
            continue
        same = all(row.limit == first.limit for row in said if row.limit)
        shared = _limit_of(first if same else first._replace(limit=say()))
        lines.append(f"- {first.sign} {name}{shared}")
        for row in said:
            own = "" if same or not _is_number(row.limit) else _limit_of(row._replace(line=""))
            lines.append(f"  - {_sentence(row)}{own}")
    return "\n".join(lines)


def _signed(row: Row) -> str:
    return " ".join(part for part in (row.sign, _sentence(row)) if part)


def _sentence(row: Row) -> str:
    waiver = markdown(row.waiver)
    return " — ".join(part for part in (markdown(row.message), row.doubt, waiver) if part)


def _limit_of(row: Row) -> str:
    limit = f"limit: {markdown(row.limit)}" if row.limit and row.limit != NO_LIMIT else ""
    words = ", ".join(part for part in (limit, row.line) if part)
    return f" · {words}" if words else ""


def trade_off_table(
    better: tuple[Moved, ...], worse: tuple[Moved, ...], base: Markdown
) -> Markdown:
    """What clearly got better and what clearly got worse; empty where only one of them."""
    if not (better and worse):
        return Markdown("")
    moves = (*better[:MOST_MOVES], *worse[:MOST_MOVES])
    return _table([_row(_move(one)) for one in moves], base)


def _move(one: Moved) -> Row:
    row = moved_row(one)._replace(gate="", sign="", support="", line="", inside="", doubt="")
    row = row._replace(message=say())
    if isinstance(one.one, Finding):
        row = row._replace(limit=say(*row.limit, f": {HOLDS[one.one.state]}"))
    return row


def fold_body(fold: Fold, base: Markdown) -> Markdown:
    """Each gate's line, and under it its sentences and its numbers."""
    text = ""
    for gate in fold.gates:
        text += f"- {gate.sign} {markdown(gate.line)}\n"
        said = [row for row in gate.rows if not row.subject]
        text += "".join(f"  - {_signed(row)}{_limit_of(row)}\n" for row in said)
        numbers = _numbers(gate.rows, base)
        text += f"\n{numbers}\n\n" if numbers else ""
    return Markdown(text.rstrip())


def quiet_lines(folds: Iterable[Fold]) -> Markdown:
    """Families with nothing to fold away, one line each."""
    return Markdown(
        "\n".join(
            f"- <b>{fold.family.title()}</b> — "
            + " · ".join(f"{gate.sign} {markdown(gate.line)}" for gate in fold.gates)
            for fold in folds
        )
    )


def _table(lines: list[str], base: Markdown) -> Markdown:
    title = f"| | Finding | {base} | this PR | Δ (95% CI) | Limit |"
    return Markdown("\n".join([title, ALIGNED, *lines]))


def _row(row: Row) -> str:
    candidate = row.candidate
    if row.candidate_interval:
        candidate += f" ({_unbroken(row.candidate_interval)})"
    change = f"**{row.change}**" if row.change else ""
    if row.interval:
        change += f" ({_unbroken(row.interval)})"
    change += f" {row.note}" if row.note else ""
    limit = " · ".join(part for part in (_limit(row), _unbroken(row.line)) if part)
    cells = (row.sign, _finding(row), row.baseline, candidate, change, limit)
    return f"| {' | '.join(cells)} |"


def _finding(row: Row) -> str:
    message = markdown(row.message, cell=True)
    parts = (f"**{markdown(row.subject, cell=True)}**", message)
    said = " · ".join(part for part in (" — ".join(filter(None, parts)), row.support) if part)
    waiver = markdown(row.waiver, cell=True)
    return " — ".join(part for part in (said, row.doubt, row.inside, waiver) if part)


def _limit(row: Row) -> str:
    text = markdown(row.limit, cell=True)
    return _unbroken(text) if _is_number(row.limit) else text


def _is_number(limit: Phrase) -> bool:
    """Whether it is in our own words, not a rule in those of a gate."""
    return all(isinstance(piece, str) for piece in limit)


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def base_title(name: str | None) -> Markdown:
    """The baseline's column: its revision."""
    return code(name, cell=True) if name else Markdown("baseline")
