"""All gates by the name that is file, policy key, page in the docs and test in one."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gates.rules.gate import Gate


class _Registry(Mapping[str, "type[Gate]"]):
    """Gates by name, each imported when it is asked for: few policies name them all."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self._classes = MappingProxyType(dict(classes))

    def __getitem__(self, name: str) -> "type[Gate]":
        defined = self._classes[name]  # first: what no gate is called must import nothing
        gate: type[Gate] = getattr(import_module(f"{__name__}.{name}"), defined)
        return gate

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


GATES: Final[Mapping[str, "type[Gate]"]] = _Registry(
    {  # the class that the module of the gate's name defines
        "metric_regression": "MetricRegression",
        "metric_floor": "MetricFloor",
        "quick_baseline": "QuickBaseline",
        "human_baseline": "HumanBaseline",
        "parsimony": "Parsimony",
        "fold_spread": "FoldSpread",
        "calibration": "CalibrationGate",
        "churn": "Churn",
        "segment_regression": "SegmentRegression",
        "segment_floor": "SegmentFloor",
        "weak_segments": "WeakSegments",
        "rare_class": "RareClass",
        "group_disparity": "GroupDisparity",
        "data_bias": "DataBias",
        "columns": "Columns",
        "schema": "Schema",
        "missing_values": "MissingValues",
        "drift": "Drift",
        "levels": "Levels",
        "unit_change": "UnitChange",
        "data_version": "DataVersion",
        "label_agreement": "LabelAgreement",
        "label_conflicts": "LabelConflicts",
        "suspicious_labels": "SuspiciousLabels",
        "reported_metrics": "ReportedMetrics",
        "lock_in_step": "LockInStep",
        "repeatability": "Repeatability",
        "train_test_overlap": "TrainTestOverlap",
        "group_leakage": "GroupLeakage",
        "time_leakage": "TimeLeakage",
        "version_leakage": "VersionLeakage",
        "target_leakage": "TargetLeakage",
        "suspicious_improvement": "SuspiciousImprovement",
        "unavailable_feature": "UnavailableFeature",
        "identifier_feature": "IdentifierFeature",
        "preprocessing_leakage": "PreprocessingLeakage",
        "split_balance": "SplitBalance",
        "test_set_change": "TestSetChange",
        "test_set_reuse": "Reuse",
        "latency": "LatencyGate",
        "throughput": "ThroughputGate",
        "update_downtime": "UpdateDowntime",
        "serving_parity": "ServingParity",
        "fault_tolerance": "FaultTolerance",
        "footprint": "Footprint",
        "scope": "Scope",
        "policy_change": "PolicyChangeGate",
    }
)
