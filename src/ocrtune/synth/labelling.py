"""What of a drawn text is its label."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def labelled(text: str, unlabelled: str = "") -> Sequence[int]:
    """Which characters of a drawn text its label has.

    Args:
        text: NFC, logical order.
        unlabelled: symbols that are drawn and not labelled; the marks on them go with them.

    Returns:
        Indices, ascending: all, less those symbols, less spaces at the ends and after another space.
        How many spaces a gap is wide nobody can tell from the image.
    """
    if not unlabelled and "  " not in text:
        return range(len(text))
    if not unlabelled and text.isascii():  # no marks
        kept = [i for i, symbol in enumerate(text) if symbol != " " or (i and text[i - 1] != " ")]
        return kept[:-1] if kept and text[kept[-1]] == " " else kept
    kept = []
    is_left_out = False
    for index, symbol in enumerate(text):
        if unicodedata.category(symbol)[0] != "M":  # a mark shares the fate of the letter it is on
            is_double = symbol == " " and (not kept or text[kept[-1]] == " ")
            is_left_out = is_double or symbol in unlabelled
        if not is_left_out:
            kept.append(index)
    if kept and text[kept[-1]] == " ":
        kept.pop()
    return kept
