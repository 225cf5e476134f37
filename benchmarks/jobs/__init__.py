"""The product's side of every comparison; each module runs as `python -m benchmarks.jobs.TOPIC`.

What is timed reads the Parquet files and computes, where a peer's job starts from a data frame that
it has loaded before.
"""

EVALUATION, TRAIN, TEST = "evaluation.parquet", "train.parquet", "test.parquet"
