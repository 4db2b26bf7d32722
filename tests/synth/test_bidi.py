"""Bidirectional levels and visual order: rule by rule, and against an independent implementation."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.synth.bidi import (
    MAX_DEPTH,
    REMOVED,
    Direction,
    LevelRun,
    paired_bracket,
    resolve_levels,
    visual_runs,
)

CONFORMANCE = Path("/usr/share/unicode/BidiCharacterTest.txt")
"""Of the Unicode Character Database, where Debian puts it."""

HEBREW, ARABIC, ARABIC_DIGITS = "אבגדה", "ابجدهل", "٠١٢٣"
CONTROLS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
MARKS = "\u0301\u05b0\u064b"
SYMBOLS = (
    "abcAB" + HEBREW + ARABIC + ARABIC_DIGITS + "0123456789" + "()[]{}〈〉«»" + " \u00a0.,:+-/%€#!?&" + MARKS
)


def visual(text: str, base: Direction | None = None) -> str:
    """`text` as drawn from left to right, without embedding controls."""
    drawn = []
    for run in visual_runs(resolve_levels(text, base)):
        part = text[run.start : run.end]
        drawn += part if run.direction == "ltr" else reversed(part)
    return "".join(symbol for symbol in drawn if unicodedata.bidirectional(symbol) not in REMOVED)


@pytest.mark.parametrize(
    ("text", "base", "levels"),
    [
        ("", None, ""),
        ("Total 12,90", None, "00000000000"),
        ("אב 12", None, "11122"),
        ("אב 12", "ltr", "11122"),  # a number after Hebrew stays with it
        ("ab אב", "rtl", "22111"),
        ("a אב 5% b", None, "001112200"),  # W5: the percent sign belongs to the number
        ("12-34", "rtl", "22222"),  # W4
        ("ب 12-34", None, "1122122"),  # W2: after Arabic the numbers are Arabic, and the hyphen parts them
        ("a(ב)c", "rtl", "21112"),  # N0: the pair holds the embedding's direction
        ("א (b)", "ltr", "10000"),
        ("א(b)", "rtl", "1121"),
        ("b\tA", "rtl", "212"),  # L1: a tab stays at the paragraph's level
        ("אב ", "ltr", "110"),  # L1: blanks at the end stay at the paragraph's end
        ("a\u202eb\u202cc", None, "00110"),  # an override; its controls take the level before them
        ("a\u2067b\u2069c", None, "00200"),  # an isolate inherits nothing from what surrounds it
        ("\u2068א\u2069 b", None, "01000"),  # P2 looks past isolates
    ],
)
def test_levels(text: str, base: Direction | None, levels: str) -> None:
    assert "".join(map(str, resolve_levels(text, base))) == levels


def test_a_price_inside_arabic_reads_left_to_right() -> None:
    assert visual("السعر 125.50 ريال") == "لاير 125.50 رعسلا"


def test_runs_come_in_drawing_order() -> None:
    runs = visual_runs(resolve_levels("ab אב12 c"))
    assert runs == [LevelRun(0, 3, 0), LevelRun(5, 7, 2), LevelRun(3, 5, 1), LevelRun(7, 9, 0)]
    assert [run.direction for run in runs] == ["ltr", "ltr", "rtl", "ltr"]


def test_embeddings_deeper_than_the_limit_are_ignored() -> None:
    levels = resolve_levels("\u202b\u202a" * MAX_DEPTH + "a")
    assert max(levels) == MAX_DEPTH + 1  # a Latin letter stands one above the deepest odd level
    assert levels[-1] == MAX_DEPTH + 1


def test_brackets_pair_with_the_bracket_of_the_same_name() -> None:
    """Names tell pairs independently: they differ by LEFT and RIGHT, LESS and GREATER."""
    brackets = [chr(code) for code in range(0x110000) if paired_bracket(chr(code))]
    assert len(brackets) >= 128  # Unicode 14
    swaps = {"LEFT": "RIGHT", "RIGHT": "LEFT", "LESS": "GREATER", "GREATER": "LESS"}
    for symbol in brackets:
        partner, opens = paired_bracket(symbol) or ("", False)
        assert paired_bracket(partner) == (unicodedata.normalize("NFC", symbol), not opens)
        name = unicodedata.name(unicodedata.normalize("NFC", symbol))
        swapped = re.sub("|".join(swaps), lambda side: swaps[side[0]], name)
        if swapped != name:
            assert unicodedata.name(partner) == swapped
        else:
            assert name.startswith(("TIBETAN MARK", "OGHAM")), name


@given(st.text(SYMBOLS, max_size=40), st.sampled_from(["ltr", "rtl", None]))
def test_visual_order_is_that_of_an_independent_implementation(text: str, base: Direction | None) -> None:
    """`python-bidi` wraps the unicode-bidi crate of Servo; neither mirrors.

    Without tabs, which no line has: the crate leaves what they part in logical order, against L2.
    """
    reference = pytest.importorskip("bidi", reason="python-bidi is not installed: pip install python-bidi")
    assert visual(text, base) == reference.get_display(
        text, base_dir={"ltr": "L", "rtl": "R", None: None}[base]
    )


@given(st.text(SYMBOLS + CONTROLS, max_size=40))
def test_with_embedding_controls_too(text: str) -> None:
    reference = pytest.importorskip("bidi", reason="python-bidi is not installed: pip install python-bidi")
    expected = reference.get_display(text)
    assert visual(text) == "".join(s for s in expected if unicodedata.bidirectional(s) not in REMOVED)


def test_conformance() -> None:
    """A sixteenth of Unicode's own test; the whole passes too and takes four seconds."""
    if not CONFORMANCE.is_file():
        pytest.skip(f"{CONFORMANCE} is not installed: apt-get install unicode-data")
    cases = [line for line in CONFORMANCE.read_text().splitlines() if line and not line.startswith("#")]
    assert len(cases) > 90_000
    bases: tuple[Direction | None, ...] = ("ltr", "rtl", None)
    for case in cases[::16]:
        codes, base, _, expected, order = case.split(";")
        text = "".join(chr(int(code, 16)) for code in codes.split())
        levels = resolve_levels(text, bases[int(base)])
        removed = {i for i, level in enumerate(expected.split()) if level == "x"}
        resolved = ["x" if i in removed else str(level) for i, level in enumerate(levels)]
        assert resolved == expected.split(), case
        drawn: list[int] = []
        for run in visual_runs(levels):
            drawn += range(run.start, run.end)[:: 1 if run.direction == "ltr" else -1]
        assert [i for i in drawn if i not in removed] == list(map(int, order.split())), case


@given(st.text(max_size=60), st.sampled_from(["ltr", "rtl", None]))
def test_every_character_is_drawn_once_whatever_the_text(text: str, base: Direction | None) -> None:
    runs = visual_runs(resolve_levels(text, base))
    assert sorted(i for run in runs for i in range(run.start, run.end)) == list(range(len(text)))
