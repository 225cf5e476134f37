from pathlib import Path

import pytest

from gates.report import render_comment, render_html
from gates.report.templates import TemplateError
from tests.report.reading import COMMENT_TAGS, read_html, read_markdown
from tests.report.samples import attacked, hostile, label_noise


def overriding(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_repository_replaces_a_template(tmp_path: Path) -> None:
    overrides = overriding(tmp_path, "comment.md.j2", "### {{ sign }} Ours: {{ headline }}\n")
    lines = render_comment(label_noise(), overrides=overrides).splitlines()
    assert lines[0] == "### ❌ Ours: recall for `sex = Female` fell 16.5 points (limit 5.0)"
    assert lines[-1].startswith("<!-- gatepost v1 head=")


def test_a_repository_changes_one_block(tmp_path: Path) -> None:
    text = (
        '{% extends "gatepost/comment.md.j2" %}{% block footer %}Ask the model team.{% endblock %}'
    )
    comment = render_comment(label_noise(), overrides=overriding(tmp_path, "comment.md.j2", text))
    assert "Ask the model team." in comment
    assert "| ❌ | **recall for" in comment


def test_a_template_without_an_override_is_ours(tmp_path: Path) -> None:
    assert render_comment(label_noise(), overrides=tmp_path) == render_comment(label_noise())


def test_what_a_careless_template_prints_is_escaped(tmp_path: Path) -> None:
    text = "{{ baseline_reason }} {{ changes }} {{ policy_changes }} {{ to_fix }} {{ folds }}\n"
    overrides = overriding(tmp_path, "comment.md.j2", text)
    comment = render_comment(hostile(), overrides=overrides)
    assert set(read_markdown(comment).tags) <= COMMENT_TAGS


def test_a_careless_page_is_escaped(tmp_path: Path) -> None:
    text = "<p>{{ headline }} {{ changes }} {{ gates[0].gate }}</p>"
    page = render_html(hostile(), overrides=overriding(tmp_path, "report.html.j2", text))
    assert set(read_html(page).tags) <= {"p", "code"}


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ headline.__class__.__base__.__subclasses__() }}",
        "{{ counts.__init__.__globals__ }}",
        "{{ changes.append(1) }}",
        "{{ not_there }}",
        "{{ lipsum.__globals__ }}",
        "{% for x in range(9) %}{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{% include '../pyproject.toml' %}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ '%s' | format(counts.__class__) }}",
    ],
)
def test_a_template_that_reaches_out_is_refused(tmp_path: Path, text: str) -> None:
    overrides = overriding(tmp_path, "comment.md.j2", text)
    with pytest.raises(TemplateError, match=r"^comment\.md\.j2"):
        render_comment(label_noise(), overrides=overrides)


@pytest.mark.parametrize(
    "payload", ["{{ 97*97 }}", "{% raw %}", "{{ config }}", "{#", "#}", "${97*97}", "<%= 97*97 %>"]
)
def test_no_foreign_text_is_a_template(payload: str) -> None:
    for text in (render_comment(attacked(payload)), render_html(attacked(payload))):
        assert "9409" not in text
    assert payload in read_html(render_html(attacked(payload))).text


def test_an_endless_template_is_refused(tmp_path: Path) -> None:
    overrides = overriding(tmp_path, "comment.md.j2", "### ours\n" + "x" * 70_000)
    comment = render_comment(label_noise(), overrides=overrides)
    assert comment.startswith("### ours")
    assert len(comment) < 2000
