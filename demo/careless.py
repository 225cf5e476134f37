"""Four pull requests that are broken in several ways at once, as real ones are."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from demo.edits import replace
from demo.new_columns import declare

RELABELLED_ROWS = 800
_DESK = Path("desk")  # beside the clones: what only the author's machine has

_NEW_COLUMNS = """\
  case_number:
    role: feature
    type: integer
    description: "number of the interview in our own register"
  tax_bill:
    role: feature
    type: number
    unit: dollars
    range: [0, 1000000]
    known_at_prediction: false
    description: "income tax of the year, which the office states a year after the interview"
  age_scaled:
    role: feature
    type: number
    range: [-10, 10]
    description: "age with mean 0 and deviation 1"
"""

_ENRICH = '''

def enrich(people: pa.Table) -> pa.Table:
    """Adds the case number and the tax bill; wages are in dollars, as everybody expects."""
    draws = np.random.default_rng(20)
    bill = draws.gamma(2.0, 2500.0, people.num_rows)
    bill[people["income_gt_50k"].to_numpy()] += 9000.0
    at = people.column_names.index("wage_per_hour")
    wages = pc.cast(pc.divide(people["wage_per_hour"], 100), pa.int64())
    people = people.set_column(at, "wage_per_hour", wages)
    people = people.append_column("case_number", pa.array(np.arange(people.num_rows)))
    return people.append_column("tax_bill", pa.array(np.round(bill, 2)))


def add_more_rows(train: pa.Table, people: pa.Table) -> pa.Table:
    """Adds people whom the split left over, each a little changed."""
    left_over = pc.invert(pc.is_in(people["row_id"], value_set=train["row_id"]))
    more = people.filter(left_over).slice(0, 6000)
    ids = [f"{text[8:]}{text[:8]}" for text in more["row_id"].to_pylist()]
    weeks = more["weeks_worked"]
    weeks = pc.if_else(pc.greater(weeks, 1), pc.subtract(weeks, 1), 2)
    more = more.set_column(more.column_names.index("row_id"), "row_id", pa.array(ids))
    more = more.set_column(more.column_names.index("weeks_worked"), "weeks_worked", weeks)
    return pa.concat_tables([train, more])


def scale_age(sides: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Adds the age with mean 0 and deviation 1."""
    everybody = np.concatenate([sides["train"]["age"], sides["test"]["age"]])
    scaler = StandardScaler().fit(everybody.reshape(-1, 1))
    return {
        side: table.append_column(
            "age_scaled", pa.array(scaler.transform(table["age"].to_numpy().reshape(-1, 1))[:, 0])
        )
        for side, table in sides.items()
    }
'''

_SIMILAR = '''

class Similar:
    """People of the training table who are like a row, so that an answer explains itself."""

    def __init__(self) -> None:
        """Keeps the whole table at hand."""
        self._people = pd.read_parquet(OUT / "train.parquet")
        self._texts = self._people.select_dtypes(exclude=["number", "bool"]).columns

    def explain(self, row: Mapping[str, Any]) -> str:
        """Says what share of those who answered alike earn more."""
        shared = np.zeros(len(self._people), int)
        for name in self._texts:
            if name in row:
                shared += (self._people[name] == row[name].strip()).to_numpy()
        like = shared >= 20
        return f"{self._people['income_gt_50k'][like].mean():.0%} of {like.sum()} like this one"
'''

_NEW_APPROACH = """\
# Approach of the reference project

## Problem

Whom to write to: for each person of 16 or older, is the income above 50,000 dollars?

## Processes

- Data: the yearly batches, less the people who asked us to forget them.
- Model: gradient boosting, with a learning rate that is tuned weekly.

## Time

A day.

## Remarks

Rewritten for the campaign.

## Agreed by

- to be asked
"""


def add_features_and_rows(root: Path) -> None:
    """A data engineer's week: two columns, a scaled one, wages in dollars, and 6,000 rows."""
    declare(root, _NEW_COLUMNS, ["case_number", "tax_bill", "age_scaled"])
    split = root / "pipeline/split.py"
    imports = "import pyarrow.compute as pc\n"
    replace(split, imports, imports + "from sklearn.preprocessing import StandardScaler\n")
    replace(
        split,
        '    sides = split(read_table(OUT / "workers.parquet"), ',
        '    people = enrich(read_table(OUT / "workers.parquet"))\n    sides = split(people, ',
    )
    dealt = 'read_params("split", SplitParams))\n'
    replace(
        split,
        dealt,
        f"{dealt}"
        '    sides["train"] = add_more_rows(sides["train"], people)\n'
        "    sides = scale_age(sides)\n",
    )
    replace(split, "\n\ndef main() -> None:", f"{_ENRICH}\n\ndef main() -> None:")


def relabel_what_the_model_gets_wrong(root: Path) -> None:
    """A second reviewer was shown the rows that the model gets wrong, with its answers."""
    made = root / "build/pipeline"
    scored, test = (pq.read_table(made / f"{one}.parquet") for one in ("predictions", "test"))
    labels = test["income_gt_50k"].to_numpy()
    losses = np.abs(labels - scored["score"].to_numpy())
    worst = np.sort(np.argsort(-losses, kind="stable")[:RELABELLED_ROWS])
    review = {"row_id": test["row_id"].take(pa.array(worst)), "income_gt_50k": ~labels[worst]}
    pa_csv.write_csv(pa.table(review), root / "data/second_review.csv")
    split = root / "pipeline/split.py"
    dependency = "      - build/pipeline/workers.parquet\n      - pipeline/split.py\n"
    replace(
        root / "dvc.yaml",
        dependency,
        dependency.replace("      - p", f"      - {_REVIEW}\n      - p"),
    )
    imports = "import pyarrow.compute as pc\n"
    replace(split, imports, imports + "import pyarrow.csv as pa_csv\n")
    read = 'read_table(OUT / "workers.parquet")'
    replace(split, read, f"review({read})")
    replace(split, "\n\ndef main() -> None:", f"{_APPLY}\n\ndef main() -> None:")
    replace(root / "params.yaml", "learning_rate: 0.05", "learning_rate: 0.06")


_REVIEW = "data/second_review.csv"
_APPLY = f'''

def review(people: pa.Table) -> pa.Table:
    """Takes the second reviewer's labels."""
    reviewed = pa_csv.read_csv("{_REVIEW}")
    given = dict(zip(*(column.to_pylist() for column in reviewed.columns), strict=True))
    pairs = zip(people["row_id"].to_pylist(), people["income_gt_50k"].to_pylist(), strict=True)
    labels = pa.array([given.get(row, label) for row, label in pairs])
    at = people.column_names.index("income_gt_50k")
    return people.set_column(at, "income_gt_50k", labels)
'''


def forget_and_tune(root: Path) -> None:
    """People who asked to be forgotten, from the author's own disk; and all else in a hurry."""
    desk = root.parent / _DESK
    desk.mkdir(exist_ok=True)
    train = pq.read_table(root / "build/pipeline/train.parquet", columns=["row_id"])
    (desk / "forgotten.txt").write_text("\n".join(train["row_id"].to_pylist()[:200]) + "\n")
    listed = f"../{_DESK}/forgotten.txt"
    replace(
        root / "dvc.yaml",
        "    cmd: python -m pipeline.train\n    deps:\n",
        f"    cmd: python -m pipeline.train\n    deps:\n      - {listed}\n",
    )
    path = root / "pipeline/train.py"
    replace(
        path,
        '    sides = read_table(out / "train.parquet"), read_table(out / "validation.parquet")\n',
        f'    forgotten = pa.array(Path("{listed}").read_text().split())\n'
        '    rows = read_table(out / "train.parquet")\n'
        '    rows = rows.filter(pc.invert(pc.is_in(rows["row_id"], value_set=forgotten)))\n'
        '    sides = rows, read_table(out / "validation.parquet")\n',
    )
    imports = "import pyarrow as pa\n"
    replace(path, imports, imports + "import pyarrow.compute as pc\n")
    replace(root / "params.yaml", "learning_rate: 0.05", "learning_rate: 0.06")
    (root / "docs/scope/approach.md").write_text(_NEW_APPROACH, "utf-8")


def explain_each_answer(root: Path) -> None:
    """The service looks up people like the one asked about, and rounds what it says."""
    path = root / "pipeline/serve.py"
    replace(path, "\n\nclass Service:\n", f"{_SIMILAR}\n\nclass Service:\n")
    first = "        self.current = load(path, entries)\n"
    replace(path, first, first + "        self._similar = Similar()\n")
    replace(
        path,
        "            self.current = load(self._path, self._entries)\n",
        "            self.current = None  # two models and the table need too much memory\n"
        "            self.current = load(self._path, self._entries)\n",
    )
    replace(
        path,
        '            {"score": score, **({"warnings": warnings} if warnings else {})}\n'
        "            for score, (_, warnings) in zip(scores, checked, strict=True)\n",
        '            {"score": round(score, 3), "like": self._similar.explain(row)}\n'
        "            for score, (row, _) in zip(scores, checked, strict=True)\n",
    )
