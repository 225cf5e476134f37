"""A pull request cannot choose the rows and labels by which its model is judged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gates.case.anchor import Anchor
from gates.case.case import Case
from gates.case.passes import why_by_rows
from gates.evidence.columns import Role
from gates.evidence.folder import Evidence
from gates.finding import Decision, Finding, Side, State, TestSetOf, Verdict
from gates.judge import judge
from gates.policy.policy import Policy, read_policy
from gates.testing import evidence

ROWS = 400
IDS = [f"r{at}" for at in range(ROWS)]
LABELS = [at % 2 == 0 for at in range(ROWS)]
WRONG = [at % 4 == 1 for at in range(ROWS)]  # where the new model is wrong
ANSWERS = [label != wrong for label, wrong in zip(LABELS, WRONG, strict=True)]
POLICY = """\
gates:
  segments: [town]
  metric_regression: {metrics: {accuracy: {margin: 0.05}, roc_auc: {margin: 0.05}}}
  metric_floor: {metrics: {accuracy: 0.85}}
  segment_regression: {metrics: {accuracy: {margin: 0.1}}}
  segment_floor: {metrics: {accuracy: 0.8}}
  group_disparity: {features: [town], metrics: {false_positive_rate: {worsening: 0.1}}}
"""
Rows = Mapping[str, Sequence[Any]]


def towns(rows: int) -> list[str]:
    return [("a", "b")[at // 2 % 2] for at in range(rows)]


def table(ids: list[str] = IDS, labels: list[bool] = LABELS, **more: list[Any]) -> Rows:
    return {
        "row_id": ids,
        "town": towns(len(ids)),
        "age": [float(at) for at in range(len(ids))],
        "label": labels,
        **more,
    }


def take(rows: Rows, at: Sequence[int]) -> Rows:
    return {name: [values[place] for place in at] for name, values in rows.items()}


def scores(answers: Sequence[bool]) -> list[float]:
    return [0.9 if answer else 0.1 for answer in answers]


def side(
    folder: Path,
    rows: Rows,
    answers: Sequence[bool],
    *,
    old_rows: Sequence[bool] | None = None,
    by_old_model: Sequence[bool] | None = None,
    train: Rows | None = None,
) -> Evidence:
    """Evidence whose model gives these answers; of the baseline's rows and by its model as well."""
    crossed: dict[str, tuple[Sequence[str], Sequence[float]]] = {}
    if old_rows is not None:
        crossed["predictions_on_baseline_test.parquet"] = (IDS, scores(old_rows))
    if by_old_model is not None:
        crossed["baseline_predictions.parquet"] = (rows["row_id"], scores(by_old_model))
    listed = {"town": "feature category", "age": "feature number"}
    return evidence(
        folder, listed, test=rows, train=train, scores=scores(answers), other_scores=crossed
    )


@pytest.fixture
def policy() -> Policy:
    return read_policy(POLICY.encode(), "params.yaml")


@pytest.fixture
def base(tmp_path: Path) -> Evidence:
    """A model that is right on every row."""
    return side(tmp_path / "base", table(), LABELS)


def verdict_of(policy: Policy, candidate: Evidence, baseline: Evidence) -> Verdict:
    return judge(policy, Case(policy.settings, candidate, baseline))


def failed(verdict: Verdict) -> list[Finding]:
    return [
        finding
        for outcome in verdict.outcomes
        for finding in outcome.findings
        if finding.state is State.FAILED
    ]


KEPT = [at for at in range(ROWS) if not WRONG[at]]
FORGED = table(labels=ANSWERS)  # whatever the new model says
RENAMED = table([f"new{at}" if WRONG[at] else IDS[at] for at in range(ROWS)], ANSWERS)
DROPPED = take(table(), KEPT)
REPLACED = {  # rows that the model gets wrong, by others that it gets right
    **table([f"new{at}" if WRONG[at] else IDS[at] for at in range(ROWS)]),
    "age": [-1.0 - at if WRONG[at] else float(at) for at in range(ROWS)],
}
EDITED = table(age=[-1.0 - at if WRONG[at] else float(at) for at in range(ROWS)])
VARIANTS = {
    "relabelled": (FORGED, ANSWERS),
    "renamed and relabelled": (RENAMED, ANSWERS),
    "dropped": (DROPPED, [ANSWERS[at] for at in KEPT]),
    "replaced": (REPLACED, LABELS),
}


class TestWhoeverChoosesTheTestRows:
    """The new model is wrong on a quarter of the rows, and right on all those that it brings."""

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_fails_where_the_model_was_run_on_the_baselines_rows(
        self, variant: str, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        rows, answers = VARIANTS[variant]
        new = side(tmp_path / "new", rows, answers, old_rows=ANSWERS, by_old_model=answers)
        verdict = verdict_of(policy, new, base)
        assert verdict.decision is Decision.FAIL
        blocked = {
            outcome.gate for outcome in verdict.outcomes if any(map(_fails, outcome.findings))
        }
        assert blocked == {
            "metric_regression", "metric_floor", "segment_regression", "segment_floor",
            "group_disparity",
        }  # fmt: skip
        assert TestSetOf.BASELINE in {finding.subject.test_set for finding in failed(verdict)}

    @pytest.mark.parametrize("variant", VARIANTS)
    @pytest.mark.parametrize("by_old_model", [False, True])
    def test_never_passes_where_it_was_not(
        self, variant: str, by_old_model: bool, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        rows, answers = VARIANTS[variant]
        new = side(tmp_path / "new", rows, answers, by_old_model=answers if by_old_model else None)
        verdict = verdict_of(policy, new, base)
        if variant == "relabelled":  # every row is there, and the baseline says its label
            assert verdict.decision is Decision.FAIL
            return
        assert verdict.decision is Decision.CANNOT_JUDGE
        assert verdict.reason == (
            "this model cannot be judged on 100 of the baseline's 400 test rows: 100 of them are "
            "taken out, and this model was not run on them (let `gates.evidence.predict` say how). "
            "Where that is meant, `gates.unjudged: 0.25` on the default branch accepts it"
        )

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_fails_with_large_evidence_too(
        self,
        variant: str,
        policy: Policy,
        base: Evidence,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Beyond the limit passes judge, but no test set that changed."""
        monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)
        rows, answers = VARIANTS[variant]
        new = side(tmp_path / "new", rows, answers, old_rows=ANSWERS, by_old_model=answers)
        of = Case(policy.settings, new, base, asked=policy.asks(new))
        assert of.why_by_rows == "the test set has changed"
        assert judge(policy, of).decision is Decision.FAIL

    def test_fails_with_two_answers_for_one_row(
        self, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        """The rows are the same in both test sets, so the model's own answers count for both."""
        new = side(tmp_path / "new", FORGED, ANSWERS, old_rows=LABELS, by_old_model=WRONG)
        of = Case(policy.settings, new, base)
        on_new, on_old = of.arenas
        assert on_old.candidate.predictions.tolist() == ANSWERS
        assert on_new.baseline.predictions.tolist() == LABELS
        assert judge(policy, of).decision is Decision.FAIL

    @pytest.mark.parametrize("said", [None, "honest", "wrong", "chance", "as the new one"])
    def test_cannot_excuse_a_small_harm_by_what_the_old_model_says_of_added_rows(
        self, said: str | None, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        """12 of 100 are wrong, of which 5 are allowed; no word for the baseline makes it less."""
        new_rows = range(ROWS, 2 * ROWS)
        added = [at % 2 == 0 for at in new_rows]
        answers = [label != (at % 25 < 3) for at, label in enumerate(LABELS + added)]
        words = {
            "honest": added,
            "wrong": [not label for label in added],
            "chance": [at % 3 == 0 for at in new_rows],
            "as the new one": answers[ROWS:],
        }
        new = side(
            tmp_path / "new",
            table([f"r{at}" for at in range(2 * ROWS)], LABELS + added),
            answers,
            old_rows=answers[:ROWS],
            by_old_model=None if said is None else LABELS + words[said],
        )
        verdict = verdict_of(policy, new, base)
        assert verdict.decision is Decision.FAIL
        assert "accuracy" in {finding.subject.metric for finding in failed(verdict)}

    def test_fails_by_features_that_make_wrong_rows_easy(
        self, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        """Names and labels stay, so that only the features tell that these are other rows."""
        new = side(tmp_path / "new", EDITED, LABELS, old_rows=ANSWERS, by_old_model=LABELS)
        verdict = verdict_of(policy, new, base)
        assert verdict.decision is Decision.FAIL
        assert verdict.test_set is not None
        assert (verdict.test_set.changed, verdict.test_set.edited) == (True, 100)
        assert {finding.subject.test_set for finding in failed(verdict)} == {
            None,
            TestSetOf.BASELINE,
        }

    def test_cannot_take_rows_into_training_either(
        self, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        """The test set is what it was; the rows that would be wrong have been learnt by heart."""
        learnt = take(table(), [at for at in range(ROWS) if WRONG[at]])
        new = side(tmp_path / "new", table(), LABELS, train=learnt)
        verdict = verdict_of(policy, new, base)
        assert verdict.decision is Decision.CANNOT_JUDGE
        assert "100 of them are training rows now" in verdict.reason

    def test_cannot_weigh_rows_away(self, tmp_path: Path) -> None:
        text = POLICY.replace("gates:", "gates:\n  sample_weight: w")
        policy = read_policy(text[: text.index("  group_")].encode(), "params.yaml")
        made = []
        for name, answers, weights in (
            ("old", LABELS, [1.0] * ROWS),
            ("new", ANSWERS, [0.0 if wrong else 1.0 for wrong in WRONG]),
        ):
            listed = {"town": "feature category", "age": "feature number", "w": "weight number"}
            made.append(
                evidence(
                    tmp_path / name,
                    listed,
                    test={**table(), "w": weights},
                    scores=scores(answers),
                    settings=policy.settings,
                )
            )
        verdict = verdict_of(policy, made[1], made[0])
        assert verdict.test_set is not None
        assert verdict.test_set.relabelled == 100
        assert verdict.decision is Decision.FAIL


class TestOtherTasks:
    """Labels are forged to what the new model says, of every fourth row."""

    def judge(self, text: str, folder: Path, label: Any, sides: list[tuple[Any, Any]]) -> Verdict:
        policy = read_policy(text.encode(), "params.yaml")
        new, old = (
            evidence(
                folder / str(at),
                {"label": label},
                test={"row_id": IDS, "label": labels},
                scores=answers,
                settings=policy.settings,
            )
            for at, (labels, answers) in enumerate(sides)
        )
        verdict = verdict_of(policy, new, old)
        assert verdict.test_set is not None
        assert verdict.test_set.relabelled == 100
        return verdict

    def test_numbers(self, tmp_path: Path) -> None:
        truth = [float(at % 7) for at in range(ROWS)]
        said = [one + 9 if wrong else one for one, wrong in zip(truth, WRONG, strict=True)]
        verdict = self.judge(
            "gates: {task: regression, metric_regression: "
            "{metrics: {mean_absolute_error: {margin: 0.5}}}}",
            tmp_path,
            "label number",
            [(said, {"prediction": said}), (truth, {"prediction": truth})],
        )
        (finding,) = failed(verdict)
        assert finding.change == pytest.approx(9 / 4)

    def test_classes(self, tmp_path: Path) -> None:
        names = ("cat", "dog", "eel")
        truth = [names[at % 3] for at in range(ROWS)]
        said = [names[(at + wrong) % 3] for at, wrong in enumerate(WRONG)]
        verdict = self.judge(
            "gates: {task: multiclass, metric_regression: {metrics: {accuracy: {margin: 0.05}}}}",
            tmp_path,
            {"role": "label", "type": "category", "levels": list(names), "description": "animal"},
            [(said, _sure(said, names)), (truth, _sure(truth, names))],
        )
        (finding,) = failed(verdict)
        assert finding.change == pytest.approx(-0.25)


def _sure(decided: list[str], names: tuple[str, ...]) -> dict[str, list[float]]:
    return {f"score_{name}": [0.8 if one == name else 0.1 for one in decided] for name in names}


def _fails(finding: Finding) -> bool:
    return finding.state is State.FAILED


class TestHonestPullRequests:
    def test_mended_labels_with_the_same_model_block_nothing(
        self, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        """Seven labels were wrong: the model is none the worse for it."""
        mended = [not label if at < 7 else label for at, label in enumerate(LABELS)]
        for name, old_rows in (("crossed", LABELS), ("alone", None)):
            new = side(
                tmp_path / name,
                table(labels=mended),
                LABELS,
                old_rows=old_rows,
                by_old_model=old_rows,
            )
            verdict = verdict_of(policy, new, base)
            assert verdict.decision is Decision.PASS
            assert {f.change for o in verdict.outcomes for f in o.findings} <= {None, 0.0}

    def test_features_that_are_recoded_ask_nothing_of_the_new_model_on_the_old_ones(
        self, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        """Ages in months: of ages in years the new model says nonsense, and nobody asks it."""
        months = table(age=[12.0 * at for at in range(ROWS)])
        new = side(tmp_path / "new", months, LABELS, old_rows=ANSWERS, by_old_model=ANSWERS)
        verdict = verdict_of(policy, new, base)
        assert verdict.decision is Decision.PASS
        assert verdict.test_set is not None
        assert not verdict.test_set.changed

    def test_a_better_model_on_a_test_set_that_grows_passes(
        self, policy: Policy, tmp_path: Path
    ) -> None:
        weak = [answer != (at % 20 == 0) for at, answer in enumerate(LABELS)]
        old = side(tmp_path / "old", table(), weak)
        ids = [*IDS, *(f"s{at}" for at in range(100))]
        labels = [*LABELS, *LABELS[:100]]
        new = side(
            tmp_path / "new",
            table(ids, labels),
            labels,
            old_rows=LABELS,
            by_old_model=[*weak, *weak[:100]],
        )
        assert verdict_of(policy, new, old).decision is Decision.PASS

    def test_a_refreshed_test_set_with_the_same_model_passes(
        self, policy: Policy, base: Evidence, tmp_path: Path
    ) -> None:
        ids = [f"s{at}" for at in range(ROWS)]
        new = side(tmp_path / "new", table(ids), LABELS, old_rows=LABELS, by_old_model=LABELS)
        assert verdict_of(policy, new, base).decision is Decision.PASS

    def test_what_cannot_be_run_again_can_be_accepted_by_the_base(
        self, base: Evidence, tmp_path: Path
    ) -> None:
        """A test window that moves on: the old rows are training rows now."""
        ids = [f"s{at}" for at in range(ROWS)]
        new = side(
            tmp_path / "new",
            table(ids),
            LABELS,
            old_rows=LABELS,
            by_old_model=LABELS,
            train=table(),
        )
        verdicts = []
        for accepted in (0.99, 1.0):
            text = POLICY.replace("gates:", f"gates:\n  unjudged: {accepted}")
            verdicts.append(verdict_of(read_policy(text.encode(), "params.yaml"), new, base))
        assert [each.decision for each in verdicts] == [Decision.CANNOT_JUDGE, Decision.PASS]
        assert verdicts[1].test_set is not None
        assert verdicts[1].test_set.learnt == ROWS

    def test_one_row_of_the_accepted_share_too_many(self, base: Evidence, tmp_path: Path) -> None:
        found = []
        for count in (4, 5):
            new = side(tmp_path / str(count), take(table(), range(count, ROWS)), LABELS[count:])
            policy = read_policy(
                POLICY.replace("gates:", "gates:\n  unjudged: 0.01").encode(), "params.yaml"
            )
            found.append(verdict_of(policy, new, base).decision)
        assert found == [Decision.PASS, Decision.CANNOT_JUDGE]


def test_gates_that_ask_no_test_row_do_not_care(base: Evidence, tmp_path: Path) -> None:
    policy = read_policy(b"gates: {columns: {}}", "params.yaml")
    new = side(tmp_path / "new", take(table(), range(300)), LABELS[:300])
    assert verdict_of(policy, new, base).decision is Decision.PASS


def test_segments_are_the_baselines_on_its_rows(
    policy: Policy, base: Evidence, tmp_path: Path
) -> None:
    """The pull request calls every row it gets wrong town c, where there were only a and b."""
    moved = ["c" if wrong else town for wrong, town in zip(WRONG, towns(ROWS), strict=True)]
    rows = {**table(), "row_id": ["x", *IDS[1:]], "town": moved}
    new = side(tmp_path / "new", rows, ANSWERS, old_rows=ANSWERS)
    found = {
        finding.subject.segment["town"]: finding.state
        for outcome in verdict_of(policy, new, base).outcomes
        if outcome.gate == "segment_regression"
        for finding in outcome.findings
        if finding.subject.segment
    }
    assert found["a"] is State.FAILED
    assert "c" not in found


def test_segments_stay_the_baselines_where_nothing_else_changes(
    policy: Policy, base: Evidence, tmp_path: Path
) -> None:
    """All rows of town a are wrong, and called b or a by turns, so that each town is half right."""
    wrong = [
        label if town == "b" else not label for label, town in zip(LABELS, towns(ROWS), strict=True)
    ]
    mixed = [("a", "b")[at % 2] for at in range(ROWS)]
    new = side(tmp_path / "new", table(town=mixed), wrong)
    of = Case(policy.settings, new, base)
    assert (of.test_set.changed, of.test_set.added, of.test_set.edited) == (True, 0, ROWS // 2)
    found = {
        finding.subject.segment["town"]: finding.change
        for outcome in judge(policy, of).outcomes
        if outcome.gate == "segment_regression"
        for finding in outcome.findings
    }
    assert found == {"a": -1.0, "b": 0.0}


def test_other_bands_are_another_way_to_judge(tmp_path: Path) -> None:
    """The pull request cuts ages into one band, where the baseline has two."""
    policy = read_policy(
        b"gates: {segments: [age], segment_floor: {metrics: {accuracy: 0.5}}}", "params.yaml"
    )
    made = []
    for name, edges, answers in (("old", [0, 300, 400], LABELS), ("new", [0, 400], ANSWERS)):
        listed: dict[str, Any] = {
            "town": "feature category",
            "age": {"role": "feature", "type": "number", "segment": edges, "description": "age"},
        }
        made.append(evidence(tmp_path / name, listed, test=table(), scores=scores(answers)))
    verdict = verdict_of(policy, made[1], made[0])
    found = {f.subject.text() for outcome in verdict.outcomes for f in outcome.findings}
    assert "accuracy for age = [300, 400) on the baseline's rows" in found
    assert verdict.test_set is not None
    assert verdict.test_set.changed
    of = Case(policy.settings, made[1], made[0])
    assert why_by_rows(of) == "the test set is cut into other segments"


def test_people_are_kept_together_on_the_baselines_rows(tmp_path: Path) -> None:
    people = [f"p{at // 4}" for at in range(ROWS)]
    listed = {"person": Role.GROUP.value + " text"}
    old = evidence(tmp_path / "old", listed, test={**_people(IDS, people)}, scores=scores(LABELS))
    new = evidence(
        tmp_path / "new",
        listed,
        test=_people(["x", *IDS[1:]], people),
        scores=scores(ANSWERS),
        other_scores={
            "baseline_predictions.parquet": (["x", *IDS[1:]], scores(LABELS)),
            "predictions_on_baseline_test.parquet": (IDS, scores(ANSWERS)),
        },
    )
    of = Case(old.settings, new, old)
    assert of.on_base is not None
    groups = of.on_base.candidate_groups
    assert groups is not None
    assert len(set(groups.tolist())) == len(set(zip(groups.tolist(), people, strict=True))) == 100


def _people(ids: list[str], people: list[str]) -> Rows:
    return {"row_id": ids, "person": people, "label": LABELS}


class TestSinceTheRelease:
    """A release that was right everywhere, whose test set is the baseline's."""

    def reference(self, new: Evidence, base: Evidence, release: Evidence) -> Case:
        anchor = Anchor(side=Side(revision="a" * 40, tag="v1"), evidence=release)
        return Case(new.settings, new, base, anchor=anchor).references[1]

    def test_new_labels_do_not_take_rows_out_of_the_comparison(
        self, base: Evidence, tmp_path: Path
    ) -> None:
        release = side(tmp_path / "release", table(), LABELS)
        new = side(tmp_path / "new", FORGED, ANSWERS)
        (arena,) = self.reference(new, base, release).arenas
        assert len(arena.rows) == ROWS
        assert arena.candidate.labels.tolist() == LABELS

    def test_rows_that_the_merge_base_has_corrected_are_left_out(self, tmp_path: Path) -> None:
        release = side(tmp_path / "release", table(), LABELS)
        mended = [not label if at < 7 else label for at, label in enumerate(LABELS)]
        base = side(tmp_path / "base", table(labels=mended), mended)
        ids = [*IDS[:-1], "x"]
        new = side(tmp_path / "new", table(ids, mended), mended)
        (arena,) = self.reference(new, base, release).arenas
        assert arena.rows.tolist() == list(range(7, ROWS - 1))
