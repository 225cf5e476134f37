"""Python sources → calls that learn from test rows, as far as reading a function shows them.

Nothing is imported or run. A function's statements are read in their order; names are followed
through assignments within it, and nowhere else.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec

from gates.errors import EvidenceError

Fault = Literal["fit_on_test", "fit_on_joined", "fit_before_split"]

MOST_BYTES = 1 << 20  # of a source; larger ones are called unread
_MOST_SPOTS = 200
_CALL_CHARACTERS = 120
_FITS = frozenset({"fit", "fit_transform", "fit_predict", "fit_resample", "partial_fit"})
_SPLITS = frozenset(
    {
        "train_test_split", "random_split", "cross_val_score", "cross_validate",
        "cross_val_predict", "StratifiedShuffleSplit", "GroupShuffleSplit",
    }
)  # fmt: skip
_SPLITTERS = frozenset({"kfold", "fold", "folds", "cv", "splitter", "skf", "kf", "gkf"})
_JOINS = frozenset({"concat", "concatenate", "vstack", "concat_tables", "append"})
_SHARED = frozenset({"self", "cls", "np", "pd", "pl", "pa", "sklearn"})
_AMOUNTS = frozenset({"size", "share", "fraction", "ratio"})
_TEST, _TRAIN = frozenset({"test", "testing", "holdout"}), frozenset({"train", "training"})

Text = Annotated[str, msgspec.Meta(max_length=1000)]


class Spot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call at which something is fitted to rows that it should not see."""

    file: Text
    line: int
    fault: Fault
    call: Text  # the call as it is written, cut to a line


class Scan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What reading the sources gave; `unread` are those that are no Python, or too large."""

    schema: Literal[1] = 1
    files: tuple[Text, ...]
    unread: tuple[Text, ...] = ()
    spots: tuple[Spot, ...] = ()


class _Written(Scan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a file holds it: what says nothing of its schema is not ours."""

    schema: Literal[1]


def scan_sources(sources: Mapping[str, str]) -> Scan:
    """Read all sources by path; those that do not parse are named."""
    spots: list[Spot] = []
    unread = []
    for path, text in sorted(sources.items()):
        try:
            tree = ast.parse(text) if len(text) <= MOST_BYTES else None
            found = [] if tree is None else sorted(_find(path, tree), key=lambda spot: spot.line)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            tree, found = None, []
        spots += found
        unread += [path] if tree is None else []
    return Scan(
        files=tuple(sorted(sources)), unread=tuple(unread), spots=tuple(spots[:_MOST_SPOTS])
    )


def read_scan(value: object, name: str) -> Scan:
    """A scan from plain data.

    Raises:
        EvidenceError: it is none.
    """
    try:
        written = msgspec.convert(value, _Written)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"{name}: no scan of sources: {error}. Let `gatepost collect` write it."
        ) from error
    return msgspec.convert(written, Scan, from_attributes=True)


def _find(path: str, tree: ast.Module) -> Iterator[Spot]:
    scopes: list[ast.AST] = [tree]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    scopes += [node for node in ast.walk(tree) if isinstance(node, functions)]
    for scope in scopes:
        yield from _Scope(path, scope).spots()


class _Scope:
    """One function's body, or a module's, without the functions in it."""

    def __init__(self, path: str, scope: ast.AST) -> None:
        self._path = path
        nodes = list(_own_nodes(scope))
        self._calls = sorted(
            (node for node in nodes if isinstance(node, ast.Call)),
            key=lambda call: (call.lineno, call.col_offset),
        )
        self._assigned = sorted(
            (
                (node.targets if isinstance(node, ast.Assign) else [node.target], node.value)
                for node in nodes
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value
            ),
            key=lambda pair: (pair[1].lineno, pair[1].col_offset),
        )

    def spots(self) -> Iterator[Spot]:
        """Every fit that sees what it should not; each call once, by its gravest fault."""
        joined = self._joined_names()
        for call in self._calls:
            if _name_of(call) not in _FITS or not isinstance(call.func, ast.Attribute):
                continue
            names = _names_in_arguments(call)
            if any(_TEST & _words(name) for name in names):
                yield self._spot(call, "fit_on_test")
            elif _variables(*_arguments(call)) & joined:
                yield self._spot(call, "fit_on_joined")
            elif self._is_before_split(call, names):
                yield self._spot(call, "fit_before_split")

    def _joined_names(self) -> set[str]:
        """Names of what train and test rows were put together into."""
        found: set[str] = set()
        for targets, value in self._assigned:
            for call in (node for node in ast.walk(value) if isinstance(node, ast.Call)):
                words = {word for name in _names_in_arguments(call) for word in _words(name)}
                if _name_of(call) in _JOINS and words & _TEST and words & _TRAIN:
                    found |= _variables(*targets)
        return found

    def _is_before_split(self, fit: ast.Call, names: set[str]) -> bool:
        """Whether what came of it is split further down."""
        if any(_TRAIN & _words(name) for name in names):
            return False
        reached = self._made_with(fit)
        return any(
            split.lineno > fit.lineno and _is_split(split) and reached & _variables(*split.args)
            for split in self._calls
        )

    def _made_with(self, fit: ast.Call) -> set[str]:
        """Variables that hold what the fit gave, or what its estimator made of rows later."""
        estimator = _variables(fit.func)
        reached: set[str] = set()
        for targets, value in self._assigned:
            if value.lineno < fit.lineno:
                continue
            made = any(
                node is fit
                or (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and bool(estimator & _variables(node.func))
                )
                for node in ast.walk(value)
            )
            if made or reached & _variables(value):
                reached |= _variables(*targets)
        return reached - estimator

    def _spot(self, call: ast.Call, fault: Fault) -> Spot:
        text = " ".join(ast.unparse(call).split())
        return Spot(
            file=self._path[:1000], line=call.lineno, fault=fault, call=text[:_CALL_CHARACTERS]
        )


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, but for those of inner functions, which are scopes of their own."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def _is_split(call: ast.Call) -> bool:
    if _name_of(call) in _SPLITS:
        return True
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "split":
        return False
    receiver = {word for name in _names(call.func.value) for word in _words(name)}
    return bool(receiver & _SPLITTERS)


def _name_of(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _names_in_arguments(call: ast.Call) -> set[str]:
    return {name for value in _arguments(call) for name in _names(value)}


def _variables(*nodes: ast.AST) -> set[str]:
    """Plain names in expressions, but for those of objects and modules that everything shares."""
    names = {inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return names - _SHARED


def _names(node: ast.AST) -> set[str]:
    """Names, attributes and keys in an expression: `frame`, `sides.test`, `tables["test"]`."""
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
            found |= {str(inner.slice.value)} if isinstance(inner.slice.value, str) else set()
    return found


def _words(name: str) -> frozenset[str]:
    """The words of a name: `X_test2` has `x` and `test`; of an amount such as `test_size` none."""
    words = frozenset(word.strip("0123456789").lower() for word in name.split("_"))
    return frozenset() if words & _AMOUNTS else words
