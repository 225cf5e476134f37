import pytest

from gates.finding import Decision, Family, Finding, Limit, State, Subject, Verdict
from gates.report.forest import Bar, Heading, draw, plant, plant_in_brief
from gates.report.words import columns, plain
from tests.report.samples import compared, label_noise, many_segments, nested, outcome, verdict

PICTURE = [
    "         forbidden            better →",
    "recall   ····├────●───┤    │               −0.050  undecided",
    "log loss ·········┊        │   ├────●───┤  −0.010  pass",
    "         ┴────────┴────────┴────────┴────",
    "         −2×    limit      0       +1×",
]


def only(*findings: Finding) -> Verdict:
    return verdict(Decision.PASS, outcome("g", Family.METRICS, *findings))


def test_a_picture_by_hand() -> None:
    recall = compared("recall", 0.5, 0.45, 0.025, margin=0.05, state=State.UNDECIDED)
    loss = compared("log_loss", 0.2, 0.19, 0.005, margin=0.01, up=False)
    assert draw(plant(only(recall, loss), 9), 60).splitlines() == PICTURE


def test_the_axis_counts_in_limits_and_better_is_right() -> None:
    recall = compared("recall", 0.5, 0.4, 0.05, margin=0.05)
    loss = compared("log_loss", 0.2, 0.19, 0.005, margin=0.01, up=False)
    bars = [row for row in plant(only(recall, loss), 9).rows if isinstance(row, Bar)]
    assert [(bar.low, bar.middle, bar.high) for bar in bars] == [
        pytest.approx((-3, -2, -1)),
        pytest.approx((0.5, 1, 1.5)),
    ]


def test_what_lies_beyond_the_axis_is_an_arrow() -> None:
    drawn = draw(plant(only(compared("recall", 0.9, 0.2, 0.01, margin=0.05)), 9), 60)
    assert "recall <···" in drawn
    assert "●" not in drawn


def test_what_has_no_limit_or_no_direction_is_not_drawn() -> None:
    floor = Finding(
        subject=Subject(metric="roc_auc"),
        state=State.PASSED,
        limit=Limit(floor=0.9),
        message="m",
        candidate=0.95,
    )
    nothing = compared("recall", 0.5, 0.4, 0.02, margin=0.0)
    assert draw(plant(only(floor, nothing), 9), 60) == ""


def test_segments_stand_under_their_metric() -> None:
    rows = plant(label_noise(), 99).rows
    labels = [(row.label[0], isinstance(row, Bar) and row.indented) for row in rows]
    assert labels[:2] == [("recall", False), (("sex = Female",), True)]
    parted = plant(only(compared("recall", 0.5, 0.4, 0.1, margin=0.1, segment={"a": "b"})), 9).rows
    assert isinstance(parted[0], Heading)


def test_what_failed_is_drawn_first_and_the_rest_is_counted() -> None:
    forest = plant(many_segments(500, 3), 10)
    states = [row.state for row in forest.rows if isinstance(row, Bar)]
    assert len(states) == 10
    assert states.count(State.FAILED) == 3
    assert forest.left_out == 500 + 4 - 10


@pytest.mark.parametrize("width", range(60, 121, 7))
def test_all_lines_keep_to_the_width_and_marks_stand_in_columns(width: int) -> None:
    lines = draw(plant(label_noise(), 99), width).splitlines()
    assert max(columns(line) for line in lines) <= width
    limits = {line.index("┊") for line in lines if "┊" in line}
    assert len(limits) == 1


def test_in_brief_what_failed_stands_before_the_whole_test_set_and_segments_that_passed() -> None:
    rows = plant_in_brief(nested(), 12).rows
    assert [plain(row.label) for row in rows] == [
        "recall",
        "sex = Female",
        "sex = Female and race = Black",
        "precision",
        "log loss",
        "ROC AUC",
        "selection rate difference by sex",
    ]
    assert len(plant_in_brief(many_segments(500, 30), 12).rows) == 12


def test_where_nothing_moved_there_is_no_picture() -> None:
    same = compared("recall", 0.5, 0.5, 0.01, margin=0.05)
    assert plant(only(same), 9).rows == ()
