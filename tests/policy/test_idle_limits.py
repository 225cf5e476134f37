"""Limits that nothing could break, or nothing could keep, are refused where they are read."""

import math
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.case.answers import Task
from gates.errors import PolicyError
from gates.metrics import METRICS, directed_names, is_greater_better, range_of
from gates.metrics.group import group_names
from gates.policy.policy import read_policy
from gates.rules import GATES
from gates.rules.gate import Bounds

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
OF_METRICS = {  # gate and field → how it is written, of metric M and value V
    ("metric_regression", "margin"): "metrics: {M: {margin: V}}",
    ("metric_regression", "gain"): "metrics: {M: {margin: 0, gain: V}}",
    ("metric_floor", "metrics"): "metrics: {M: V}",
    ("segment_regression", "margin"): "metrics: {M: {margin: V}}",
    ("segment_floor", "metrics"): "metrics: {M: V}",
    ("quick_baseline", "gain"): "metrics: {M: {gain: V}}",
    ("parsimony", "gain"): "metrics: {M: {gain: V}}",
    ("human_baseline", "margin"): "metrics: {M: {margin: V}}",
    ("human_baseline", "level"): "metrics: {M: {level: V, how: two nurses}}",
    ("fold_spread", "distance"): "metrics: {M: {distance: V}}",
    ("fold_spread", "spread"): "metrics: {M: {distance: 1.0e-9, spread: V}}",
    ("suspicious_improvement", "largest_gain"): "metrics: {M: {largest_gain: V}}",
    ("group_disparity", "worsening"): "metrics: {M: {worsening: V}}",
    ("group_disparity", "limit"): "metrics: {M: {limit: V}}",
    ("rare_class", "margin"): "metrics: {M: {margin: V}}",
}
OF_ANSWERS = {
    ("reported_metrics", "tolerance"),
    ("repeatability", "tolerance"),
    ("preprocessing_leakage", "tolerance"),
    ("serving_parity", "tolerance"),
    ("churn", "tolerance"),
    ("data_bias", "worsening"),
    ("data_bias", "limit"),
    ("weak_segments", "margin"),
    ("weak_segments", "excess"),
}
UNBOUNDED = {  # in seconds, megabytes, times, days, standard deviations, answers a second
    ("parsimony", "growth"),
    ("latency", "growth"),
    ("latency", "ceiling"),
    ("footprint", "growth"),
    ("footprint", "ceiling"),
    ("throughput", "ratio"),
    ("throughput", "floor"),
    ("time_leakage", "gap"),
    ("label_conflicts", "apart"),
    ("update_downtime", "max_seconds"),
    ("human_baseline", "interval"),  # holds `level`
}


def refusal(gate: str, demands: str, task: Task = "binary") -> str:
    """What reading says; nothing where it takes the policy."""
    text = f"gates:\n  task: {task}\n  {gate}:\n    {{{demands}}}\n"
    try:
        read_policy(text.encode(), "params.yaml")
    except PolicyError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("gate", "demands", "said"),
    [
        (
            "metric_regression",
            "metrics: {recall: {margin: 1.5}}",
            "params.yaml:4: gates.metric_regression.metrics.recall.margin: 1.5: recall is between "
            "0 and 1, so it cannot change by more and this could never block. Write less than 1.",
        ),
        (
            "metric_floor",
            "metrics: {accuracy: -1}",
            "params.yaml:4: gates.metric_floor.metrics.accuracy: -1: accuracy is between 0 and 1, "
            "so nothing could ever have this value. Write one that can be.",
        ),
        (
            "metric_floor",
            "metrics: {accuracy: 0}",
            "params.yaml:4: gates.metric_floor.metrics.accuracy: 0: accuracy is between 0 and 1, "
            "so nothing is worse and this could never block. Write more than 0.",
        ),
        (
            "metric_floor",
            "metrics: {brier_score_loss: 1}",
            "params.yaml:4: gates.metric_floor.metrics.brier_score_loss: 1: brier_score_loss is "
            "between 0 and 1, so nothing is worse and this could never block. Write less than 1.",
        ),
        (
            "quick_baseline",
            "metrics: {accuracy: {gain: 1.2}}",
            "params.yaml:4: gates.quick_baseline.metrics.accuracy.gain: 1.2: accuracy is between 0 "
            "and 1, so no model could gain as much. Write 1 at most.",
        ),
        (
            "segment_regression",
            "metrics: {log_loss: {margin: 2}, f1: {margin: 0.1}}, "
            "critical: [{segment: {sex: Female}, margin: 1}]",
            "params.yaml:4: gates.segment_regression.critical[0].margin: 1: what it limits is "
            "between 0 and 1, so it cannot change by more and this could never block. Write less "
            "than 1.",
        ),
        (
            "drift",
            "tolerance: 1.0",
            "params.yaml:4: gates.drift.tolerance: 1.0: expected a number < 1.0. Write a number "
            "from 0 to below 1: nothing exceeds 1, so that 1 would limit nothing.",
        ),
        (
            "churn",
            "share: 1",
            "params.yaml:4: gates.churn.share: 1: expected a number < 1.0. Write a number from 0 "
            "to below 1: nothing exceeds 1, so that 1 would limit nothing.",
        ),
        (
            "scope",
            "roadmap: [], approach: []",
            "params.yaml:4: gates.scope.roadmap: names nothing. Add an entry.",
        ),
        (
            "scope",
            "approvers: 0",
            "params.yaml:4: gates.scope.approvers: 0: expected a whole number >= 1.",
        ),
        (
            "data_bias",
            "ratio: 0",
            "params.yaml:4: gates.data_bias.ratio: 0: expected a number > 0.0. Write a number "
            "above 0, up to 1: nothing falls below 0, so that 0 would limit nothing.",
        ),
    ],
)
def test_a_limit_that_decides_nothing_is_refused(gate: str, demands: str, said: str) -> None:
    assert refusal(gate, demands) == said


@pytest.mark.parametrize(
    ("gate", "demands", "task"),
    [
        ("metric_regression", "metrics: {log_loss: {margin: 20}}", "binary"),
        ("metric_regression", "metrics: {root_mean_squared_error: {margin: 1.0e6}}", "regression"),
        ("metric_regression", "metrics: {matthews_corrcoef: {margin: 1.5}}", "binary"),
        ("metric_regression", "metrics: {brier_score_loss: {margin: 1.5}}", "multiclass"),
        ("metric_floor", "metrics: {accuracy: 1}", "binary"),
        ("metric_floor", "metrics: {log_loss: 0}", "binary"),
        ("metric_floor", "metrics: {r2: -3}", "regression"),
        ("serving_parity", "tolerance: 5", "regression"),
        ("data_bias", "worsening: 1.5", "regression"),
        ("weak_segments", "margin: 2", "binary"),
        ("test_set_change", "changed: null", "binary"),
    ],
)
def test_what_may_be_is_left_to_the_owner(gate: str, demands: str, task: Task) -> None:
    assert refusal(gate, demands, task) == ""


def fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """All fields of a Struct and of what is below it, with their types."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind, include_extras=True)
        for name in kind.__struct_fields__:
            yield name, hints[name]
            yield from fields(hints[name])
    else:
        for part in get_args(kind):
            yield from fields(part)


def metas(hint: Any) -> list[msgspec.Meta]:
    """All that a type says beside what it is."""
    own = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    return own + [meta for part in get_args(hint) for meta in metas(part)]


def has_number(hint: Any) -> bool:
    """Whether a type is a fraction, or of them; what is below a Struct is asked by itself."""
    return hint is float or any(map(has_number, get_args(hint)))


def test_every_number_of_every_gate_is_bounded_or_has_no_bounds() -> None:
    for gate in GATES:
        for name, hint in fields(GATES[gate]):
            if not has_number(hint) or (gate, name) in UNBOUNDED:
                continue
            bounded = [
                meta
                for meta in metas(hint)
                if meta.lt is not None or meta.le is not None or (meta.extra or {}).get("bounds")
            ]
            assert bounded, (gate, name)


def test_every_number_in_a_metrics_unit_is_tried_below() -> None:
    marked = {
        (gate, name)
        for gate in GATES
        for name, hint in fields(GATES[gate])
        if any((meta.extra or {}).get("bounds") for meta in metas(hint))
    }
    assert marked == {*OF_METRICS, *OF_ANSWERS}


def names_of(gate: str, task: Task) -> list[str]:
    if gate == "rare_class":
        return [] if task == "regression" else ["recall", "precision", "f1", "average_precision"]
    return list(group_names(task) if gate == "group_disparity" else directed_names(task))


def bounds_of(gate: str, field: str) -> Bounds:
    (found,) = {
        meta.extra["bounds"]
        for name, hint in fields(GATES[gate])
        if name == field
        for meta in metas(hint)
        if meta.extra
    }
    return Bounds(found)


def can_decide(bounds: Bounds, metric: str, task: Task, value: float) -> bool:
    """As one would say it by heart: some value breaks the limit, and some keeps it."""
    low, high = range_of(metric, task).low, range_of(metric, task).high
    if bounds is Bounds.CHANGE:
        return value < high - low
    if bounds is Bounds.GAIN:
        return value <= high - low
    worst = high if is_greater_better(metric) is False else low
    return low <= value <= high and (bounds is Bounds.LEVEL or value != worst)


@given(
    which=st.sampled_from(sorted(OF_METRICS)),
    task=st.sampled_from(TASKS),
    place=st.integers(0, 30),
    value=st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]) | st.floats(0, 4, allow_subnormal=False),
    sign=st.sampled_from([1, -1]),
)
def test_exactly_what_can_decide_is_taken(
    which: tuple[str, str], task: Task, place: int, value: float, sign: int
) -> None:
    gate, field = which
    names, bounds = names_of(gate, task), bounds_of(gate, field)
    if not names or (task == "regression" and field == "limit"):
        return
    metric = names[place % len(names)]
    if bounds in (Bounds.VALUE, Bounds.LEVEL):
        value *= sign
    written = OF_METRICS[which].replace("M", metric).replace("V", f"{value!r}")
    said = refusal(gate, written, task)
    assert (said == "") is can_decide(bounds, metric, task, value), said
    if said:
        assert said.startswith(f"params.yaml:4: gates.{gate}.metrics.{metric}")
        assert f"{value:g}: {metric} is " in said
        assert " Write " in said


@given(
    which=st.sampled_from(sorted(OF_ANSWERS)),
    task=st.sampled_from(("binary", "multiclass")),
    value=st.floats(1e-9, 3, allow_subnormal=False) | st.just(1.0),
)
def test_a_tolerance_of_probabilities_is_below_one(
    which: tuple[str, str], task: Task, value: float
) -> None:
    gate, field = which
    loss = "loss: error_rate, " if gate == "weak_segments" else ""
    said = refusal(gate, f"{loss}{field}: {value!r}", task)
    assert (said == "") is (value < 1)


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_says_its_range(task: Task) -> None:
    for name, metric in METRICS[task].items():
        assert metric.range.low < metric.range.high, name
        is_bounded = math.isfinite(metric.range.width)
        unbounded = ("log_loss", "r2", "mean_error", "mean_absolute_error", "mean_squared_error")
        assert is_bounded is (name not in (*unbounded, "root_mean_squared_error")), name
