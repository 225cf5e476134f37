"""What a gate is, and what it may yield."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case.answers import Task
from gates.case.ask import Ask
from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Observation, Subject, Support
from gates.metrics.metric import ANY, RATE, Range
from gates.stats.multiplicity import SURE, Doubt
from gates.tables.table import Floats

if TYPE_CHECKING:
    from gates.case.streamed import Added

_BELOW = "Write a number from 0 to below 1: nothing exceeds 1, so that 1 would limit nothing."
_ABOVE = "Write a number above 0, up to 1: nothing falls below 0, so that 0 would limit nothing."

Amount = Annotated[float, msgspec.Meta(ge=0)]
Factor = Annotated[float, msgspec.Meta(ge=1)]  # times the baseline's value
Share = Annotated[float, msgspec.Meta(ge=0, lt=1, description=_BELOW)]  # the largest accepted
LeastShare = Annotated[float, msgspec.Meta(gt=0, le=1, description=_ABOVE)]  # the smallest accepted


class Bounds(StrEnum):
    """What a number limits of a metric, in the metric's own unit and so within its range."""

    CHANGE = "change"  # the largest accepted one: less than the range is wide
    GAIN = "gain"  # the smallest that is asked for: no more than the range is wide
    VALUE = "value"  # the worst accepted one: better than the worst of the range
    LEVEL = "level"  # a value that somebody has measured


Change = Annotated[float, msgspec.Meta(ge=0, extra={"bounds": Bounds.CHANGE})]
LeastGain = Annotated[float, msgspec.Meta(ge=0, extra={"bounds": Bounds.GAIN})]
Value = Annotated[float, msgspec.Meta(extra={"bounds": Bounds.VALUE})]
Level = Annotated[float, msgspec.Meta(extra={"bounds": Bounds.LEVEL})]
NOT_EMPTY = msgspec.Meta(min_length=1)  # of a mapping without which there is nothing to judge


class NotApplicableError(Exception):
    """The gate has nothing to judge here, for the reason that the message gives."""


class Correction(StrEnum):
    """The comparisons that share one level of `Alpha`."""

    OVERALL = "overall"
    CRITICAL = "critical"  # declared segments, with most of the segments' level
    SEGMENTS = "segments"
    FAIRNESS = "fairness"
    OTHER = "other"


class Comparison(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Two models on the same rows, with the largest accepted loss; the judge decides.

    `rows` are places in the union of all arenas' rows and `contributions` what each adds to the
    change, positive is better; both of shape (rows that are not zero,). Of evidence too large for
    memory `added` says the same by sums. `change` and `interval` have the metric's own sign.
    """

    subject: Subject
    correction: Correction
    limit: Limit
    greater_is_better: bool
    baseline: float
    candidate: float
    change: float
    interval: tuple[float, float]
    rows: npt.NDArray[np.intp]
    contributions: Floats
    support: Support
    counted: int  # rows that the metric counts, such as the positives for recall
    same: bool  # identical predictions on all rows of the subject
    added: "Added | None" = None
    doubt: Doubt = SURE
    rows_needed: int | None = None
    mend: str = ""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """A value of the candidate with a floor or a ceiling; the judge decides.

    `p_value` is that of the hypothesis that the true value keeps the limit; `interval` is the
    value's own.
    """

    subject: Subject
    limit: Limit
    value: float
    interval: tuple[float, float]
    p_value: float
    message: str = ""  # where it says more than value, interval and limit do
    mend: str = ""
    baseline: float | None = None
    support: Support | None = None
    rows_needed: int | None = None


Item = Finding | Comparison | Measurement | Observation


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named judge; its fields are its keys in the policy, its docstring its documentation.

    The docstring says what it blocks, why, what it does not see, and shows an example.
    """

    family: ClassVar[Family]
    required: bool = False  # a skip blocks
    waivable: bool = True

    def asks(self, _evidence: Evidence) -> Iterator[Ask]:
        """What it will ask of both models' rows; nothing where it asks no sums over them."""
        return iter(())

    def range_limited(self, task: Task) -> Range:
        """Of what its own numbers limit: by default probabilities, of a regression any number."""
        return ANY if task == "regression" else RATE

    def judge(self, case: Case) -> Iterator[Item]:
        """Every comparison it makes, passed or not.

        Raises:
            NotApplicableError: there is nothing to judge, and why.
        """
        raise NotImplementedError
