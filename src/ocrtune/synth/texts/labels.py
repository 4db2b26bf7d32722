"""What a label may hold. Texts are brought to one form; those that no line can show are refused by reason.

NFC. Each white space within becomes a space (no-break, thin, ideographic: nobody sees which it was), however
many stand side by side; at the ends they go. Characters that are
never seen (soft hyphen, byte order mark, direction marks, variation selectors, …) go as well: a reader
could only guess them, and the line is drawn from what is left. The two joiners stay after a letter of a
script that joins, where they change its shape. Control characters and undecodable bytes are faults of the
source: such a text is refused, and so are Arabic letters stored in the shapes they are drawn in, as they
are labels in another order or alphabet than everyone else's.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

LONGEST_TEXT = 256
"""Symbols of a line. Printed lines reach about 150; at 32 px more would be wider than 5,000 px."""


class Fault(StrEnum):
    """Every reason for which a string, cell or row gives no text."""

    EMPTY = "empty"
    DUPLICATE = "duplicate"
    MALFORMED_ROW = "malformed row"
    TOO_LONG = "too long"
    TOO_SHORT = "too short"
    CONTROL_CHARACTER = "control character"
    UNDECODABLE = "undecodable bytes"
    PRESENTATION_FORM = "Arabic presentation form"


_NEVER_SEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point of Unicode 15.1 (DerivedCoreProperties.txt), less the two joiners."""

_WHITE_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""Zs, less the space itself."""

_JOINERS = "\u200c\u200d"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Cc, Zl, Zp and lone surrogates."""

_PRESENTATION_FORM = re.compile("[\ufb50-\ufbb1\ufbd3-\ufd3d\ufd50-\ufdc7\ufe70-\ufefc]")
"""The shaped letters of the two Arabic presentation blocks; signs such as U+FDFC (rial) are no letters."""


def clean(text: str) -> str:
    """`text` as a label has it; it may still be at `fault`."""
    if text.isascii():
        return text.strip(" ")
    text = _WHITE_SPACE.sub(" ", _NEVER_SEEN.sub("", unicodedata.normalize("NFC", text)))
    if "\u200c" in text or "\u200d" in text:
        text = "".join(c for i, c in enumerate(text) if c not in _JOINERS or _joins(text[i - 1 : i]))
    # Again: a base and a mark that stood apart are now neighbours.
    return unicodedata.normalize("NFC", text.strip(" "))


def find_fault(text: str) -> Fault | None:
    """Why the cleaned `text` cannot be a label, if so."""
    if len(text) > LONGEST_TEXT:
        return Fault.TOO_LONG
    if not text:
        return Fault.EMPTY
    if text.isascii() and text.isprintable():
        return None
    if _CONTROL.search(text):
        return Fault.CONTROL_CHARACTER
    if "\ufffd" in text:
        return Fault.UNDECODABLE
    if _PRESENTATION_FORM.search(text):
        return Fault.PRESENTATION_FORM
    return None


def is_attached(symbol: str) -> bool:
    """Whether `symbol` belongs to the one before it, as a mark or joiner, and cannot stand alone."""
    return symbol[0] in _JOINERS or unicodedata.category(symbol[0])[0] == "M"


def _joins(before: str) -> bool:
    return bool(before) and unicodedata.category(before) in ("Lo", "Lm", "Mn", "Mc")
