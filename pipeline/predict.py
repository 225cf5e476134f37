"""Stage `predict`: scores rows with a saved model; any model on any rows that have its features."""

import argparse
from pathlib import Path

import pyarrow as pa
from sklearn.pipeline import Pipeline

from pipeline.model import score
from pipeline.model_file import load_model
from pipeline.stage import OUT, run
from pipeline.tables import read_table, write_table


def predict(model: Pipeline, rows: pa.Table) -> pa.Table:
    """Scores each row; the order of the rows stays."""
    return pa.table({"row_id": rows["row_id"], "score": score(model, rows)})


def main() -> None:
    """Runs the stage; without arguments, on the files of the repository."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.predict", description=__doc__)
    parser.add_argument("--model", type=Path, default=OUT / "model.skops", help="saved model")
    parser.add_argument("--rows", type=Path, default=OUT / "test.parquet", help="rows to score")
    parser.add_argument(
        "--out", type=Path, default=OUT / "predictions.parquet", help="row_id and score"
    )
    arguments = parser.parse_args()
    rows = read_table(arguments.rows)
    write_table(predict(load_model(arguments.model), rows), arguments.out)


if __name__ == "__main__":
    run(main)
