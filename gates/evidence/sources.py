"""Where a pipeline leaves what becomes evidence (`gates.evidence` in `params.yaml`)."""

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class Sources(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paths from the repository's root; each is a DVC output, or a file in Git."""

    predictions: str = "build/pipeline/predictions.parquet"
    train: str | None = "build/pipeline/train.parquet"
    test: str = "build/pipeline/test.parquet"
    repeats: str | None = None  # what the same training says when it is done again
    batches: str | None = None  # what the model says of some test rows in other company
    quick_baselines: str | None = None  # what a simple model says of the test rows
    sizes: str | None = None  # how large it and the model are
    human: str | None = None  # what people say of some test rows
    folds: str | None = None  # what trainings on parts of the training rows say of the others
    labels: str | None = None  # what each of several labelers said of each row
    columns: str = "data/columns.yaml"
    roadmap: str | None = None  # what is done when, and who agreed to it
    approach: str | None = None  # the problem, and how it is gone about
    metrics: str | None = "metrics.json"
    environment: str | None = "build/pipeline/environment.json"
    model: str | None = "build/pipeline/model.skops"
    # Scores any rows with any model, so that both models can be judged on both test sets;
    # run in the revision whose model it is. `{model}`, `{rows}` and `{out}` are paths.
    predict: str | None = "python -m pipeline.predict --model {model} --rows {rows} --out {out}"

    # Runs the model as a service, so that its latency, updates and faults can be measured beside
    # the baseline's; run in the revision whose model it is. `{model}` is a path, `{port}` a port
    # of 127.0.0.1. Without it nothing of a service is judged.
    serve: str | None = None
    serving_seconds: Positive = 30.0  # that the whole measurement takes, both sides together
    serving_limit_ms: Positive = 100.0  # within which 95 of 100 answers must come at full load

    def files(self) -> dict[str, str]:
        """Name in the evidence folder → path in the repository."""
        pairs = {
            "predictions.parquet": self.predictions,
            "train.parquet": self.train,
            "test.parquet": self.test,
            "repeats.parquet": self.repeats,
            "batches.parquet": self.batches,
            "quick_baselines.parquet": self.quick_baselines,
            "sizes.json": self.sizes,
            "human.parquet": self.human,
            "folds.parquet": self.folds,
            "labels.parquet": self.labels,
            "columns.yaml": self.columns,
            "roadmap.md": self.roadmap,
            "approach.md": self.approach,
            "metrics.json": self.metrics,
            "environment.json": self.environment,
        }
        return {name: path for name, path in pairs.items() if path is not None}
