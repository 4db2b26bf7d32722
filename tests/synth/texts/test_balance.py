"""What was planned is what is drawn: every symbol appears often enough, and the plan says how."""

from __future__ import annotations

import pickle
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts import balance as balance_module
from ocrtune.synth.texts.balance import MADE_LENGTH, Balanced, balance
from ocrtune.synth.texts.pattern import Pattern
from ocrtune.synth.texts.string_list import EachOnce
from ocrtune.synth.texts.template import Template

CODES = Pattern.parse("[a-f]{6}")


def draw(balanced: Balanced) -> list[str]:
    """With a generator that has nothing to do with the plan's."""
    return [balanced.text(i, np.random.default_rng((77, i))) for i in range(balanced.lines)]


def test_enough_is_left_alone() -> None:
    balanced = balance(CODES, 100, "abcdef ", 50, [], seed=0)
    assert (balanced.lines, balanced.added_strings, balanced.made_lines, balanced.rare) == (100, 0, 0, {})
    assert balanced.summary() == "every symbol is there often enough"


def test_strings_that_hold_a_rare_symbol_are_added_first() -> None:
    strings = ["aaa", "øl", "brød", "tørr", "søt", "bøk"]
    balanced = balance(CODES, 100, "abcdefø", 3, strings, seed=0)
    texts = draw(balanced)
    assert balanced.lines == 103
    assert Counter(text for text in texts if "ø" in text) == {"øl": 1, "brød": 1, "tørr": 1}
    assert (balanced.added_strings, balanced.made_lines, balanced.rare) == (3, 0, {"ø": 0})
    assert balanced.summary() == (
        "too rare: ø (0); added 3 lines of strings that hold them and 0 of random symbols"
    )


def test_what_no_string_has_comes_in_made_lines() -> None:
    wanted = "abcdefXYZÆ"
    balanced = balance(CODES, 200, wanted, 12, ["Æ"], seed=3)
    texts = draw(balanced)
    counts = Counter("".join(texts))
    assert all(counts[symbol] >= 12 for symbol in wanted)
    assert balanced.added_strings == 1
    assert balanced.made_lines == -(-(3 * 12 + 11) // (MADE_LENGTH // 2))
    made = [text for text in texts if len(text) != 6 and text != "Æ"]
    assert len(made) == balanced.made_lines
    assert all(set(text[::2]) <= set("XYZÆ") and set(text) <= set(wanted) for text in made)


def test_added_lines_are_spread_evenly() -> None:
    balanced = balance(CODES, 300, "Q", 150, [], seed=0)
    assert balanced.lines == 330
    places = [i for i, text in enumerate(draw(balanced)) if "Q" in text]
    assert {b - a for a, b in pairwise(places)} == {11}


@pytest.mark.parametrize("seed", range(5))
def test_the_plan_holds_for_random_sources(seed: int) -> None:
    """Counts are of texts drawn with the generator's rng only if the plan's own is used: see `Planned`."""
    source = Template.parse("{item} {tax:CN}", {"item": ["Melk", "Ost"]}, seed)
    wanted = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    balanced = balance(source, 60, wanted, 25, [], seed)
    counts = Counter("".join(draw(balanced)))
    assert all(counts[symbol] >= 25 for symbol in wanted)
    assert balanced == pickle.loads(pickle.dumps(balanced))
    assert draw(balance(source, 60, wanted, 25, [], seed)) == draw(balanced)


def test_marks_cannot_be_made_but_may_be_found() -> None:
    balanced = balance(CODES, 20, "a\u0303", 1, [], seed=0)
    assert balanced.impossible == ("\u0303",)
    assert balanced.summary().endswith("still too rare, as they cannot stand alone: '\u0303'")
    assert balance(CODES, 20, "a\u0303", 1, ["q\u0303"], seed=0).impossible == ()


def test_symbols_of_several_code_points() -> None:
    balanced = balance(CODES, 20, ["a", "क्ष", "ab"], 7, ["xक्षx"], seed=0)
    text = " ".join(draw(balanced))
    assert text.count("क्ष") >= 7
    assert text.count("ab") >= 7
    assert (balanced.rare["क्ष"], balanced.added_strings, balanced.impossible) == (0, 1, ())


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    words = EachOnce(("a",), 0)
    with pytest.raises(InputError, match="0 lines with 3 of each symbol cannot be planned; give 1 or more"):
        balance(words, 0, "a", 3, [], 0)
    with pytest.raises(InputError, match=r"1000000000000 of each symbol need over 1,000,000 more lines"):
        balance(words, 1, "b", 10**12, [], 0)
    monkeypatch.setattr(balance_module, "ADDED_LIMIT", 2)
    with pytest.raises(InputError, match="9 of each symbol need over 2 more lines; ask for fewer of each"):
        balance(words, 1, "b", 9, ["b1", "b2", "b3"], 0)
