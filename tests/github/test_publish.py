"""What a pull request looks like after publishing, told step by step."""

import pytest

from gates.finding import Decision
from gates.github.calls import Call
from gates.github.mark import Run
from gates.github.publish import CONCLUSIONS
from gates.github.sticky import Posted
from tests.github.conftest import Desk, message
from tests.github.fake import BOT, HEAD, OLD_HEAD

FIRST, AGAIN, SECOND = Run(811, 1), Run(811, 2), Run(812, 1)


def test_check_appears_comment_follows_check_ends(desk: Desk) -> None:
    desk.publish(FIRST, message("running", conclusion=None))
    (check,) = desk.fake.checks.values()
    assert (check["status"], check["conclusion"]) == ("in_progress", None)
    desk.publish(FIRST, message("blocked", conclusion="failure"))
    (check,) = desk.fake.checks.values()
    assert (check["status"], check["conclusion"]) == ("completed", "failure")
    (comment,) = desk.fake.ours()
    assert comment["body"].startswith("### Model gate: blocked\n")
    assert check["output"]["summary"] == "### Model gate: blocked\n"


def test_order_of_writes(desk: Desk) -> None:
    desk.publish(FIRST, message())
    places = [f"{call.verb} {call.path.split('/')[4]}" for call in desk.fake.writes()]
    assert places == ["POST check-runs", "POST issues", "PATCH check-runs"]


def test_a_push_updates_the_same_comment(desk: Desk) -> None:
    desk.publish(FIRST, message("first"))
    (before,) = desk.fake.ours()
    desk.publish(SECOND, message("second"))
    (after,) = desk.fake.ours()
    assert after["id"] == before["id"]
    assert "second" in after["body"]


def test_the_same_again_writes_nothing_within_twelve_calls(desk: Desk) -> None:
    desk.publish(FIRST, message())
    desk.fake.asked.clear()
    told = desk.publish(FIRST, message())
    assert told.comments == {7: Posted.UNCHANGED}
    assert desk.fake.writes() == []
    assert len(desk.fake.asked) <= 12


def test_a_late_notice_does_not_undo_a_verdict(desk: Desk) -> None:
    desk.publish(FIRST, message("blocked", conclusion="failure"))
    desk.publish(FIRST, message("running", conclusion=None))
    (check,) = desk.fake.checks.values()
    assert check["status"] == "completed"
    assert "blocked" in desk.fake.ours()[0]["body"]


def test_an_older_run_changes_neither_comment_nor_check(desk: Desk) -> None:
    desk.publish(AGAIN, message("new", conclusion="failure"))
    desk.fake.asked.clear()
    told = desk.publish(FIRST, message("old"))
    assert not told.check
    assert desk.fake.writes() == []


def test_a_re_run_makes_a_check_of_its_own(desk: Desk) -> None:
    desk.publish(FIRST, message(conclusion="failure"))
    desk.publish(AGAIN, message())
    assert [one["conclusion"] for one in desk.fake.checks.values()] == ["failure", "success"]


def test_an_old_head_gets_its_check_and_leaves_the_comment(desk: Desk) -> None:
    told = desk.publish(FIRST, message(), sha=OLD_HEAD)
    assert told.comments == {}
    assert desk.fake.ours() == []
    assert [one["head_sha"] for one in desk.fake.checks.values()] == [OLD_HEAD]


def test_a_head_that_moves_before_the_last_look_keeps_the_comment_as_it_is() -> None:
    moment = last_look = 0
    while moment <= last_look:
        one, asked = Desk(), list[Call]()
        one.publish(FIRST, message("first"))

        def move(
            call: Call, one: Desk = one, asked: list[Call] = asked, moment: int = moment
        ) -> None:
            if len(asked) == moment:
                one.fake.head = "b" * 40
            asked.append(call)

        one.fake.on_call = move
        one.publish(SECOND, message("second"))
        assert "first" in one.fake.ours()[0]["body"], f"moved before call {moment}"
        assert {check["head_sha"] for check in one.fake.checks.values()} == {HEAD}
        looks = [at for at, call in enumerate(asked) if call.path.endswith("/pulls/7")]
        last_look = max(looks, default=moment + 1)
        moment += 1
    assert moment > 4


def test_a_closed_pull_request_gets_the_check_only(desk: Desk) -> None:
    desk.fake.state = "closed"
    desk.publish(FIRST, message())
    assert desk.fake.ours() == []
    assert [one["conclusion"] for one in desk.fake.checks.values()] == ["success"]


@pytest.mark.parametrize(("ends", "repository"), [("head", None), ("head", 5), ("base", 5)])
def test_a_deleted_fork_and_other_repositories_get_the_check_only(
    desk: Desk, ends: str, repository: int | None
) -> None:
    setattr(desk.fake, f"{ends}_repository", repository)
    desk.publish(FIRST, message())
    assert desk.fake.ours() == []
    assert any("only the check" in line for line in desk.said)


@pytest.mark.parametrize("number", [31, 101, 2_950])
def test_ours_is_found_behind_other_comments(desk: Desk, number: int) -> None:
    for at in range(number):
        desk.fake.comment_by("mallory", f"comment {at}")
    desk.publish(FIRST, message("first"))
    desk.publish(SECOND, message("second"))
    assert len(desk.fake.ours()) == 1


def test_none_is_posted_where_the_list_has_no_end(desk: Desk) -> None:
    for at in range(3_001):
        desk.fake.comment_by("mallory", f"comment {at}")
    desk.publish(FIRST, message())
    assert desk.fake.ours() == []
    assert any("too many comments" in line for line in desk.said)
    assert [one["conclusion"] for one in desk.fake.checks.values()] == ["success"]


def test_a_copy_of_our_mark_by_somebody_else_is_left_alone_and_named(desk: Desk) -> None:
    desk.publish(FIRST, message("blocked", conclusion="failure"))
    forged = desk.fake.ours()[0]["body"].replace("blocked", "passed").replace("811.1", "999.1")
    number = desk.fake.comment_by("mallory", forged)
    desk.publish(SECOND, message("second"))
    assert desk.fake.comments[number]["body"] == forged
    assert ["second" in one["body"] for one in desk.fake.ours()] == [True]
    assert any(f"comment {number} has our mark" in line for line in desk.said)


def test_a_body_that_the_web_page_gave_other_line_ends_is_the_same(desk: Desk) -> None:
    desk.publish(FIRST, message())
    (comment,) = desk.fake.ours()
    comment["body"] = comment["body"].replace("\n", "\r\n")
    assert desk.publish(FIRST, message()).comments == {7: Posted.UNCHANGED}


def test_second_comments_of_ours_are_removed(desk: Desk) -> None:
    desk.publish(FIRST, message("first"))
    body = desk.fake.ours()[0]["body"]
    desk.fake.comment_by(BOT, body)
    desk.fake.comment_by(BOT, "a comment of another workflow, by the same account")
    desk.publish(FIRST, message("first"))
    assert [one["body"] for one in desk.fake.ours()].count(body) == 1
    assert len(desk.fake.ours()) == 2


def test_of_two_comments_of_ours_the_newer_stays() -> None:
    bodies = []
    for run in (FIRST, SECOND):
        one = Desk()
        one.publish(run, message(str(run)))
        bodies.append(one.fake.ours()[0]["body"])
    for order in (bodies, bodies[::-1]):
        desk = Desk()
        for body in order:
            desk.fake.comment_by(BOT, body)
        assert desk.publish(FIRST, message(str(FIRST))).comments == {7: Posted.SUPERSEDED}
        assert [one["body"] for one in desk.fake.ours()] == [bodies[1]]


def test_a_second_comment_that_a_newer_run_writes_meanwhile_is_not_removed(desk: Desk) -> None:
    """It was older when it was listed; before it is removed a third run makes it the newest."""
    bodies = []
    for run in (FIRST, SECOND, Run(813, 1)):
        one = Desk()
        one.publish(run, message(str(run)))
        bodies.append(one.fake.ours()[0]["body"])
    number = desk.fake.comment_by(BOT, bodies[0])
    desk.fake.comment_by(BOT, bodies[1])

    def write_the_third(call: Call) -> None:
        if call.path.endswith(f"/comments/{number}"):
            desk.fake.comments[number]["body"] = bodies[2]
            desk.fake.on_call = lambda _call: None

    desk.fake.on_call = write_the_third
    assert desk.publish(SECOND, message("another text")).comments == {7: Posted.SUPERSEDED}
    assert [one["body"] for one in desk.fake.ours()] == [bodies[2]]


def test_who_we_are_is_learned_from_the_first_post(desk: Desk) -> None:
    desk.fake.author = "gatepost-for-acme[bot]"
    desk.publish(FIRST, message("first"))
    assert len(desk.fake.ours()) == 1
    desk.publish(SECOND, message("second"))
    assert ["second" in one["body"] for one in desk.fake.ours()] == [True]


@pytest.mark.parametrize("author", ["gatepost-for-acme[bot]", None])
def test_a_check_that_another_app_forged_stops_us_only_where_we_are_not_known(
    desk: Desk, author: str | None
) -> None:
    forged = {"name": "gatepost", "head_sha": HEAD, "external_id": "gatepost:999.1"}
    forged |= {"status": "completed", "conclusion": "success"}
    app = {"id": 15368, "slug": "github-actions"}
    desk.fake.checks[1] = {"id": 1, "app": app, "output": {}, "annotations": [], **forged}
    desk.fake.author = "gatepost-for-acme[bot]"
    desk.author = author
    told = desk.publish(FIRST, message(conclusion="failure"))
    assert told.check == bool(author)
    ends = [one["conclusion"] for one in desk.fake.checks.values()]
    assert ends == (["success", "failure"] if author else ["success"])


def test_every_decision_ends_in_success_or_failure() -> None:
    assert set(CONCLUSIONS) == set(Decision)
    assert [one for one in Decision if CONCLUSIONS[one] == "success"] == [Decision.PASS]
    assert set(CONCLUSIONS.values()) == {"success", "failure"}
