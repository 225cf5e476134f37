"""One broken pull request a gate: what somebody did, and what their pipeline then left.

Where the model would be another, it is trained again. Where it would answer the same (trees ask
only in which order values stand; a few odd rows in a hundred thousand move nothing), the reference
model's scores are kept, and only the tables are what the broken pipeline would have written.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gates.evidence.kept_inputs import INPUTS, Input, Keeper, LockChange, encode_inputs, read_inputs
from pipeline.evaluate import measure, measure_groups
from pipeline.model import score
from pipeline.model_file import load_model
from tests.bites.reference import (
    GROUPS,
    LABEL,
    Candidate,
    labels_of,
    repeated_in,
    replace_column,
    scores_in,
    texts_of,
    write_table,
)
from tests.serving import samples

Sabotage = Callable[[Candidate], None]


def metric_regression(candidate: Candidate) -> None:
    """The occupation is dropped as too detailed: everybody's ranking suffers a little."""
    candidate.retrain(drop=("occupation_code", "major_occupation"))


def metric_floor(candidate: Candidate) -> None:
    """No gains, no occupation, no schooling: honest probabilities, and a model of little use."""
    gains = ("capital_gains", "capital_losses", "dividends")
    candidate.retrain(drop=(*gains, "occupation_code", "major_occupation", "education"))


def calibration(candidate: Candidate) -> None:
    """A temperature is put on the scores below one half: no rank and no decision changes."""
    scores = candidate.reference.scores
    logits = np.log(scores / (1 - scores))
    candidate.predict(np.where(logits < 0, 1 / (1 + np.exp(-0.8 * logits)), scores))


def segment_regression(candidate: Candidate) -> None:
    """A labelling step loses two in five high incomes of people over 64, in training rows."""

    def lose(table: pa.Table, side: str) -> pa.Table:
        if side != "train":
            return table
        labels = labels_of(table)
        old = table["age"].to_numpy() >= 65
        lost = old & (np.random.default_rng(1).random(len(labels)) < 0.4)
        return replace_column(table, LABEL, pa.array(labels & ~lost))

    candidate.retrain(lose)


def segment_floor(candidate: Candidate) -> None:
    """The few women of one race get the default answer, which is yes."""
    reference = candidate.reference
    few = reference.texts("race") == "Amer Indian Aleut or Eskimo"
    few &= reference.texts("sex") == "Female"
    candidate.predict(np.where(few, 0.51, reference.scores))


def weak_segments(candidate: Candidate) -> None:
    """A default answer for some young builders: nobody declared them, the average hardly moves."""
    reference = candidate.reference
    few = reference.texts("major_industry") == "Construction"
    few &= reference.texts("education") == "High school graduate"
    few &= reference.texts("marital_status") == "Never married"
    candidate.predict(np.where(few, 0.3, reference.scores))


def rare_class(candidate: Candidate) -> None:
    """All who are likely but not sure get one score: the best of the few cannot be told apart."""
    scores, labels = candidate.reference.scores, candidate.reference.labels
    likely = (scores >= 0.5) & (scores < 0.9)
    candidate.predict(np.where(likely, labels[likely].mean(), scores))


def churn(candidate: Candidate) -> None:
    """One surgeon, whom the model never may miss again, falls just below the threshold."""
    ids = np.array(candidate.reference.tables["test"]["row_id"].to_pylist())
    candidate.predict(np.where(ids == "defc21244386db8d", 0.49, candidate.reference.scores))


def suspicious_improvement(candidate: Candidate) -> None:
    """Seven answers in ten are looked up where the label is known, and mixed with the model's."""
    reference = candidate.reference
    looked_up = np.random.default_rng(1).random(len(reference.labels)) < 0.7
    known = np.where(reference.labels, 0.99, 0.01)
    candidate.predict(np.where(looked_up, known, reference.scores))


def group_disparity(candidate: Candidate) -> None:
    """Men who nearly made it are rounded up; on average the scores are hardly any worse."""
    scores = candidate.reference.scores
    nearly = (candidate.reference.texts("sex") == "Male") & (scores > 0.33) & (scores < 0.5)
    candidate.predict(np.where(nearly, 0.5 + scores / 1000, scores))


def columns(candidate: Candidate) -> None:
    """A survey weight, nearly unique to its row, becomes a feature."""
    weight = "  instance_weight:\n    role: "
    candidate.change_dictionary(weight + "weight", weight + "feature")


def schema(candidate: Candidate) -> None:
    """From 1995 on the export calls a doctorate something else."""

    def rename(table: pa.Table, _side: str) -> pa.Table:
        education = texts_of(table, "education")
        doctors = education == "Doctorate degree(PhD EdD)"
        education[doctors & (table["year"].to_numpy() == 1995)] = "PhD"
        return replace_column(table, "education", pa.array(education.tolist()))

    candidate.change_tables(rename)


def missing_values(candidate: Candidate) -> None:
    """The country of birth, which may be missing in 5 of 100 rows, is lost in 8 more of 1995."""

    def lose(table: pa.Table, _side: str) -> pa.Table:
        country = texts_of(table, "birth_country")
        lost = np.random.default_rng(1).random(table.num_rows) < 0.08
        country[lost & (table["year"].to_numpy() == 1995)] = None
        return replace_column(table, "birth_country", pa.array(country.tolist()))

    candidate.change_tables(lose)


def drift(candidate: Candidate) -> None:
    """In train, weeks with work become weeks without it: in range, and the opposite is meant."""

    def turn(table: pa.Table, _side: str) -> pa.Table:
        return replace_column(
            table, "weeks_worked", pa.array(52 - table["weeks_worked"].to_numpy())
        )

    candidate.change_tables(turn, "train")


def levels(candidate: Candidate) -> None:
    """A mapping of the training batch takes the tenth grade for the eleventh."""

    def merge(table: pa.Table, _side: str) -> pa.Table:
        education = texts_of(table, "education")
        education[education == "10th grade"] = "11th grade"
        return replace_column(table, "education", pa.array(education.tolist()))

    candidate.change_tables(merge, "train")


def unit_change(candidate: Candidate) -> None:
    """One interviewer's office enters the hourly wage in dollars, and all others in cents."""

    def enter(table: pa.Table, _side: str) -> pa.Table:
        wage = table["wage_per_hour"].to_numpy()
        office = np.random.default_rng(1).random(table.num_rows) < 0.3
        dollars = np.where(office & (wage >= 100), wage // 100, wage)
        return replace_column(table, "wage_per_hour", pa.array(dollars))

    candidate.change_tables(enter)


def quick_baseline(candidate: Candidate) -> None:
    """Somebody tries a linear model properly: what the boosting brings is hardly worth a name."""
    scores = candidate.reference.scores
    worse = np.clip(scores + 0.019 * (0.5 - scores), 0, 1)
    candidate.write_rows("quick_baselines", **{"simple.score": pa.array(worse)})


def human_baseline(candidate: Candidate) -> None:
    """A panel answers two thousand test rows by hand, and has 98 of 100 right."""
    labels = candidate.reference.labels.copy()
    labels[:2000:50] ^= True
    candidate.write_rows("human", 2000, **{LABEL: pa.array(labels)})


def parsimony(candidate: Candidate) -> None:
    """A search over depths comes back with a model of ten times the size that says the same."""
    sizes = json.loads((candidate.folder / "sizes.json").read_text("utf-8"))
    sizes["candidate"]["bytes"] *= 10
    (candidate.folder / "sizes.json").write_text(json.dumps(sizes), "utf-8")


def fold_spread(candidate: Candidate) -> None:
    """Folds that keep a household together: without its neighbours' rows much is guesswork."""
    path = candidate.folder / "folds.parquet"
    folds = pq.read_table(path)
    scores = np.array(folds["score"].to_numpy())
    draws = np.random.default_rng(1)
    guessed = draws.random(len(scores)) < 0.3
    scores[guessed] = draws.permutation(scores[guessed])
    write_table(replace_column(folds, "score", pa.array(scores)), path)


def data_version(candidate: Candidate) -> None:
    """Somebody joins a table that lies on his own disk, and names it as what it is: a path."""
    path = candidate.folder / INPUTS
    found = read_inputs(path.read_bytes(), path.name)
    own = Input(
        path="/home/dana/zip_codes.csv", read_by=("ingest",), kept_by=Keeper.NOTHING, outside=True
    )
    changed = msgspec.structs.replace(found, inputs=(*found.inputs, own))
    path.write_bytes(encode_inputs(changed))


def reported_metrics(candidate: Candidate) -> None:
    """A better number is written into the file that reviewers read."""
    path = candidate.folder / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "roc_auc": 0.95}), "utf-8")


def repeatability(candidate: Candidate) -> None:
    """The seed is taken from the clock: the same training, done again, gives another model."""
    candidate.repeat(repeated_in(candidate.reference.evidence, "seed_21"))


def train_test_overlap(candidate: Candidate) -> None:
    """Five hundred test rows come a second time, under new names, in the training batch."""

    def append(table: pa.Table, _side: str) -> pa.Table:
        again = candidate.reference.tables["test"].slice(0, 500)
        names = pa.array([f"again{at}" for at in range(again.num_rows)])
        return pa.concat_tables([table, replace_column(again, "row_id", names)])

    candidate.change_tables(append, "train")


def near_twins(candidate: Candidate) -> None:
    """Beside `train_test_overlap`: the copies worked a week more or less."""

    def append(table: pa.Table, _side: str) -> pa.Table:
        again = candidate.reference.tables["test"].slice(0, 1000)
        names = pa.array([f"again{at}" for at in range(again.num_rows)])
        weeks = again["weeks_worked"].to_numpy()
        moved = replace_column(again, "weeks_worked", pa.array(np.where(weeks > 1, weeks - 1, 2)))
        return pa.concat_tables([table, replace_column(moved, "row_id", names)])

    candidate.change_tables(append, "train")


def copied_people(candidate: Candidate) -> None:
    """Beside `train_test_overlap`: everybody comes twice before the split, under two names."""
    reference, folder = candidate.reference, candidate.folder
    everybody = pa.concat_tables([reference.tables["train"], reference.tables["test"]])
    names = pa.array([f"again{at}" for at in range(everybody.num_rows)])
    copies = replace_column(everybody, "row_id", names)
    tested = pa.array(np.random.default_rng(1).random(copies.num_rows) < 1 / 3)
    dealt = {"train": copies.filter(pc.invert(tested)), "test": copies.filter(tested)}
    more = score(load_model(reference.pipeline / "model.skops"), dealt["test"])
    labels = np.concatenate([reference.labels, labels_of(dealt["test"])])
    scores = np.concatenate([reference.scores, more])
    shutil.copy(folder / "predictions.parquet", folder / "predictions_on_baseline_test.parquet")
    candidate.change_tables(lambda table, side: pa.concat_tables([table, dealt[side]]))
    ids = pq.read_table(folder / "test.parquet")["row_id"]
    written = {
        "predictions": ("score", scores),
        "baseline_predictions": ("score", scores),
        "repeats": ("again.score", scores),
        "quick_baselines": ("simple.score", 0.7 * scores + 0.3 * labels.mean()),
    }
    for name, (column, values) in written.items():
        write_table(pa.table({"row_id": ids, column: values}), folder / f"{name}.parquet")
    groups = {
        name: np.concatenate([reference.texts(name), texts_of(dealt["test"], name)])
        for name in GROUPS
    }
    reported = {**measure(labels, scores, 0.5), **measure_groups(labels, scores >= 0.5, groups)}
    (folder / "metrics.json").write_text(json.dumps(reported), "utf-8")


def group_leakage(candidate: Candidate) -> None:
    """Households come in, with members on both sides of the split."""
    candidate.change_dictionary(
        "  income_gt_50k:\n",
        "  household:\n    role: group\n    type: text\n"
        '    description: "people who live together"\n  income_gt_50k:\n',
    )

    def name(table: pa.Table, _side: str) -> pa.Table:
        names = pa.array([f"h{at}" for at in range(table.num_rows)])
        return table.append_column("household", names)

    candidate.change_tables(name)


def time_leakage(candidate: Candidate) -> None:
    """The first rows of 1996 come in, and are all trained on."""
    candidate.change_dictionary("range: [1994, 1995]", "range: [1994, 1996]")

    def bring(table: pa.Table, _side: str) -> pa.Table:
        years = table["year"].to_numpy().copy()
        years[np.random.default_rng(1).choice(len(years), 300, replace=False)] = 1996
        return replace_column(table, "year", pa.array(years))

    candidate.change_tables(bring, "train")


def unavailable_feature(candidate: Candidate) -> None:
    """Somebody finds out that dividends are asked a year after the model has to know."""
    candidate.change_dictionary("known_at_prediction: true", "known_at_prediction: false")


def identifier_feature(candidate: Candidate) -> None:
    """A running number of the export, scaled as all numbers are, becomes a feature."""
    candidate.change_dictionary(
        "  income_gt_50k:\n",
        "  position:\n    role: feature\n    type: number\n"
        '    description: "where in its file the row stood, from 0 to 1"\n  income_gt_50k:\n',
    )

    def number(table: pa.Table, _side: str) -> pa.Table:
        return table.append_column("position", pa.array(np.linspace(0, 1, table.num_rows)))

    candidate.change_tables(number)


def preprocessing_leakage(candidate: Candidate) -> None:
    """Numbers are scaled by the mean of whatever batch comes in, so that a row alone is average."""
    path = candidate.folder / "batches.parquet"
    table = pq.read_table(path)
    alone = pa.array(np.full(table.num_rows, 0.08))
    write_table(replace_column(table, "alone.score", alone), path)


def target_leakage(candidate: Candidate) -> None:
    """A bonus that half of those with a high income got, and nobody else, becomes a feature."""
    candidate.change_dictionary(
        "  income_gt_50k:\n",
        "  bonus:\n    role: feature\n    type: integer\n    unit: dollars\n"
        '    description: "bonus of the year before"\n  income_gt_50k:\n',
    )

    def pay(table: pa.Table, _side: str) -> pa.Table:
        draws = np.random.default_rng(table.num_rows)
        paid = labels_of(table) & (draws.random(table.num_rows) < 0.5)
        amounts = 1000 * draws.integers(1, 5, table.num_rows)
        return table.append_column("bonus", pa.array(np.where(paid, amounts, 0)))

    candidate.retrain(pay)


def latency(candidate: Candidate) -> None:
    """Each row now asks another service for a rate of exchange, which takes as long again."""
    candidate.serve(latency=samples.latency(samples.times(2.0), samples.times()))


def throughput(candidate: Candidate) -> None:
    """A lock around the model: one row is as quick as before, four at once wait for each other."""
    candidate.serve(throughput=samples.throughput(0.4))


def update_downtime(candidate: Candidate) -> None:
    """The old model is let go before the new one is loaded."""
    candidate.serve(update=samples.update(failed=23))


def serving_parity(candidate: Candidate) -> None:
    """The service fills in a mean where training learnt from the gap: some answers are others."""
    sample = candidate.sample()
    off = tuple(
        one if at % 7 or one is None else (min(1.0, one[0] + 0.01),)
        for at, one in enumerate(sample.single)
    )
    candidate.serve(sampled=msgspec.structs.replace(sample, single=off, batch=off, reloaded=off))


def fault_tolerance(candidate: Candidate) -> None:
    """A level that nobody has seen raises a KeyError in the service's own table of codes."""
    broken = samples.faults(("age", "education"))
    last = msgspec.structs.replace(broken[5], outcome="error", status=500, said="KeyError")
    candidate.serve(faults=(*broken[:5], last, *broken[6:]))


def footprint(candidate: Candidate) -> None:
    """The training rows are saved with the model, to look neighbours up."""
    heavy = {"memory_bytes": 900_000_000, "model_bytes": 60_000_000}
    candidate.serve(candidate=msgspec.structs.replace(samples.SERVICE, **heavy))


def lock_in_step(candidate: Candidate) -> None:
    """The author tries another learning rate, takes it back, and commits the lock in between."""
    path = candidate.folder / INPUTS
    found = read_inputs(path.read_bytes(), path.name)
    rate = LockChange(
        stage="train",
        kind="param",
        name="train.gradient_boosting.learning_rate in params.yaml",
        committed="0.1",
        made="0.05",
    )
    path.write_bytes(encode_inputs(msgspec.structs.replace(found, lock_changes=(rate,))))


def scope(candidate: Candidate) -> None:
    """Whoever agreed to the approach is gone, and nobody else has agreed."""
    path = candidate.folder / "approach.md"
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("- The founders")], "utf-8")


def version_leakage(candidate: Candidate) -> None:
    """Five hundred test rows come home as training rows, under new names."""
    candidate.predict(candidate.reference.scores)
    gone = np.arange(len(candidate.reference.scores)) < 500

    def append(table: pa.Table, _side: str) -> pa.Table:
        again = candidate.reference.tables["test"].filter(pa.array(gone))
        names = pa.array([f"again{at}" for at in range(again.num_rows)])
        return pa.concat_tables([table, replace_column(again, "row_id", names)])

    candidate.change_tables(append, "train")
    _take_out(candidate, gone)


def test_set_change(candidate: Candidate) -> None:
    """One test row in twelve is gone, in the pull request that brings another model."""
    reseed(candidate)
    _take_out(candidate, np.random.default_rng(1).random(len(candidate.reference.scores)) < 1 / 12)


test_set_change.__test__ = False  # type: ignore[attr-defined]  # pytest must not take it for one


def _take_out(candidate: Candidate, gone: npt.NDArray[np.bool_]) -> None:
    """Take rows out of the test set; each model was run on the other's rows."""
    folder = candidate.folder
    kept = candidate.reference.tables["test"]["row_id"].filter(pa.array(~gone))
    shutil.copy(folder / "predictions.parquet", folder / "predictions_on_baseline_test.parquet")
    old = pq.read_table(candidate.reference.evidence / "predictions.parquet")
    write_table(old, folder / "baseline_predictions.parquet")
    for name in ("test", "predictions", "baseline_predictions", "repeats", "batches"):
        path = folder / f"{name}.parquet"
        table = pq.read_table(path)
        write_table(table.filter(pc.is_in(table["row_id"], value_set=kept)), path)
    labels, scores = candidate.reference.labels[~gone], scores_in(folder)
    groups = {name: candidate.reference.texts(name)[~gone] for name in GROUPS}
    reported = {**measure(labels, scores, 0.5), **measure_groups(labels, scores >= 0.5, groups)}
    (folder / "metrics.json").write_text(json.dumps(reported), "utf-8")


def label_agreement(candidate: Candidate) -> None:
    """Three people label six hundred rows, each after a guide of their own."""
    draws, rows = np.random.default_rng(1), np.arange(600)
    ids = candidate.reference.tables["test"]["row_id"].take(pa.array(rows)).to_pylist()
    labels = candidate.reference.labels[rows]
    given = [labels ^ (draws.random(len(rows)) < 0.3) for _ in range(3)]
    table = {
        "row_id": ids * 3,
        "labeler": [name for name in ("ann", "bob", "cid") for _ in rows],
        "label": np.concatenate(given).tolist(),
    }
    write_table(pa.table(table), candidate.folder / "labels.parquet")


def label_conflicts(candidate: Candidate) -> None:
    """A batch is labelled a second time, otherwise, and both versions are kept."""

    def again(table: pa.Table, _side: str) -> pa.Table:
        copies = table.slice(0, 1500)
        names = pa.array([f"again{at}" for at in range(copies.num_rows)])
        turned = replace_column(copies, LABEL, pa.array(~labels_of(copies)))
        return pa.concat_tables([table, replace_column(turned, "row_id", names)])

    candidate.change_tables(again, "train")


def suspicious_labels(candidate: Candidate) -> None:
    """Of two hundred test rows one or two are labelled anew, wrongly; the model is as it was."""
    scores, labels = candidate.reference.scores, candidate.reference.labels
    draws, wrong = np.random.default_rng(1), labels.copy()
    likely, unlikely = labels & (scores > 0.49), ~labels & (scores > 0.01) & (scores < 0.06)
    wrong[draws.permutation(np.flatnonzero(likely))[:220]] = False
    wrong[draws.permutation(np.flatnonzero(unlikely))[:220]] = True

    def turn(table: pa.Table, _side: str) -> pa.Table:
        return replace_column(table, LABEL, pa.array(wrong))

    candidate.change_tables(turn, "test")
    groups = {name: candidate.reference.texts(name) for name in GROUPS}
    reported = {**measure(wrong, scores, 0.5), **measure_groups(wrong, scores >= 0.5, groups)}
    (candidate.folder / "metrics.json").write_text(json.dumps(reported), "utf-8")


def split_balance(candidate: Candidate) -> None:
    """A quarter of the first year is lost on the way to train; test has both years alike."""
    train = candidate.reference.tables["train"]
    lost = np.random.default_rng(1).random(train.num_rows) < 0.28
    _lose_training_rows(candidate, lost & (train["year"].to_numpy() == 1994))


def data_bias(candidate: Candidate) -> None:
    """An export loses half of the people of one race on the way to train."""
    train = candidate.reference.tables["train"]
    lost = np.random.default_rng(1).random(train.num_rows) < 0.5
    _lose_training_rows(candidate, lost & (texts_of(train, "race") == "Asian or Pacific Islander"))


def _lose_training_rows(candidate: Candidate, lost: npt.NDArray[np.bool_]) -> None:
    """Take rows out of train, and out of its folds."""
    candidate.change_tables(lambda table, _side: table.filter(pa.array(~lost)), "train")
    path = candidate.folder / "folds.parquet"
    folds = pq.read_table(path)
    ids = candidate.reference.tables["train"]["row_id"]
    gone = set(ids.filter(pa.array(lost)).to_pylist())
    kept = [row not in gone for row in folds["row_id"].to_pylist()]
    write_table(folds.filter(pa.array(kept)), path)


def reseed(candidate: Candidate) -> None:
    """Another seed, which is nobody's harm.

    In `policy_change` the limits are loosened with it, in `test_set_reuse` it is one seed of many.
    """
    candidate.predict(repeated_in(candidate.reference.evidence, "seed_21"))


SABOTAGES: Mapping[str, Sabotage] = MappingProxyType(
    {
        "metric_regression": metric_regression,
        "metric_floor": metric_floor,
        "quick_baseline": quick_baseline,
        "human_baseline": human_baseline,
        "parsimony": parsimony,
        "fold_spread": fold_spread,
        "calibration": calibration,
        "segment_regression": segment_regression,
        "segment_floor": segment_floor,
        "weak_segments": weak_segments,
        "rare_class": rare_class,
        "churn": churn,
        "suspicious_improvement": suspicious_improvement,
        "group_disparity": group_disparity,
        "data_bias": data_bias,
        "columns": columns,
        "schema": schema,
        "missing_values": missing_values,
        "drift": drift,
        "levels": levels,
        "unit_change": unit_change,
        "data_version": data_version,
        "label_agreement": label_agreement,
        "label_conflicts": label_conflicts,
        "suspicious_labels": suspicious_labels,
        "reported_metrics": reported_metrics,
        "repeatability": repeatability,
        "train_test_overlap": train_test_overlap,
        "group_leakage": group_leakage,
        "time_leakage": time_leakage,
        "version_leakage": version_leakage,
        "target_leakage": target_leakage,
        "unavailable_feature": unavailable_feature,
        "identifier_feature": identifier_feature,
        "preprocessing_leakage": preprocessing_leakage,
        "latency": latency,
        "throughput": throughput,
        "update_downtime": update_downtime,
        "serving_parity": serving_parity,
        "fault_tolerance": fault_tolerance,
        "footprint": footprint,
        "split_balance": split_balance,
        "test_set_change": test_set_change,
        "test_set_reuse": reseed,
        "lock_in_step": lock_in_step,
        "scope": scope,
        "policy_change": reseed,
    }
)
