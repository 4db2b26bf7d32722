"""Texts by length: every length as often as the next, or as given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import derive_seed
from ocrtune.synth.texts.mix import Mix
from ocrtune.synth.texts.source import TextSource
from ocrtune.synth.texts.string_list import EachOnce

CANDIDATES = 16
"""Texts of which the one nearest to a length is taken: where they spread over 40 symbols, it is within 3."""


@dataclass(frozen=True, slots=True)
class OfLength:
    """Draws a length for each line, and of a few candidate texts takes the one nearest to it.

    A list's strings are all candidates in each of its passes, but no longer lines as often as each other.
    """

    source: TextSource
    lengths: tuple[int, ...]
    """In symbols."""
    shares: tuple[float, ...]
    """Of the lines, one for each length; their sum is 1."""

    @classmethod
    def flat(cls, source: TextSource, shortest: int, longest: int) -> OfLength:
        """Each length from `shortest` to `longest` as often as the next.

        Raises:
            InputError: they are not in this order, or below 1.
        """
        if not 1 <= shortest <= longest:
            raise InputError(
                f"lengths from {shortest} to {longest} symbols: give two numbers, 1 or more, in order"
            )
        return cls.weighted(source, dict.fromkeys(range(shortest, longest + 1), 1.0))

    @classmethod
    def weighted(cls, source: TextSource, weights: Mapping[int, float]) -> OfLength:
        """Each length as often as its weight says.

        Raises:
            InputError: no length, one below 1, or a weight that is not above 0.
        """
        shares_fit = all(0 < weight < float("inf") for weight in weights.values())
        if not weights or min(weights) < 1 or not shares_fit:
            raise InputError("lengths need weights above 0 of numbers of symbols, such as {5: 2, 6: 1}")
        total = sum(weights.values())
        return cls(source, tuple(weights), tuple(weight / total for weight in weights.values()))

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        wanted = int(rng.choice(self.lengths, p=self.shares))
        first = index * CANDIDATES
        texts = [self.source.text(first + i, rng) for i in range(CANDIDATES)]
        return min(texts, key=lambda text: abs(len(text) - wanted))


def by_length(strings: Sequence[str], seed: int, weights: Mapping[int, float] | None = None) -> Mix:
    """Mix the strings of each length, in symbols; among those of one length each comes once in a pass.

    Args:
        strings: distinct texts.
        seed: of their order.
        weights: length to share of the lines; lengths that are not in it do not come. Flat if not given.

    Raises:
        InputError: no string has a wanted length, or a weight is not above 0.
    """
    by_length: dict[int, list[str]] = {}
    for text in strings:
        by_length.setdefault(len(text), []).append(text)
    wanted = dict.fromkeys(sorted(by_length), 1.0) if weights is None else weights
    for length in wanted:
        if length not in by_length:
            counts = Counter({n: len(texts) for n, texts in sorted(by_length.items())})
            raise InputError(f"no string has {length} symbols; there are {_listed(counts)}")
    sources = [EachOnce(tuple(by_length[length]), derive_seed(seed, length)) for length in wanted]
    return Mix.of(sources, list(wanted.values()))


def _listed(counts: Mapping[int, int]) -> str:
    return ", ".join(f"{count} of {length}" for length, count in counts.items())
