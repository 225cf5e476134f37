"""The workflows keep what they promise."""

import pytest

from tests.workflows.model import parse, read_texts
from tests.workflows.rules import PROMISES

TREE = parse(read_texts())


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_holds(name: str) -> None:
    assert list(PROMISES[name].rule(TREE)) == []


def test_every_promise_answers_a_threat() -> None:
    assert all(promise.rows for promise in PROMISES.values())
    assert all((promise.rule.__doc__ or "").strip() for promise in PROMISES.values())
