from itertools import combinations

from gates.reduction.grids import MAX_CODES, MOST_CODES, Need, pair_needs, plan_grids


def test_all_pairs_of_seven_columns_fit_into_three_grids() -> None:
    sizes = (21, 5, 3, 7, 4, 9, 5)
    needs = [Need(pair) for pair in combinations(range(7), 2)]
    grids = plan_grids(needs, sizes)
    assert len(grids) == 3
    assert all(grid.codes <= MOST_CODES for grid in grids)
    assert all(any({*need.cuts} <= {*grid.cuts} for grid in grids) for need in needs)


def test_a_need_brings_its_products() -> None:
    [grid] = plan_grids([Need((0,), ((0, 0),)), Need((0, 1), ((0, 1),))], (3, 2))
    assert (grid.cuts, grid.sizes, grid.products) == ((0, 1), (3, 2), ((0, 0), (0, 1)))


def test_what_is_too_large_is_left_out() -> None:
    assert plan_grids([Need((0, 1))], (MAX_CODES, 2)) == ()
    assert plan_grids([], ()) == ()


def test_joint_needs_cross_every_two_segmentations() -> None:
    segmentations, features = [(), (0,), (1, 2)], [(0,), (0,), (0, 1)]
    apart = pair_needs(segmentations, features, joint=False)
    assert [need.cuts for need in apart] == [(), (0,), (1, 2)]
    together = pair_needs(segmentations, features, joint=True)
    assert [need.cuts for need in together] == [(), (0,), (1, 2), (0,), (0, 1, 2), (1, 2)]
    assert together[4].products == ((0, 0), (0, 1), (1, 1))
