"""Two pull requests that deal the rows out otherwise."""

from pathlib import Path

from demo.edits import replace
from demo.new_columns import declare

_HOUSEHOLD = """\
  household:
    role: group
    type: text
    description: "number of the household in the survey; half of them are visited in two years"
"""

_NUMBER = '''

def number_households(people: pa.Table) -> pa.Table:
    """Adds the household: two workers each, and every other one is visited in both years."""
    people = people.sort_by([("year", "ascending"), ("row_id", "ascending")])
    years = people["year"].to_numpy()
    number = (np.arange(len(years)) - np.searchsorted(years, years)) // 2
    names = (f"{at}" if at % 2 else f"{at} of {year}" for at, year in zip(number, years))
    return people.append_column("household", pa.array(names))
'''

_BALANCE = '''

def balance(train: pa.Table) -> pa.Table:
    """Takes as many rows of either label, so that an experiment takes a second."""
    label = train["income_gt_50k"].to_numpy()
    kept = [np.flatnonzero(label == side)[:ROWS_OF_EACH] for side in (False, True)]
    return train.take(pa.array(np.sort(np.concatenate(kept))))
'''

_PEOPLE = 'read_table(OUT / "workers.parquet")'
_DEALT = 'read_params("split", SplitParams))\n'
_MAIN = "\n\ndef main() -> None:"


def forecast_the_year_before(root: Path) -> None:
    """The split goes by year, the wrong way round; the survey's households come in beside it.

    The published data has no households. The survey visits each in two years in a row, half of them
    in both of these, which is what the rule of the numbers says.
    """
    declare(root, _HOUSEHOLD, ["household"])
    path = root / "pipeline/split.py"
    replace(path, _PEOPLE, f"number_households({_PEOPLE})")
    replace(path, _MAIN, f"{_NUMBER}{_MAIN}")
    replace(root / "params.yaml", "train_years: [1994, 1995]", "train_years: [1995]")
    replace(root / "params.yaml", "test_years: [1994, 1995]", "test_years: [1994]")


def train_on_a_balanced_sample(root: Path) -> None:
    """A thousand people to train on, half of them with a high income."""
    path = root / "pipeline/split.py"
    replace(path, _DEALT, f'{_DEALT}    sides["train"] = balance(sides["train"])\n')
    names = 'SIDES = ("train", "validation", "test")\n'
    replace(path, names, f"{names}ROWS_OF_EACH = 500\n")
    replace(path, _MAIN, f"{_BALANCE}{_MAIN}")
