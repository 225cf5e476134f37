"""The workflows keep what they promise."""

import msgspec
import pytest

from gates.evidence.manifest import FILES, MANIFEST
from tests.workflows.model import parse, read_texts
from tests.workflows.mutants import MODEL, MUTANTS, Mutant
from tests.workflows.rules import PROMISES, broken

TEXTS = read_texts()
TREE = parse(TEXTS)


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_holds(name: str) -> None:
    assert list(PROMISES[name].rule(TREE)) == []


def test_every_promise_answers_a_threat() -> None:
    assert all(promise.rows for promise in PROMISES.values())
    assert all((promise.rule.__doc__ or "").strip() for promise in PROMISES.values())


def test_all_that_the_judge_takes_is_left() -> None:
    (step,) = [step for step in TREE.action.runs.steps if step.name == "Leave the evidence"]
    left = {line.removeprefix("build/evidence/") for line in step.with_["path"].split()}
    assert left >= {MANIFEST, *FILES}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_killed_by_the_rule_that_is_meant(mutant: Mutant) -> None:
    texts = mutant.apply(TEXTS)
    if mutant.rule == MODEL:
        with pytest.raises(msgspec.ValidationError):
            parse(texts)
    else:
        assert mutant.rule in broken(parse(texts))


def test_every_rule_kills_something_and_mutants_are_many() -> None:
    assert {mutant.rule for mutant in MUTANTS} == {MODEL, *PROMISES}
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 40
