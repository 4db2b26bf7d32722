"""Ordinary prose in many languages, in printed lines: what people mean by general text."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Literal

import numpy as np

from ocrtune.synth.characters import script_of
from ocrtune.synth.texts.corpus import cut

LENGTHS, SPACELESS_LENGTHS = (10, 38), (6, 18)
"""Symbols of a line of words, and of one in a script that sets no spaces."""


Use = Literal["taught", "asked"]
"""What a text is for: sentences that train do not tell how well others are read."""


def prose_lines(symbols: Iterable[str], use: Use, seed: int) -> tuple[str, ...]:
    """The lines of `prose-USE.txt` that can be written in `symbols`; with all of its symbols, 350 or more.

    Args:
        symbols: what may be written.
        use: which sentences.
        seed: of where lines end.
    """
    text = files("ocrtune.synth.texts").joinpath(f"prose-{use}.txt").read_text("utf-8")
    known = set(symbols)
    rng = np.random.default_rng(seed)
    lines = []
    for paragraph in text.splitlines():
        lengths = LENGTHS if script_of(paragraph[0]) == "Latn" else SPACELESS_LENGTHS
        lines += [line for line in cut(paragraph, lengths, rng) if known.issuperset(line)]
    return tuple(lines)
