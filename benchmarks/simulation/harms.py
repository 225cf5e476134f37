"""Harms that pull requests do, each in growing strength: what somebody did, and what was left."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.simulation.people import Scores, Tables, World
from gates.finding import Verdict
from tests.bites.reference import LABEL, labels_of, replace_column, texts_of

Mask = npt.NDArray[np.bool_]
Act = Callable[[World, float], Verdict]
COME = 0.25  # of the people, where a new batch brings the harm


class Harm(msgspec.Struct, frozen=True):
    """What is done, at which strengths, and in which unit these are read."""

    act: Act
    strengths: tuple[float, ...]


def noise_in_a_group(world: World, share: float) -> Verdict:
    """This share of the women with a high income is labelled otherwise, in the training rows."""
    table = world.tables["train"]
    labels = labels_of(table)
    lost = labels & (texts_of(table, "sex") == "Female") & _drawn(world, table, share)
    return _learn(world, replace_column(table, LABEL, pa.array(labels & ~lost)))


def noise(world: World, share: float) -> Verdict:
    """This share of all training labels is turned."""
    table = world.tables["train"]
    turned = labels_of(table) ^ _drawn(world, table, share)
    return _learn(world, replace_column(table, LABEL, pa.array(turned)))


def lost_group(world: World, share: float) -> Verdict:
    """This share of the women is lost on the way to train."""
    table = world.tables["train"]
    lost = (texts_of(table, "sex") == "Female") & _drawn(world, table, share)
    return _learn(world, table.filter(pa.array(~lost)))


def lost_rows(world: World, share: float) -> Verdict:
    """This share of the training rows is lost, whoever they are."""
    table = world.tables["train"]
    return _learn(world, table.filter(pa.array(~_drawn(world, table, share))))


def copies(world: World, share: float) -> Verdict:
    """This share of the test rows stands in train, too, under other names."""
    test = world.tables["test"]
    again = test.filter(pa.array(_drawn(world, test, share)))
    names = pa.array([f"again{at}" for at in range(again.num_rows)])
    rows = [world.tables["train"], replace_column(again, "row_id", names)]
    return _learn(world, pa.concat_tables(rows))


def leak(world: World, told: float) -> Verdict:
    """A new feature holds the label in this share of the rows, and a coin's word in the others."""
    old = "  income_gt_50k:\n"
    new = "  told:\n    role: feature\n    type: integer\n    description: told by somebody\n"
    text = (world.reference.evidence / "columns.yaml").read_text("utf-8").replace(old, new + old)

    def tell(table: pa.Table) -> pa.Table:
        labels, coins = labels_of(table), world.rng.random(table.num_rows) < 0.5
        said = np.where(_drawn(world, table, told), labels, coins)
        return table.append_column("told", pa.array(said.astype(np.int64)))

    tables = {side: tell(table) for side, table in world.tables.items()}
    return _judge(world, tables=tables, dictionary=text)


def shifted(world: World, years: float) -> Verdict:
    """A new batch, a quarter more people, has all ages wrong by so many years."""
    return _batch(
        world,
        lambda table: replace_column(
            table, "age", pc.min_element_wise(pc.add(table["age"], int(years)), 90)
        ),
    )


def other_unit(world: World, share: float) -> Verdict:
    """In this share of a new batch's rows the dividends are in cents."""

    def change(table: pa.Table) -> pa.Table:
        factor = np.where(_drawn(world, table, share), 100, 1)
        return replace_column(table, "dividends", pc.multiply(table["dividends"], pa.array(factor)))

    return _batch(world, change)


def default_level(world: World, share: float) -> Verdict:
    """In this share of a new batch's rows the occupation is lost, and a default stands there."""

    def change(table: pa.Table) -> pa.Table:
        lost = pa.array(_drawn(world, table, share))
        return replace_column(
            table, "occupation_code", pc.if_else(lost, "0", table["occupation_code"])
        )

    return _batch(world, change)


def temperature(world: World, cooled: float) -> Verdict:
    """Logits are this share nearer to nought: no rank and no decision changes."""

    def cool(scores: Scores, _table: pa.Table) -> Scores:
        return np.asarray(1 / (1 + np.exp(-(1 - cooled) * _logits(scores))))

    return _judge(world, spoil=cool)


def noisy_group(world: World, deviation: float) -> Verdict:
    """The logits of one group, a tenth of the people, are off by so much at random."""

    def spoil(scores: Scores, table: pa.Table) -> Scores:
        group = texts_of(table, "race") == "Black"
        off = deviation * group * world.rng.standard_normal(len(scores))
        return np.asarray(1 / (1 + np.exp(-_logits(scores) - off)))

    return _judge(world, spoil=spoil)


def flattered(world: World, share: float) -> Verdict:
    """This share of the test rows, which the model gets wrong, takes its answer for a label."""
    test = world.tables["test"]
    wrong = _wrong(world, share)
    turned = replace_column(test, LABEL, pa.array(labels_of(test) ^ wrong))
    return _judge(world, tables={**world.tables, "test": turned})


def without_the_hard(world: World, share: float) -> Verdict:
    """This share of the test rows, which the model gets wrong, is gone; the seed is another."""
    params = msgspec.structs.replace(world.params, seed=int(world.rng.integers(100, 10_000)))
    left = world.tables["test"].filter(pa.array(~_wrong(world, share)))
    return _judge(world, tables={**world.tables, "test": left}, params=params)


def _judge(world: World, **changed: object) -> Verdict:
    """As any change, but for the folds, which stay the base's: what finds a harm is elsewhere."""
    return world.judge(world.revision(folds_of_base=True, **changed))


def _learn(world: World, train: pa.Table) -> Verdict:
    return _judge(world, tables={**world.tables, "train": train})


def _batch(world: World, change: Callable[[pa.Table], pa.Table]) -> Verdict:
    people = sum(table.num_rows for table in world.tables.values())
    come = world.rng.permutation(world.spare.num_rows)[: int(COME * people)]
    new = world.deal(change(world.spare.take(pa.array(come))), world.split_seed)
    tables: Tables = {
        side: pa.concat_tables([table, new[side]]).sort_by("row_id")
        for side, table in world.tables.items()
    }
    return _judge(world, tables=tables)


def _drawn(world: World, table: pa.Table, share: float) -> Mask:
    return np.asarray(world.rng.random(table.num_rows) < share)


def _wrong(world: World, share: float) -> Mask:
    """So many of the test rows that the base's model gets wrong, by lot; never a golden one."""
    test, scores = world.tables["test"], world.base_scores()
    golden = np.asarray(pc.is_in(test["row_id"], value_set=pa.array(world.golden)))
    places = np.flatnonzero(((scores >= 0.5) != labels_of(test)) & ~golden)
    chosen = np.zeros(test.num_rows, np.bool_)
    chosen[world.rng.permutation(places)[: round(share * test.num_rows)]] = True
    return chosen


def _logits(scores: Scores) -> Scores:
    kept = np.clip(scores, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))


HARMS: Mapping[str, Harm] = MappingProxyType(
    {
        "labels of positive women lost in train": Harm(noise_in_a_group, (0.05, 0.1, 0.2, 0.4)),
        "labels turned in train": Harm(noise, (0.01, 0.03, 0.1, 0.2)),
        "women lost from train": Harm(lost_group, (0.05, 0.1, 0.2, 0.5)),
        "training rows lost": Harm(lost_rows, (0.25, 0.5, 0.75, 0.95)),
        "test rows copied into train": Harm(copies, (0.0005, 0.002, 0.01, 0.05)),
        "a new feature tells the label": Harm(leak, (0.1, 0.3, 0.5, 0.8)),
        "ages of a new batch off, in years": Harm(shifted, (1, 3, 10, 20)),
        "dividends of a new batch in cents": Harm(other_unit, (0.01, 0.05, 0.2, 1)),
        "occupation of a new batch lost to a default": Harm(default_level, (0.02, 0.1, 0.3, 1)),
        "logits cooled": Harm(temperature, (0.05, 0.1, 0.2, 0.4)),
        "logits of one race noisy, in standard deviations": Harm(noisy_group, (0.3, 0.6, 1, 2)),
        "wrong answers taken for test labels": Harm(flattered, (0.0005, 0.002, 0.005, 0.02)),
        "test rows answered wrongly taken out": Harm(without_the_hard, (0.002, 0.01, 0.02, 0.06)),
    }
)
