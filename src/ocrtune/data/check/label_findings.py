"""Findings that need the label alone. What a label may hold is decided in `synth/texts/labels.py`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from ocrtune.data.check.finding import BY_HAND, FIX, Finding, Severity
from ocrtune.data.check.lookalikes import is_double, odd_letters
from ocrtune.synth.texts.labels import LONGEST_TEXT, Fault, clean, find_fault


def _control_character(text: str) -> str | None:
    return _shown(text) if find_fault(text[:LONGEST_TEXT]) is Fault.CONTROL_CHARACTER else None


def _replacement_character(text: str) -> str | None:
    return _shown(text) if "\ufffd" in text else None


def _presentation_form(text: str) -> str | None:
    return _shown(text) if find_fault(text[:LONGEST_TEXT]) is Fault.PRESENTATION_FORM else None


def _too_many_symbols(text: str) -> str | None:
    return f"{len(text)} symbols: {_shown(text)}" if len(text) > LONGEST_TEXT else None


def _look_alike(text: str) -> str | None:
    if text.isascii() or not (odd := odd_letters(text)):
        return None
    return f"{_named(odd)} in {_shown(text)}"


def _mixed_forms(text: str) -> str | None:
    if unicodedata.is_normalized("NFC", text):
        return None
    normal = unicodedata.normalize("NFC", text)
    odd = [c for c in text if c not in normal]
    return None if odd and all(map(is_double, odd)) else f"{_named(odd)} in {_shown(text)}"


def _never_seen(text: str) -> str | None:
    if text.isascii():
        return None
    normal = unicodedata.normalize("NFC", text)
    removed = [c for c in Counter(normal) - Counter(clean(text)) if c != " "]
    return f"{_named(removed)} in {_shown(text)}" if removed else None


_SPACES = re.compile(r"^ | $|  ")


def _odd_spaces(text: str) -> str | None:
    return _shown(text) if _SPACES.search(text) else None


LABEL_FINDINGS: tuple[Finding[str, str | None], ...] = (
    Finding(
        "control character",
        Severity.UNUSABLE,
        "a TAB, line break or terminal code within the text, mostly two fields or lines run together",
        BY_HAND,
        _control_character,
    ),
    Finding(
        "replacement character",
        Severity.UNUSABLE,
        "U+FFFD stands for a letter that was lost when the file was read in a wrong encoding",
        "export the labels again as UTF-8",
        _replacement_character,
    ),
    Finding(
        "Arabic presentation form",
        Severity.UNUSABLE,
        "letters stored in the shapes they are drawn in, and often in the order of the eye",
        "export the labels again as plain Arabic letters in reading order",
        _presentation_form,
    ),
    Finding(
        "too many symbols",
        Severity.UNUSABLE,
        f"over {LONGEST_TEXT} symbols, more than a line holds",
        BY_HAND,
        _too_many_symbols,
    ),
    Finding(
        "look-alike",
        Severity.SUSPICIOUS,
        "a letter of another script, or a sign Unicode holds twice: two symbols for one shape",
        FIX,
        _look_alike,
    ),
    Finding(
        "mixed normal forms",
        Severity.SUSPICIOUS,
        "an accent apart from its letter (not NFC); training composes it, other programs may not",
        FIX,
        _mixed_forms,
    ),
    Finding(
        "invisible or odd space",
        Severity.SUSPICIOUS,
        "soft hyphens, direction marks, no-break spaces: nobody can read them off an image",
        FIX,
        _never_seen,
    ),
    Finding(
        "edge or doubled space",
        Severity.SUSPICIOUS,
        "a space at an end, or several in a row: how many there are cannot be seen",
        FIX,
        _odd_spaces,
    ),
)

_SHOWN = 60
"""Symbols of a label that an example shows."""


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}…"


def _named(symbols: list[str]) -> str:
    return ", ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(symbols))
