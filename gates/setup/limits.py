"""The `gates:` block of a `params.yaml` as text: limits that a first pull request can live with."""

import math
from collections.abc import Iterator

import msgspec

from gates.case.answers import Task
from gates.evidence.sources import Sources
from gates.metrics import directed_names
from gates.setup.pipeline import How, Part, Parts
from gates.setup.yaml_text import comment, flow, scalar

_SHARE_OF_SPREAD = 0.02  # of the label's standard deviation: a loss that hardly anybody minds
_HEAD = """\
# What a pull request must keep to, judged from the base branch. `gatepost explain GATE` describes
# each gate; `gatepost plan` says which of these limits the test set can decide, and for how many
# rows the others wait. Drafted by `gatepost init`: the margins are usual ones, yours to set.
"""
_METRICS = {
    "binary": (
        ("log_loss", "{margin: 0.01}", "the primary metric: mode: strict, once it can be decided"),
        ("roc_auc", "{margin: 0.01}", ""),
        ("f1", "{margin: 0.04}", ""),
    ),
    "multiclass": (
        ("log_loss", "{margin: 0.02}", "the primary metric: mode: strict, once it can be decided"),
        ("accuracy", "{margin: 0.01}", ""),
        ("macro_f1", "{margin: 0.04}", ""),
    ),
}
_SEGMENTS = {
    "binary": (("recall", "{margin: 0.1}"), ("log_loss", "{margin: 0.03}")),
    "multiclass": (("accuracy", "{margin: 0.05}"), ("log_loss", "{margin: 0.05}")),
}
_RATES = {
    "binary": (
        ("selection_rate", 0.05),
        ("true_positive_rate", 0.05),
        ("false_positive_rate", 0.05),
    ),
    "multiclass": (("accuracy", 0.05),),
}


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What limits depend on."""

    task: Task
    parts: Parts
    sources: Sources
    segments: tuple[str, ...]
    sensitive: tuple[str, ...]
    spread: float | None  # of a number that is predicted
    reported: tuple[str, ...] = ()  # names in the pipeline's metrics file


def write_limits(ground: Ground) -> str:
    """The block, as it is put at the end of a `params.yaml`."""
    return _HEAD + "gates:\n" + "".join(f"{line}\n" for line in _lines(ground))


def _lines(ground: Ground) -> Iterator[str]:
    yield f"  task: {ground.task}"
    if ground.task == "binary":
        yield "  decision_threshold: 0.5"
    yield "  # Where the pipeline leaves what is judged (gatepost's docs/evidence.md)."
    yield "  evidence:"
    yield from _evidence(ground)
    if ground.segments:
        yield f"  segments: {flow(ground.segments)}"
    yield ""
    yield "  # Metrics: both models on the same test rows; a proven loss beyond its margin blocks."
    yield from _metrics(ground)
    yield from _floors(ground.task)
    if ground.sources.train or ground.sources.quick_baselines:
        yield "  quick_baseline: {}"
    if ground.segments:
        yield ""
        yield "  # Segments: what the average hides."
        yield from _segments(ground)
    if ground.sensitive:
        yield ""
        yield "  # Fairness: no group may fall behind the others further than it was."
        yield from _disparity(ground)
    yield ""
    yield "  # Data: what goes in."
    yield from ("  columns: {}", "  schema: {}", "  missing_values: {}")
    yield from ("  drift: {tolerance: 0.1}", "  levels: {}", "  unit_change: {}")
    yield "  data_version: {}"
    if ground.sources.train:
        yield "  train_test_overlap: {excess: 0.0}"
        yield "  version_leakage: {}"
        yield "  # group_leakage: {}   # once no person, machine or document stands on both sides"
        yield "  # time_leakage: {}    # with `random: true` where the split mixes times on purpose"
    yield from ("  target_leakage: {}", "  unavailable_feature: {}", "  identifier_feature: {}")
    yield "  preprocessing_leakage: {}"
    yield ""
    yield "  # Trust: what can be had again, what is reported, and the limits themselves."
    if ground.sources.repeats:
        yield "  repeatability: {}"
    if any(name in directed_names(ground.task) for name in ground.reported):
        yield "  reported_metrics: {}"
    elif ground.sources.metrics:
        yield "  # reported_metrics: {}   # once the file has scikit-learn's names, such as roc_auc"
    yield "  test_set_change: {}   # `changed: null` where the tables hold engineered features"
    yield "  test_set_reuse: {}"
    yield "  policy_change: {}"


def _evidence(ground: Ground) -> Iterator[str]:
    for name in Sources.__struct_fields__:
        if name.startswith("serving") and ground.sources.serve is None:
            continue
        value = getattr(ground.sources, name)
        part = getattr(ground.parts, name, None)
        note = _note(name, part) if isinstance(part, Part) else ""
        yield f"    {name}: {scalar(value)}{f'  # {comment(note)}' if note else ''}"


def _note(name: str, part: Part) -> str:
    if part.how is How.FOUND:
        return ""
    if part.how is How.GUESSED:
        return f"guessed: {part.why}"
    return f"not found: {part.why}" if name in ("predictions", "test") else part.why


def _metrics(ground: Ground) -> Iterator[str]:
    yield "  metric_regression:"
    yield "    metrics:"
    if ground.task == "regression":
        margin = _of_spread(ground)
        why = "2 % of its spread" if ground.spread else "yours to set"
        yield f"      mean_absolute_error: {{margin: {margin}}}  # in the label's unit: {why}"
        yield f"      root_mean_squared_error: {{margin: {margin}}}"
        return
    for name, margin, why in _METRICS[ground.task]:
        yield f"      {name}: {margin}{f'  # {why}' if why else ''}"


def _floors(task: Task) -> Iterator[str]:
    metric = {"binary": "roc_auc: 0.80", "multiclass": "accuracy: 0.80", "regression": "r2: 0.50"}
    yield "  # metric_floor:           # a level that no model may fall below, whatever came before"
    yield f"  #   metrics: {{{metric[task]}}}"
    if task != "regression":
        yield "  # calibration:            # where scores are used as probabilities"
        yield "  #   ceiling: 0.02"


def _segments(ground: Ground) -> Iterator[str]:
    yield "  segment_regression:"
    yield "    metrics:"
    if ground.task == "regression":
        yield f"      mean_absolute_error: {{margin: {_of_spread(ground, times=3)}}}"
        return
    for name, margin in _SEGMENTS[ground.task]:
        yield f"      {name}: {margin}"


def _disparity(ground: Ground) -> Iterator[str]:
    yield "  group_disparity:"
    yield f"    features: {flow(ground.sensitive)}"
    yield "    metrics:"
    if ground.task == "regression":
        yield f"      mean_error: {{worsening: {_of_spread(ground, times=2)}}}"
        return
    for name, worsening in _RATES[ground.task]:
        yield f"      {name}: {{worsening: {worsening}}}"


def _of_spread(ground: Ground, times: int = 1) -> str:
    """A margin in the label's unit, with two digits."""
    if not ground.spread or not math.isfinite(ground.spread):
        return "0.1"
    return f"{ground.spread * _SHARE_OF_SPREAD * times:.2g}".replace("e+", "e")
