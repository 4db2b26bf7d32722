"""A prediction from its characters: the one definition of line confidence."""

from __future__ import annotations

import pytest

from ocrtune.records import CharacterSpan, Prediction


@pytest.mark.parametrize(
    ("symbols", "text", "confidence"),
    [
        ([("a", 0.9)], "a", 0.9),
        # The geometric mean, whatever the order and the length.
        ([("a", 0.9), ("b", 0.4)], "ab", 0.6),
        ([("b", 0.4), ("a", 0.9)], "ba", 0.6),
        ([("a", 0.5)] * 1000, "a" * 1000, 0.5),
        # Joined, not separated: a symbol may be a grapheme.
        ([("x\u0301", 1.0), (" ", 1.0)], "x\u0301 ", 1.0),
        # A symbol that underflowed to 0 has a logarithm all the same.
        ([("a", 0.0)], "a", 1e-30),
        ([], "", 0.0),
    ],
)
def test_line_confidence(symbols: list[tuple[str, float]], text: str, confidence: float) -> None:
    characters = tuple(CharacterSpan(s, p, start=i, end=i + 1) for i, (s, p) in enumerate(symbols))
    prediction = Prediction.from_characters(characters)
    assert prediction.text == text
    assert prediction.confidence == pytest.approx(confidence, rel=1e-12)
    assert prediction.characters == characters
