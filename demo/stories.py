"""Ten pull requests to the reference project, and what the gate should say to each.

An edit does to the working tree what a person would do; `demo/__main__.py` then commits it,
with what the pipeline made of it, and calls the gate as a person would.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from demo.edits import cut_stage, replace, run
from gates.finding import Decision
from gates.manifest import digest

Edit = Callable[[Path], None]
DEMO = Path(__file__).parent


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
    after: Edit = _nothing  # done when the author's pipeline has run
    decision: Decision
    blocked_by: frozenset[str] = field(default_factory=frozenset)  # all gates that fail, no other


def train_once(root: Path) -> None:
    """Nothing is repeated here: ten stories should not take a quarter of an hour."""
    for name, stage in product(("dvc.yaml", "dvc.lock"), ("repeat", "folds", "batches")):
        cut_stage(root / name, stage)
    for table in ("repeats", "folds", "batches"):
        replace(root / "params.yaml", f"    {table}: build/pipeline/{table}.parquet\n", "")
    replace(root / "params.yaml", "  repeatability: {}\n", "")
    fold_spread = "  fold_spread: {metrics: {roc_auc: {distance: 0.03, spread: 0.03}}}"
    replace(root / "params.yaml", f"{fold_spread}   # does one split mislead?\n", "")
    serve = "    serve: python -m pipeline.serve --model {model} --port {port}\n"
    replace(root / "params.yaml", serve, "")


def expect_little(root: Path) -> None:
    """The first model is linear itself: it has to be better than a simple one, by whatever."""
    replace(root / "params.yaml", "log_loss: {gain: 0.005}", "log_loss: {gain: 0}")
    replace(root / "params.yaml", "{gain: 0.002}}, mode: strict}", "{gain: 0.002}}, mode: guard}")


def rewind_to_1994(root: Path) -> None:
    """The project before the batch of 1995: one year, a linear model, its own dictionary."""
    (root / "data/columns.yaml").write_bytes((DEMO / "columns_1994.yaml").read_bytes())
    replace(root / "params.yaml", "batches: [1994, 1995]", "batches: [1994]")
    replace(root / "params.yaml", "train_years: [1994, 1995]", "train_years: [1994]")
    replace(root / "params.yaml", "test_years: [1994, 1995]", "test_years: [1994]")
    replace(root / "params.yaml", "model: gradient_boosting", "model: logistic_regression")
    replace(root / "dvc.yaml", "      - data/raw/census_1995.parquet\n", "")
    replace(root / "data/raw/.gitignore", "/census_1995.parquet\n", "")
    for name in ("census_1995.parquet", "census_1995.parquet.dvc"):
        (root / "data/raw" / name).unlink()


def add_batch_1995(root: Path) -> None:
    """A year of new data arrives: it is tested on, and not yet trained on."""
    run(root, "git", "checkout", "main", "--", "dvc.yaml", "data/raw")
    run(root, "dvc", "checkout", "data/raw/census_1995.parquet.dvc")
    replace(root / "params.yaml", "batches: [1994]", "batches: [1994, 1995]")
    replace(root / "params.yaml", "test_years: [1994]", "test_years: [1994, 1995]")


def drop_eight_columns(root: Path) -> None:
    """The columns that broke are declared ignored, each with the reason."""
    run(root, "git", "checkout", "main", "--", "data/columns.yaml")


def boost_on_both_years(root: Path) -> None:
    """Another model, trained on both years."""
    run(root, "git", "checkout", "main", "--", "params.yaml")


def drop_sensitive_features(root: Path) -> None:
    """The model no longer sees sex, race or origin."""
    replace(
        root / "params.yaml", "drop_features: []", "drop_features: [sex, race, hispanic_origin]"
    )


def balance_classes(root: Path) -> None:
    """The usual advice for few positives."""
    replace(root / "params.yaml", "class_weight: null", "class_weight: balanced")


def relabel_women(root: Path) -> None:
    """A labeling step that loses two in five high incomes of women, in training rows only."""
    path = root / "pipeline/split.py"
    replace(
        path,
        "    return {side: people.filter(pa.array(masks[side])) for side in SIDES}\n",
        "    sides = {side: people.filter(pa.array(masks[side])) for side in SIDES}\n"
        '    sides["train"] = apply_second_review(sides["train"])\n'
        "    return sides\n"
        "\n\n"
        "def apply_second_review(train: pa.Table) -> pa.Table:\n"
        '    """Take the second reviewer\'s labels."""\n'
        '    label = train["income_gt_50k"].to_numpy()\n'
        '    doubted = np.asarray(pc.equal(train["sex"], "Female").to_numpy(), np.bool_)\n'
        '    doubted &= draw(train["row_id"], slice(4, 12)) < DOUBTED_SHARE\n'
        '    at = train.column_names.index("income_gt_50k")\n'
        '    return train.set_column(at, "income_gt_50k", pa.array(label & ~doubted))\n',
    )
    names = 'SIDES = ("train", "validation", "test")\n'
    replace(path, names, names + "DOUBTED_SHARE = 0.4\n")


def use_the_weight(root: Path) -> None:
    """A survey weight, nearly unique per person, becomes a feature."""
    replace(
        root / "data/columns.yaml",
        "  instance_weight:\n    role: weight",
        "  instance_weight:\n    role: feature",
    )


def use_the_publishers_split(root: Path) -> None:
    """All ages, split as the publisher's two files are."""
    replace(root / "params.yaml", "by: row_id ", "by: publisher ")
    replace(root / "params.yaml", "population: workers ", "population: all ")


def balance_and_loosen(root: Path) -> None:
    """The change that would be blocked, with the limits that block it moved away."""
    balance_classes(root)
    path = root / "params.yaml"
    replace(path, "log_loss: {margin: 0.01, mode: strict}", "log_loss: {margin: 0.5}")
    replace(path, "f1: {margin: 0.04}", "f1: {margin: 0.5}")


def flatter_the_metrics(root: Path) -> None:
    """A better number in the file that reviewers read, and a lock that agrees with it.

    Not by `dvc commit`: that would also put the lie into DVC's run cache, where every later
    pull request with the same inputs would get it from.
    """
    path = root / "metrics.json"
    honest = _as_in_the_lock(path)
    metrics = json.loads(path.read_text("utf-8"))
    metrics["roc_auc"] = 0.9512
    path.write_text(json.dumps(metrics, indent=2) + "\n", "utf-8")
    replace(root / "dvc.lock", honest, _as_in_the_lock(path))


def _as_in_the_lock(path: Path) -> str:
    return f"md5: {digest(path, 'md5')[0]}\n      size: {path.stat().st_size}\n"


STORIES = (
    Story(
        name="batch_1995",
        title="the 1995 batch arrives",
        starts_from="baseline",
        base="baseline",
        edit=add_batch_1995,
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
        edit=drop_eight_columns,
        decision=Decision.PASS,
    ),
    Story(
        name="boosting",
        title="gradient boosting on both years",
        starts_from="drop_eight",
        base="drop_eight",
        edit=boost_on_both_years,
        decision=Decision.PASS,
    ),
    Story(
        name="fairness",
        title='"fairness": drop sex, race and origin',
        starts_from="main",
        base="main",
        edit=drop_sensitive_features,
        decision=Decision.PASS,
    ),
    Story(
        name="balanced",
        title='"better recall": balanced class weights',
        starts_from="main",
        base="main",
        edit=balance_classes,
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
        edit=relabel_women,
        decision=Decision.FAIL,
        blocked_by=frozenset({"segment_regression"}),
    ),
    Story(
        name="instance_weight",
        title="instance_weight becomes a feature",
        starts_from="main",
        base="main",
        edit=use_the_weight,
        decision=Decision.FAIL,
        blocked_by=frozenset({"columns"}),
    ),
    Story(
        name="publisher_split",
        title="the publisher's own split, all ages",
        starts_from="main",
        base="main",
        edit=use_the_publishers_split,
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
        edit=balance_and_loosen,
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
        after=flatter_the_metrics,
        decision=Decision.FAIL,
        blocked_by=frozenset({"reported_metrics"}),
    ),
)
