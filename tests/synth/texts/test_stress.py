"""Doubled symbols and gaps: one change in a share of the lines, never one that tears a letter apart."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.labels import LONGEST_TEXT
from ocrtune.synth.texts.stress import Doubled, Gapped
from ocrtune.synth.texts.string_list import EachOnce


def source(text: str) -> EachOnce:
    return EachOnce((text,), seed=0)


def doubled(text: str, share: float = 1, n: int = 200) -> list[str]:
    made = Doubled(source(text), share)
    return [made.text(i, np.random.default_rng((0, i))) for i in range(n)]


def gapped(text: str, share: float = 1, widest: int = 4, n: int = 200) -> list[str]:
    made = Gapped(source(text), share, widest)
    return [made.text(i, np.random.default_rng((0, i))) for i in range(n)]


def test_one_symbol_is_doubled_wherever_it_stands() -> None:
    assert set(doubled("ab 1")) == {"aab 1", "abb 1", "ab 11"}
    assert set(doubled("1000")) == {"11000", "10000"}


def test_marks_are_not_doubled_nor_their_letters() -> None:
    assert set(doubled("q\u0303z")) == {"q\u0303zz"}
    assert set(doubled("q\u0303")) == {"q\u0303"}
    assert set(doubled("می\u200cد")) == {"ممی\u200cد", "می\u200cدد"}


def test_a_space_becomes_a_run() -> None:
    assert set(gapped("a b c")) == {
        f"a{' ' * first}b{' ' * second}c"
        for first, second in [(2, 1), (3, 1), (4, 1), (1, 2), (1, 3), (1, 4)]
    }
    assert set(gapped("a   b", widest=5)) == {"a    b", "a     b"}
    assert set(gapped("a   b", widest=3)) == {"a   b"}
    assert set(gapped("a   b c", widest=3)) == {"a   b  c", "a   b   c"}


def test_a_text_without_space_gets_one() -> None:
    assert set(gapped("abc")) == {"a bc", "ab c"}
    assert set(gapped("q\u0303bc")) == {"q\u0303b c"}
    assert set(gapped("a")) == {"a"}


def test_the_share_is_kept() -> None:
    assert doubled("ab", share=0) == ["ab"] * 200
    assert gapped("a b", share=0) == ["a b"] * 200
    assert sum(text != "ab" for text in doubled("ab", share=0.3, n=2000)) / 2000 == pytest.approx(
        0.3, abs=0.03
    )
    assert sum(text != "a b" for text in gapped("a b", share=0.3, n=2000)) / 2000 == pytest.approx(
        0.3, abs=0.03
    )


def test_no_text_grows_beyond_the_longest() -> None:
    longest = "x" * LONGEST_TEXT
    assert set(doubled(longest, n=3) + gapped(longest, n=3)) == {longest}


def test_both_may_be_stacked() -> None:
    stacked = Gapped(Doubled(source("abc def"), 1), 1, 3)
    text = stacked.text(0, np.random.default_rng(0))
    assert re.fullmatch(r"\w{3,4} {2,3}\w{3,4}", text)


def test_shares_and_widths_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"the share of lines must be 0 to 1, not 1\.5"):
        Doubled(source("a"), 1.5)
    with pytest.raises(InputError, match="the share of lines must be 0 to 1, not nan"):
        Gapped(source("a"), float("nan"), 3)
    with pytest.raises(InputError, match="the widest gap must be at least 2 spaces, not 1"):
        Gapped(source("a"), 0.5, 1)
