"""A small test set that is asked again and again, with a ledger that counts how often."""

import shutil
import sys
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo.edits import replace, run
from pipeline.dictionary import read_dictionary
from pipeline.model import TrainParams, score
from pipeline.stage import read_params
from pipeline.train import train

TEST_ROWS = 3000
EXPERIMENTS = 5
ROWS_A_TIME = 3000  # of the training rows, so that an experiment takes a second
_GATE = (sys.executable, "-m", "gates")
_MADE = "build/pipeline"
_NEEDED = (f"{_MADE}/test.parquet", f"{_MADE}/predictions.parquet", "data/columns.yaml")


def keep_few_test_rows(root: Path) -> None:
    """The project with a test set that somebody could still label by hand."""
    dealt = 'read_params("split", SplitParams))\n'
    fewer = f'    sides["test"] = sides["test"].slice(0, {TEST_ROWS})\n'
    replace(root / "pipeline/split.py", dealt, dealt + fewer)


def tune_on_the_test_set(root: Path) -> None:
    """Experiments on samples of the training rows; each is judged, and written into the ledger.

    What is proposed in the end is harmless. That its numbers are the best of so many is not.
    """
    desk = root / "build/experiments"
    shutil.rmtree(desk, ignore_errors=True)
    baseline = _lay_out(root, desk / "baseline")
    run(root, *_GATE, "pack", str(baseline))
    for at in range(EXPERIMENTS):
        folder = _lay_out(root, desk / f"{at}")
        _try_out(root, folder, at)
        run(root, *_GATE, "pack", str(folder))
        _judge_and_record(root, folder, baseline)
    replace(root / "params.yaml", "learning_rate: 0.05", "learning_rate: 0.06")


def _try_out(root: Path, folder: Path, seed: int) -> None:
    """Train on a sample with balanced weights, and score the test rows."""
    params = read_params("train", TrainParams, root / "params.yaml")
    params = msgspec.structs.replace(params, seed=seed, class_weight="balanced")
    learnt, validation, test = (_read(root, side) for side in ("train", "validation", "test"))
    some = np.random.default_rng(seed).choice(learnt.num_rows, ROWS_A_TIME, replace=False)
    dictionary = read_dictionary(root / "data/columns.yaml")
    model = train(learnt.take(pa.array(np.sort(some))), validation, params, dictionary)
    scores = {"row_id": test["row_id"], "score": pa.array(score(model, test))}
    pq.write_table(pa.table(scores), folder / "predictions.parquet")


def _judge_and_record(root: Path, folder: Path, baseline: Path) -> None:
    """Ask the gate, and let the ledger count that it was asked."""
    verdict = f"{folder}.json"
    sides = ("--candidate", str(folder), "--baseline", str(baseline))
    judge = (*_GATE, "judge", *sides, "--policy", "params.yaml", "--out", verdict)
    run(root, *judge, codes=(0, 1))
    run(root, *_GATE, "ledger", "record", verdict)


def _lay_out(root: Path, folder: Path) -> Path:
    """What a judgement of scores alone needs, in a folder."""
    folder.mkdir(parents=True)
    for path in _NEEDED:
        shutil.copy(root / path, folder)
    return folder


def _read(root: Path, name: str) -> pa.Table:
    return pq.read_table(root / f"{_MADE}/{name}.parquet")
