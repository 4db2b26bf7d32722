"""What readers fail at, put in on purpose: symbols that stand twice, and gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import below
from ocrtune.synth.texts.labels import LONGEST_TEXT, is_attached
from ocrtune.synth.texts.source import TextSource

_RUN = re.compile(" +")


@dataclass(frozen=True, slots=True)
class Doubled:
    """Doubles one symbol of some lines: `00` read as `0` is the classic error of CTC."""

    source: TextSource
    share: float
    """Of the lines, 0..1."""

    def __post_init__(self) -> None:
        _require_share(self.share)

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        text = self.source.text(index, rng)
        if rng.random() >= self.share or len(text) >= LONGEST_TEXT:
            return text
        places = [i for i in range(len(text)) if text[i] != " " and _is_whole(text, i)]
        if not places:
            return text
        place = places[below(len(places), rng)]
        return text[: place + 1] + text[place:]


@dataclass(frozen=True, slots=True)
class Gapped:
    """Widens a space, or run of spaces, of some lines; a text without any gets a single space.

    Gaps in unlikely places are read from the picture, not from the words around.
    """

    source: TextSource
    share: float
    """Of the lines, 0..1."""
    widest: int
    """Spaces that a run may have after; one that has as many already stays."""

    def __post_init__(self) -> None:
        _require_share(self.share)
        if self.widest < 2:
            raise InputError(f"the widest gap must be at least 2 spaces, not {self.widest}")

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        text = self.source.text(index, rng)
        if rng.random() >= self.share or len(text) + self.widest > LONGEST_TEXT:
            return text
        if " " in text:
            runs = [run for run in _RUN.finditer(text) if len(run[0]) < self.widest]
            if not runs:
                return text
            run = runs[below(len(runs), rng)]
            added = 1 + below(self.widest - len(run[0]), rng)
            return text[: run.end()] + " " * added + text[run.end() :]
        places = [i for i in range(len(text) - 1) if _is_whole(text, i)]
        if not places:
            return text
        place = 1 + places[below(len(places), rng)]
        return f"{text[:place]} {text[place:]}"


def _is_whole(text: str, place: int) -> bool:
    """Whether the symbol at `place` stands alone: neither a mark or joiner nor followed by one."""
    return not any(map(is_attached, text[place : place + 2]))


def _require_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise InputError(f"the share of lines must be 0 to 1, not {share:g}")
