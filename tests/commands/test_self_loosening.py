"""Whatever a pull request does to its own limits and waivers, the base's judge it."""

from pathlib import Path

import msgspec
import pytest

from gates.__main__ import main
from gates.finding import Decision, Direction, State, Verdict
from gates.testing import evidence
from gates.verdict import read_verdict

POLICY = """\
gates:
  alpha: {overall: 0.05}
  metric_regression:
    metrics:
      accuracy: {margin: 0.05, mode: strict}
      recall: {margin: 0.05}
  metric_floor: {waivable: false, metrics: {accuracy: 0.93}}
  schema: {required: true}
  policy_change: {}
"""
ENTRY = """\
- gate: {gate}
  fingerprint: "{fingerprint}"
  subject: {subject}
  worst: {worst}
  written: 2026-11-01
  until: {until}
  reason: a bad week
  author: dana
"""
LOOSER, OTHER, TIGHTER = Direction.LOOSENED, Direction.CHANGED, Direction.TIGHTENED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence of a model that gets 40 of 400 rows wrong, all positives, and of a right one."""
    root = tmp_path_factory.mktemp("loosening")
    labels = [True] * 200 + [False] * 200
    for name, wrong in (("old", 0), ("new", 40)):
        scores = [0.1] * wrong + [0.9] * (200 - wrong) + [0.1] * 200
        evidence(root / name, {}, test={"label": labels}, scores=scores)
    (root / "base.yaml").write_text(POLICY)
    return root


@pytest.fixture(scope="module")
def fingerprints(folder: Path) -> dict[str, str]:
    """Of each failed finding, by gate and metric."""
    found = judged(folder, "", "", POLICY)
    return {
        f"{outcome.gate} {finding.subject.metric}": finding.fingerprint
        for outcome in found.outcomes
        for finding in outcome.findings
    }


def judged(folder: Path, waivers: str, proposed: str, policy: str) -> Verdict:
    for name, text in (("base", waivers), ("head", proposed), ("head_policy", policy)):
        (folder / f"{name}_w.yaml").write_text(text)
    at = {name: str(folder / name) for name in ("new", "old", "base.yaml", "verdict.json")}
    main(
        (
            *("judge", "--candidate", at["new"], "--baseline", at["old"]),
            *("--policy", at["base.yaml"]),
            *("--candidate-policy", str(folder / "head_policy_w.yaml")),
            *("--waivers", str(folder / "base_w.yaml")),
            *("--candidate-waivers", str(folder / "head_w.yaml")),
            *("--date", "2026-11-23", "--out", at["verdict.json"]),
        )
    )
    return read_verdict((folder / "verdict.json").read_bytes())


def without_policy_change(verdict: Verdict) -> Verdict:
    """The verdict but for what is said of the changes themselves."""
    kept = tuple(one for one in verdict.outcomes if one.gate != "policy_change")
    return msgspec.structs.replace(verdict, outcomes=kept, policy_changes=())


def entry(fingerprints: dict[str, str], what: str, worst: float, until: str = "2026-12-01") -> str:
    gate, subject = what.split()
    fingerprint = fingerprints[what]
    return ENTRY.format(
        gate=gate, fingerprint=fingerprint, subject=subject, worst=worst, until=until
    )


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        ("margin: 0.05, mode", "margin: 0.5, mode", LOOSER),
        ("recall: {margin: 0.05}", "recall: {margin: 0.9}", LOOSER),
        ("recall: {margin: 0.05}", "recall: {margin: 0.01}", TIGHTER),
        (", mode: strict", "", LOOSER),
        ("      recall: {margin: 0.05}\n", "", LOOSER),
        ("recall:", "specificity:", LOOSER),
        ("accuracy: 0.93", "accuracy: 0.1", LOOSER),
        ("waivable: false, ", "", LOOSER),
        ("required: true", "required: false", LOOSER),
        ("overall: 0.05", "overall: 0.0001", LOOSER),
        ("  policy_change: {}\n", "", LOOSER),
        ("mode: strict", "mode: guard", LOOSER),
        ("  schema: {required: true}\n", "", LOOSER),
        ("  metric_floor: {waivable: false, metrics: {accuracy: 0.93}}\n", "", LOOSER),
        ("accuracy: 0.93", "accuracy: 0.99", TIGHTER),
        ("recall: {margin: 0.05}", "recall: {margin: 0.05, mode: strict}", TIGHTER),
        ("gates:\n", "gates:\n  decision_threshold: 0.05\n", OTHER),
    ],
)
def test_an_edited_policy_changes_no_verdict(
    folder: Path, old: str, new: str, direction: Direction
) -> None:
    assert POLICY.count(old) == 1
    honest = judged(folder, "", "", POLICY)
    edited = judged(folder, "", "", POLICY.replace(old, new))
    assert without_policy_change(edited) == without_policy_change(honest)
    assert edited.decision is Decision.FAIL
    assert direction in [one.direction for one in edited.policy_changes]


@pytest.mark.parametrize(
    ("base", "head", "change"),
    [
        # (what, worst, until) of every entry; the finding of recall is at -0.2
        ([], [("recall", -0.3, "2026-12-01")], ("", LOOSER)),
        ([("recall", -0.3, "2026-11-22")], [("recall", -0.3, "2026-12-01")], (".until", LOOSER)),
        ([("recall", -0.1, "2026-12-01")], [("recall", -0.3, "2026-12-01")], (".worst", LOOSER)),
        ([("recall", -0.3, "2026-12-01")], [("recall", -0.3, "2026-11-30")], (".until", TIGHTER)),
        ([("recall", -0.3, "2026-12-01")], [], ("", TIGHTER)),
        (
            [("recall", -0.3, "2026-11-22")],
            [("recall", -0.3, "2026-11-22"), ("recall", -0.3, "2026-12-01")],
            (".2", LOOSER),
        ),
    ],
    ids=["added", "extended", "further", "shortened", "removed", "a second one"],
)
def test_an_edited_waiver_changes_no_verdict(
    folder: Path,
    fingerprints: dict[str, str],
    base: list[tuple[str, float, str]],
    head: list[tuple[str, float, str]],
    change: tuple[str, Direction],
) -> None:
    """The base's waivers count, and nobody else's; every edit is named."""

    def text(entries: list[tuple[str, float, str]]) -> str:
        made = (
            entry(fingerprints, f"metric_regression {what}", worst, until)
            for what, worst, until in entries
        )
        return "".join(made)

    honest = judged(folder, text(base), text(base), POLICY)
    edited = judged(folder, text(base), text(head), POLICY)
    assert without_policy_change(edited) == without_policy_change(honest)
    assert edited.decision is Decision.FAIL  # accuracy fails in any case
    (found,) = edited.policy_changes
    named, direction = change
    recall = fingerprints["metric_regression recall"]
    assert found.key == f"waivers.metric_regression.{recall}{named}"
    assert found.direction is direction
    gate = edited.outcomes[-1]
    states = [one.state for one in gate.findings]
    assert states == [State.FAILED if direction is LOOSER else State.PASSED]
    said = [one.message for one in gate.findings] + [one.message for one in gate.observations]
    assert "it counts once it is on the base" in said[-1]


def test_a_gate_made_waivable_on_the_way_still_refuses(
    folder: Path, fingerprints: dict[str, str]
) -> None:
    waiver = entry(fingerprints, "metric_floor accuracy", 0.5)
    proposed = POLICY.replace("waivable: false, ", "")
    verdict = judged(folder, waiver, waiver, proposed)
    assert verdict.waivers is not msgspec.UNSET
    assert [one.use for one in verdict.waivers.listed] == ["refused"]
    assert verdict.outcomes[1].findings[0].waiver is None


def test_words_of_a_waiver_are_no_loosening(folder: Path, fingerprints: dict[str, str]) -> None:
    waiver = entry(fingerprints, "metric_regression recall", -0.3)
    proposed = waiver.replace("a bad week", "a worse week")
    verdict = judged(folder, waiver, proposed, POLICY)
    assert [one.direction for one in verdict.policy_changes] == [OTHER]
    assert verdict.outcomes[-1].findings[0].state is State.PASSED
