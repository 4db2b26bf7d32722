"""Random symbols: even, within their lengths, visible at both ends."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.symbols import RandomSymbols


def texts(symbols: str, lengths: tuple[int, int], n: int = 3000) -> list[str]:
    source, rng = RandomSymbols.of(symbols, lengths), np.random.default_rng(0)
    return [source.text(i, rng) for i in range(n)]


def test_symbols_and_lengths_come_evenly() -> None:
    drawn = texts("ab2", (3, 6))
    lengths = Counter(map(len, drawn))
    assert sorted(lengths) == [3, 4, 5, 6]
    assert max(lengths.values()) < 1.15 * min(lengths.values())
    symbols = Counter("".join(drawn))
    assert max(symbols.values()) < 1.06 * min(symbols.values())


def test_the_space_is_between_others_only() -> None:
    drawn = texts("a ", (1, 5), 400)
    assert {len(text) for text in drawn} == {1, 2, 3, 4, 5}
    assert all(text.strip() == text for text in drawn)
    assert "a  a" in drawn


def test_marks_and_invisible_symbols_are_left_out() -> None:
    assert RandomSymbols.of("ae\u0301\u200b\t\u0e31ก", (1, 1)).symbols == ("a", "e", "ก")
    assert RandomSymbols.of(["क्ष", "a"], (1, 1)).symbols == ("क्ष", "a")


@pytest.mark.parametrize(
    ("symbols", "lengths", "message"),
    [
        ("ab", (0, 3), "texts of 0 to 3 symbols cannot be; give 1 to 256, low first"),
        ("ab", (5, 3), "texts of 5 to 3 symbols cannot be"),
        ("ab", (5, 257), "texts of 5 to 257 symbols cannot be"),
        ("\u0301 \n", (1, 2), "none of the symbols '\u0301 \\\\n' can stand alone; give letters or digits"),
        ("", (1, 2), "none of the symbols '' can stand alone"),
    ],
)
def test_what_cannot_be(symbols: str, lengths: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RandomSymbols.of(symbols, lengths)
