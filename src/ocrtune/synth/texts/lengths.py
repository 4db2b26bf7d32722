"""Strings by length: every length as often as the next, or as given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import derive_seed
from ocrtune.synth.texts.mix import Mix
from ocrtune.synth.texts.string_list import EachOnce


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
