"""Gate `unavailable_feature`: what is not known when the model predicts is no feature."""

from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Result, State
from gates.rules.unavailable_feature import UnavailableFeature
from gates.testing import case, evidence, outcome

TEST = {"bonus": [1, 2], "age": [30, 40], "label": [False, True]}


def side(folder: Path, *, known: bool | None, role: str = "feature") -> Evidence:
    bonus: dict[str, Any] = {"role": role, "type": "integer", "description": "paid in spring"}
    if known is not None:
        bonus["known_at_prediction"] = known
    return evidence(folder, {"bonus": bonus, "age": "feature integer"}, test=TEST)


def finding(new: Evidence, old: Evidence | None = None) -> Finding:
    result = outcome("unavailable_feature", UnavailableFeature(), case(new, old))
    return {each.subject.column: each for each in result.findings}["bonus"]


@pytest.mark.parametrize("known", [True, None])
def test_what_is_known_or_not_spoken_of_passes(tmp_path: Path, known: bool | None) -> None:
    found = finding(side(tmp_path / "a", known=known))
    assert (found.state, found.message) == (
        State.PASSED,
        "'bonus' is known when the model predicts, as the dictionary says.",
    )


def test_what_is_not_known_fails(tmp_path: Path) -> None:
    found = finding(side(tmp_path / "a", known=False))
    assert (found.state, found.blocks) == (State.FAILED, True)
    assert (
        found.message == "'bonus' is a feature, but the dictionary says known_at_prediction: false."
    )


def test_an_inherited_one_fails_too_and_is_called_so(tmp_path: Path) -> None:
    old = side(tmp_path / "old", known=True)
    found = finding(side(tmp_path / "new", known=False), old)
    assert found.state is State.FAILED
    assert found.message.endswith("(it was a feature at the base already).")


def test_the_pull_requests_own_word_does_not_make_it_known(tmp_path: Path) -> None:
    old = side(tmp_path / "old", known=False, role="ignored")
    found = finding(side(tmp_path / "new", known=True), old)
    assert found.state is State.FAILED
    assert "the base says known_at_prediction: false" in found.message


def test_an_ignored_column_need_not_be_known(tmp_path: Path) -> None:
    new = side(tmp_path / "a", known=False, role="ignored")
    result = outcome("unavailable_feature", UnavailableFeature(), case(new))
    assert [each.subject.column for each in result.findings] == ["age"]


def test_without_a_feature_it_is_skipped(tmp_path: Path) -> None:
    new = evidence(tmp_path / "a", {}, test={"label": [False, True]})
    result = outcome("unavailable_feature", UnavailableFeature(), case(new))
    assert (result.outcome, result.reason) == (Result.SKIPPED, "the dictionary has no feature")
