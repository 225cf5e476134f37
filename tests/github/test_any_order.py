"""Runs in any order, with any faults, at the same time: one comment, the newest; P1 to P3."""

import random
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gates.github.calls import Call, Calls, GitHubError
from gates.github.mark import Run, read_mark
from gates.github.publish import Channel, publish
from gates.github.repository import GitHub
from tests.github.conftest import Desk, head, message
from tests.github.fake import BOT, REPOSITORY, FakeGitHub, Fault
from tests.github.turns import Turns

FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["GET", "POST", "PATCH", "DELETE", "*"]),
        st.sampled_from(["comments", "check-runs", ""]),
        st.builds(Fault, st.sampled_from(["drop", "500", "502"]), st.booleans())
        | st.just(Fault("429")),  # a limit is told instead of doing it, never after
    ),
    max_size=6,
)
RUNS = st.builds(Run, st.integers(1, 6), st.integers(1, 2))
ENDS = st.sampled_from(["success", "failure", None])


class Publisher(RuleBasedStateMachine):
    """One pull request. The model: the newest order that was told to be there, and who said what.

    `settled` is whether the last publisher ended well; one that gave up may leave a second comment
    behind, which the next one removes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.told: tuple[Run, bool] | None = None
        self.settled = True
        self.ends: dict[str, set[str]] = {}

    @rule(run=RUNS, conclusion=ENDS, faults=FAULTS, late_s=st.sampled_from([0.0, 5.0]))
    def publish(
        self,
        run: Run,
        conclusion: str | None,
        faults: list[tuple[str, str, Fault]],
        late_s: float,
    ) -> None:
        fake = self.desk.fake
        fake.faults, fake.late_s = list(faults), late_s
        if conclusion:
            self.ends.setdefault(f"gatepost:{run}", {"failure"}).add(conclusion)
        try:
            told = self.desk.publish(run, message(f"run {run} {conclusion}", conclusion=conclusion))
        except GitHubError:
            self.settled = False
        else:
            if told.comments:
                order = (run, conclusion is not None)
                self.told, self.settled = max(order, self.told or order), True
            elif told.check:
                self.settled = False
        finally:
            fake.faults, fake.late_s = [], 0.0
            fake.sleep(10.0)

    @rule()
    def a_stranger_copies_our_comment(self) -> None:
        for one in self.desk.fake.ours()[:1]:
            self.desk.fake.comment_by("mallory", one["body"])

    @invariant()
    def a_check_ends_as_its_run_said_or_in_failure(self) -> None:
        for check in self.desk.fake.checks.values():
            end = check["conclusion"]
            assert end is None or end in self.ends.get(check["external_id"], {"failure"})

    @invariant()
    def what_was_told_is_there(self) -> None:
        ours = self.desk.fake.ours()
        orders = [mark.order for one in ours if (mark := read_mark(one["body"]))]
        if self.told:
            assert max(orders) >= self.told
            assert len(ours) == 1 or not self.settled

    def teardown(self) -> None:
        """Whatever happened, one calm run leaves one comment, its own."""
        copies = [one for one in self.desk.fake.comments.values() if one["user"]["login"] != BOT]
        before = [one["body"] for one in copies]
        self.desk.publish(Run(9, 1), message("last"))
        assert ["last" in one["body"] for one in self.desk.fake.ours()] == [True]
        assert [one["body"] for one in copies] == before


TestPublisher = Publisher.TestCase
TestPublisher.settings = settings(
    max_examples=60,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("late_s", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("seed", range(40))
def test_eight_at_once_leave_one_comment_the_newest(seed: int, late_s: float) -> None:
    """Real threads whose calls interleave, one in ten of them stalled, by a clock of theirs."""
    chance = random.Random(seed)  # noqa: S311 - orders, not secrets
    turns, fake = Turns(), FakeGitHub()
    fake.late_s = late_s

    def take_time(_call: Call) -> None:
        turns.wait(chance.random() * (6 if chance.random() < 0.1 else 0.5))
        fake.now = turns.now

    fake.on_call = take_time
    runs = [Run(811 + at // 2, 1 + at % 2) for at in range(8)]
    chance.shuffle(runs)
    turns.run([partial(_publish, fake, run, turns) for run in runs])
    assert [str(mark.run) for one in fake.ours() if (mark := read_mark(one["body"]))] == ["814.2"]


def _publish(fake: FakeGitHub, run: Run, turns: Turns) -> None:
    said: list[str] = []
    calls = Calls(fake.send, say=said.append, sleep=turns.wait, clock=lambda: turns.now)
    channel = Channel(GitHub(calls, REPOSITORY))
    publish(channel, head(run), message(str(run)), say=said.append, sleep=turns.wait)
