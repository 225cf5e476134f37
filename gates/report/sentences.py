"""What a finding says to a reader: its subject, its limit and its reason, in words."""

from enum import Enum
from typing import NamedTuple

from gates.finding import Family, Finding, Limit, Observation, State, Subject
from gates.report.figures import MOST_DECIMALS, digits_for, number, signed
from gates.report.words import Name, Phrase, Prose, say, short

POINTS = 100.0


class Unit(Enum):
    """How a reader counts a metric: shares in points, scores as they are."""

    SHARE = "share"
    SCORE = "score"


class Metric(NamedTuple):
    """The words for a metric that the gates know."""

    words: str
    unit: Unit


METRICS = {
    "accuracy": Metric("accuracy", Unit.SHARE),
    "average_precision": Metric("average precision", Unit.SCORE),
    "balanced_accuracy": Metric("balanced accuracy", Unit.SHARE),
    "brier_score_loss": Metric("Brier score", Unit.SCORE),
    "calibration_error": Metric("calibration error", Unit.SCORE),
    "cohen_kappa": Metric("Cohen's kappa", Unit.SCORE),
    "demographic_parity": Metric("demographic parity", Unit.SHARE),
    "equal_opportunity": Metric("equal opportunity", Unit.SHARE),
    "equalized_odds": Metric("equalized odds", Unit.SHARE),
    "error_rate": Metric("error rate", Unit.SHARE),
    "f1": Metric("F1", Unit.SCORE),
    "false_negative_rate": Metric("false negative rate", Unit.SHARE),
    "false_positive_rate": Metric("false positive rate", Unit.SHARE),
    "Kolmogorov distance": Metric("Kolmogorov distance", Unit.SCORE),
    "jaccard": Metric("Jaccard index", Unit.SCORE),
    "log_loss": Metric("log loss", Unit.SCORE),
    "macro_f1": Metric("macro F1", Unit.SCORE),
    "matthews_corrcoef": Metric("Matthews correlation", Unit.SCORE),
    "mean score minus positive rate": Metric("mean score minus positive rate", Unit.SHARE),
    "mean_absolute_error": Metric("mean absolute error", Unit.SCORE),
    "mean_error": Metric("mean error", Unit.SCORE),
    "mean_prediction": Metric("mean prediction", Unit.SCORE),
    "mean_squared_error": Metric("mean squared error", Unit.SCORE),
    "negative_predictive_value": Metric("negative predictive value", Unit.SHARE),
    "precision": Metric("precision", Unit.SHARE),
    "r2": Metric("R²", Unit.SCORE),
    "recall": Metric("recall", Unit.SHARE),
    "roc_auc": Metric("ROC AUC", Unit.SCORE),
    "roc_auc_ovr": Metric("ROC AUC, one against the rest", Unit.SCORE),
    "root_mean_squared_error": Metric("root mean squared error", Unit.SCORE),
    "selection_rate": Metric("selection rate", Unit.SHARE),
    "specificity": Metric("specificity", Unit.SHARE),
    "total variation": Metric("total variation", Unit.SCORE),
    "true_positive_rate": Metric("true positive rate", Unit.SHARE),
}
_COMPARED = {
    "_difference": " difference",
    "_gain": " gain",
    "_gap": " gap",
    "_growth": " growth",
    "_ratio": " ratio",
}
_MEASURED = frozenset({Family.METRICS, Family.SEGMENTS, Family.FAIRNESS})


def metric_of(name: str) -> Metric | None:
    """The words for a metric, or for a difference or ratio of it between groups."""
    bare, _ = _split_class(name)
    if bare in METRICS:
        return METRICS[bare]
    for ending, words in _COMPARED.items():
        known = METRICS.get(bare.removesuffix(ending))
        if bare.endswith(ending) and known:
            return Metric(known.words + words, Unit.SCORE if ending == "_ratio" else known.unit)
    return None


def _split_class(name: str) -> tuple[str, str]:
    """`recall.cat_difference` as `recall_difference` and `cat`, where it begins with a metric."""
    bare, dot, level = name.partition(".")
    if not dot or bare not in METRICS:
        return name, ""
    ending = next((each for each in _COMPARED if level.endswith(each)), "")
    return bare + ending, level.removesuffix(ending)


def subject_phrase(subject: Subject) -> Phrase:
    """``recall for `sex = Female` since `v1.2.0` ``; foreign names as `Name`."""
    what: list[str | Name | Prose] = []
    if subject.metric:
        known = metric_of(subject.metric)
        what.append(known.words if known else Name(subject.metric))
        level = _split_class(subject.metric)[1]
        what += [" of class ", Name(level)] if known and level else []
    if subject.column:
        by_group = (subject.metric or "").endswith(tuple(_COMPARED))
        what += [" by " if by_group else " of " if what else "", Name(subject.column)]
    if subject.key and not what:
        what.append(Name(subject.key))
    for count, (column, level) in enumerate(subject.segment.items()):
        what += [" and " if count else " for " if what else "", Name(f"{column} = {level}")]
    if subject.test_set:
        what.append(f" on the {subject.test_set}'s rows")
    if subject.reference:
        what += [" since ", Name(short(subject.reference))]
    return say(*what)


def speaks_in_numbers(finding: Finding, family: Family) -> bool:
    """Whether our own sentence from the numbers says more than the gate's message."""
    metric = finding.subject.metric
    if family not in _MEASURED or not metric or not metric_of(metric):
        return False
    if finding.candidate is None:
        return False
    return bound_of(finding.limit) is not None and (
        finding.limit.margin is None or finding.change is not None
    )


def bound_of(limit: Limit) -> float | None:
    """The number of the limit, whichever of its bounds is set."""
    return next(
        (one for one in (limit.margin, limit.floor, limit.ceiling) if one is not None), None
    )


def reason(finding: Finding, family: Family) -> Phrase:
    """Why a finding is what it is, in a reader's units: `recall fell 16.5 points (limit 5.0)`."""
    if not speaks_in_numbers(finding, family):
        return say(Prose(finding.message))
    about = subject_phrase(finding.subject)
    if finding.state is State.UNDECIDED:
        return say(*about, " ", _may_be(finding))
    if finding.limit.margin is not None:
        return say(*about, " ", movement(finding, with_limit=True))
    return say(*about, " ", _lies(finding))


def movement(one: Finding | Observation, *, with_limit: bool = False) -> str:
    """`fell 16.5 points (limit 5.0)`; a difference between groups grows or shrinks."""
    change, margin = one.change or 0.0, 0.0
    if isinstance(one, Finding):
        margin = one.limit.margin or 0.0
    if change == 0:
        return "did not move"
    between = (one.subject.metric or "").endswith(("_difference", "_gap"))
    rose, fell = ("grew", "shrank") if between else ("rose", "fell")
    size, limit, unit = _in_units(one, abs(change), margin)
    limits = f" (limit {limit})" if with_limit else ""
    return f"{rose if change > 0 else fell} {size}{unit}{limits}"


def _may_be(finding: Finding) -> str:
    """What cannot be ruled out, and by how many rows."""
    rows = finding.support.rows if finding.support else None
    cannot = f"; {rows:,} rows cannot tell" if rows else "; the data cannot tell"
    margin = finding.limit.margin
    if margin is None:
        side = "below its floor" if finding.limit.floor is not None else "above its ceiling"
        bound = bound_of(finding.limit) or 0.0
        return f"may lie {side} of {number(bound, digits_for((bound,)))}{cannot}"
    harm = {True: "fallen", False: "risen", None: "moved"}[finding.greater_is_better]
    limit, _, unit = _in_units(finding, margin, margin)
    return f"may have {harm} more than {limit}{unit}{cannot}"


def _lies(finding: Finding) -> str:
    bound, value = bound_of(finding.limit) or 0.0, finding.candidate or 0.0
    decimals = digits_for((), ((value, bound),))
    name = "floor" if finding.limit.floor is not None else "ceiling"
    return f"is {number(value, decimals)} ({name} {number(bound, decimals)})"


def _in_units(one: Finding | Observation, size: float, limit: float) -> tuple[str, str, str]:
    """A size and the limit in the same digits, and their unit: points for a share."""
    metric = metric_of(one.subject.metric or "")
    if not metric or metric.unit is not Unit.SHARE:
        decimals = digits_for((), ((size, limit),), limit)
        return number(size, decimals), number(limit, decimals), ""
    size, limit, decimals = size * POINTS, limit * POINTS, 1
    while (
        size != limit
        and decimals < MOST_DECIMALS
        and number(size, decimals) == number(limit, decimals)
    ):
        decimals += 1
    written = number(size, decimals)
    return written, number(limit, decimals), " point" if written == "1.0" else " points"


class Cells(NamedTuple):
    """The numbers of one finding as text; empty where there is none."""

    baseline: str
    candidate: str
    change: str
    interval: str
    limit: Phrase


def cells(finding: Finding) -> Cells:
    """Baseline, candidate, change, interval and limit of one finding, in the same decimals."""
    limit = finding.limit
    numbers = _numbers(finding) or (bound_of(limit) or 0.0,)
    decimals = digits_for(numbers, _pairs_apart(finding), limit.margin or 0.0)
    of_change = finding.interval_of == "change"
    return _cells(finding, decimals, of_change)._replace(limit=_limit_phrase(finding, decimals))


def observed_cells(seen: Observation) -> Cells:
    """The same of a value without a limit; its interval is the change's where there is one."""
    return _cells(seen, digits_for(_numbers(seen)), seen.change is not None)


def _numbers(one: Finding | Observation) -> tuple[float, ...]:
    numbers = (one.baseline, one.candidate, one.change, *(one.interval or ()))
    return tuple(value for value in numbers if value is not None)


def _cells(one: Finding | Observation, decimals: int, of_change: bool) -> Cells:
    write = signed if of_change else number
    return Cells(
        baseline=_number_or_nothing(one.baseline, decimals),
        candidate=_number_or_nothing(one.candidate, decimals),
        change="" if one.change is None else signed(one.change, decimals),
        interval=" to ".join(write(bound, decimals) for bound in one.interval or ()),
        limit=say(),
    )


def _number_or_nothing(value: float | None, decimals: int) -> str:
    return "" if value is None else number(value, decimals)


def _pairs_apart(finding: Finding) -> tuple[tuple[float, float], ...]:
    """What must not look equal: the limit, and the observed value and its interval's bounds."""
    limit = finding.limit
    bound = bound_of(limit)
    observed = finding.candidate if limit.margin is None else finding.change
    if bound is None or observed is None:
        return ()
    about_limit = (finding.interval_of == "change") == (limit.margin is not None)
    values = (observed, *(finding.interval or ())) if about_limit else (observed,)
    if limit.margin is not None:
        values = tuple(abs(value) for value in values)
    return tuple((value, bound) for value in values)


def _limit_phrase(finding: Finding, decimals: int) -> Phrase:
    limit = finding.limit
    if limit.floor is not None:
        return say(f"≥ {number(limit.floor, decimals)}")
    if limit.ceiling is not None:
        return say(f"≤ {number(limit.ceiling, decimals)}")
    if limit.margin is not None:
        move = {True: "drop", False: "rise", None: "change"}[finding.greater_is_better]
        return say(f"{move} ≤ {number(limit.margin, decimals)}")
    return say(Prose(limit.rule)) if limit.rule else say()


def direction(one: Finding | Observation) -> str:
    """`worse`, `better`, or nothing where the change may be noise or no way is better."""
    if not one.change or one.greater_is_better is None:
        return ""
    if one.interval and (isinstance(one, Observation) or one.interval_of == "change"):
        low, high = one.interval
        if low <= 0 <= high:
            return ""
    return "better" if (one.change > 0) == one.greater_is_better else "worse"
