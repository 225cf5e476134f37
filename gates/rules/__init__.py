"""All gates by the name that is file, policy key, page in the docs and test in one."""

from collections.abc import Mapping
from types import MappingProxyType

from gates.rules.calibration import CalibrationGate
from gates.rules.churn import Churn
from gates.rules.columns import Columns
from gates.rules.data_bias import DataBias
from gates.rules.data_version import DataVersion
from gates.rules.drift import Drift
from gates.rules.fault_tolerance import FaultTolerance
from gates.rules.fold_spread import FoldSpread
from gates.rules.footprint import Footprint
from gates.rules.gate import Gate
from gates.rules.group_disparity import GroupDisparity
from gates.rules.group_leakage import GroupLeakage
from gates.rules.human_baseline import HumanBaseline
from gates.rules.identifier_feature import IdentifierFeature
from gates.rules.label_agreement import LabelAgreement
from gates.rules.label_conflicts import LabelConflicts
from gates.rules.latency import LatencyGate
from gates.rules.levels import Levels
from gates.rules.lock_in_step import LockInStep
from gates.rules.metric_floor import MetricFloor
from gates.rules.metric_regression import MetricRegression
from gates.rules.missing_values import MissingValues
from gates.rules.parsimony import Parsimony
from gates.rules.policy_change import PolicyChangeGate
from gates.rules.preprocessing_leakage import PreprocessingLeakage
from gates.rules.quick_baseline import QuickBaseline
from gates.rules.rare_class import RareClass
from gates.rules.repeatability import Repeatability
from gates.rules.reported_metrics import ReportedMetrics
from gates.rules.schema import Schema
from gates.rules.scope import Scope
from gates.rules.segment_floor import SegmentFloor
from gates.rules.segment_regression import SegmentRegression
from gates.rules.serving_parity import ServingParity
from gates.rules.split_balance import SplitBalance
from gates.rules.suspicious_improvement import SuspiciousImprovement
from gates.rules.suspicious_labels import SuspiciousLabels
from gates.rules.target_leakage import TargetLeakage
from gates.rules.test_set_change import TestSetChange
from gates.rules.test_set_reuse import Reuse
from gates.rules.throughput import ThroughputGate
from gates.rules.time_leakage import TimeLeakage
from gates.rules.train_test_overlap import TrainTestOverlap
from gates.rules.unavailable_feature import UnavailableFeature
from gates.rules.unit_change import UnitChange
from gates.rules.update_downtime import UpdateDowntime
from gates.rules.version_leakage import VersionLeakage
from gates.rules.weak_segments import WeakSegments

GATES: Mapping[str, type[Gate]] = MappingProxyType(
    {
        "metric_regression": MetricRegression,
        "metric_floor": MetricFloor,
        "quick_baseline": QuickBaseline,
        "human_baseline": HumanBaseline,
        "parsimony": Parsimony,
        "fold_spread": FoldSpread,
        "calibration": CalibrationGate,
        "churn": Churn,
        "segment_regression": SegmentRegression,
        "segment_floor": SegmentFloor,
        "weak_segments": WeakSegments,
        "rare_class": RareClass,
        "group_disparity": GroupDisparity,
        "data_bias": DataBias,
        "columns": Columns,
        "schema": Schema,
        "missing_values": MissingValues,
        "drift": Drift,
        "levels": Levels,
        "unit_change": UnitChange,
        "data_version": DataVersion,
        "label_agreement": LabelAgreement,
        "label_conflicts": LabelConflicts,
        "suspicious_labels": SuspiciousLabels,
        "reported_metrics": ReportedMetrics,
        "lock_in_step": LockInStep,
        "repeatability": Repeatability,
        "train_test_overlap": TrainTestOverlap,
        "group_leakage": GroupLeakage,
        "time_leakage": TimeLeakage,
        "version_leakage": VersionLeakage,
        "target_leakage": TargetLeakage,
        "suspicious_improvement": SuspiciousImprovement,
        "unavailable_feature": UnavailableFeature,
        "identifier_feature": IdentifierFeature,
        "preprocessing_leakage": PreprocessingLeakage,
        "split_balance": SplitBalance,
        "test_set_change": TestSetChange,
        "test_set_reuse": Reuse,
        "latency": LatencyGate,
        "throughput": ThroughputGate,
        "update_downtime": UpdateDowntime,
        "serving_parity": ServingParity,
        "fault_tolerance": FaultTolerance,
        "footprint": Footprint,
        "scope": Scope,
        "policy_change": PolicyChangeGate,
    }
)
