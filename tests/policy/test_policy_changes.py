import datetime as dt
from typing import Any

import msgspec
import pytest

from gates.finding import Direction
from gates.policy.changes import (
    LOOSER_WHEN_GREATER,
    LOOSER_WHEN_SMALLER,
    policy_changes,
    waiver_changes,
)
from gates.policy.policy import policy_schema, read_policy
from tests.build_waivers import waiver

BASE = """
gates:
  segments: [sex, race]
  references: [merge_base, anchor]
  alpha: {overall: 0.01}
  metric_regression:
    metrics:
      log_loss: {margin: 0.01, mode: strict}
      recall: {margin: 0.03}
      f1: {margin: 0.04, gain: 0.02}
  metric_floor: {metrics: {roc_auc: 0.90, log_loss: 0.24}}
  segment_regression:
    metrics: {recall: {margin: 0.05}}
    critical: [{segment: {sex: Female}, margin: 0.03}]
    min_rows: 30
  policy_change: {}
"""
L, T, C = Direction.LOOSENED, Direction.TIGHTENED, Direction.CHANGED


@pytest.mark.parametrize(
    ("old", "new", "key", "direction"),
    [
        ("log_loss: {margin: 0.01", "log_loss: {margin: 0.5", "log_loss.margin", L),
        ("log_loss: {margin: 0.01", "log_loss: {margin: 0.001", "log_loss.margin", T),
        (", mode: strict", "", "log_loss.mode", L),
        ("recall: {margin: 0.03}", "recall: {margin: 0.03, gain: 0.01}", "recall.gain", T),
        ("f1: {margin: 0.04, gain: 0.02}", "f1: {margin: 0.04, gain: 0.01}", "f1.gain", L),
        ("f1: {margin: 0.04, gain: 0.02}", "f1: {margin: 0.04}", "f1.gain", L),
        ("{margin: 0.03}\n", "{margin: 0.03, mode: strict}\n", "recall.mode", T),
        ("      recall: {margin: 0.03}\n", "", "metrics.recall", L),
        ("roc_auc: 0.90", "roc_auc: 0.80", "metrics.roc_auc", L),
        ("roc_auc: 0.90", "roc_auc: 0.95", "metrics.roc_auc", T),
        ("log_loss: 0.24", "log_loss: 0.30", "metrics.log_loss", L),
        ("log_loss: 0.24", "log_loss: 0.20", "metrics.log_loss", T),
        ("[sex, race]", "[sex]", 'segments."race"', L),
        ("[sex, race]", "[sex, race, age]", 'segments."age"', T),
        ("overall: 0.01", "overall: 0.0001", "alpha.overall", L),
        ("overall: 0.01", "overall: 0.05", "alpha.overall", T),
        ("min_rows: 30", "min_rows: 3000", "min_rows", L),
        ("  policy_change: {}", "  policy_change: {required: true}", "required", T),
        ("  policy_change: {}", "  policy_change: {waivable: false}", "waivable", T),
        ("  segments:", "  decision_threshold: 0.4\n  segments:", "decision_threshold", C),
        ("  policy_change: {}\n", "", "gates.policy_change", L),
        ("[merge_base, anchor]", "[merge_base]", 'references."anchor"', L),
        ("  references: [merge_base, anchor]\n", "", 'references."anchor"', L),
        ("  alpha:", "  anchor: {tag: 'release-*'}\n  alpha:", "anchor.tag", C),
    ],
)
def test_every_edit_is_classified_by_what_it_asks_for(
    old: str, new: str, key: str, direction: Direction
) -> None:
    assert BASE.count(old) == 1
    edited = BASE.replace(old, new)
    (change,) = policy_changes(
        read_policy(BASE.encode(), "base"), read_policy(edited.encode(), "head")
    )
    assert change.key.endswith(key)
    assert change.direction is direction


@pytest.mark.parametrize(
    ("old", "new", "directions"),
    [
        ("weak_segments: {}", "weak_segments: {margin: 0.9}", [L]),
        ("weak_segments: {margin: 0.5}", "weak_segments: {margin: 0.9}", [L]),
        ("weak_segments: {margin: 0.9}", "weak_segments: {margin: 0.5}", [T]),
        ("weak_segments: {}", "weak_segments: {columns: [sex]}", [L]),
        ("weak_segments: {columns: [sex]}", "weak_segments: {columns: [sex, age]}", [T]),
        ("rare_class: {}", "rare_class: {classes: [negative]}", [L]),
        ("rare_class: {}", "rare_class: {min_rows: 20}", [T]),
        ("quick_baseline: {}", "quick_baseline: {metrics: {recall: {gain: 0.1}}}", [L]),
        ("churn: {share: 0.1}", "churn: {share: 0.1, tolerance: 0.9}", [L]),
        ("churn: {}", "churn: {share: 0.1}", [T]),
        ("label_agreement: {scale: ordinal}", "label_agreement: {}", [L]),
        ("churn: {}", "churn: {golden: kept}", [T]),
        ("churn: {golden: kept}", "churn: {golden: few}", [L]),
        ("time_leakage: {}", "time_leakage: {random: true}", [L]),
        ("time_leakage: {random: true}", "time_leakage: {}", [T]),
        ("calibration: {segments: true}", "calibration: {segments: false}", [L]),
        ("calibration: {segments: true}", "calibration: {segments: [sex]}", [L, T]),
        ("calibration: {segments: [sex]}", "calibration: {segments: false}", [L, L]),
    ],
)
def test_what_a_gate_takes_by_itself_may_be_stricter_than_what_is_named(
    old: str, new: str, directions: list[Direction]
) -> None:
    base, head = (
        read_policy(f"gates:\n  segments: [sex]\n  {gate}\n".encode(), "policy")
        for gate in (old, new)
    )
    assert [each.direction for each in policy_changes(base, head)] == directions


@pytest.mark.parametrize(
    ("metric", "direction"), [("accuracy", L), ("log_loss", T), ("mean_absolute_error", T)]
)
def test_a_lower_human_level_asks_for_less_unless_it_is_an_error(
    metric: str, direction: Direction
) -> None:
    """Of accuracy .9 → .8 is easier to reach, of an error it is harder."""
    task = "regression" if metric == "mean_absolute_error" else "binary"
    text = f"""
gates:
  task: {task}
  human_baseline: {{metrics: {{{metric}: {{level: 0.9, how: two nurses}}}}}}
"""
    (change,) = policy_changes(
        read_policy(text.encode(), "base"),
        read_policy(text.replace("0.9", "0.8").encode(), "head"),
    )
    assert change.key == f"gates.human_baseline.metrics.{metric}.level"
    assert change.direction is direction


def test_an_edited_critical_segment_is_one_gone_and_one_new() -> None:
    edited = BASE.replace("Female}, margin: 0.03", "Female}, margin: 0.30")
    changes = policy_changes(
        read_policy(BASE.encode(), "base"), read_policy(edited.encode(), "head")
    )
    assert [change.direction for change in changes] == [L, T]


def test_comments_order_and_spelt_out_defaults_are_no_change() -> None:
    edited = BASE.replace(
        "  policy_change: {}", "  # a comment\n  policy_change: {required: false}"
    )
    assert not policy_changes(
        read_policy(BASE.encode(), "base"), read_policy(edited.encode(), "head")
    )


ONE, OTHER = waiver(), waiver("1111111111111111", gate="b")
KEY = "waivers.a.0f3b9a7c2d1e4f56"


@pytest.mark.parametrize(
    ("changes", "field", "direction"),
    [
        ({"until": dt.date(2026, 12, 21)}, "until", L),
        ({"until": dt.date(2026, 12, 19)}, "until", T),
        ({"worst": -0.2}, "worst", L),
        ({"worst": -0.05}, "worst", L),  # which way is worse, only the finding knows
        ({"reason": "another"}, "reason", C),
        ({"author": "kim"}, "author", C),
        ({"subject": "recall"}, "subject", C),
        ({"approved_by": "kim"}, "approved_by", C),
        ({"written": dt.date(2026, 11, 22)}, "written", C),
    ],
)
def test_every_edit_of_a_waiver_is_named(
    changes: dict[str, object], field: str, direction: Direction
) -> None:
    edited = msgspec.structs.replace(ONE, **changes)
    (change,) = waiver_changes([OTHER, ONE], [edited, OTHER])
    assert (change.key, change.direction) == (f"{KEY}.{field}", direction)


def test_another_bound_is_a_loosening_too() -> None:
    said = msgspec.structs.replace(ONE, worst=None, said="0f3b9a7c2d1e4f56")
    changes = waiver_changes([ONE], [said])
    assert [(one.key, one.direction) for one in changes] == [
        (f"{KEY}.worst", L),
        (f"{KEY}.said", L),
    ]


def test_waivers_that_are_new_or_gone() -> None:
    (new,) = waiver_changes([ONE], [ONE, ONE])
    (gone,) = waiver_changes([ONE, OTHER], [ONE])
    assert (new.key, new.direction) == (f"{KEY}.2", L)
    assert (new.base, new.candidate) == (None, '"accuracy until 2026-12-20"')
    assert (gone.key, gone.direction, gone.candidate) == ("waivers.b.1111111111111111", T, None)
    assert waiver_changes([ONE, OTHER], [OTHER, ONE]) == ()


def numeric_fields(schema: Any, name: str = "") -> set[str]:
    """Names of all number-valued fields anywhere in a JSON Schema."""
    found: set[str] = set()
    if isinstance(schema, dict):
        kinds = {schema.get("type")} | {arm.get("type") for arm in schema.get("anyOf", ())}
        if name and kinds & {"number", "integer"}:
            found.add(name)
        for key, part in schema.items():
            inside = part.items() if key == "properties" else [("", part)]
            for field, each in inside:
                found |= numeric_fields(each, field)
    elif isinstance(schema, list):
        for part in schema:
            found |= numeric_fields(part)
    return found


def test_every_numeric_field_says_in_which_direction_it_loosens() -> None:
    """Only what shifts the model's own decision has no lax side."""
    fields = numeric_fields(msgspec.to_builtins(policy_schema()))
    assert fields - LOOSER_WHEN_GREATER - LOOSER_WHEN_SMALLER == {"decision_threshold"}
