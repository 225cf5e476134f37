"""Remarks stand at lines that the pull request changed, and only there."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.finding import Direction, PolicyChange, Verdict
from gates.github.annotations import MOST, annotate, read_patch
from gates.github.values import ChangedFile
from tests.report.samples import SAMPLES

PATCH = """\
@@ -10,4 +10,5 @@ gates:
   metric_floor:
-    metrics: {roc_auc: 0.90}
+    metrics: {roc_auc: 0.80}
+    # lower
   schema: {}
   columns: {}
@@ -40 +41,0 @@
-gone
\\ No newline at end of file"""


def changed(name: str, patch: str | None = PATCH) -> ChangedFile:
    return ChangedFile(name, "modified", patch)


def test_a_patch_is_read_by_lines() -> None:
    found = read_patch(changed("params.yaml"))
    assert found.added == {11: "    metrics: {roc_auc: 0.80}", 12: "    # lower"}
    assert found.moved == {10: 10, 11: 11, 12: 13, 13: 14, 40: 41}


@given(st.text(alphabet="+- @,0123456789\n\\a", max_size=200))
def test_any_text_is_read(patch: str) -> None:
    found = read_patch(changed("p", patch))
    assert all(line >= 0 for line in found.added)


def verdict(name: str) -> Verdict:
    return SAMPLES[name]()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_remark_stands_at_a_changed_line(name: str) -> None:
    files = [
        changed("params.yaml"),
        changed("dvc.lock", "@@ -1 +1,2 @@\n a\n+b"),
        changed("x", None),
    ]
    lines = {"params.yaml": set(range(10, 15)), "dvc.lock": {1, 2}}
    for one in annotate(verdict(name), files):
        assert one.start_line == one.end_line
        assert one.start_line in lines[one.path]
        assert one.message.isprintable()
        assert one.title


def test_a_pass_has_no_failure() -> None:
    assert annotate(verdict("improvement"), [changed("dvc.lock")]) == ()


def test_problems_without_a_line_stand_at_the_lock() -> None:
    found = annotate(verdict("label_noise"), [changed("a.py"), changed("dvc.lock")])
    assert {(one.path, one.start_line, one.annotation_level) for one in found} == {
        ("dvc.lock", 11, "failure")
    }


def test_without_changed_lines_nothing_is_said() -> None:
    assert annotate(verdict("label_noise"), [changed("data.parquet", None)]) == ()
    assert annotate(verdict("label_noise"), []) == ()


def test_a_loosened_limit_is_named_at_its_line() -> None:
    changes = verdict("loosened").policy_changes
    key = next(one.key for one in changes if one.direction is Direction.LOOSENED).split(".")[-1]
    patch = f"@@ -1,2 +1,3 @@\n gates:\n+  # other\n+  {key}: 0.5"
    found = annotate(verdict("loosened"), [changed("params.yaml", patch)])
    assert [(one.start_line, one.annotation_level) for one in found if "limit" in one.title] == [
        (3, "warning")
    ]


def test_a_new_waiver_is_named_at_its_line() -> None:
    new = PolicyChange(
        key="waivers.drift.0f3b9a7c2d1e4f56", direction=Direction.LOOSENED, candidate='"age"'
    )
    made = msgspec.structs.replace(verdict("improvement"), policy_changes=(new,))
    patch = '@@ -0,0 +1,2 @@\n+- gate: drift\n+  fingerprint: "0f3b9a7c2d1e4f56"'
    found = annotate(made, [changed("params.yaml", patch), changed("waivers.yaml", patch)])
    assert [(one.path, one.start_line, one.title) for one in found] == [
        ("waivers.yaml", 2, "waives more, once merged")
    ]


def test_there_are_never_more_than_github_is_asked_to_show() -> None:
    assert len(annotate(verdict("hostile"), [changed("dvc.lock")])) <= MOST
