"""One fault at a time: what is promised stays true, and somebody is told what happened."""

from collections.abc import Callable

import pytest

from gates.github.calls import Answer, Call, GitHubError
from gates.github.mark import Run, read_mark
from gates.github.sticky import Posted
from tests.github.conftest import Desk, message
from tests.github.fake import DATE_S, FakeGitHub, Fault

FIRST, SECOND = Run(811, 1), Run(812, 1)
DROP, DROP_AFTER = Fault("drop"), Fault("drop", after=True)
LIMITED = {"retry-after": "30"}
PRIMARY = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(DATE_S + 40)}

ANSWERS_LATE_OR_NEVER = [
    pytest.param(("GET", "", [Fault("502")] * 4), id="four 502 on reading"),
    pytest.param(("GET", "", [DROP] * 4), id="four reads without an answer"),
    pytest.param(("POST", "comments", [Fault("502", after=True)]), id="502 after the post"),
    pytest.param(("POST", "comments", [DROP_AFTER]), id="dropped after the post"),
    pytest.param(("POST", "comments", [DROP]), id="dropped before the post"),
    pytest.param(("POST", "comments", [DROP, DROP_AFTER]), id="dropped before and after"),
    pytest.param(("POST", "comments", [Fault("503")]), id="503 before the post"),
    pytest.param(("POST", "check-runs", [DROP_AFTER]), id="check dropped after the post"),
    pytest.param(("POST", "check-runs", [Fault("502", after=True)]), id="check 502 after"),
    pytest.param(("POST", "check-runs", [DROP]), id="check dropped before the post"),
    pytest.param(("PATCH", "", [DROP_AFTER]), id="change dropped after"),
    pytest.param(("PATCH", "", [Fault("500")] * 4), id="four 500 on a change"),
    pytest.param(("*", "", [Fault("403", headers=PRIMARY)]), id="primary limit"),
    pytest.param(("*", "", [Fault("403", headers=LIMITED)]), id="secondary limit, retry-after"),
    pytest.param(("POST", "", [Fault("429")]), id="429 without retry-after"),
    pytest.param(
        ("POST", "", [Fault("403", said="You have exceeded a secondary rate limit.")]),
        id="secondary limit without a time",
    ),
]


@pytest.mark.parametrize("call", ANSWERS_LATE_OR_NEVER)
@pytest.mark.parametrize("late_s", [0.0, 5.0], ids=["prompt lists", "lists 5 s late"])
@pytest.mark.parametrize("before", [False, True], ids=["first run", "second run"])
def test_one_comment_and_one_check_come_of_it(
    desk: Desk, call: tuple[str, str, list[Fault]], late_s: float, before: bool
) -> None:
    verb, part, faults = call
    if before:
        desk.publish(FIRST, message("first", conclusion="failure"))
    desk.fake.late_s = late_s
    desk.fake.fail(verb, part, *faults)
    desk.publish(SECOND, message("second"))
    assert ["second" in one["body"] for one in desk.fake.ours()] == [True]
    ended = [one for one in desk.fake.checks.values() if one["external_id"] == "gatepost:812.1"]
    assert {one["conclusion"] for one in ended} == {"success"}
    assert len(ended) == 1
    if desk.fake.faults == [] and part != "check-runs":
        assert desk.said, "somebody must be told"


def test_waits_are_those_that_github_asked_for(desk: Desk) -> None:
    desk.fake.fail("GET", "check-runs", Fault("403", headers=PRIMARY))
    desk.publish(FIRST, message())
    assert "waiting 41 s" in desk.said[0]


def test_a_limit_without_a_time_is_waited_for_twice_as_long_each_time(desk: Desk) -> None:
    desk.fake.fail("GET", "check-runs", *[Fault("429")] * 3)
    desk.publish(FIRST, message())
    assert [line.split(":")[0] for line in desk.said[:3]] == [
        "waiting 60 s",
        "waiting 120 s",
        "waiting 240 s",
    ]


def test_patience_with_limits_ends_after_eight_minutes(desk: Desk) -> None:
    desk.fake.fail("GET", "check-runs", *[Fault("429")] * 9)
    with pytest.raises(GitHubError, match="limited us"):
        desk.publish(FIRST, message())
    assert desk.fake.now <= 480
    assert desk.fake.checks == {}


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        ("403", "Resource not accessible by integration", "`checks: write`"),
        ("401", "Bad credentials", "has expired"),
        ("404", "Not Found", "may not see it"),
        ("422", "Validation Failed", "Validation Failed"),
    ],
)
def test_a_refusal_ends_at_once_with_what_to_do(
    desk: Desk, status: str, said: str, told: str
) -> None:
    desk.fake.fail("POST", "check-runs", Fault(status, said=said))
    with pytest.raises(GitHubError, match=told):
        desk.publish(FIRST, message())
    assert desk.fake.now == 0
    assert desk.fake.ours() == []


def test_a_refused_comment_does_not_keep_the_check_from_its_end(desk: Desk) -> None:
    desk.fake.fail("POST", "comments", Fault("403", said="Resource not accessible by integration"))
    told = desk.publish(FIRST, message(conclusion="failure"))
    assert told.comments == {}
    assert [one["conclusion"] for one in desk.fake.checks.values()] == ["failure"]
    assert any("not posted" in line for line in desk.said)


def test_a_locked_conversation_gets_the_check_only(desk: Desk) -> None:
    desk.fake.locked = True
    assert desk.publish(FIRST, message()).comments == {7: Posted.LOCKED}
    assert [one["conclusion"] for one in desk.fake.checks.values()] == ["success"]


def test_a_comment_that_is_too_long_loses_its_middle(desk: Desk) -> None:
    long = message("blocked", conclusion="failure")
    text = long.text.replace("\n\n", f"\n\n{'x' * 70_000}\n\n", 1)
    desk.publish(FIRST, long._replace(text=text))
    (comment,) = desk.fake.ours()
    assert comment["body"].startswith("### Model gate: blocked\n")
    assert "too long" in comment["body"]
    assert read_mark(comment["body"]) is not None


def test_a_comment_removed_between_list_and_change_is_made_again(desk: Desk) -> None:
    desk.publish(FIRST, message("first"))

    def remove_once(call: Call) -> None:
        if call.verb == "PATCH" and "comments" in call.path:
            desk.fake.comments.clear()
            desk.fake.on_call = lambda _call: None

    desk.fake.on_call = remove_once
    desk.publish(SECOND, message("second"))
    assert ["second" in one["body"] for one in desk.fake.ours()] == [True]


def test_posts_without_any_answer_end_with_an_error_and_at_most_three(desk: Desk) -> None:
    desk.fake.fail("POST", "comments", *[DROP] * 9)
    desk.publish(FIRST, message())
    posts = [one for one in desk.fake.writes() if one.verb == "POST" and "comments" in one.path]
    assert len(posts) == 3
    assert any("got no answer" in line for line in desk.said)


def test_a_lost_post_is_settled_within_thirty_seconds(desk: Desk) -> None:
    desk.fake.late_s = 5.0
    desk.fake.fail("POST", "comments", DROP_AFTER)
    desk.publish(FIRST, message())
    assert desk.fake.now < 30


def test_cancelled_at_any_call_no_success_is_left_that_was_not_reached(desk: Desk) -> None:
    desk.publish(FIRST, message())
    calls = len(desk.fake.asked)
    for moment in range(calls):
        one = Desk()
        one.fake.on_call = _interrupt_at(moment)
        with pytest.raises(KeyboardInterrupt):
            one.publish(FIRST, message())
        ends = [check["conclusion"] for check in one.fake.checks.values()]
        assert ends in (["failure"], ["success"]), f"interrupted at call {moment}"
        if ends == ["success"]:
            assert moment == calls - 1
        assert one.fake.now <= 7
        assert len(one.fake.ours()) <= 1


class CutOff(FakeGitHub):
    """Its user is cancelled when the answer to one call comes."""

    after = 0

    def send(self, call: Call) -> Answer:
        answer = super().send(call)
        if len(self.asked) == self.after:
            raise KeyboardInterrupt
        return answer


def test_a_check_that_has_ended_stays_as_it_is_when_cancelled(desk: Desk) -> None:
    desk.publish(FIRST, message())
    cut = CutOff()
    cut.after = len(desk.fake.asked)
    with pytest.raises(KeyboardInterrupt):
        Desk(cut).publish(FIRST, message())
    assert [one["conclusion"] for one in cut.checks.values()] == ["success"]


def _interrupt_at(moment: int) -> Callable[[object], None]:
    seen: list[object] = []

    def interrupt(call: object) -> None:
        seen.append(call)
        if len(seen) == moment + 1:
            raise KeyboardInterrupt

    return interrupt


def test_waits_between_tries_grow(desk: Desk) -> None:
    desk.fake.fail("GET", "check-runs", *[Fault("500")] * 4)
    desk.publish(FIRST, message())
    waits = [int(line.split()[1]) for line in desk.said if line.startswith("waiting")]
    assert len(waits) == 4
    assert all(0.5 * 2**at - 0.5 <= wait <= 1.5 * 2**at + 0.5 for at, wait in enumerate(waits))
