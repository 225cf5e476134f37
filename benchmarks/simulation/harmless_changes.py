"""Pull requests that harm nobody by construction, as people make them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from benchmarks.simulation.people import SIDES, Tables, World, draw_by
from gates.finding import Verdict
from pipeline.model import BoostingParams
from tests.bites.reference import write_table

Change = Callable[[World], Verdict]
TABLES = ("train", "test")
Mask = npt.NDArray[np.bool_]


def nothing(world: World) -> Verdict:
    """The same again."""
    return world.judge(world.revision())


def bootstrap(world: World) -> Verdict:
    """The training code learns from a bootstrap of its rows."""
    train = world.tables["train"]
    drawn = world.rng.integers(0, train.num_rows, train.num_rows)
    return world.judge(world.revision(learnt=train.take(pa.array(drawn))))


def other_half(world: World) -> Verdict:
    """Half of the training rows give way to as many other people of the same years."""
    train, spare = world.tables["train"], world.spare
    kept = draw_by(train, "half") < 0.5
    come = world.rng.permutation(spare.num_rows)[: int(np.count_nonzero(~kept))]
    rows = pa.concat_tables([train.filter(pa.array(kept)), spare.take(pa.array(come))])
    return world.judge(world.revision(tables={**world.tables, "train": rows.sort_by("row_id")}))


def seed(world: World) -> Verdict:
    """Another seed."""
    drawn = int(world.rng.integers(100, 10_000))
    return world.judge(world.revision(params=msgspec.structs.replace(world.params, seed=drawn)))


def parameter(world: World) -> Verdict:
    """One small step in one hyper-parameter, up or down by a tenth."""
    up, drawn = bool(world.rng.integers(2)), int(world.rng.integers(4))
    by = 1.1 if up else 0.9
    now = world.params.gradient_boosting
    steps = (
        {"learning_rate": now.learning_rate * by},
        {"max_leaf_nodes": round(now.max_leaf_nodes * by)},
        {"max_features": now.max_features * by},
        {"n_iter_no_change": round(now.n_iter_no_change * by)},
    )
    return world.judge(world.revision(params=_boosted(world, **steps[drawn])))


def more_rows(world: World, share: float = 0.05) -> Verdict:
    """More people of the same years arrive, dealt to train and test by the same hash."""
    people = sum(table.num_rows for table in world.tables.values())
    come = world.rng.permutation(world.spare.num_rows)[: int(share * people)]
    return world.judge(world.revision(tables=_append(world, world.tables, come)))


def many_more_rows(world: World) -> Verdict:
    """A quarter more people, as of a further survey like the last ones."""
    return more_rows(world, 0.25)


def rolling(world: World) -> Verdict:
    """A tenth of the people leave as too old, as many new ones come: a window that moves on."""
    left = {
        side: table.filter(pa.array(_stays(world, table, 0.9)))
        for side, table in world.tables.items()
    }
    people = sum(table.num_rows for table in world.tables.values())
    come = world.rng.permutation(world.spare.num_rows)[: int(0.1 * people)]
    return world.judge(world.revision(tables=_append(world, left, come)))


def smaller_test(world: World) -> Verdict:
    """A fifth of the test rows is given up, by lot; the model stays as it is."""
    test = world.tables["test"]
    left = test.filter(pa.array(_stays(world, test, 0.8)))
    return world.judge(world.revision(tables={**world.tables, "test": left}))


def slightly_smaller_test(world: World) -> Verdict:
    """One test row in thirty is given up by lot, and the model has another seed."""
    test = world.tables["test"]
    left = test.filter(pa.array(_stays(world, test, 29 / 30)))
    params = msgspec.structs.replace(world.params, seed=int(world.rng.integers(100, 10_000)))
    return world.judge(world.revision(tables={**world.tables, "test": left}, params=params))


def other_split(world: World) -> Verdict:
    """The same people, dealt to train and test by another hash."""
    people = pa.concat_tables([world.tables[side] for side in SIDES]).sort_by("row_id")
    return world.judge(world.revision(tables=world.deal(people, f"{world.split_seed} anew")))


def order(world: World) -> Verdict:
    """All tables in another order, and the model trained on them so."""
    tables = {
        side: table.take(pa.array(world.rng.permutation(table.num_rows)))
        for side, table in world.tables.items()
    }
    return world.judge(world.revision(tables=tables))


def renamed(world: World) -> Verdict:
    """A file of the pipeline gets another name; what is in it stays."""

    def rename(folder: Path) -> None:
        for name in ("inputs.json", "code.json"):
            path = folder / name
            path.write_text(path.read_text("utf-8").replace("stage.py", "stages.py"), "utf-8")

    return world.judge(world.revision(edit=rename))


def types(world: World) -> Verdict:
    """Integers of 32 bits, and texts as Parquet's categories; the values stay."""

    def retype(folder: Path) -> None:
        for name in TABLES:
            path = folder / f"{name}.parquet"
            write_table(_retyped(pq.read_table(path)), path)

    return world.judge(world.revision(edit=retype))


def other_writer(world: World) -> Verdict:
    """Another library writes the tables: texts as views, whole numbers with 64 bits as floats."""
    loose = {pa.int64(): pa.float64(), pa.string(): pa.string_view()}
    return world.judge(world.revision(edit=lambda folder: _rewrite(folder, TABLES, loose)))


def short_scores(world: World) -> Verdict:
    """The predictions are written with 32 bits; all that they are compared with has 64."""
    short = {pa.float64(): pa.float32()}
    return world.judge(
        world.revision(edit=lambda folder: _rewrite(folder, ("predictions",), short))
    )


def column_renamed(world: World) -> Verdict:
    """A column gets another name in tables, dictionary and code."""
    names = ("capital_gains", "gains")
    text = (world.reference.evidence / "columns.yaml").read_text("utf-8")
    tables = {
        side: table.rename_columns(
            [names[1] if name == names[0] else name for name in table.column_names]
        )
        for side, table in world.tables.items()
    }
    return world.judge(world.revision(tables=tables, dictionary=text.replace(*names)))


def levels(world: World) -> Verdict:
    """The dictionary lists each column's levels the other way round, and is written anew."""
    path = world.reference.evidence / "columns.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    for column in document["columns"].values():
        if "levels" in column:
            column["levels"] = column["levels"][::-1]
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return world.judge(world.revision(dictionary=text))


def more_iterations(world: World) -> Verdict:
    """The base stopped after 60 trees; now it learns until it gets no better."""
    weak = world.revision(params=_boosted(world, max_iter=60))
    return world.judge(world.revision(), world.base(weak, "short"))


def another_feature(world: World) -> Verdict:
    """The base did not know the occupation; now it does."""
    params = msgspec.structs.replace(world.params, drop_features=("occupation_code",))
    return world.judge(world.revision(), world.base(world.revision(params=params), "blind"))


def fewer_rows(world: World) -> Verdict:
    """A tenth of the training rows is left out by lot, to be quicker."""
    table = world.tables["train"]
    left = table.filter(pa.array(world.rng.random(table.num_rows) < 0.9))
    return world.judge(world.revision(tables={**world.tables, "train": left}))


def without_twins(world: World) -> Verdict:
    """Of training rows that are equal in every column but their name, the first is kept."""
    table = world.tables["train"]
    names = [name for name in table.column_names if name != "row_id"]
    first = table.group_by(names, use_threads=False).aggregate([("row_id", "min")])
    kept = pc.is_in(table["row_id"], value_set=first["row_id_min"].combine_chunks())
    return world.judge(world.revision(tables={**world.tables, "train": table.filter(kept)}))


def rounded(world: World) -> Verdict:
    """Scores are rounded to three decimals."""
    return world.judge(world.revision(spoil=lambda scores, _table: np.round(scores, 3)))


def packages(world: World) -> Verdict:
    """The environment is another: Python and NumPy by one patch, two threads."""

    def update(folder: Path) -> None:
        path = folder / "environment.json"
        environment = json.loads(path.read_bytes())
        environment["packages"]["numpy"] = "2.4.99"
        environment.update(python="3.11.99", threads=2)
        path.write_text(json.dumps(environment), "utf-8")

    return world.judge(world.revision(edit=update))


def engineered(world: World) -> Verdict:
    """A feature that is computed of two others: capital gains less losses."""
    old = "  income_gt_50k:\n"
    new = (
        "  capital_net:\n    role: feature\n    type: integer\n    unit: dollars\n"
        '    description: "capital gains less capital losses"\n'
    )
    text = (world.reference.evidence / "columns.yaml").read_text("utf-8").replace(old, new + old)
    tables = {
        side: table.append_column(
            "capital_net", pc.subtract(table["capital_gains"], table["capital_losses"])
        )
        for side, table in world.tables.items()
    }
    return world.judge(world.revision(tables=tables, dictionary=text))


def _boosted(world: World, **changed: float) -> object:
    now = world.params.gradient_boosting
    boosting: BoostingParams = msgspec.structs.replace(now, **changed)
    return msgspec.structs.replace(world.params, gradient_boosting=boosting)


def _append(world: World, tables: Tables, come: npt.NDArray[np.int64]) -> Tables:
    new = world.deal(world.spare.take(pa.array(come)), world.split_seed)
    return {side: pa.concat_tables([tables[side], new[side]]).sort_by("row_id") for side in SIDES}


def _stays(world: World, table: pa.Table, share: float) -> Mask:
    golden = np.isin(np.array(table["row_id"].to_pylist()), np.array(world.golden))
    return np.asarray(golden | (world.rng.random(table.num_rows) < share))


def _rewrite(
    folder: Path, names: tuple[str, ...], kinds: Mapping[pa.DataType, pa.DataType]
) -> None:
    for name in names:
        path = folder / f"{name}.parquet"
        table = pq.read_table(path)
        fields = [each.with_type(kinds.get(each.type, each.type)) for each in table.schema]
        write_table(table.cast(pa.schema(fields)), path)


def _retyped(table: pa.Table) -> pa.Table:
    narrow = {pa.int64(): pa.int32(), pa.string(): pa.dictionary(pa.int32(), pa.string())}
    fields = [
        field.with_type(narrow.get(field.type, field.type)) if field.name != "row_id" else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "nothing": nothing,
        "another seed": seed,
        "one hyper-parameter by a tenth": parameter,
        "learns from a bootstrap of its rows": bootstrap,
        "half of the training people are others": other_half,
        "5 % more people, train and test": more_rows,
        "25 % more people, train and test": many_more_rows,
        "a window that moves on by a tenth": rolling,
        "a fifth of the test rows given up, the model stays": smaller_test,
        "one test row in thirty given up, and another seed": slightly_smaller_test,
        "the same people, split anew": other_split,
        "a tenth fewer training rows": fewer_rows,
        "twins taken out of the training rows": without_twins,
        "scores rounded to three decimals": rounded,
        "packages and threads updated": packages,
        "a feature computed of two others": engineered,
        "rows in another order": order,
        "a source file renamed": renamed,
        "32-bit integers and categories in Parquet": types,
        "views of text, whole numbers as floats": other_writer,
        "predictions of 32 bits": short_scores,
        "a column renamed": column_renamed,
        "the dictionary's levels in another order": levels,
        "truly better: more trees": more_iterations,
        "truly better: another feature": another_feature,
    }
)
