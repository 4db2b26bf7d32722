"""Lengths come flat or as given, and strings of one length each once per pass."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.lengths import OfLength, by_length
from ocrtune.synth.texts.symbols import RandomSymbols

WORDS = [*(f"{i:02d}" for i in range(50)), "abc", "def", "longer"]
UNUSED = np.random.default_rng(0)


def test_flat() -> None:
    source = by_length(WORDS, seed=0)
    texts = [source.text(i, UNUSED) for i in range(150)]
    assert Counter(map(len, texts)) == {2: 50, 3: 50, 6: 50}
    assert Counter(text for text in texts if len(text) == 2) == dict.fromkeys(WORDS[:50], 1)
    assert Counter(text for text in texts if len(text) == 3) == {"abc": 25, "def": 25}


def test_as_given() -> None:
    source = by_length(WORDS, seed=0, weights={2: 3, 6: 1})
    assert Counter(len(source.text(i, UNUSED)) for i in range(40)) == {2: 30, 6: 10}


def test_a_length_that_no_string_has() -> None:
    with pytest.raises(InputError, match=r"^no string has 5 symbols; there are 50 of 2, 2 of 3, 1 of 6$"):
        by_length(WORDS, seed=0, weights={2: 1, 5: 1})
    with pytest.raises(InputError, match="a mix needs at least one text source"):
        by_length(WORDS, seed=0, weights={})


def lengths_of(source: OfLength, lines: int) -> Counter[int]:
    return Counter(len(source.text(i, np.random.default_rng((1, i)))) for i in range(lines))


def test_texts_of_any_source_in_flat_lengths() -> None:
    digits = RandomSymbols.of("0123456789", (1, 40))
    counts = lengths_of(OfLength.flat(digits, 11, 20), 1000)
    inside = sum(counts[length] for length in range(11, 21))
    assert inside > 850
    assert min(counts[length] for length in range(11, 21)) > 50


def test_texts_of_any_source_in_given_lengths() -> None:
    digits = RandomSymbols.of("0123456789", (1, 4))
    counts = lengths_of(OfLength.weighted(digits, {2: 3, 4: 1}), 1000)
    assert counts[2] + counts[4] > 970
    assert 2.3 < counts[2] / counts[4] < 4


def test_the_nearest_is_taken_where_no_text_has_the_length() -> None:
    assert lengths_of(OfLength.flat(RandomSymbols.of("ab", (1, 3)), 30, 40), 50) == {3: 50}


@pytest.mark.parametrize("weights", [{}, {0: 1.0}, {3: 0.0}, {3: float("nan")}, {3: float("inf")}])
def test_weights_that_cannot_be(weights: dict[int, float]) -> None:
    with pytest.raises(InputError, match="lengths need weights above 0"):
        OfLength.weighted(RandomSymbols.of("ab", (1, 3)), weights)


@pytest.mark.parametrize(("shortest", "longest"), [(0, 3), (5, 4)])
def test_lengths_in_the_wrong_order(shortest: int, longest: int) -> None:
    with pytest.raises(InputError, match="give two numbers, 1 or more, in order"):
        OfLength.flat(RandomSymbols.of("ab", (1, 3)), shortest, longest)
