"""Permutations without memory: each place once per pass, every order possible, the same on any machine."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.synth.texts.draws import below, derive_seed, permuted


@given(st.integers(1, 400), st.integers(0, 5), st.integers(-(2**63), 2**70))
def test_each_pass_visits_every_place_once(size: int, turn: int, seed: int) -> None:
    places = [permuted(turn * size + i, size, seed) for i in range(size)]
    assert sorted(places) == list(range(size))


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        tuple(permuted(turn * 50 + i, 50, seed) for i in range(50))
        for seed in range(20)
        for turn in range(20)
    }
    assert len(orders) == 400


@pytest.mark.parametrize("size", [2, 3, 4])
def test_every_order_is_about_as_frequent(size: int) -> None:
    passes = 2400
    orders = Counter(tuple(permuted(turn * size + i, size, 7) for i in range(size)) for turn in range(passes))
    assert set(orders) == set(permutations(range(size)))
    expected = passes / len(orders)
    chi_square = sum((count - expected) ** 2 / expected for count in orders.values())
    assert chi_square < 2 * len(orders)


def test_neighbours_in_a_large_list_are_unrelated() -> None:
    size = 1_000_000
    places = np.array([permuted(i, size, 1) for i in range(4000)])
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.05
    assert abs(places.mean() / size - 0.5) < 0.03


def test_the_order_never_changes_between_versions_or_machines() -> None:
    """Datasets are made again from their recipe: these numbers are part of the format."""
    assert [permuted(i, 10, 0) for i in range(20)] == [
        3,
        7,
        5,
        6,
        9,
        1,
        0,
        2,
        4,
        8,
        8,
        4,
        0,
        6,
        9,
        3,
        7,
        2,
        1,
        5,
    ]
    assert derive_seed(1, "a", 2) == 14885716101866245751


def test_below_reaches_every_number_and_no_other() -> None:
    rng = np.random.default_rng(0)
    assert {below(3, rng) for _ in range(100)} == {0, 1, 2}
