"""The anchor: what no single pull request lost, but all of them together since the last release."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from gates.case.anchor import Anchor, NoAnchor
from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Decision, Finding, Mode, Side, State, Subject, Verdict
from gates.judge import judge
from gates.judging.margin import Margin
from gates.metrics.group import GroupMetric
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.report.comment import comment
from gates.report.junit import junit
from gates.report.page import page
from gates.report.terminal import terminal
from gates.rules.gate import Gate
from gates.rules.group_disparity import Demand, GroupDisparity
from gates.rules.metric_regression import MetricDemand, MetricRegression
from gates.rules.segment_regression import Critical, SegmentRegression
from gates.tables.table import Mask
from gates.testing import Columns, evidence
from gates.verdict import read_verdict, write_verdict

ROWS = 400
LABELS = [True, False] * (ROWS // 2)
RIGHT = [0.9 if label else 0.1 for label in LABELS]
TEST: Columns = {"label": LABELS}
IDS = [f"r{at}" for at in range(ROWS)]


def wrong_on(rows: int) -> list[float]:
    """Scores that are right but for the first so many rows."""
    return [1 - score if at < rows else score for at, score in enumerate(RIGHT)]


def made(folder: Path, wrong: int, test: Columns = TEST) -> Evidence:
    return evidence(folder, {}, test=test, scores=wrong_on(wrong)[: len(test["label"])])


def since(release: Evidence, tag: str = "v1.2.0") -> Anchor:
    return Anchor(side=Side(revision="a" * 40, tag=tag, found="dvc cache"), evidence=release)


def judged(case: Case, **gates: Gate) -> Verdict:
    return judge(Policy(case.settings, gates, Document("params.yaml", {}, {})), case)


def accuracy(margin: float = 0.05, mode: Mode = Mode.GUARD) -> Gate:
    return MetricRegression(metrics={"accuracy": MetricDemand(margin=margin, mode=mode)})


def found(verdict: Verdict) -> list[tuple[str | None, State]]:
    return [(one.subject.reference, one.state) for one in verdict.outcomes[0].findings]


@pytest.mark.parametrize(
    ("base", "candidate", "state", "decision"),
    [
        (2, 4, State.PASSED, Decision.PASS),
        (18, 19, State.UNDECIDED, Decision.PASS),  # 19 of 400 is a trifle less than 0.05
        (16, 20, State.FAILED, Decision.FAIL),  # 20 of 400 is the margin exactly
        (40, 40, State.FAILED, Decision.FAIL),  # nothing new is lost, and nothing won back
    ],
)
def test_a_loss_within_the_margin_of_the_base_is_also_held_to_the_release(
    tmp_path: Path, base: int, candidate: int, state: State, decision: Decision
) -> None:
    """The release is right on all 400 rows, base and candidate wrong on the first so many."""
    new, old = made(tmp_path / "new", candidate), made(tmp_path / "old", base)
    case = Case(Settings(), new, old, anchor=since(made(tmp_path / "release", 0)))
    verdict = judged(case, gate=accuracy())
    assert found(verdict) == [(None, State.PASSED), ("v1.2.0", state)]
    assert verdict.decision is decision
    assert verdict.outcomes[0].findings[1].change == pytest.approx(-candidate / ROWS)
    assert verdict.anchor == Side(revision="a" * 40, tag="v1.2.0", found="dvc cache")


def test_without_an_anchor_the_reason_is_kept_and_only_the_base_compared(tmp_path: Path) -> None:
    new, old = made(tmp_path / "new", 40), made(tmp_path / "old", 40)
    reason = "no tag like `v*` on the way to 41d07ab"
    verdict = judged(Case(Settings(), new, old, anchor=NoAnchor(reason=reason)), gate=accuracy())
    assert found(verdict) == [(None, State.PASSED)]
    assert (verdict.anchor, verdict.anchor_reason) == (None, reason)
    assert "since    none: no tag like `v*`" in terminal(verdict)
    assert "**Since the last release** — none: no tag like `v*`" in comment(verdict)
    assert "since the last release none: no tag like" in page(verdict)


def test_both_references_are_corrected_together(tmp_path: Path) -> None:
    """Nine rows newly wrong against either: a copy of a comparison costs nothing, another does."""
    new, old = made(tmp_path / "new", 9), made(tmp_path / "old", 0)
    twin = judged(Case(Settings(), new, old, anchor=since(old)), gate=accuracy())
    alone = judged(Case(Settings(), new, old), gate=accuracy())
    scores = [1 - s if 100 <= at < 109 else s for at, s in enumerate(RIGHT)]
    other = evidence(tmp_path / "other", {}, test=TEST, scores=scores)
    both = judged(Case(Settings(), new, old, anchor=since(other)), gate=accuracy())
    p_values = [one.outcomes[0].findings[0].p_value for one in (alone, twin, both)]
    assert p_values[0] == p_values[1]
    assert p_values[2] is not None
    assert p_values[0] is not None
    assert p_values[2] > p_values[0]


class TestAnotherTestSet:
    def test_shared_rows_that_neither_was_trained_on_are_compared(self, tmp_path: Path) -> None:
        """Rows 0–299 are shared, the release was trained on 0–99, so 100–299 are compared.

        The candidate is wrong on rows 0–129: on 30 of the 200 compared rows.
        """
        new, old = made(tmp_path / "new", 130), made(tmp_path / "old", 130)
        release = evidence(
            tmp_path / "release",
            {},
            test={"row_id": [*IDS[:300], "x"], "label": [*LABELS[:300], True]},
            train={"row_id": IDS[:100], "label": LABELS[:100]},
            scores=[*RIGHT[:300], 0.9],
        )
        verdict = judged(Case(Settings(), new, old, anchor=since(release)), gate=accuracy())
        finding = verdict.outcomes[0].findings[1]
        assert finding.support is not None
        assert finding.support.rows == 200
        assert finding.change == pytest.approx(-0.15)
        assert finding.state is State.FAILED

    def test_predictions_of_the_bases_model_are_not_taken_for_the_releases(
        self, tmp_path: Path
    ) -> None:
        """The crossed predictions in the candidate's folder are the base's: all wrong here."""
        rows = ["a", "b", "c"]
        new = evidence(
            tmp_path / "new",
            {},
            test={"row_id": rows, "label": [1, 1, 1]},
            scores=[0.9, 0.9, 0.1],
            other_scores={
                "baseline_predictions.parquet": (rows, [0.1, 0.1, 0.1]),
                "predictions_on_baseline_test.parquet": (["a", "b"], [0.9, 0.9]),
            },
        )
        old = evidence(tmp_path / "old", {}, test={"row_id": ["a", "b"], "label": [1, 1]})
        release = evidence(
            tmp_path / "release",
            {},
            test={"row_id": ["b", "c"], "label": [1, 1]},
            scores=[0.9, 0.9],
        )
        against = Case(Settings(), new, old, anchor=since(release)).references[1]
        (arena,) = against.arenas
        assert arena.rows.tolist() == [1, 2]
        assert arena.baseline.scores.tolist() == [0.9, 0.9]

    @pytest.mark.parametrize(
        ("mode", "decision"), [(Mode.GUARD, Decision.PASS), (Mode.STRICT, Decision.FAIL)]
    )
    def test_nothing_shared_is_undecided_and_said(
        self, tmp_path: Path, mode: Mode, decision: Decision
    ) -> None:
        new, old = made(tmp_path / "new", 0), made(tmp_path / "old", 0)
        release = evidence(tmp_path / "release", {}, test={"row_id": ["x"], "label": [1]})
        case = Case(Settings(), new, old, anchor=since(release))
        verdict = judged(case, gate=accuracy(mode=mode))
        assert found(verdict) == [(None, State.PASSED), ("v1.2.0", State.UNDECIDED)]
        assert verdict.decision is decision
        message = verdict.outcomes[0].findings[1].message
        assert message.startswith("accuracy since v1.2.0: cannot be judged: the test sets share no")

    def test_another_label_is_no_ground_for_comparison(self, tmp_path: Path) -> None:
        new, old = made(tmp_path / "new", 0), made(tmp_path / "old", 0)
        columns = {"label": "feature integer", "income": "label boolean"}
        release = evidence(tmp_path / "release", columns, test={"label": [1], "income": [1]})
        verdict = judged(Case(Settings(), new, old, anchor=since(release)), gate=accuracy())
        message = verdict.outcomes[0].findings[1].message
        assert "the label is 'label', v1.2.0's is 'income'" in message

    def test_people_are_kept_together_on_rows_that_only_the_release_shares(
        self, tmp_path: Path
    ) -> None:
        rows = ["a", "b", "c", "d"]
        dictionary = {"person": "group text"}
        test: Columns = {"row_id": rows, "person": ["p", "q", "p", "q"], "label": [1] * 4}
        new = evidence(tmp_path / "new", dictionary, test=test)
        kept: Columns = {name: values[:1] for name, values in test.items()}
        old = evidence(tmp_path / "old", dictionary, test=kept)
        groups = Case(Settings(), new, old, anchor=since(new)).groups
        assert groups is not None
        assert groups.tolist() == [0, 1, 0, 1]


class TestSegments:
    SETTINGS = Settings(segments=("town",))

    def town(self, folder: Path, wrong: int, rows: int = ROWS) -> Evidence:
        """The first so many rows of town a are wrong."""
        test = {"town": (["a", "a", "b", "b"] * (ROWS // 4))[:rows], "label": LABELS[:rows]}
        in_a = [at for at in range(ROWS) if at % 4 < 2][:wrong]
        scores = [1 - s if at in in_a else s for at, s in enumerate(RIGHT[:rows])]
        return evidence(folder, {"town": "feature category"}, test=test, scores=scores)

    def gate(self, **keys: object) -> SegmentRegression:
        return SegmentRegression(metrics={"accuracy": Margin(margin=0.1)}, **keys)  # type: ignore[arg-type]

    def test_a_segment_that_eroded_since_the_release_fails(self, tmp_path: Path) -> None:
        """24 of the 200 rows of town a are wrong now, 20 of them before: −0.02, and −0.12."""
        case = Case(
            self.SETTINGS,
            self.town(tmp_path / "new", 24),
            self.town(tmp_path / "old", 20),
            anchor=since(self.town(tmp_path / "release", 0)),
        )
        findings = {
            (one.subject.reference, one.subject.segment["town"]): one.state
            for one in judged(case, gate=self.gate()).outcomes[0].findings
        }
        assert findings == {
            (None, "a"): State.PASSED,
            (None, "b"): State.PASSED,
            ("v1.2.0", "a"): State.FAILED,
            ("v1.2.0", "b"): State.PASSED,
        }

    def test_a_gap_that_grew_since_the_release_fails(self, tmp_path: Path) -> None:
        """Of the 100 positives of town a, 12 are missed now and before, and none at the release."""
        case = Case(
            self.SETTINGS,
            self.town(tmp_path / "new", 24),
            self.town(tmp_path / "old", 24),
            anchor=since(self.town(tmp_path / "release", 0)),
        )
        metrics: dict[GroupMetric, Demand] = {"true_positive_rate": Demand(worsening=0.04)}
        gate = GroupDisparity(features=("town",), metrics=metrics)
        findings = judged(case, gate=gate).outcomes[0].findings
        assert [(one.subject.reference, one.state) for one in findings] == [
            (None, State.PASSED),
            ("v1.2.0", State.FAILED),
        ]
        assert findings[1].change == pytest.approx(0.12)

    def test_a_gap_by_a_column_that_the_release_did_not_have(self, tmp_path: Path) -> None:
        """The rows are those of both, and the groups are this side's."""
        new, release = self.town(tmp_path / "new", 24), made(tmp_path / "release", 0)
        case = Case(self.SETTINGS, new, new, anchor=since(release))
        metrics: dict[GroupMetric, Demand] = {"true_positive_rate": Demand(worsening=0.04)}
        gate = GroupDisparity(features=("town",), metrics=metrics)
        findings = judged(case, gate=gate).outcomes[0].findings
        assert [(one.subject.reference, one.state) for one in findings] == [
            (None, State.PASSED),
            ("v1.2.0", State.FAILED),
        ]

    def test_what_neither_reference_can_tell_is_said_once(self, tmp_path: Path) -> None:
        new = self.town(tmp_path / "new", 0)
        case = Case(self.SETTINGS, new, new, anchor=since(self.town(tmp_path / "release", 9)))
        findings = judged(case, gate=self.gate(min_rows=1000)).outcomes[0].findings
        assert [one.subject for one in findings] == [Subject(key="town")]

    def test_too_few_rows_shared_with_the_release_are_counted_apart(self, tmp_path: Path) -> None:
        new = self.town(tmp_path / "new", 0)
        case = Case(
            self.SETTINGS, new, new, anchor=since(self.town(tmp_path / "release", 0, rows=40))
        )
        findings = judged(case, gate=self.gate()).outcomes[0].findings
        assert findings[-1].subject == Subject(key="town", reference="v1.2.0")
        assert "2 segments of fewer than 30 rows, 40 rows in all" in findings[-1].message

    def test_nothing_shared_is_undecided_for_every_metric_and_critical_segment(
        self, tmp_path: Path
    ) -> None:
        new = self.town(tmp_path / "new", 0)
        release = evidence(tmp_path / "release", {}, test={"row_id": ["x"], "label": [1]})
        critical = Critical(segment={"town": "a"}, margin=0.1, mode=Mode.STRICT)
        verdict = judged(
            Case(self.SETTINGS, new, new, anchor=since(release)),
            gate=self.gate(critical=(critical,)),
        )
        states = [one.state for one in verdict.outcomes[0].findings if one.subject.reference]
        assert states == [State.UNDECIDED, State.UNDECIDED]
        assert verdict.decision is Decision.FAIL


class TestShown:
    @pytest.fixture
    def verdict(self, tmp_path: Path) -> Verdict:
        new, old = made(tmp_path / "new", 40), made(tmp_path / "old", 30)
        case = Case(Settings(), new, old, anchor=since(made(tmp_path / "release", 0)))
        return judged(case, metric_regression=accuracy())

    def test_the_two_findings_have_two_fingerprints(self, verdict: Verdict) -> None:
        base, anchor = verdict.outcomes[0].findings
        assert base.fingerprint != anchor.fingerprint
        assert msgspec.to_builtins(anchor.subject) == {"metric": "accuracy", "reference": "v1.2.0"}
        assert read_verdict(write_verdict(verdict)) == verdict

    def test_every_report_tells_them_apart(self, verdict: Verdict) -> None:
        assert "accuracy since v1.2.0 fell 10.0 points (limit 5.0)" in junit(verdict)
        assert "accuracy since v1.2.0" in terminal(verdict)
        assert "since    v1.2.0 at aaaaaaa (dvc cache)" in terminal(verdict)
        assert "accuracy since `v1.2.0`" in comment(verdict)
        assert "**Since the last release** — `v1.2.0` at `aaaaaaa` (dvc cache)" in comment(verdict)
        assert "accuracy since <code>v1.2.0</code>" in page(verdict)

    def test_what_changed_since_the_release_is_not_this_changes_doing(self, tmp_path: Path) -> None:
        new = made(tmp_path / "new", 4)
        case = Case(Settings(), new, new, anchor=since(made(tmp_path / "release", 0)))
        assert "every compared number is the same" in comment(judged(case, gate=accuracy()))


def play_creep(folder: Path, *, anchored: bool) -> tuple[list[Decision], float]:
    """Ten pull requests, each losing about 0.8 points: the decisions, and what is lost in the end.

    2,000 rows, accepted loss 2 points. Each breaks about 28 answers and mends about 12 of the
    model that was merged last; what the judge blocks is not merged.
    """
    draws, rows, margin = np.random.default_rng(140), 2_000, 0.02
    labels = np.arange(rows) % 2 == 0
    test: Columns = {"label": labels.tolist()}

    def leave(name: str, right: Mask) -> Evidence:
        scores = np.where(right == labels, 0.9, 0.1).tolist()
        return evidence(folder / name, {}, test=test, scores=scores)

    right = draws.random(rows) < 0.85
    first, merged = right, leave("release", right)
    anchor = since(merged) if anchored else None
    decisions = []
    for number in range(10):
        proposed = right ^ (draws.random(rows) < np.where(right, 28 / 1_700, 12 / 300))
        candidate = leave(f"pr-{number}", proposed)
        verdict = judged(Case(Settings(), candidate, merged, anchor=anchor), gate=accuracy(margin))
        decisions.append(verdict.decision)
        if verdict.decision is Decision.PASS:
            right, merged = proposed, candidate
    return decisions, float(first.mean() - right.mean())


def test_creep_passes_the_merge_base_step_by_step_and_stops_at_the_release(tmp_path: Path) -> None:
    decisions, lost = play_creep(tmp_path / "alone", anchored=False)
    assert decisions == [Decision.PASS] * 10
    assert lost > 2 * 0.02
    decisions, lost = play_creep(tmp_path / "anchored", anchored=True)
    assert decisions.count(Decision.FAIL) >= 5
    assert lost < 0.02


def test_findings_of_the_base_are_those_without_an_anchor(tmp_path: Path) -> None:
    """A second reference shares the level, so it may soften the first, never sharpen it."""
    new, old = made(tmp_path / "new", 30), made(tmp_path / "old", 0)
    alone: Finding = judged(Case(Settings(), new, old), gate=accuracy()).outcomes[0].findings[0]
    case = Case(Settings(), new, old, anchor=since(made(tmp_path / "release", 10)))
    beside = judged(case, gate=accuracy()).outcomes[0].findings[0]
    assert msgspec.structs.replace(beside, p_value=None) == msgspec.structs.replace(
        alone, p_value=None
    )
