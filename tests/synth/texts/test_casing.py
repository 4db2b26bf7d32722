"""Cases: as many lines as asked, never a text that is too long or not NFC."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.casing import Case, Cased
from ocrtune.synth.texts.labels import LONGEST_TEXT
from ocrtune.synth.texts.string_list import EachOnce


def cased(text: str, shares: dict[Case, float], n: int = 400) -> Counter[str]:
    source = Cased.of(EachOnce((text,), seed=0), shares)
    return Counter(source.text(i, np.random.default_rng((0, i))) for i in range(n))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("upper", "FERSK D'OR 2KG"),
        ("lower", "fersk d'or 2kg"),
        ("title", "Fersk D'or 2kg"),
        ("sentence", "Fersk d'or 2kg"),
    ],
)
def test_each_case(case: Case, expected: str) -> None:
    assert set(cased("fersk d'Or 2kg", {case: 1})) == {expected}


def test_shares_are_kept_and_the_rest_stays() -> None:
    counts = cased("Ost", {"upper": 0.5, "lower": 0.25}, n=4000)
    assert counts.keys() == {"OST", "ost", "Ost"}
    assert abs(counts["OST"] / 4000 - 0.5) < 0.03
    assert abs(counts["ost"] / 4000 - 0.25) < 0.03


def test_a_text_that_would_grow_too_long_stays() -> None:
    longest = "ß" * LONGEST_TEXT
    assert set(cased(longest, {"upper": 1}, n=3)) == {longest}


def test_what_becomes_of_a_letter_is_nfc() -> None:
    assert set(cased("ΐ", {"upper": 1}, n=1)) == {"Ϊ\u0301"}  # three code points by str.upper


@pytest.mark.parametrize("shares", [{"upper": -0.1}, {"upper": 0.6, "lower": 0.6}])
def test_impossible_shares_are_refused(shares: dict[Case, float]) -> None:
    with pytest.raises(InputError, match="at most 1 together"):
        Cased.of(EachOnce(("a",), seed=0), shares)
