"""General text: every symbol has its turn, and nothing is written that was not asked for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.characters import script_of
from ocrtune.synth.texts import prose
from ocrtune.synth.texts.general import RUN_LENGTHS, Runs, everyday_text, general_text, is_common
from ocrtune.synth.texts.prose import Use, prose_lines


def texts(symbols: str, count: int, *, with_rare: bool = True) -> list[str]:
    source = general_text(symbols, 3, with_rare=with_rare)
    return [source.text(index, np.random.default_rng((3, index))) for index in range(count)]


@pytest.mark.parametrize(
    "symbols",
    [
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:-()%€éßøΩя①中国書ひらカナ",
        "ABC 123",
        "abc",  # words cannot be told apart without a space: one a line
        "0123456789",
        "中国",
        "♥☃",
    ],
)
def test_every_symbol_has_its_turn_and_no_other(symbols: str) -> None:
    drawn = texts(symbols, 600)
    assert set("".join(drawn)) == set(symbols)
    assert all(text and text == text.strip() for text in drawn)


def test_a_run_has_each_symbol_once_before_any_comes_again() -> None:
    symbols = tuple(map(chr, range(0x4E00, 0x4E00 + sum(RUN_LENGTHS))))
    source, rng = Runs(symbols, 5), np.random.default_rng(0)
    drawn = [source.text(index, rng) for index in range(2 * len(RUN_LENGTHS))]
    assert tuple(map(len, drawn)) == 2 * RUN_LENGTHS
    for turn in (drawn[: len(RUN_LENGTHS)], drawn[len(RUN_LENGTHS) :]):
        assert sorted("".join(turn)) == list(symbols)
    assert drawn[: len(RUN_LENGTHS)] != drawn[len(RUN_LENGTHS) :]


@pytest.mark.parametrize(
    ("symbol", "common"),
    [("a", True), ("ß", True), ("я", True), ("Ω", True), ("€", True), ("中", True), ("國", True), 
     ("の", True), ("①", False), ("ｱ", False), ("Ⅷ", False), ("鶀", False), ("ǂ", False), ("♥", False)],
)  # fmt: skip
def test_what_is_in_daily_use(symbol: str, common: bool) -> None:
    assert is_common(symbol) is common


def test_rare_symbols_can_be_left_out() -> None:
    drawn = texts("abc 中鶀①♥", 200, with_rare=False)
    assert set("".join(drawn)) == set("abc 中")
    assert set("".join(texts("①鶀", 50, with_rare=False))) == {"①", "鶀"}  # there is nothing else


ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_everyday_text_is_prose_and_numbers() -> None:
    source = everyday_text(set(ALPHABET + "0123456789 .,:;!?'-()$%éèêàçùœ"), 3)
    drawn = [source.text(index, np.random.default_rng((3, index))) for index in range(120)]
    numbers = [text for text in drawn if sum(map(str.isdigit, text)) > len(text) / 3]
    assert 25 <= len(numbers) <= 35
    assert len(set(drawn) - set(numbers)) == len(drawn) - len(numbers)  # each line of prose once
    # It is of many languages, cut at spaces; a line in other letters is left out.
    assert any("œufs" in text for text in drawn)
    assert not any("ß" in text or "請" in text for text in drawn)
    assert all(10 <= len(text) <= 38 for text in set(drawn) - set(numbers) if " " in text[:-8])


def test_a_charset_too_small_for_prose_has_words_and_numbers() -> None:
    source = everyday_text("abc 012", 3)
    assert set("".join(source.text(i, np.random.default_rng(i)) for i in range(200))) == set("abc 012")


@pytest.mark.parametrize("use", ["taught", "asked"])
def test_prose_is_written_in_every_script_that_is_asked_for(use: Use) -> None:
    text = Path(prose.__file__).with_name(f"prose-{use}.txt").read_text(encoding="utf-8")
    lines = prose_lines(set(text), use, 1)
    assert len(lines) > 350
    assert {"Latn", "Hani", "Hira", "Kana"} <= {script_of(symbol) for line in lines for symbol in line}
    assert lines != prose_lines(set(text), use, 2)


def test_no_sentence_is_both_taught_and_asked() -> None:
    folder = Path(prose.__file__).parent
    taught, asked = (
        {
            part.strip()
            for part in re.split(r"[.!?;:。！？]", (folder / name).read_text("utf-8"))
            if len(part) > 8
        }
        for name in ("prose-taught.txt", "prose-asked.txt")
    )
    assert min(len(taught), len(asked)) > 100
    assert not taught & asked


def test_prose_is_part_of_what_is_taught() -> None:
    drawn = texts(ALPHABET + "0123456789 .,:;!?'()-", 300)
    prose_drawn = set(drawn) & set(prose_lines(set(ALPHABET + "0123456789 .,:;!?'()-"), "taught", 3))
    assert len(prose_drawn) > 60


def test_some_symbols_can_stand_in_many_lines() -> None:
    source = general_text(ALPHABET + " éåø", 3, above_all="åø中")
    drawn = [source.text(index, np.random.default_rng((3, index))) for index in range(300)]
    assert sum("å" in text or "ø" in text for text in drawn) > 100
    assert not any("中" in text for text in drawn)  # it is not among what may be written


def test_nothing_to_write_with() -> None:
    with pytest.raises(InputError, match="no symbol to write general text with"):
        general_text(" \u0301", 0)
