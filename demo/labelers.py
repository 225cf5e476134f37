"""A second team labels rows that have a label already, by a guide of its own.

The published data has one label a person. What the team says is made from it by one rule: their
guide counts what somebody earns in an incorporated business of their own as the company's, and one
label in twenty is a slip, drawn with a seed.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from demo.edits import replace

OTHER_ROWS = 1500  # training rows that the team labels besides those of incorporated people
PANEL_ROWS = 5000  # test rows that the team answers
SLIPS = 0.05
INCORPORATED = "Self-employed-incorporated"
_LABELERS = ("dora", "emil")
_LABELS = "data/second_team.parquet"
_PANEL = "data/second_team_on_test_rows.parquet"
_LABEL = "income_gt_50k"

_APPLY = f'''

def add_second_team(train: pa.Table) -> pa.Table:
    """Takes the second team's labels; where its two labelers differ, a row for each."""
    given = read_table(Path("{_LABELS}"))
    said = [given.filter(pc.equal(given["labeler"], name)) for name in {_LABELERS}]
    at = train.column_names.index("{_LABEL}")
    place = pc.index_in(train["row_id"], value_set=said[0]["row_id"])
    first = pc.coalesce(said[0]["label"].take(place), train["{_LABEL}"])
    again = train.take(pc.index_in(said[1]["row_id"], value_set=train["row_id"]))
    again = again.set_column(at, "{_LABEL}", said[1]["label"])
    again = again.filter(pc.xor(said[0]["label"], said[1]["label"]))
    names = pc.binary_join_element_wise(again["row_id"], "again", "-")
    again = again.set_column(again.column_names.index("row_id"), "row_id", names)
    return pa.concat_tables([train.set_column(at, "{_LABEL}", first), again])
'''


def add_second_team(root: Path) -> None:
    """They label 4,600 training rows and answer 5,000 test rows; their labels are learnt from."""
    made, draws = root / "build/pipeline", np.random.default_rng(20)
    train, test = (pq.read_table(made / f"{side}.parquet") for side in ("train", "test"))
    rows = _choose_rows(train, draws)
    given = {"office": rows[_LABEL].to_numpy()}
    given |= {name: _answer(rows, draws) for name in _LABELERS}
    labels = {
        "row_id": rows["row_id"].to_pylist() * len(given),
        "labeler": np.repeat(list(given), rows.num_rows).tolist(),
        "label": np.concatenate(list(given.values())),
    }
    pq.write_table(pa.table(labels), root / _LABELS)
    asked = test.slice(0, PANEL_ROWS)
    answers = {"row_id": asked["row_id"], _LABEL: pa.array(_answer(asked, draws))}
    pq.write_table(pa.table(answers), root / _PANEL)
    _learn_from_them(root)


def _choose_rows(train: pa.Table, draws: np.random.Generator) -> pa.Table:
    """All who work in a business of their own, and some others."""
    others = np.flatnonzero(~_is_incorporated(train))
    chosen = _is_incorporated(train)
    chosen[draws.choice(others, OTHER_ROWS, replace=False)] = True
    return train.filter(pa.array(chosen))


def _answer(rows: pa.Table, draws: np.random.Generator) -> npt.NDArray[np.bool_]:
    """What one of the team says of each row."""
    labels = rows[_LABEL].to_numpy() & ~_is_incorporated(rows)
    return np.asarray(labels ^ (draws.random(rows.num_rows) < SLIPS), np.bool_)


def _is_incorporated(rows: pa.Table) -> npt.NDArray[np.bool_]:
    return np.array([one == INCORPORATED for one in rows["class_of_worker"].to_pylist()])


def _learn_from_them(root: Path) -> None:
    split = root / "pipeline/split.py"
    dealt = 'read_params("split", SplitParams))\n'
    replace(split, dealt, f'{dealt}    sides["train"] = add_second_team(sides["train"])\n')
    typing = "from typing import Annotated, Literal\n"
    replace(split, typing, f"from pathlib import Path\n{typing}")
    replace(split, "\n\ndef main() -> None:", f"{_APPLY}\n\ndef main() -> None:")
    dependency = "      - build/pipeline/workers.parquet\n      - pipeline/split.py\n"
    named = dependency.replace("      - p", f"      - {_LABELS}\n      - p")
    replace(root / "dvc.yaml", dependency, named)
    approach = "    approach: docs/scope/approach.md\n"
    sources = f"    labels: {_LABELS}\n    human: {_PANEL}\n"
    replace(root / "params.yaml", approach, approach + sources)
