"""The one form of labels, and what is refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.synth.texts.labels import LONGEST_TEXT, Fault, clean, find_fault


@pytest.mark.parametrize(
    ("given_text", "text"),
    [
        ("  melk   1,50 ", "melk   1,50"),  # a gap is kept, white space at the ends leaves no ink
        ("a\u030angstro\u0308m", "ångström"),
        ("\ufeffmel\u00adk\u200b", "melk"),
        ("\u200e12,90\u200f \u2067x\u2069", "12,90 x"),
        ("❤\ufe0f", "❤"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner parts two letters that would join
        ("क्\u200dष", "क्\u200dष"),
        ("a\u200db", "ab"),  # Latin letters do not join
        ("\u200dم", "م"),
        ("e\u200b\u0301", "é"),  # the accent finds its letter once what stood between is gone
        ("\u00a012\u2009\u3000kr", "12  kr"),
    ],
)
def test_clean(given_text: str, text: str) -> None:
    assert clean(given_text) == text


@given(st.text())
def test_a_cleaned_text_is_nfc_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("melk 12,50", None),
        ("日本語 ﷼", None),
        ("", Fault.EMPTY),
        ("a\tb", Fault.CONTROL_CHARACTER),
        ("å\x1b[0m", Fault.CONTROL_CHARACTER),
        ("å\u2028b", Fault.CONTROL_CHARACTER),
        ("\udcff", Fault.CONTROL_CHARACTER),
        ("br\ufffdd", Fault.UNDECODABLE),
        ("ﻣﺮﺣﺒﺎ", Fault.PRESENTATION_FORM),
        ("x" * LONGEST_TEXT, None),
        ("x" * (LONGEST_TEXT + 1), Fault.TOO_LONG),
    ],
)
def test_faults(text: str, fault: Fault | None) -> None:
    assert find_fault(clean(text)) is fault


@given(st.text(max_size=40))
def test_a_text_without_fault_has_a_visible_symbol(text: str) -> None:
    text = clean(text)
    if find_fault(text) is None:
        assert text.strip()
        assert all(unicodedata.category(symbol) not in ("Cc", "Cs", "Zl", "Zp") for symbol in text)
