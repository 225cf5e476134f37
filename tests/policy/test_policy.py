import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from gates.errors import PolicyError
from gates.finding import Mode
from gates.policy.policy import policy_schema, read_policy
from gates.rules import GATES
from gates.rules.metric_regression import MetricRegression


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(text.encode(), "params.yaml")
    return str(caught.value)


def test_a_policy_is_typed_values_in_the_order_of_the_file() -> None:
    policy = read_policy(
        b"train: {seed: 1}\n"
        b"gates:\n"
        b"  policy_change: {}\n"
        b"  segments: [sex, [sex, race]]\n"
        b"  metric_regression:\n"
        b"    metrics:\n"
        b"      log_loss: {margin: 1e-2, mode: strict}\n",
        "params.yaml",
    )
    assert list(policy.gates) == ["policy_change", "metric_regression"]
    assert policy.settings.segment_columns == (("sex",), ("sex", "race"))
    gate = policy.gates["metric_regression"]
    assert isinstance(gate, MetricRegression)
    assert gate.metrics["log_loss"].margin == 0.01
    assert gate.metrics["log_loss"].mode is Mode.STRICT
    assert policy.line("metric_regression", "metrics", "log_loss") == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "gates:\n  metric_regression:\n    metrics:\n      recall: {margn: 0.1}",
            "params.yaml:4: gates.metric_regression.metrics.recall.margn: unknown key; "
            "did you mean margin?",
        ),
        (
            "gates:\n  metric_regresion: {}",
            "params.yaml:2: gates.metric_regresion: unknown key; did you mean metric_regression?",
        ),
        (
            "gates:\n  metric_floor:\n    metrics: {roc_auk: 0.9}",
            "params.yaml:3: gates.metric_floor.metrics.roc_auk: unknown name; "
            "did you mean roc_auc?",
        ),
        (
            "gates:\n  metric_regression:\n    metrics: {recall: {margin: -1}}",
            "params.yaml:3: gates.metric_regression.metrics.recall.margin: -1: expected a number "
            ">= 0.0.",
        ),
        (
            "gates:\n  metric_regression:\n    metrics: {recall: {margin: a lot}}",
            "params.yaml:3: gates.metric_regression.metrics.recall.margin: 'a lot': expected a "
            "number, got text.",
        ),
        (
            "gates:\n  metric_regression: {}",
            "params.yaml:2: gates.metric_regression: metrics is missing. Add it.",
        ),
        (
            "gates:\n  calibration: {min_rows: -1}",
            "params.yaml:2: gates.calibration.min_rows: -1: expected a whole number >= 1.",
        ),
        ("gates:\n  segments: [sex]", "params.yaml:1: gates: names no gate"),
        ("gates: 3", "params.yaml:1: gates: expected keys and values."),
        ("train: {}", "params.yaml: no `gates:`, so nothing is demanded and nothing can pass."),
        ("", "params.yaml: no `gates:`"),
        ("gates:\n  policy_change: [1]", "params.yaml:2: gates.policy_change: [1] where keys"),
        (
            "gates:\n  segments: sex\n  policy_change: {}",
            "params.yaml:2: gates.segments: 'sex' where a list is expected.",
        ),
        (
            "gates:\n  decision_threshold: 2\n  policy_change: {}",
            "params.yaml:2: gates.decision_threshold: 2: expected a number <= 1.0.",
        ),
    ],
)
def test_a_refusal_names_place_value_and_mend(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_the_schema_knows_every_gate() -> None:
    schema = policy_schema()
    properties = schema["$defs"]["Gates"]["properties"]
    assert set(GATES) <= set(properties)


def test_the_committed_schema_is_the_policys() -> None:
    """Renew it with `gatepost explain --schema > gates/policy.schema.json`."""
    committed = json.loads(Path("gates/policy.schema.json").read_text("utf-8"))
    assert committed == json.loads(json.dumps(policy_schema()))


def test_the_reference_policy_obeys_the_schema() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    jsonschema.validate(params, policy_schema())
    params["gates"]["metric_regresion"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(params, policy_schema())


@pytest.mark.parametrize("references", ["[anchor]", "[]"])
def test_what_a_change_is_made_to_is_always_compared_with(references: str) -> None:
    said = refusal(f"gates:\n  references: {references}\n  policy_change: {{}}\n")
    assert "Write [merge_base] or [merge_base, anchor]." in said


def test_a_reference_that_is_none_is_named_with_the_nearest() -> None:
    said = refusal("gates:\n  references: [merge_base, ancor]\n  policy_change: {}\n")
    assert "did you mean anchor?" in said
