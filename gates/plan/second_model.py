"""A second model beside the one at hand: another that scored the same rows, or an imagined one.

How many rows a limit needs depends on how much two models differ row by row. The imagined model
is the one at hand with noise on the log-odds of its scores (of many classes, on the logarithms),
just so much that a given share of the answers changes. A predicted number changes in every row; its
churn is the size of the change, as a share of the labels' standard deviation.

At the churn of a real reseed of the reference project (0.7 %) the standard errors of log loss, AUC
and F1 are within 4 % of the measured ones (`docs/plan.md`).
"""

import hashlib
from functools import cached_property
from typing import Literal, Protocol

import msgspec
import numpy as np

from gates.case.arena import Arena
from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.plan.plan import Churn
from gates.policy.settings import Settings
from gates.tables.table import Floats

USUAL_CHURN = 0.06  # the upper end of what reseeds of one pipeline change: statistics.md §8.2
USUAL_CHURN_OF_NUMBERS = 0.1  # of the labels' deviation; nothing measured stands behind it
ON_THESE_ROWS = "baseline_predictions.parquet"  # the baseline's model on the candidate's rows
_SURE = 1e-6  # scores of 0 and 1 have no log-odds


class SecondModelCase(Case):
    """One test set, with any other scores of its rows as the baseline's."""

    def __init__(self, settings: Settings, evidence: Evidence, second: Floats) -> None:
        """`second` has one score per test row, in the test table's order."""
        super().__init__(settings, evidence, evidence)
        self.second = second

    @cached_property
    def arenas(self) -> tuple[Arena, ...]:
        """The one test set, less the rows that the model was trained on."""
        (arena,) = super().arenas
        scored = self.answer(arena.side, arena.rows, self.second[arena.rows])
        return (msgspec.structs.replace(arena, baseline=scored),)


def choose_second(
    threshold: float, evidence: Evidence, second: Evidence | None, churn: float | None
) -> tuple[Floats, Churn]:
    """Scores of a second model of the evidence's test rows, and how often it answers otherwise.

    A given churn is imagined; else two models at hand are compared; else the usual churn is
    imagined, as it is where the two models never differ.

    Raises:
        EvidenceError: the second's rows are not the evidence's.
    """
    own, kind = evidence.scores, _kind_of(evidence, threshold)
    if churn is not None:
        return kind.imagine(own, churn), Churn(share=churn, source="given", of=kind.of)
    other, between = None, "both models of the folder"
    if second is not None:
        other = second.scores_for("predictions.parquet", evidence.ids)
        between = f"{evidence.manifest.revision[:12]} and {second.manifest.revision[:12]}"
    elif evidence.has(ON_THESE_ROWS):
        other = evidence.scores_for(ON_THESE_ROWS, evidence.ids)
    if other is not None and (measured := kind.between(own, other)):
        return other, Churn(share=measured, source="measured", between=between, of=kind.of)
    usual = kind.usual(own)
    return kind.imagine(own, usual), Churn(share=usual, source="assumed", of=kind.of)


class _Kind(Protocol):
    """How models of one task differ."""

    @property
    def of(self) -> Literal["answers", "spread"]:
        """What the churn is a share of."""

    def between(self, one: Floats, other: Floats) -> float:
        """The churn of two models."""

    def usual(self, scores: Floats) -> float:
        """What to assume where nothing is measured."""

    def imagine(self, scores: Floats, churn: float) -> Floats:
        """A second model's scores."""


def _kind_of(evidence: Evidence, threshold: float) -> _Kind:
    if evidence.settings.task == "multiclass":
        return _Classes()
    if evidence.settings.task == "regression":
        return _Numbers(float(np.std(evidence.labels)))
    return _Binary(threshold)


class _Binary(msgspec.Struct, frozen=True):
    threshold: float
    of: Literal["answers", "spread"] = "answers"

    def between(self, one: Floats, other: Floats) -> float:
        return churn_between(one, other, self.threshold)

    def usual(self, scores: Floats) -> float:
        return usual_churn(scores, self.threshold)

    def imagine(self, scores: Floats, churn: float) -> Floats:
        return imagine_scores(scores, self.threshold, churn)


class _Classes(msgspec.Struct, frozen=True):
    of: Literal["answers", "spread"] = "answers"

    def between(self, one: Floats, other: Floats) -> float:
        return float(np.mean(one.argmax(axis=1) != other.argmax(axis=1)))

    def usual(self, scores: Floats) -> float:
        others = 1 - float(np.bincount(scores.argmax(axis=1)).max()) / len(scores)
        return min(USUAL_CHURN, others / 2) if others > 0 else USUAL_CHURN

    def imagine(self, scores: Floats, churn: float) -> Floats:
        return imagine_class_scores(scores, churn)


class _Numbers(msgspec.Struct, frozen=True):
    deviation: float  # of the labels
    of: Literal["answers", "spread"] = "spread"

    def between(self, one: Floats, other: Floats) -> float:
        moved = float(np.sqrt(np.mean((other - one) ** 2)))
        return moved / self.deviation if self.deviation else 0.0

    def usual(self, scores: Floats) -> float:  # noqa: ARG002 - the same for every model
        return USUAL_CHURN_OF_NUMBERS

    def imagine(self, scores: Floats, churn: float) -> Floats:
        moved: Floats = scores + churn * self.deviation * _noise(scores)
        return moved


def churn_between(one: Floats, other: Floats, threshold: float) -> float:
    """The share of rows that the two models answer differently."""
    return float(np.mean((one >= threshold) != (other >= threshold)))


def usual_churn(scores: Floats, threshold: float) -> float:
    """What to assume where nothing is measured: 6 %, at most half of the rarer answer.

    A model that says yes to 4 % of the rows does not change its mind about 6 % of them.
    """
    positive = float(np.mean(scores >= threshold))
    rarer = min(positive, 1 - positive)
    return min(USUAL_CHURN, rarer / 2) if rarer > 0 else USUAL_CHURN


def imagine_scores(scores: Floats, threshold: float, churn: float) -> Floats:
    """Scores of a model that answers this share of the rows differently; the same every time.

    Each row gets one normal deviate; the noise is scaled to the size at which the asked number of
    rows have crossed the threshold.

    Args:
        scores: the model at hand, shape (rows,).
        threshold: at and above it the answer is positive.
        churn: the share of rows, below one half.
    """
    noise = _noise(scores)
    odds = _log_odds(scores)
    cut = _log_odds(np.array([threshold]))[0]
    away = (scores >= threshold) == (noise < 0)  # the noise points across the threshold
    crossing = np.where(away, (cut - odds) / noise, np.inf)
    first = np.argsort(crossing, kind="stable")[: max(1, round(churn * len(scores)))]
    first = first[np.isfinite(crossing[first])]
    if not len(first):
        return scores
    scale = max(_SURE, float(crossing[first[-1]]) * (1 + 1e-9))
    others = crossing <= scale  # as near as the last of the first, such as on the threshold itself
    others[first] = False
    noise[others] = 0.0
    moved: Floats = np.where(others, scores, 1 / (1 + np.exp(-(odds + scale * noise))))
    return moved


def imagine_class_scores(scores: Floats, churn: float) -> Floats:
    """Scores of a model that decides for another class in this share of the rows.

    A row's logarithms move along a line each, so that a class that was once overtaken stays so, and
    the rows can be ordered by how much noise it takes.

    Args:
        scores: the model at hand, shape (rows, classes).
        churn: the share of rows.
    """
    noise = _noise(scores)
    logs = np.log(np.clip(scores, _SURE, 1.0))
    top = scores.argmax(axis=1)[:, None]
    lead = np.take_along_axis(logs, top, axis=1) - logs
    pull = noise - np.take_along_axis(noise, top, axis=1)
    overtakes = pull > 0
    crossing = np.where(overtakes, lead / np.where(overtakes, pull, 1.0), np.inf).min(axis=1)
    first = np.sort(crossing)[: max(1, round(churn * len(scores)))]
    first = first[np.isfinite(first)]
    if not len(first):
        return scores
    scale = max(_SURE, float(first[-1]) * (1 + 1e-9))
    moved = np.exp(logs + scale * noise - (logs + scale * noise).max(axis=1, keepdims=True))
    shares: Floats = moved / moved.sum(axis=1, keepdims=True)
    return shares


def _noise(scores: Floats) -> Floats:
    """Normal deviates of the scores' shape, the same for the same scores."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(scores.tobytes()).digest()[:8]))
    return rng.standard_normal(scores.shape)


def _log_odds(scores: Floats) -> Floats:
    inside = np.clip(scores, _SURE, 1 - _SURE)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds
