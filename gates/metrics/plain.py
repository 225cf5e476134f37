"""The plain value of a metric, however few the rows: what a metrics file should say."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gates.case.answers import Answers, Classified, Predicted, Scored
from gates.metrics.metric import Metric
from gates.metrics.values import value_of
from gates.stats import influence
from gates.stats.losses import class_brier_scores, class_log_losses
from gates.stats.ranking import average_precision_values, roc_auc_values
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import require_weights
from gates.tables.table import Floats


def plain_value(name: str, metric: Metric[Any], answers: Answers) -> float:
    """A metric of one model by its definition, from one row on.

    Raises:
        UndefinedError: it has no value on these rows, such as a recall without positives.
    """
    known = _PLAIN.get((type(answers), name))
    if known is None:  # what is counted has a value from one row on
        return value_of(metric, answers)
    return known(answers, require_weights(answers.weights, answers.rows))


def _mean(values: Floats, scaled: Floats) -> float:
    return float(np.mean(scaled * values))


def _area(answers: Classified, scaled: Floats) -> float:
    labelled = np.unique(answers.labels).tolist()
    if len(labelled) == 1:
        raise UndefinedError("all rows are of one class; a ranking needs two")
    sides = ((answers.labels == one, answers.scores[:, one]) for one in labelled)
    return float(np.mean([np.mean(roc_auc_values(*side, scaled)) for side in sides]))


def _brier(answers: Classified, scaled: Floats) -> float:
    halved = answers.classes == 2  # noqa: PLR2004 - as scikit-learn does
    scores = class_brier_scores(answers.labels, answers.scores, scale_by_half=halved)
    return _mean(scores, scaled)


def _squared(answers: Predicted, scaled: Floats) -> float:
    return _mean((answers.predictions - answers.labels) ** 2, scaled)


def _explained(answers: Predicted, scaled: Floats) -> float:
    centre = _mean(answers.labels, scaled)
    spread = _mean((answers.labels - centre) ** 2, scaled)
    if spread == 0:
        raise UndefinedError("all labels are the same; R² needs labels that differ")
    return 1 - _squared(answers, scaled) / spread


_PLAIN: Mapping[tuple[type[Answers], str], Callable[[Any, Floats], float]] = MappingProxyType(
    {
        (Scored, "log_loss"): lambda a, w: _mean(influence.log_losses(a.labels, a.scores), w),
        (Scored, "brier_score_loss"): lambda a, w: _mean((a.scores - a.labels) ** 2, w),
        (Scored, "roc_auc"): lambda a, w: float(np.mean(roc_auc_values(a.labels, a.scores, w))),
        (Scored, "average_precision"): lambda a, w: float(
            np.mean(average_precision_values(a.labels, a.scores, w))
        ),
        (Classified, "log_loss"): lambda a, w: _mean(class_log_losses(a.labels, a.scores), w),
        (Classified, "brier_score_loss"): _brier,
        (Classified, "roc_auc_ovr"): _area,
        (Predicted, "mean_error"): lambda a, w: _mean(a.predictions - a.labels, w),
        (Predicted, "mean_absolute_error"): lambda a, w: _mean(np.abs(a.predictions - a.labels), w),
        (Predicted, "mean_squared_error"): _squared,
        (Predicted, "root_mean_squared_error"): lambda a, w: math.sqrt(_squared(a, w)),
        (Predicted, "r2"): _explained,
    }
)
