"""Reading sources: fits that see test rows are named, and honest code is left alone."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.evidence.leaky_code import MOST_BYTES, Scan, Spot, read_scan, scan_sources

LEAKS = {
    "scaled before the split": (
        """
        X = StandardScaler().fit_transform(X)
        X_train, X_test = train_test_split(X)
        """,
        (2, "fit_before_split"),
    ),
    "fitted first, used later": (
        """
        def prepare(frame, y):
            selector = SelectKBest(k=5)
            selector.fit(frame, y)
            kept = selector.transform(frame)
            return train_test_split(pd.DataFrame(kept), y)
        """,
        (4, "fit_before_split"),
    ),
    "through a frame of its own": (
        """
        scaled = scaler.fit_transform(X)
        frame = pd.DataFrame(scaled)
        cross_val_score(model, frame, y)
        """,
        (2, "fit_before_split"),
    ),
    "a column in place": (
        """
        df["a"] = scaler.fit_transform(df[["a"]])
        train, test = train_test_split(df)
        """,
        (2, "fit_before_split"),
    ),
    "rows made up before the split": (
        """
        X2, y2 = SMOTE().fit_resample(X, y)
        for train, test in kfold.split(X2, y2):
            pass
        """,
        (2, "fit_before_split"),
    ),
    "fitted to test rows": ("scaler.fit(X_test)", (1, "fit_on_test")),
    "by a key": ('encoder.fit(tables["test"])', (1, "fit_on_test")),
    "stops early on them": ("model.fit(X, y, eval_set=[(X_test, y_test)])", (1, "fit_on_test")),
    "put together again": (
        """
        both = pd.concat([train, test])
        encoder.fit(both[["city"]])
        """,
        (3, "fit_on_joined"),
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_what_sees_test_rows_is_named_at_its_line(leak: str) -> None:
    text, (line, fault) = LEAKS[leak]
    (spot,) = scan_sources({"stage.py": dedent(text)}).spots
    assert (spot.file, spot.line, spot.fault) == ("stage.py", line, fault)


@pytest.mark.parametrize(
    "text",
    [
        "X_train, X_test = train_test_split(X)\nscaler.fit(X_train)\nscaler.transform(X_test)",
        "model.fit(X_train, y_train)\ncross_val_score(model, X_train, y_train)",
        "model.fit(X, y)\ncross_val_score(other, X, y)",  # what is fitted is not what is split
        "pipeline.fit(X, validation_split=test_size)",
        "scaled = scaler.fit_transform(np.array(X))\nother = train_test_split(np.array(Z))",
        "words = vectorizer.fit_transform(docs)\nparts = text.split(words)",  # of text
        "def one():\n    X = scaler.fit_transform(X)\ndef two():\n    train_test_split(X)",
        "both = pd.concat([train, test])\nprint(both)",
    ],
)
def test_honest_code_is_left_alone(text: str) -> None:
    assert scan_sources({"stage.py": text}).spots == ()


def test_what_cannot_be_read_is_named() -> None:
    texts = {"b.py": "def broken(:", "a.py": "#" * (MOST_BYTES + 1), "c.py": "x = 1", "d.py": "\0"}
    scan = scan_sources(texts)
    assert (scan.files, scan.unread) == (("a.py", "b.py", "c.py", "d.py"), ("a.py", "b.py", "d.py"))


@given(st.text(max_size=60))
def test_any_text_is_read_without_harm(text: str) -> None:
    assert scan_sources({"a.py": text}).files == ("a.py",)


def test_a_long_call_is_cut() -> None:
    (spot,) = scan_sources({"a.py": f"m.fit(X_test, {'x' * 500})"}).spots
    assert len(spot.call) == 120


def test_a_scan_reads_what_was_written() -> None:
    plain = {
        "schema": 1,
        "files": ["a.py"],
        "spots": [{"file": "a.py", "line": 3, "fault": "fit_on_test", "call": "m.fit(x_test)"}],
    }
    spot = Spot(file="a.py", line=3, fault="fit_on_test", call="m.fit(x_test)")
    assert read_scan(plain, "code.json") == Scan(files=("a.py",), spots=(spot,))


@pytest.mark.parametrize("plain", [[], {}, {"files": 1}, {"files": [], "spots": [{}]}])
def test_what_is_no_scan_is_refused(plain: object) -> None:
    with pytest.raises(EvidenceError, match=r"code\.json: no scan of sources"):
        read_scan(plain, "code.json")


def test_a_scan_that_does_not_say_its_schema_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"code\.json: .*`schema`\. Let `gatepost collect`"):
        read_scan({"files": ["a.py"]}, "code.json")
