"""Scripts and ignorable characters, where Python's own tables end."""

from __future__ import annotations

import unicodedata

import pytest

from ocrtune.synth.characters import CURSIVE_SCRIPTS, is_ignorable, script_of


@pytest.mark.parametrize(
    ("symbols", "script"),
    [
        ("aÅſ", "Latn"),
        ("яЖ", "Cyrl"),
        ("µ", None),
        ("μ", "Grek"),
        ("ب", "Arab"),
        ("1 -(،ー", None),
        ("\u0301", None),
    ],
)
def test_scripts(symbols: str, script: str | None) -> None:
    assert {symbol: script_of(symbol) for symbol in symbols} == dict.fromkeys(symbols, script)


def test_joining_letters_belong_to_cursive_scripts() -> None:
    assert {script_of(letter) for letter in "بܒᠠߊ𞤀"} <= CURSIVE_SCRIPTS
    assert script_of("א") not in CURSIVE_SCRIPTS


def test_ignorable_characters_are_those_without_a_look() -> None:
    selectors = {chr(c) for c in range(0x110000) if "VARIATION SELECTOR" in unicodedata.name(chr(c), "")}
    assert len(selectors) >= 259
    assert all(map(is_ignorable, selectors))
    for symbol in "\u00ad\u034f\u061c\u17b4\u200b\u200c\u200d\u200e\u202e\u2060\u2069\u3164\ufeff":
        assert is_ignorable(symbol), ascii(symbol)
    for symbol in "\u06dd\u0600\u0890\U00013430\ufffc \u00a0\u0301a":
        assert not is_ignorable(symbol), ascii(symbol)
