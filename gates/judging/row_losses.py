"""What each row costs: losses of single rows, whose means are metrics."""

from typing import Literal

import numpy as np

from gates.case.answers import Answers, Classified, Predicted, Scored, Task
from gates.stats.influence import log_losses, squared_errors
from gates.stats.losses import class_brier_scores, class_log_losses
from gates.tables.table import Floats

RowLoss = Literal["log_loss", "brier_score_loss", "error_rate", "mean_absolute_error"]


def usual_loss(task: Task) -> RowLoss:
    """What a task's rows cost where the policy does not say."""
    return "mean_absolute_error" if task == "regression" else "log_loss"


def row_losses(name: RowLoss, answers: Answers) -> Floats:
    """The loss of each row, shape (rows,).

    Raises:
        UndefinedError: a score is no probability.
        ValueError: the task has no such loss.
    """
    if isinstance(answers, Predicted):
        if name == "mean_absolute_error":
            return np.abs(answers.scores - answers.labels)
    elif name == "error_rate":
        return np.asarray(answers.predictions != answers.labels, np.float64)
    elif isinstance(answers, Scored) and name == "log_loss":
        return log_losses(answers.labels, answers.scores)
    elif isinstance(answers, Scored) and name == "brier_score_loss":
        return squared_errors(answers.labels, answers.scores)
    elif isinstance(answers, Classified) and name == "log_loss":
        return class_log_losses(answers.labels, answers.scores)
    elif isinstance(answers, Classified) and name == "brier_score_loss":
        return class_brier_scores(answers.labels, answers.scores)
    raise ValueError(f"{name} is no loss of this task")
