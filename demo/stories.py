"""The pull requests to the reference project, and what the gate should say to each.

An edit does to the working tree what a person would do; `demo/play.py` then commits it, with what
the pipeline made of it, and calls the gate as a person would. Every gate fails in one of them.
"""

from demo import careless, experiments, labelers, models, pull_requests, splits
from demo.story import Story, nothing
from gates.finding import Decision

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
        edit=nothing,
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
        name="search",
        title="a search likes a model of three times the size, and no seed",
        starts_from="main",
        base="parsimonious",
        prepare=models.block_for_parsimony,
        edit=models.search_without_a_seed,
        decision=Decision.FAIL,
        blocked_by=frozenset({"parsimony", "repeatability"}),
    ),
    Story(
        name="all_rows",
        title="before the release the model learns from all rows",
        starts_from="main",
        base="main",
        edit=models.learn_from_all_rows,
        decision=Decision.FAIL,
        blocked_by=frozenset({"fold_spread"}),
    ),
    Story(
        name="second_team",
        title="a second team labels rows by a guide of its own",
        starts_from="main",
        base="main",
        edit=labelers.add_second_team,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "churn",
                "label_agreement",
                "label_conflicts",
                "human_baseline",
                "metric_regression",
                "rare_class",
                "weak_segments",
            }
        ),
    ),
    Story(
        name="year_before",
        title="trained on 1995, tested on 1994, and the survey's households come in",
        starts_from="main",
        base="main",
        edit=splits.forecast_the_year_before,
        decision=Decision.FAIL,
        blocked_by=frozenset({"group_leakage", "time_leakage", "split_balance", "test_set_change"}),
    ),
    Story(
        name="balanced_sample",
        title="quick experiments: a balanced sample of 1,000 to train on",
        starts_from="main",
        base="main",
        edit=splits.train_on_a_balanced_sample,
        decision=Decision.FAIL,
        blocked_by=frozenset(
            {
                "data_bias",
                "rare_class",
                "segment_floor",
                "segment_regression",
                "metric_regression",
                "metric_floor",
                "weak_segments",
                "group_disparity",
                "calibration",
                "quick_baseline",
                "drift",
                "split_balance",
            }
        ),
    ),
    Story(
        name="sixth_look",
        title="tuned for the sixth time on the same 3,000 test rows",
        starts_from="main",
        base="few_test_rows",
        prepare=experiments.keep_few_test_rows,
        edit=experiments.tune_on_the_test_set,
        decision=Decision.FAIL,
        blocked_by=frozenset({"test_set_reuse"}),
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
