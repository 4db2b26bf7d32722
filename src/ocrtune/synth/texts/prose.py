"""Ordinary prose in many languages, in printed lines: what people mean by general text."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import numpy as np

from ocrtune.synth.characters import script_of
from ocrtune.synth.texts.corpus import cut

LENGTHS, SPACELESS_LENGTHS = (10, 38), (6, 18)
"""Symbols of a line of words, and of one in a script that sets no spaces."""


def prose_lines(symbols: Iterable[str], seed: int) -> tuple[str, ...]:
    """The lines of `prose.txt` that can be written in `symbols`, of all that have them some 350.

    Args:
        symbols: what may be written.
        seed: of where lines end.
    """
    known = set(symbols)
    rng = np.random.default_rng(seed)
    lines = []
    for paragraph in files("ocrtune.synth.texts").joinpath("prose.txt").read_text("utf-8").splitlines():
        lengths = LENGTHS if script_of(paragraph[0]) == "Latn" else SPACELESS_LENGTHS
        lines += [line for line in cut(paragraph, lengths, rng) if known.issuperset(line)]
    return tuple(lines)
