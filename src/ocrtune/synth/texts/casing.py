"""Letters in another case than the text has them: receipts print TOTAL where the word list has total."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.labels import LONGEST_TEXT, clean
from ocrtune.synth.texts.source import TextSource

Case = Literal["upper", "lower", "title", "sentence"]


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


def _title(text: str) -> str:
    return re.sub(r"\S+", lambda word: _capitalised(word[0]), text)


_CHANGES: dict[Case, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": _title,
    "sentence": _capitalised,
}


@dataclass(frozen=True, slots=True)
class Cased:
    """Rewrites a share of the lines in capitals, small letters, as a title or as a sentence.

    The rest stays as it is, as does a text that would become longer than a line may be (ß gives SS).
    """

    source: TextSource
    shares: tuple[tuple[Case, float], ...]
    """Of the lines, together at most 1."""

    @classmethod
    def of(cls, source: TextSource, shares: Mapping[Case, float]) -> Cased:
        """Rewrite lines of `source`.

        Raises:
            InputError: a share below 0, or shares that are over 1 together.
        """
        if min(shares.values(), default=0) < 0 or sum(shares.values()) > 1 + 1e-9:
            raise InputError("the shares of cases must be at least 0 each, and at most 1 together")
        return cls(source, tuple(shares.items()))

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        text = self.source.text(index, rng)
        drawn = rng.random()
        for case, share in self.shares:
            if drawn < share:
                changed = clean(_CHANGES[case](text))
                return changed if len(changed) <= LONGEST_TEXT else text
            drawn -= share
        return text
