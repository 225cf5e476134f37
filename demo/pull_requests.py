"""Ten pull requests: what a person does to the working tree for each."""

import json
from pathlib import Path

from demo.edits import replace, run
from gates.evidence.manifest import digest


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
