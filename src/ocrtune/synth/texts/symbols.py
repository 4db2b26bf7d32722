"""Random symbols of a charset: for codes without a rule, and for symbols that no text has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import below
from ocrtune.synth.texts.labels import LONGEST_TEXT, clean, find_fault, is_attached


@dataclass(frozen=True, slots=True)
class RandomSymbols:
    """Symbols drawn evenly and independently, of a length drawn evenly."""

    symbols: tuple[str, ...]
    """Visible symbols: the ends of a text."""
    inner: tuple[str, ...]
    """The same, and the space if it was asked for: what stands between."""
    lengths: tuple[int, int]
    """Fewest and most symbols."""

    @classmethod
    def of(cls, symbols: Iterable[str], lengths: tuple[int, int]) -> RandomSymbols:
        """Draw from `symbols`; those that cannot stand alone (marks, invisible ones) are left out.

        Raises:
            InputError: no symbol is left, or `lengths` is no range of 1 to `LONGEST_TEXT`.
        """
        low, high = lengths
        if not 1 <= low <= high <= LONGEST_TEXT:
            raise InputError(
                f"texts of {low} to {high} symbols cannot be; give 1 to {LONGEST_TEXT}, low first"
            )
        given = tuple(dict.fromkeys(symbols))
        visible = tuple(symbol for symbol in given if stands_alone(symbol))
        if not visible:
            raise InputError(
                f"none of the symbols {''.join(given)[:60]!r} can stand alone; give letters or digits"
            )
        return cls(visible, (*visible, " ") if " " in given else visible, lengths)

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`; depends on `rng` alone."""
        low, high = self.lengths
        length = low + below(high - low + 1, rng)
        draws = rng.random(length).tolist()
        ends, inner = len(self.symbols), len(self.inner)
        parts = [self.inner[int(draw * inner)] for draw in draws]
        parts[0], parts[-1] = self.symbols[int(draws[0] * ends)], self.symbols[int(draws[-1] * ends)]
        return clean("".join(parts))


def stands_alone(symbol: str) -> bool:
    """Whether a text can be `symbol` and nothing else: visible, and no mark on another."""
    return clean(symbol) == symbol and find_fault(symbol) is None and not is_attached(symbol)
