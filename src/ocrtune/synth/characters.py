"""Properties of characters that fonts and shaping ask for and Python's `unicodedata` lacks."""

from __future__ import annotations

import unicodedata
from functools import cache

import uharfbuzz as hb

CURSIVE_SCRIPTS = frozenset({"Adlm", "Arab", "Mand", "Mong", "Nkoo", "Phag", "Rohg", "Syrc"})
"""Scripts whose letters join, by ISO 15924 (CSS Text 3, appendix D, and Adlam)."""

IGNORABLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Fillers, Khmer inherent vowels and other ignorable characters that are no format characters."""

DRAWN_FORMATS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Format characters (Cf) that are drawn: Arabic, Syriac and Kaithi number signs."""


@cache
def script_of(symbol: str) -> str | None:
    """ISO 15924 code of a character's script by HarfBuzz's Unicode data; None if it serves several."""
    buffer = hb.Buffer()
    buffer.add_str(symbol)
    buffer.guess_segment_properties()
    script: str | None = buffer.script
    return script


@cache
def is_ignorable(symbol: str) -> bool:
    """Whether a font need not have `symbol`: joiners, direction marks and selectors leave no ink.

    Unicode's Default_Ignorable_Code_Point as far as it is assigned.
    """
    code = ord(symbol)
    if unicodedata.category(symbol) == "Cf":
        is_annotation, is_hieroglyphic = 0xFFF9 <= code <= 0xFFFB, 0x13430 <= code <= 0x1343F
        return symbol not in DRAWN_FORMATS and not is_annotation and not is_hieroglyphic
    return "\ufe00" <= symbol <= "\ufe0f" or 0xE0100 <= code <= 0xE01EF or symbol in IGNORABLE_LETTERS
