"""Two small batches, every 250th row of the real ones, and parameters that suit them."""

from pathlib import Path

from pipeline.model import BoostingParams, LinearParams, TrainParams
from pipeline.split import SplitParams

ROOT = Path(__file__).parents[2]
BATCHES = Path(__file__).with_name("batches")
YEARS = (1994, 1995)

SPLIT = SplitParams(
    by="row_id", test_share=0.335, validation_share=0.1, train_years=YEARS, test_years=YEARS
)
TRAIN = TrainParams(
    model="gradient_boosting",
    drop_features=(),
    class_weight=None,
    seed=20,
    threads=1,
    gradient_boosting=BoostingParams(
        learning_rate=0.1, max_iter=20, max_leaf_nodes=7, max_features=0.5, n_iter_no_change=5
    ),
    logistic_regression=LinearParams(C=1.0),
)
