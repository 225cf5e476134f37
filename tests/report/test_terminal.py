import pytest

from gates.report import render_terminal
from gates.report.words import columns
from tests.report.samples import SAMPLES, cannot_judge, label_noise, many_segments, small_test_set


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120])
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("sample", SAMPLES)
def test_lines_keep_to_the_width(sample: str, width: int, verbose: bool) -> None:
    text = render_terminal(SAMPLES[sample](), width=width, verbose=verbose)
    assert max(columns(line) for line in text.splitlines()) <= width


def test_a_width_out_of_reason_is_taken_as_the_nearest() -> None:
    assert render_terminal(label_noise(), width=7) == render_terminal(label_noise(), width=60)
    assert render_terminal(label_noise(), width=999) == render_terminal(label_noise(), width=120)


@pytest.mark.parametrize("sample", SAMPLES)
def test_colours_change_nothing_but_colours(sample: str) -> None:
    plain = render_terminal(SAMPLES[sample]())
    coloured = render_terminal(SAMPLES[sample](), colour=True)
    for code in ("32", "1;31", "33", "2", "1", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain
    assert "\x1b" not in plain


def test_long_lists_are_cut_and_counted() -> None:
    text = render_terminal(many_segments(500, 40))
    assert "28 more (--verbose)" in text  # 40 failed, 12 shown
    assert len(render_terminal(many_segments(500, 40), verbose=True).splitlines()) > 900


def test_the_decision_stands_last() -> None:
    lines = render_terminal(label_noise()).splitlines()
    assert lines[-2:] == [
        "blocked — recall for sex = Female fell 16.5 points (limit 5.0)",
        "2 of 11 gates failed, 9 passed",
    ]


def test_the_whole_reason_is_told_where_nothing_could_be_judged() -> None:
    assert "Run `dvc repro predict`." in " ".join(render_terminal(cannot_judge()).split())


def test_of_a_gates_doubts_two_are_shown_after_the_numbers() -> None:
    text = render_terminal(small_test_set())
    assert text.count("drift: Kolmogorov") == 2
    assert "2 more (--verbose)" in text
    assert text.index("FAIL") < text.index("ROC AUC") < text.index("drift: Kolmogorov")
    assert render_terminal(small_test_set(), verbose=True).count("drift: Kolmogorov") == 4
