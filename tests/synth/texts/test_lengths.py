"""Lengths come flat or as given, and strings of one length each once per pass."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.lengths import by_length

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
