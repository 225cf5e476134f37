"""The ledger: one entry for each time that a test set was judged. Pure: values in, values out.

Whoever may push to the ledger wrote it, so it is read as hostile data. What cannot be read counts
as one more time that the test set was judged: a broken ledger never makes a test set look fresh.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from gates.errors import EvidenceError
from gates.finding import Decision, Verdict
from gates.reading import strict_json

ENTRY_MAX_BYTES = 4096
LINES_MAX_BYTES = 1 << 26
_UNKNOWN = ""  # the test set of a line that cannot be read

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}\\Z")]
Revision = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z][0-9A-Za-z._/+-]{0,99}\\Z")]
Name = Annotated[str, msgspec.Meta(pattern="^[0-9a-z_]{1,60}\\Z")]
Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
Positive = Annotated[float, msgspec.Meta(ge=0, le=1e100)]  # its square is finite
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Entry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One verdict, as far as it tells how a test set is used."""

    schema: Literal[1] = 1
    test_set: Digest
    rows: Annotated[int, msgspec.Meta(ge=1)]
    predictions: Digest
    baseline_predictions: Digest | None = None
    head: Revision
    dirty: bool = False  # what was judged is more than `head`
    base: Revision | None = None
    anchor: Revision | None = None
    metric: Name | None = None
    greater_is_better: bool | None = None
    baseline: float | None = None  # the metric's values
    candidate: float | None = None
    spread: Positive | None = None
    discordance: Share | None = None
    decision: Decision
    merged: bool = False
    time: Time


class Page(msgspec.Struct, frozen=True):
    """All entries of one test set, and how many more cannot be read."""

    test_set: str
    entries: tuple[Entry, ...]
    unread: int = 0

    @property
    def judged(self) -> frozenset[str]:
        """Digests of the different predictions that were judged."""
        return frozenset(entry.predictions for entry in self.entries)

    @property
    def merged(self) -> frozenset[str]:
        """Those that are known to have become the default branch's.

        Either an entry says so, or a later pull request had them as its baseline: however it was
        merged, squashed and rebased too.
        """
        of_main = {entry.baseline_predictions for entry in self.entries}
        said = {entry.predictions for entry in self.entries if entry.merged}
        return frozenset(said | (self.judged & of_main))

    @property
    def since(self) -> str:
        """The day of the first entry."""
        return min((entry.time for entry in self.entries), default="")[:10]


class Ledger(msgspec.Struct, frozen=True):
    """All entries, and the test set of each that cannot be read, as far as it is known."""

    entries: tuple[Entry, ...] = ()
    unread: tuple[str, ...] = ()

    def page(self, test_set: str) -> Page:
        """What is known of one test set; a changed test set has a page of its own."""
        entries = tuple(entry for entry in self.entries if entry.test_set == test_set)
        unread = sum(each in (test_set, _UNKNOWN) for each in self.unread)
        return Page(test_set, entries, unread)

    def narrowed(self, start: str) -> "Ledger":
        """The pages of test sets whose digest starts so."""
        return Ledger(
            tuple(entry for entry in self.entries if entry.test_set.startswith(start)),
            tuple(each for each in self.unread if each == _UNKNOWN or each.startswith(start)),
        )

    @property
    def pages(self) -> tuple[Page, ...]:
        """Every test set's page, the one that was judged last at the end."""
        last: dict[str, str] = {}
        for entry in self.entries:
            last[entry.test_set] = max(entry.time, last.get(entry.test_set, ""))
        return tuple(self.page(each) for each in sorted(last, key=lambda each: (last[each], each)))


def read_ledger_lines(content: bytes, name: str) -> Ledger:
    """The ledger in a file of JSON lines, as `gatepost ledger show --lines` prints it.

    Raises:
        EvidenceError: the file is larger than any ledger.
    """
    if len(content) > LINES_MAX_BYTES:
        raise EvidenceError(
            f"{name}: {len(content):,} bytes; at most {LINES_MAX_BYTES:,} are read. Give the lines "
            "of one test set, by `gatepost ledger show --lines --test-set DIGEST`."
        )
    found = [read_entry(line) for line in content.split(b"\n") if line.strip()]
    return gather(found, [_UNKNOWN] * found.count(None))


def gather(entries: Iterable[Entry | None], unread: Sequence[str] = ()) -> Ledger:
    """A ledger in the one order that does not depend on how it was stored."""
    known: dict[str, Entry] = {}
    for entry in entries:
        if entry is not None:
            name = entry_name(entry)
            known[name] = _first(entry, known.get(name, entry))
    ordered = sorted(known, key=lambda name: (known[name].time, name))
    return Ledger(tuple(known[name] for name in ordered), tuple(sorted(unread)))


def _first(one: Entry, other: Entry) -> Entry:
    """Two records of one verdict as one."""
    return msgspec.structs.replace(
        min(one, other, key=lambda entry: entry.time), merged=one.merged or other.merged
    )


def read_entry(content: bytes) -> Entry | None:
    """The entry that some bytes hold; `None` where they hold none."""
    if len(content) > ENTRY_MAX_BYTES:
        return None
    try:
        return msgspec.convert(strict_json.load(content, "ledger", EvidenceError), Entry)
    except (EvidenceError, msgspec.ValidationError):
        return None


def write_entry(entry: Entry) -> bytes:
    """The entry as one line of JSON."""
    return msgspec.json.encode(entry) + b"\n"


def entry_name(entry: Entry) -> str:
    """What the entry is known by: the same for one verdict, whenever it is recorded."""
    timeless = msgspec.structs.replace(entry, time="", merged=False)
    return hashlib.sha256(msgspec.json.encode(timeless)).hexdigest()


def entry_of(verdict: Verdict, time: str) -> Entry:
    """What the ledger keeps of a verdict.

    Args:
        verdict: as `check` or `judge` wrote it.
        time: when it is recorded, as `2026-05-02T10:00:00Z`.

    Raises:
        EvidenceError: the verdict does not say what it read off its test set.
    """
    test_set = verdict.test_set
    if test_set is None or test_set.use is None:
        raise EvidenceError(
            "the verdict does not say which predictions it judged, so it cannot be counted. Judge "
            "again with this version of gatepost."
        )
    use = test_set.use
    fields = {
        "test_set": test_set.digest,
        "rows": test_set.rows,
        **msgspec.structs.asdict(use),
        "head": verdict.candidate.revision,
        "dirty": verdict.candidate.dirty,
        "base": verdict.baseline.revision if verdict.baseline else None,
        "anchor": verdict.anchor.revision if verdict.anchor else None,
        "decision": verdict.decision,
        "time": time,
    }
    try:
        return msgspec.convert(fields, Entry)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"the verdict cannot be counted: {error}. Judge evidence of a commit."
        ) from error


def rank_baselines(page: Page, metric: str) -> tuple[str, ...]:
    """Revisions that were a baseline on this test set, the best first, the latest of equals."""
    known: dict[str, tuple[float, str]] = {}
    for entry in page.entries:
        if entry.base and entry.baseline is not None and entry.metric == metric:
            value = entry.baseline if entry.greater_is_better else -entry.baseline
            known[entry.base] = (value, entry.time)
    return tuple(sorted(known, key=lambda revision: (known[revision], revision), reverse=True))
