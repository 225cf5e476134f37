"""Gate `preprocessing_leakage`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

import msgspec
import numpy as np

from gates.case.case import Case
from gates.case.segments import Rows
from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.leaky_code import Fault, Scan, Spot, read_scan
from gates.evidence.outputs import read_outputs
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.precision import tolerance_between
from gates.quoting import first_few, quote
from gates.rules.gate import Change, Gate, Item, NotApplicableError
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask

BATCHES, CODE = "batches.parquet", "code.json"
_FEW_ROWS = 30  # of which a fault in one row of ten hides with a chance of 4 %
_WAYS: Mapping[str, str] = MappingProxyType(
    {
        "alone": "scored alone",
        "shuffled": "scored in another order",
        "parts": "scored in small batches",
    }
)
_FAULTS: Mapping[Fault, tuple[str, str]] = MappingProxyType(
    {
        "fit_on_test": (
            "is fitted to test rows",
            "Fit on training rows only; transform the test rows with what was fitted.",
        ),
        "fit_on_joined": (
            "is fitted to train and test rows together",
            "Fit on training rows only; transform the test rows with what was fitted.",
        ),
        "fit_before_split": (
            "is fitted before the rows are split",
            "Split first, then fit on the training part; cross-validate the step with the model.",
        ),
    }
)
_MEND_BATCH = (
    "Let the model keep what it needs of the training rows (means, levels, ranks) instead of "
    "taking it from the rows that it is asked about."
)


class PreprocessingLeakage(Gate, frozen=True, kw_only=True):
    """Blocks preprocessing that learns from the rows that it is tested on.

    What it blocks: a test row whose score depends on the rows that it comes with: scored alone, in
    another order or in small batches (`batches.parquet`), it differs from its prediction by more
    than `tolerance` (of scores that have 32 bits, by more than such numbers agree to: 1e-6); and
    code of the pipeline's stages that fits something to test rows, to train and test rows together,
    or before the rows are split (`code.json`, which `gatepost collect` writes from reading the
    sources).

    Why: a scale, a filled-in mean or a chosen feature that was learnt from all rows carries the
    test rows into training, and a model that normalises by its batch cannot be served: in use rows
    come alone. Both look fine in every metric of the test set.

    What it does not see: in the code, what goes through another function, file, notebook or
    language, or under names that say neither train nor test; statistics that are computed by hand
    rather than by a `fit`. Among the scores, what touches fewer rows than were tried. The pull
    request's own pipeline writes both files, so this helps honest people; it stops no forger.

    Example:
        preprocessing_leakage: {tolerance: 1.0e-9}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    tolerance: Change = 1e-9  # of a probability, or of a number's size
    mode: Mode = Mode.STRICT

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per way of scoring, and one per fault and file of the code."""
        evidence = case.candidate
        lost = case.baseline is not None and case.baseline.has(BATCHES)
        if not (lost or evidence.has(BATCHES) or evidence.has(CODE)):
            raise NotApplicableError(
                f"no row was scored in other company, and no code was read: the evidence has "
                f"neither {BATCHES} nor {CODE}"
            )
        if evidence.has(BATCHES):
            yield from self._judge_batches(evidence)
            if case.baseline is not None and lost:
                given = _ways(evidence)
                for way in (each for each in _ways(case.baseline) if each not in given):
                    yield self._lost(f"rows {_WAYS[way]}", _WAYS[way])
        elif lost:
            yield self._lost("rows in other company", "scored in other company")
        else:
            yield _missing(BATCHES, "whether other rows have a say in a row's score, nobody tried")
        if evidence.has(CODE):
            yield from self._judge_code(read_scan(evidence.read_json(CODE), CODE))
        else:
            yield _missing(CODE, "what the stages' code fits to, nobody read")

    def _judge_batches(self, evidence: Evidence) -> Iterator[Finding]:
        at = _places(evidence)
        table, task = evidence.table(BATCHES), evidence.settings.task
        scores = evidence.scores[at]
        ways = _ways(evidence)
        if not ways or not len(at):
            yield self._too_few(Subject(key="rows in other company"), len(at), "no row was scored")
        for way in ways:
            again = read_outputs(task, table, evidence.classes, f"{way}.")
            gap = np.abs(again - scores)
            size = np.maximum(1.0, np.abs(scores)) if task == "regression" else 1.0
            tolerance = tolerance_between(self.tolerance, again, evidence.scores)
            tried = _Tried(gap, gap > tolerance * size, tolerance)
            yield self._judge_way(way, tried, evidence.test.rows)

    def _judge_way(self, way: str, again: "_Tried", of: int) -> Finding:
        gap, beyond = again.gap, again.beyond
        rows = np.atleast_1d(beyond if beyond.ndim == 1 else beyond.any(axis=1))
        count, tried = int(np.count_nonzero(rows)), len(rows)
        subject = Subject(key=f"rows {_WAYS[way]}")
        if not count and tried < min(_FEW_ROWS, of):
            return self._too_few(subject, tried, f"{tried:,} rows were {_WAYS[way]}, none differs")
        said = f", by at most {gap.max():.3g}: the rows around a row have a say" if count else ""
        return Finding(
            subject=subject,
            state=State.FAILED if count else State.PASSED,
            limit=Limit(rule=f"the same score within {again.tolerance:g}", mode=self.mode),
            message=(
                f"{count:,} of {tried:,} test rows get another score when they are {_WAYS[way]}"
                f"{said}."
            ),
            mend=_MEND_BATCH if count else "",
            candidate=float(gap.max()),
            greater_is_better=False,
            support=Support(rows=tried),
        )

    def _lost(self, key: str, how: str) -> Finding:
        return Finding(
            subject=Subject(key=key),
            state=State.UNDECIDED,
            limit=Limit(rule=f"the same score within {self.tolerance:g}", mode=self.mode),
            message=f"The baseline's rows were {how} ({BATCHES}), these are not.",
            mend="Let the pipeline score them again as at the base.",
        )

    def _too_few(self, subject: Subject, rows: int, what: str) -> Finding:
        return Finding(
            subject=subject,
            state=State.UNDECIDED,
            limit=Limit(rule=f"the same score within {self.tolerance:g}", mode=Mode.GUARD),
            message=f"{what}: too few to tell; {_FEW_ROWS} rows would.",
            mend="Let the pipeline score more rows in other company.",
            support=Support(rows=rows),
            rows_needed=_FEW_ROWS,
        )

    def _judge_code(self, scan: Scan) -> Iterator[Finding]:
        by_place: dict[tuple[str, Fault], list[Spot]] = {}
        for spot in scan.spots:
            by_place.setdefault((spot.file, spot.fault), []).append(spot)
        for (file, fault), spots in by_place.items():
            yield self._leaky(file, fault, spots)
        read = len(scan.files) - len(scan.unread)
        if scan.unread or not scan.files:
            unread = f"{quote(*scan.unread)} could not be read" if scan.unread else "no file"
            yield self._code(
                "unread code",
                State.UNDECIDED,
                f"{unread}: what it fits to is not known.",
                "Let it parse as Python, in a file of at most 1 MiB.",
                mode=Mode.GUARD,
            )
        if read and not scan.spots:
            yield self._code(
                "code of the stages",
                State.PASSED,
                f"No fit in {read:,} Python file{'s' * (read != 1)} of the stages sees rows that "
                "it should not, as far as reading each function shows.",
            )

    def _leaky(self, file: str, fault: Fault, spots: list[Spot]) -> Finding:
        what, mend = _FAULTS[fault]
        lines = first_few([f"{file}:{spot.line}" for spot in spots])
        message = f"{lines}: {quote(spots[0].call)} {what}."
        return self._code(f"{file} {what}", State.FAILED, message, mend)

    def _code(
        self, key: str, state: State, message: str, mend: str = "", *, mode: Mode | None = None
    ) -> Finding:
        return Finding(
            subject=Subject(key=key),
            state=state,
            limit=Limit(rule="nothing is fitted to test rows", mode=mode or self.mode),
            message=message,
            mend=mend,
        )


class _Tried(msgspec.Struct, frozen=True, eq=False):
    """Rows scored again: how far their scores moved, which moved too far, and what is too far."""

    gap: Floats
    beyond: Mask
    tolerance: float


def _ways(evidence: Evidence) -> list[str]:
    """In which ways the rows of `batches.parquet` were scored again."""
    names = evidence.table(BATCHES).names
    return [way for way in _WAYS if any(name.startswith(f"{way}.") for name in names)]


def _places(evidence: Evidence) -> Rows:
    """Where the rows that were tried stand in the test table."""
    table = evidence.table(BATCHES)
    at = places_in(evidence.row_ids(table), evidence.ids)
    unknown = int(np.count_nonzero(at < 0))
    if unknown:
        raise EvidenceError(
            f"{table.path}: {unknown:,} of {len(at):,} rows are not in the test table. Score test "
            "rows."
        )
    return at


def _missing(file: str, what: str) -> Observation:
    return Observation(subject=Subject(key=file), message=f"The evidence has no {file}: {what}.")
