"""What every text source is: the contract that the line generator and the sources share."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class TextSource(Protocol):
    """Gives the text of one line; frozen and picklable, so that spawned workers can have it."""

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`, at least one visible symbol, NFC, without white space at its ends.

        A pure function of both arguments: no source remembers what it gave before.

        Args:
            index: counts the lines asked of this source, from 0.
            rng: seeded from (seed, line) by the generator; sources may draw from it as they like.
        """
        ...
