"""Shares are kept at every point, each source counts its own lines, and no order of asking matters."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.texts.mix import Mix

UNUSED = np.random.default_rng(0)


@dataclass(frozen=True)
class Numbered:
    name: str

    def text(self, index: int, rng: np.random.Generator) -> str:
        return f"{self.name}{index}"


def mix(*weights: float) -> Mix:
    return Mix.of([Numbered(chr(97 + i)) for i in range(len(weights))], weights)


@pytest.mark.parametrize(
    ("weights", "texts"),
    [
        ((1,), "a0 a1 a2"),
        ((1, 1), "a0 b0 a1 b1"),
        ((2, 1), "a0 b0 a1 a2 b1 a3"),
        ((0.1, 0.3), "b0 a0 b1 b2 b3 a1 b4 b5"),
        ((1, 1, 1), "b0 a0 c0 b1 a1 c1"),
    ],
)
def test_the_schedule(weights: tuple[float, ...], texts: str) -> None:
    source = mix(*weights)
    assert [source.text(i, UNUSED) for i in range(len(texts.split()))] == texts.split()


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=12), st.integers(1, 300))
def test_shares_are_kept_at_every_point_and_every_source_counts_up(weights: list[int], lines: int) -> None:
    source = mix(*weights)
    seen = dict.fromkeys(range(len(weights)), 0)
    for i in range(lines):
        text = source.text(i, UNUSED)
        which = ord(text[0]) - 97
        assert int(text[1:]) == seen[which]
        seen[which] += 1
    depth = (len(weights) - 1).bit_length()
    for which, weight in enumerate(weights):
        assert abs(seen[which] - lines * weight / sum(weights)) <= depth / 2


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_that_is_none(weight: float) -> None:
    with pytest.raises(InputError, match="of a text source is not a number above 0"):
        mix(1, weight)


def test_a_mix_of_nothing() -> None:
    with pytest.raises(InputError, match="a mix needs at least one text source"):
        mix()


def test_a_mix_can_be_sent_to_a_worker() -> None:
    source = mix(3, 2, 1)
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    assert again.text(10, UNUSED) == source.text(10, UNUSED)
