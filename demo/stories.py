"""The pull requests to the reference project, and what the gate should say to each.

An edit does to the working tree what a person would do; `demo/play.py` then commits it, with what
the pipeline made of it, and calls the gate as a person would.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from demo import careless, pull_requests
from gates.finding import Decision

Edit = Callable[[Path], None]


def _nothing(_root: Path) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Story:
    """One pull request: where it starts, what it does, and how it must end."""

    name: str  # of the branch
    title: str
    starts_from: str
    base: str  # the branch it wants to merge into
    edit: Edit
    reproduces: bool = True  # the author runs the pipeline before the commit
    after: Edit = _nothing  # done when the author's pipeline has run
    alone: bool = False  # measures times, so nothing else may run beside it
    decision: Decision
    blocked_by: frozenset[str] = field(default_factory=frozenset)  # all gates that fail, no other


STORIES = (
    Story(
        name="batch_1995",
        title="the 1995 batch arrives",
        starts_from="baseline",
        base="baseline",
        edit=pull_requests.add_batch_1995,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "schema",
                "missing_values",
                "drift",
                "levels",
                "suspicious_labels",
                "calibration",
                "quick_baseline",
            }
        ),
    ),
    Story(
        name="drop_eight",
        title="drop the eight broken columns",
        starts_from="batch_1995",
        base="baseline",
        edit=pull_requests.drop_eight_columns,
        decision=Decision.PASS,
    ),
    Story(
        name="boosting",
        title="gradient boosting on both years",
        starts_from="drop_eight",
        base="drop_eight",
        edit=pull_requests.boost_on_both_years,
        decision=Decision.PASS,
    ),
    Story(
        name="fairness",
        title='"fairness": drop sex, race and origin',
        starts_from="main",
        base="main",
        edit=pull_requests.drop_sensitive_features,
        decision=Decision.PASS,
    ),
    Story(
        name="balanced",
        title='"better recall": balanced class weights',
        starts_from="main",
        base="main",
        edit=pull_requests.balance_classes,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "metric_regression",
                "metric_floor",
                "segment_regression",
                "weak_segments",
                "group_disparity",
                "calibration",
                "quick_baseline",
            }
        ),
    ),
    Story(
        name="label_noise",
        title="label noise: 40 % of positive women flipped",
        starts_from="main",
        base="main",
        edit=pull_requests.relabel_women,
        decision=Decision.FAIL,
        blocked_by=frozenset({"segment_regression"}),
    ),
    Story(
        name="instance_weight",
        title="instance_weight becomes a feature",
        starts_from="main",
        base="main",
        edit=pull_requests.use_the_weight,
        decision=Decision.FAIL,
        blocked_by=frozenset({"columns"}),
    ),
    Story(
        name="publisher_split",
        title="the publisher's own split, all ages",
        starts_from="main",
        base="main",
        edit=pull_requests.use_the_publishers_split,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "train_test_overlap",
                "version_leakage",
                "drift",
                "split_balance",
                "test_set_change",
            }
        ),
    ),
    Story(
        name="own_limits",
        title="balanced weights, and looser limits with them",
        starts_from="main",
        base="main",
        edit=pull_requests.balance_and_loosen,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "metric_regression",
                "metric_floor",
                "segment_regression",
                "weak_segments",
                "group_disparity",
                "calibration",
                "quick_baseline",
                "policy_change",
            }
        ),
    ),
    Story(
        name="edited_metrics",
        title="metrics.json edited by hand",
        starts_from="main",
        base="main",
        edit=_nothing,
        after=pull_requests.flatter_the_metrics,
        decision=Decision.FAIL,
        blocked_by=frozenset({"reported_metrics"}),
    ),
    Story(
        name="more_features",
        title="new features and more rows, by somebody in a hurry",
        starts_from="main",
        base="main",
        edit=careless.add_features_and_rows,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "target_leakage",
                "unavailable_feature",
                "columns",
                "identifier_feature",
                "train_test_overlap",
                "preprocessing_leakage",
                "suspicious_improvement",
                "unit_change",
                "test_set_change",
            }
        ),
    ),
    Story(
        name="relabelled",
        title="test rows that the model gets wrong are labelled anew",
        starts_from="main",
        base="main",
        edit=careless.relabel_what_the_model_gets_wrong,
        decision=Decision.FAIL,
        blocked_by=frozenset({"test_set_change", "calibration"}),
    ),
    Story(
        name="forgotten",
        title="a file from the author's own disk, no dvc repro, and another approach",
        starts_from="main",
        base="main",
        edit=careless.forget_and_tune,
        reproduces=False,
        decision=Decision.FAIL,
        blocked_by=frozenset({"data_version", "lock_in_step", "scope"}),
    ),
    Story(
        name="slow_service",
        title="the service explains each answer",
        starts_from="served",
        base="served",
        edit=careless.explain_each_answer,
        alone=True,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "latency",
                "throughput",
                "update_downtime",
                "serving_parity",
                "fault_tolerance",
                "footprint",
            }
        ),
    ),
)
