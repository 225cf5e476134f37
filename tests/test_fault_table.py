"""The 49 faults of the threat model (security, part 3), and the tests that prove what is promised.

P1 no fault ends in success; P2 one comment at most; P3 the check ends or says what is next; P4 what
was uploaded or judged stays; P5 one plain sentence. A fault that is not wholly met says so.
"""

import ast
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent


class Met(Enum):
    """How much of what was asked holds."""

    WHOLE = "met"
    IN_PART = "in part"
    NOT_OURS = "not applicable"


class Fault(NamedTuple):
    """One row: what goes wrong, what somebody sees, and by which tests that is known."""

    number: int
    fault: str
    seen: str
    tests: str  # one `file::test` a word, below tests/
    met: Met = Met.WHOLE
    lacking: str = ""


GH, SH = "github/test", "shell/test"
ONE = f"{GH}_faults.py::test_one_comment_and_one_check_come_of_it"
BAD = "cli/test_bad_input.py::test"
MACHINE = "cli/test_machine.py::test"
FAULTS = (
    Fault(1, "primary rate limit", "waits until the reset, by GitHub's clock, then posts",
          f"{GH}_faults.py::test_waits_are_those_that_github_asked_for {ONE}"),
    Fault(2, "secondary rate limit", "waits as asked, else 60 s doubling; ends after 8 min",
          f"{GH}_faults.py::test_a_limit_without_a_time_is_waited_for_twice_as_long_each_time "
          f"{GH}_faults.py::test_patience_with_limits_ends_after_eight_minutes {ONE}", Met.IN_PART,
          "limited throughout, the check cannot be ended either: the sweep ends it"),
    Fault(3, "a right is missing", "ends at once and names the right",
          f"{GH}_faults.py::test_a_refusal_ends_at_once_with_what_to_do "
          f"{GH}_faults.py::test_a_refused_comment_does_not_keep_the_check_from_its_end"),
    Fault(4, "5xx on reading", "five tries, with growing waits",
          f"{GH}_faults.py::test_waits_between_tries_grow {ONE}"),
    Fault(5, "502 after a post took effect", "one comment",
          f"{GH}_github.py::test_a_post_that_is_answered_with_502_is_sent_once {ONE}"),
    Fault(6, "connection dropped after a post", "one comment within 30 s",
          f"{GH}_faults.py::test_a_lost_post_is_settled_within_thirty_seconds "
          f"{GH}_github.py::test_a_post_whose_connection_drops_is_sent_once"),
    Fault(7, "no answer, no such name", "some tries, then an error that says to re-run",
          f"{GH}_github.py::test_a_server_that_cannot_be_reached_is_lost_after_some_tries "
          f"{GH}_github.py::test_a_server_that_takes_the_call_and_is_silent_is_lost "
          f"{GH}_faults.py::test_posts_without_any_answer_end_with_an_error_and_at_most_three"),
    Fault(8, "the token expires midway", "ends and says to re-run, which mints another",
          f"{GH}_faults.py::test_a_refusal_ends_at_once_with_what_to_do", Met.IN_PART,
          "not minted anew: nothing in the job holds what could"),
    Fault(9, "the comment is too long", "a shorter one; verdict and mark stay",
          f"{GH}_faults.py::test_a_comment_that_is_too_long_loses_its_middle"),
    Fault(10, "the comment is deleted on the way", "a new one",
          f"{GH}_faults.py::test_a_comment_removed_between_list_and_change_is_made_again"),
    Fault(11, "the conversation is locked", "the check alone",
          f"{GH}_faults.py::test_a_locked_conversation_gets_the_check_only"),
    Fault(12, "lists lag 5 s", "one comment after settling",
          f"{ONE} {GH}_cml.py::test_a_late_list_after_cml_makes_no_second_comment"),
    Fault(13, "eight publishers at once", "one comment, the newest",
          f"{GH}_any_order.py::test_eight_at_once_leave_one_comment_the_newest", Met.IN_PART,
          "where calls hang for seconds as well, 33 in 4,500 end with an older comment or none"),
    Fault(14, "an older run ends last", "neither comment nor check of the newer changes",
          f"{GH}_publish.py::test_an_older_run_changes_neither_comment_nor_check"),
    Fault(15, "the head moves while judging", "the old commit's check ends; the comment stays",
          f"{GH}_publish.py::test_an_old_head_gets_its_check_and_leaves_the_comment "
          f"{GH}_publish.py::test_a_head_that_moves_before_the_last_look_keeps_the_comment_as_it_is"),
    Fault(16, "closed or merged meanwhile", "the check alone",
          f"{GH}_publish.py::test_a_closed_pull_request_gets_the_check_only"),
    Fault(17, "the same event twice", "nothing is written",
          f"{GH}_publish.py::test_the_same_again_writes_nothing_within_twelve_calls "
          f"{GH}_receive.py::test_an_unchanged_run_takes_twelve_calls_in_all_and_writes_nothing"),
    Fault(18, "SIGINT or SIGTERM", "the check says cancelled within 7 s, or is as it was",
          f"{GH}_faults.py::test_cancelled_at_any_call_no_success_is_left_that_was_not_reached "
          f"{GH}_command.py::test_a_cancelled_job_says_so_within_seconds "
          "cli/test_check.py::test_an_interrupted_run_judges_nothing_and_leaves_nobody_running"),
    Fault(19, "SIGKILL", "the check stays in progress until the next run or the sweep",
          f"{GH}_sweep.py::test_a_check_whose_run_is_over_ends_as_not_judged "
          f"{SH}_baseline.py::test_a_kill_at_any_time_leaves_whole_evidence_or_none "
          f"{SH}_scratch.py::test_nothing_is_left_wherever_the_kill_falls"),
    Fault(20, "the disk is full", "no space left, and where; the old verdict stays",
          f"{MACHINE}_a_full_disk_leaves_the_old_verdict "
          f"{MACHINE}_a_file_that_may_not_grow_leaves_the_old_verdict"),
    Fault(21, "no home, no folder for temporary files", "works",
          f"{MACHINE}_no_home_and_no_folder_for_temporary_files_are_needed "
          f"{BAD}_what_is_not_there_is_said_and_a_place_that_cannot_be_written"),
    Fault(22, "1 GiB of memory, 5,000,000 rows", "too many rows, by the footer",
          f"{GH}_intake.py::test_a_table_too_large_for_memory_is_refused_with_little_of_it "
          f"{GH}_receive.py::test_a_judge_that_the_machine_ends_is_no_pass"),
    Fault(23, "processor time is used up", "not judged: ended, and by what",
          f"{GH}_receive.py::test_a_judge_that_the_machine_ends_is_no_pass "
          f"{GH}_receive.py::test_a_judge_that_takes_too_long_is_ended", Met.IN_PART,
          "the judge ends as a whole: which gate took the time, and what others said, is lost"),
    Fault(24, "Parquet cut or flipped", "refused, and no traceback",
          "tables/test_parts.py::test_a_table_cut_or_flipped_anywhere_is_values_or_one_error "
          f"{SH}_parquet_footer.py::test_any_footer_is_counted_or_refused "
          f"{BAD}_a_table_with_damaged_pages_is_refused_though_its_manifest_agrees", Met.IN_PART,
          "the file and column are named, no byte; a flip may be another value, which is judged"),
    Fault(25, "JSON cut", "refused",
          "evidence/test_manifest.py::test_a_manifest_cut_anywhere_is_refused "
          "test_verdict.py::test_a_verdict_cut_at_any_byte_is_refused"),
    Fault(26, "another hash, or no manifest", "incomplete or changed evidence, and which file",
          f"{BAD}_evidence_that_is_not_what_its_manifest_says"),
    Fault(27, "artifact gone, missing or twice", "not judged: is there so many times",
          f"{GH}_command.py::test_intake_refuses_other_artifacts "
          f"{GH}_runs.py::test_what_has_expired_or_is_there_twice_is_not_there "
          f"{GH}_receive.py::test_whatever_is_missing_leaves_a_verdict_that_there_is_none"),
    Fault(28, "another digest than the API's", "refused",
          f"{GH}_intake.py::test_another_digest_than_the_api_names_is_refused"),
    Fault(29, "DVC remote: missing, cut, damaged", "does not match its hash; never used",
          f"{SH}_dvc.py::TestData::test_damaged_on_the_remote_is_never_used "
          f"{SH}_baseline.py::TestFaults::test_a_damaged_remote_is_not_believed "
          f"{SH}_dvc_cache.py::TestCopy::test_another_size_is_refused"),
    Fault(30, "pushed in part", "so many of so many cannot be had, and which",
          f"{SH}_dvc.py::TestData::test_missing_everywhere_is_said "
          f"{SH}_baseline.py::TestFaults::test_lost_data_is_said"),
    Fault(31, "DVC is busy", "waits 5 min, then says who holds the lock",
          f"{SH}_dvc.py::TestLock::test_another_process_is_waited_for "
          f"{SH}_dvc.py::TestLock::test_but_not_for_ever_and_it_is_said_who"),
    Fault(32, "locks of a killed DVC", "goes on",
          f"{SH}_dvc.py::test_what_a_killed_dvc_left_locked_is_no_hindrance"),
    Fault(33, "a metric of NaN, text, nothing", "blocked by the gate that asks for it",
          f"{BAD}_a_metrics_file_that_says_nothing_is_no_pass "
          "reading/test_strict_json.py::test_what_json_would_accept_and_mean_otherwise_is_refused"),
    Fault(34, "no row, one row, one class", "undecided or refused, with the reason",
          f"{BAD}_too_little_to_tell_is_never_a_pass {BAD}_evidence_that_cannot_be_judged "
          "test_degenerate.py::test_little_data_is_a_state_with_a_reason"),
    Fault(35, "a segment too small or of one class", "listed as undecided, with its count",
          "rules/test_segment_floor.py::test_what_is_too_small_is_counted_and_never_good "
          "rules/test_segment_regression.py::"
          "test_a_metric_without_a_value_in_a_segment_is_undecided"),
    Fault(36, "no baseline", "limits without a comparison, and why",
          "cli/test_check.py::test_the_first_pull_request_has_no_baseline "
          f"{GH}_receive.py::test_before_the_first_baseline_there_is_none"),
    Fault(37, "columns, classes or metrics renamed", "named beside what is gone",
          "rules/test_columns.py::test_added_removed_and_changed_columns_are_observed "
          "case/test_case.py::test_a_missing_segment_column_is_named_with_the_nearest "
          "rules/test_reported_metrics.py::test_a_number_that_is_no_longer_reported_fails",
          Met.IN_PART, "old and new are listed, not paired as old→new"),
    Fault(38, "other types, times without a zone", "refused, or compared as UTC",
          "rules/test_columns.py::test_stored_types_agree_with_the_dictionary "
          "rules/test_time_leakage.py::test_times_that_cannot_be_compared "
          "rules/test_time_leakage.py::test_written_dates_are_dates"),
    Fault(39, "identifiers twice or changed", "count and an example",
          f"{BAD}_evidence_that_cannot_be_judged "
          "tables/test_embedded.py::test_identifiers_that_name_no_row_are_refused", Met.IN_PART,
          "one example instead of five"),
    Fault(40, "odd and hostile names", "text wherever they go; the same name twice is refused",
          f"{BAD}_names_and_values_are_text_wherever_they_go {BAD}_evidence_that_cannot_be_judged"),
    Fault(41, "100,000 segments, 10,000 columns, 1,000 findings", "10 s, 60,000 bytes, worst first",
          f"{BAD}_a_hundred_thousand_segments_take_seconds_and_a_short_comment "
          f"{MACHINE}_hundreds_of_columns_take_seconds "
          "report/test_comment.py::test_very_many_segments_fit "
          "report/test_comment.py::test_even_absurd_verdicts_fit", Met.IN_PART,
          "1,000 columns take 3 s of processor time, 10,000 take 44 s"),
    Fault(42, "CRLF, byte order mark", "the same verdict; the mark is found",
          f"{MACHINE}_a_policy_with_a_mark_and_other_line_ends_gives_the_same_verdict "
          f"{GH}_mark.py::test_line_ends_and_cmls_image_make_no_difference "
          f"{GH}_publish.py::test_a_body_that_the_web_page_gave_other_line_ends_is_the_same"),
    Fault(43, "language, time zone, hash seed, threads", "the same bytes",
          f"{MACHINE}_the_same_bytes_under_another_language_clock_and_seed "
          "report/test_same_bytes.py::test_same_bytes_everywhere"),
    Fault(44, "the clock is a day off", "waivers end by GitHub's date",
          f"{GH}_runs.py::test_the_day_is_githubs_whatever_a_runners_clock_says "
          "commands/test_waive.py::test_it_ends_with_its_last_day"),
    Fault(45, "Enterprise; renamed; another repository", "follows 301, by number",
          f"{GH}_github.py::test_a_renamed_repository_is_followed "
          f"{GH}_github.py::test_another_repository_under_the_name_is_refused"),
    Fault(46, "a shallow clone", "says what to fetch; no wrong merge base",
          f"{SH}_git.py::TestShallowClone::test_without_a_merge_base_names_the_mend "
          f"{SH}_git.py::TestShallowClone::test_a_wrong_merge_base_is_not_taken"),
    Fault(47, "CML is gone or fails", "the API posts; one comment",
          f"{GH}_cml.py::test_where_it_fails_the_api_posts_and_says_so "
          f"{GH}_cml.py::test_where_it_posts_and_then_fails_there_is_one_comment "
          f"{GH}_cml.py::test_where_it_is_gone_the_api_posts"),
    Fault(48, "MLflow is down", "nothing", "", Met.NOT_OURS, "no tracker is called"),
    Fault(49, "random schedules of faults", "P1 to P5",
          f"{GH}_any_order.py::TestPublisher"),
)  # fmt: skip


def test_every_fault_stands_once() -> None:
    assert [one.number for one in FAULTS] == list(range(1, 50))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.number))
def test_what_proves_a_fault_is_there(fault: Fault) -> None:
    assert (fault.met is Met.WHOLE) == (not fault.lacking)
    assert bool(fault.tests) == (fault.met is not Met.NOT_OURS)
    for node in fault.tests.split():
        file, _, name = node.partition("::")
        assert name in collected(TESTS / file), node


def test_what_is_said_to_be_lacking_is_what_the_page_says() -> None:
    page = (TESTS.parent / "docs" / "reliability.md").read_text("utf-8")
    for fault in FAULTS:
        row = f"| {fault.number} | {fault.fault} | {fault.lacking} |"
        assert (row in page) == (fault.met is not Met.WHOLE), row


@cache
def collected(file: Path) -> frozenset[str]:
    """What pytest collects of a file: functions, methods of classes, state machines."""
    return frozenset(_names(ast.parse(file.read_text("utf-8"))))


def _names(module: ast.Module) -> Iterator[str]:
    for one in module.body:
        match one:
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield name
            case ast.ClassDef(name=name) if name.startswith("Test"):
                yield name
                methods = (each for each in one.body if isinstance(each, ast.FunctionDef))
                yield from (f"{name}::{each.name}" for each in methods)
            case ast.Assign(targets=[ast.Name(id=name)]) if name.startswith("Test"):
                yield name
