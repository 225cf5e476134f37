"""What a verdict is made of: findings, the outcome of each gate, the decision.

These values are `verdict.json`: their fields may grow, never change meaning.
"""

import hashlib
from enum import StrEnum
from typing import Literal

import msgspec


class State(StrEnum):
    """What one comparison with one limit came to."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


class Mode(StrEnum):
    """What an undecided finding does: block (`strict`) or pass with a warning (`guard`)."""

    STRICT = "strict"
    GUARD = "guard"


class Result(StrEnum):
    """What one gate came to."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"
    ERRORED = "errored"
    WAIVED = "waived"


class Decision(StrEnum):
    """What all gates together say to the merge."""

    PASS = "pass"  # noqa: S105 - the word of a verdict, not a secret
    FAIL = "fail"
    CANNOT_JUDGE = "cannot_judge"


class Family(StrEnum):
    """What a gate looks after; in the order in which a reader should suspect a cause."""

    LEAKAGE = "leakage"
    DATA = "data"
    LABELS = "labels"
    SPLIT = "split"
    REPRODUCIBILITY = "reproducibility"
    METRICS = "metrics"
    SEGMENTS = "segments"
    FAIRNESS = "fairness"
    SERVING = "serving"
    SCOPE = "scope"


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen value that refuses fields it does not know."""


class TestSetOf(StrEnum):
    """Whose test rows a finding is about, where they are not simply the candidate's."""

    __test__ = False  # pytest must not take it for a test

    BASELINE = "baseline"


class Subject(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What a finding is about; all text in it comes from data and is hostile."""

    metric: str | None = None
    segment: dict[str, str] = {}
    column: str | None = None
    key: str | None = None
    reference: str | None = None  # the anchor's tag or revision; the merge base where left out
    test_set: TestSetOf | None = None  # whose rows, where the pull request changes the test set

    def text(self) -> str:
        """One plain line, unescaped: `recall for sex = Female since v1.2.0`."""
        where = " and ".join(f"{name} = {value}" for name, value in self.segment.items())
        what = " of ".join(part for part in (self.metric, self.column) if part) or self.key or ""
        about = f"{what} for {where}" if what and where else what or where
        about += f" on the {self.test_set}'s rows" if self.test_set else ""
        return f"{about} since {self.reference}" if self.reference else about


class Support(Value, frozen=True, kw_only=True, omit_defaults=True):
    """How much data stands behind a finding, in rows."""

    rows: int
    positives: int | None = None
    groups: int | None = None


class Limit(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What the policy demands; exactly one of the bounds is set."""

    margin: float | None = None  # the largest accepted loss
    floor: float | None = None  # the candidate must not lie below
    ceiling: float | None = None  # the candidate must not lie above
    rule: str | None = None  # a demand that is no number
    mode: Mode | None = None
    line: int | None = None  # in the policy's file, counted from 1


class Waived(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The waiver by which a finding does not block."""

    until: str  # its last day, UTC
    days_left: int  # after the day of the verdict
    worst: float | None = None  # the worst value that it covers
    reason: str
    author: str
    approved_by: str = ""
    line: int | None = None  # in the waivers' file, counted from 1

    def text(self) -> str:
        """One plain line, unescaped: `until 2026-12-20 (27 days left), by dana: a reason`."""
        days = "1 day left" if self.days_left == 1 else f"{self.days_left} days left"
        left = days if self.days_left else "its last day"
        approved = f", approved by {self.approved_by}" if self.approved_by else ""
        return f"until {self.until} ({left}), by {self.author}{approved}: {self.reason}"


class Finding(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One comparison of an observed value with a limit, passed or not."""

    subject: Subject
    state: State
    limit: Limit
    message: str
    mend: str = ""
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    greater_is_better: bool | None = None
    interval: tuple[float, float] | None = None
    interval_of: Literal["change", "candidate"] = "change"
    confidence: float = 0.95  # of the interval, two-sided, for this finding alone
    p_value: float | None = None  # of harm, one-sided, corrected for all comparisons
    support: Support | None = None
    seed_spread: float | None = None  # how far seeds alone move the metric, one deviation
    rows_needed: int | None = None  # to decide, where it is undecided
    fingerprint: str = ""
    waiver: Waived | None = None

    @property
    def blocks(self) -> bool:
        """Whether it keeps the pull request from merging."""
        if self.waiver is not None:
            return False
        strict = self.limit.mode is Mode.STRICT
        return self.state is State.FAILED or (self.state is State.UNDECIDED and strict)


class Observation(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A measured value that is shown and not judged, because nobody set a limit for it."""

    subject: Subject
    message: str
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    greater_is_better: bool | None = None
    interval: tuple[float, float] | None = None
    support: Support | None = None


class Outcome(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What one gate said."""

    gate: str
    family: Family
    outcome: Result
    reason: str = ""
    required: bool = False
    findings: tuple[Finding, ...] = ()
    observations: tuple[Observation, ...] = ()


class Direction(StrEnum):
    """Whether a change of the policy asks for less or for more."""

    LOOSENED = "loosened"
    TIGHTENED = "tightened"
    CHANGED = "changed"


class PolicyChange(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One difference between the base's policy and the candidate's; values as JSON text."""

    key: str
    direction: Direction
    base: str | None = None
    candidate: str | None = None


class Side(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One of the revisions that a verdict compares."""

    revision: str
    tag: str = ""  # of the anchor
    dirty: bool = False  # the working tree differed from the revision
    found: str = ""  # where the evidence came from: `local store`, `dvc cache`, `reproduced` …
    best: bool = False  # an anchor that is no release, but the best baseline so far


class Use(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What one verdict read off its test set: what the ledger keeps of it."""

    predictions: str  # SHA-256 of the candidate's scores
    baseline_predictions: str | None = None  # of the baseline's, where the test set is the same
    metric: str | None = None  # the primary one
    greater_is_better: bool | None = None
    baseline: float | None = None  # the primary metric's values
    candidate: float | None = None
    spread: float | None = None  # standard error of the primary metric's change
    discordance: float | None = None  # share of rows that one model alone has right


class WearState(StrEnum):
    """How much of the primary metric's margin choosing among so many models may explain."""

    FRESH = "fresh"  # half of it at most
    WORN = "worn"  # more than half
    WORN_OUT = "worn_out"  # more than all of it


class Wear(Value, frozen=True, kw_only=True, omit_defaults=True):
    """How often a test set has been judged, and what that may have cost in certainty."""

    judged: int  # different predictions, the candidate's included
    merged: int = 0  # how many of them are known to have become the default branch's
    since: str = ""  # the day of the first that is known
    unread: int = 0  # entries that cannot be read, each counted as judged
    metric: str | None = None
    margin: float | None = None  # of the primary metric
    optimism: float | None = None  # gain that the best of so many equal models seems to have
    state: WearState = WearState.FRESH

    def text(self) -> str:
        """One plain line: `judged 37 times (12 merged) since 2026-05-02; …`."""
        times = "once" if self.judged == 1 else f"{self.judged:,} times"
        merged = f" ({self.merged:,} merged)" if self.merged else ""
        since = f" since {self.since}" if self.since else ""
        unread = f", {self.unread:,} of them unreadable" if self.unread else ""
        return f"judged {times}{merged}{since}{unread}{self._cost()}"

    def _cost(self) -> str:
        if not self.optimism or self.margin is None:
            return ""
        gain = f"; the best of so many equal models would seem {self.optimism:.2g} better in "
        beside = {
            WearState.FRESH: f", the margin is {self.margin:g}",
            WearState.WORN: f", more than half the margin of {self.margin:g}: plan a new test set",
            WearState.WORN_OUT: (
                f", more than the margin of {self.margin:g}: refresh the test set or open the vault"
            ),
        }
        return f"{gain}{self.metric}{beside[self.state]}"


class TestSet(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Which rows were judged, and how they differ from the baseline's."""

    __test__ = False  # pytest must not take it for a test

    changed: bool
    digest: str
    rows: int
    added: int = 0
    removed: int = 0
    relabelled: int = 0  # rows that stay with another label or weight: counted in both of these
    edited: int = 0  # rows that stay with the same label, and other features or groups
    unpredicted: int = 0  # of the baseline's rows, that the candidate's model was not run on
    learnt: int = 0  # of the baseline's rows, that only the candidate's model was trained on
    seen: int = 0  # rows that one of the models was trained on, left out of every comparison
    sample_weight: str = ""  # the column by which rows count; nothing where all count alike
    weightless: int = 0  # rows whose weight is 0, left out of everything
    use: Use | None = None
    wear: Wear | None = None  # where there is a ledger


class Difference(Value, frozen=True, kw_only=True):
    """A fact that differs between the two sides; `None` is absent."""

    name: str
    baseline: str | None
    candidate: str | None


class ChangedColumn(Value, frozen=True, kw_only=True):
    """A column of which rows that both sides have differ; its name is hostile."""

    name: str
    rows: int


class TableDifference(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What a pull request does to a table of the evidence, row by row and column by column."""

    table: str  # train or test
    baseline_rows: int
    candidate_rows: int
    paired: bool = True  # by identifiers; else only rows and columns are counted
    reason: str = ""  # why not
    added: int = 0  # rows
    removed: int = 0
    changed: int = 0  # rows of both sides with another value in some column
    relabelled: int = 0  # of those, rows with another label
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_changed: tuple[ChangedColumn, ...] = ()  # the one with most rows first


class Changes(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What the pull request touches, as Git and DVC name it."""

    params: tuple[Difference, ...] = ()
    data: tuple[Difference, ...] = ()
    files: tuple[str, ...] = ()


class WaiverUse(StrEnum):
    """What became of one waiver of the base."""

    USED = "used"
    UNUSED = "unused"  # what it names is gone, or does not block
    EXCEEDED = "exceeded"  # the finding got worse than it allows, or says something else
    EXPIRED = "expired"
    EARLY = "early"  # dated after the day of the verdict
    REFUSED = "refused"  # by the gate


class ListedWaiver(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the base's `waivers.yaml`; its texts were written by people."""

    gate: str
    fingerprint: str
    subject: str
    until: str
    days_left: int  # negative once it has ended
    use: WaiverUse
    why: str = ""  # it was not used
    reason: str
    line: int | None = None


class WaiverList(Value, frozen=True, kw_only=True):
    """All waivers of the base, and the day in UTC by which they were counted."""

    day: str
    listed: tuple[ListedWaiver, ...]


class Verdict(Value, frozen=True, kw_only=True):
    """All outcomes, in the policy's order, and the decision that follows from them."""

    schema: Literal[1] = 1
    gatepost: str
    decision: Decision
    reason: str = ""  # why it could not be judged
    candidate: Side
    baseline: Side | None
    baseline_reason: str = ""  # why there is none
    anchor: Side | None = None
    anchor_reason: str = ""  # why there is none though the policy asks for one
    policy_from: Literal["base", "candidate", "file"] = "file"
    outcomes: tuple[Outcome, ...]
    policy_changes: tuple[PolicyChange, ...] = ()
    test_set: TestSet | None
    environment: tuple[Difference, ...] = ()
    changes: Changes | None = None
    waivers: WaiverList | msgspec.UnsetType = msgspec.UNSET  # left out where the base has none
    data: tuple[TableDifference, ...] | msgspec.UnsetType = msgspec.UNSET  # where tables differ


def fingerprint(gate: str, subject: Subject, limit: Limit) -> str:
    """The name by which a waiver knows a finding: the same for the same gate, subject and bound."""
    bound = next(
        name for name in ("margin", "floor", "ceiling", "rule") if getattr(limit, name) is not None
    )
    canonical = msgspec.json.encode((gate, subject, bound), order="sorted")
    return hashlib.sha256(canonical).hexdigest()[:16]
