import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import PolicyError
from gates.reading.strict_yaml import MAX_BYTES, load

ALIAS_BOMB = b"a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n"


def read(text: str) -> object:
    return load(text.encode(), "params.yaml", PolicyError).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1e-3", {"a": 0.001}),  # text in YAML 1.1, a number in 1.2 and for DVC
        ("a: no", {"a": "no"}),  # false in YAML 1.1
        ("a: 012", {"a": 12}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: '0.5'", {"a": "0.5"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: [true, False]", {"a": [True, False]}),
        ("{94: x}", {"94": "x"}),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("", None),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ALIAS_BOMB, "params.yaml:1: an anchor or alias"),
        (b"a: !!python/object/apply:os.system [id]", "params.yaml:1: the tag"),
        (b"a: 1\nb: 2\na: 3", "params.yaml:3: the key 'a' a second time"),
        (b"a: 1\n<<: {b: 2}", "params.yaml:2: the key '<<'"),
        (b"a: .nan", "params.yaml:1: .nan, which is no finite number"),
        (b"a: 1e999", "params.yaml:1: 1e999, which is no finite number"),
        (b"a: [1\nb: 2", "params.yaml:2: not YAML"),
        (b"---\na: 1\n---\nb: 2", "params.yaml:3: a second document"),
        (b"a: \xff", "params.yaml: not UTF-8 at byte 3"),
        (b"[" * 40 + b"]" * 40, "nested more than 16 deep"),
        (b"#" * (MAX_BYTES + 1), "at most 1,048,576 are read"),
        (b"? [a]\n: 1", "a key that is no plain text"),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_line(content: bytes, complaint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(content, "params.yaml", PolicyError)
    assert complaint in str(caught.value)


def test_a_value_knows_its_line() -> None:
    document = load(b"a: 1\ngates:\n  b:\n    - x\n    - y: 2\n", "params.yaml", PolicyError)
    assert document.place(("gates", "b", 1, "y")) == "params.yaml:5: gates.b[1].y"
    assert document.place(("gates", "unknown")) == "params.yaml:2: gates.unknown"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_one_error(content: bytes) -> None:
    try:
        load(content, "params.yaml", PolicyError)
    except PolicyError as error:
        assert str(error).startswith("params.yaml")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("ab \n:#'\"&*!", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner),
    max_leaves=10,
)


@given(plain)
def test_what_a_yaml_writer_wrote_is_read_back(value: object) -> None:
    import json

    assert read(json.dumps(value)) == value
