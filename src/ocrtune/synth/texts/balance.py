"""Rare symbols: lines are planned once, and symbols seen too rarely get lines of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import derive_seed
from ocrtune.synth.texts.labels import clean
from ocrtune.synth.texts.mix import Mix
from ocrtune.synth.texts.source import TextSource
from ocrtune.synth.texts.string_list import EachOnce
from ocrtune.synth.texts.symbols import stands_alone

MADE_LENGTH = 10
"""Symbols of a made line: every second one is short of its minimum, the others are any of the charset."""

ADDED_LIMIT = 1_000_000
"""Lines added; they are held in memory."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A source that draws from (seed, index) alone, so that a plan made ahead holds for whoever asks."""

    source: TextSource
    seed: int

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`; `rng` is not used."""
        return self.source.text(index, np.random.default_rng((self.seed, index)))


@dataclass(frozen=True, slots=True)
class Balanced:
    """A source whose first `lines` lines hold every symbol often enough; the added ones are spread evenly."""

    mix: TextSource
    lines: int
    """Lines of the source and added ones."""
    added_strings: int
    """Lines added from strings that hold a rare symbol."""
    made_lines: int
    """Lines added of random symbols, for those that no string has."""
    rare: dict[str, int]
    """Symbol that had too few to the count it had, rarest first."""
    impossible: tuple[str, ...]
    """Symbols that cannot stand alone, such as combining marks, and that no string has often enough."""

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        return self.mix.text(index, rng)

    def summary(self) -> str:
        """One line: what was added and why."""
        if not self.rare:
            return "every symbol is there often enough"
        shown = ", ".join(f"{symbol} ({count})" for symbol, count in list(self.rare.items())[:20])
        text = (
            f"too rare: {shown}{', …' if len(self.rare) > 20 else ''}; added "
            f"{self.added_strings} lines of strings that hold them and {self.made_lines} of random symbols"
        )
        if self.impossible:
            text += f"; still too rare, as they cannot stand alone: {' '.join(map(repr, self.impossible))}"
        return text


def balance(
    source: TextSource,
    lines: int,
    symbols: Sequence[str],
    minimum: int,
    strings: Sequence[str],
    seed: int,
) -> Balanced:
    """Plan `lines` lines of `source`, and add lines until each of `symbols` appears `minimum` times.

    A rare symbol is first sought in `strings`, each of which is added once; what is then still missing comes
    in made lines (see `MADE_LENGTH`). Takes the time of drawing `lines` texts.

    Args:
        source: what most lines say.
        lines: how many of it.
        symbols: the symbols wanted; white space needs none.
        minimum: appearances of each.
        strings: where to look for rare symbols, such as the word lists of the source; may be empty.
        seed: of planned and made lines.

    Raises:
        InputError: over `ADDED_LIMIT` lines would have to be added.
    """
    if lines < 1 or minimum < 1:
        raise InputError(f"{lines} lines with {minimum} of each symbol cannot be planned; give 1 or more")
    planned = Planned(source, derive_seed(seed, "planned"))
    unused = np.random.default_rng(0)
    wanted = [symbol for symbol in dict.fromkeys(symbols) if not symbol.isspace()]
    counts = _Counts(tuple(symbol for symbol in wanted if len(symbol) > 1))
    for index in range(lines):
        counts.add(planned.text(index, unused))
    rare = sorted((symbol for symbol in wanted if counts[symbol] < minimum), key=lambda s: counts[s])
    had = {symbol: counts[symbol] for symbol in rare}
    added = _find_strings(strings, rare, minimum, counts)
    can_make = [symbol for symbol in rare if counts[symbol] < minimum and stands_alone(symbol)]
    others = [symbol for symbol in wanted if stands_alone(symbol)]
    made = _make_lines(can_make, others, minimum, counts, np.random.default_rng(derive_seed(seed, "made")))
    extra = (*added, *made)
    if not extra:
        mix: TextSource = planned
    else:
        mix = Mix.of((planned, EachOnce(extra, derive_seed(seed, "added"))), (lines, len(extra)))
    impossible = tuple(symbol for symbol in rare if counts[symbol] < minimum)
    return Balanced(mix, lines + len(extra), len(added), len(made), had, impossible)


class _Counts(Counter[str]):
    """Appearances of symbols: of each code point, and of `clusters` of several."""

    def __init__(self, clusters: tuple[str, ...]) -> None:
        super().__init__()
        self.clusters = clusters

    def add(self, text: str) -> None:
        self.update(text)
        for cluster in self.clusters:
            self[cluster] += text.count(cluster)


def _find_strings(strings: Sequence[str], rare: Sequence[str], minimum: int, counts: _Counts) -> list[str]:
    """Strings that hold a symbol which, with those found before, is still short; `counts` is kept."""
    missing = {symbol for symbol in rare if counts[symbol] < minimum}
    found: list[str] = []
    for text in strings:
        if not missing:
            break
        if missing.isdisjoint(text) and not any(c in text for c in counts.clusters if c in missing):
            continue
        found.append(text)
        _require_few(len(found), minimum)
        counts.add(text)
        missing = {symbol for symbol in missing if counts[symbol] < minimum}
    return found


def _make_lines(
    rare: Sequence[str], others: Sequence[str], minimum: int, counts: _Counts, rng: np.random.Generator
) -> list[str]:
    per_line = MADE_LENGTH // 2
    _require_few(sum(minimum - counts[symbol] for symbol in rare) // per_line, minimum)
    short = [symbol for symbol in rare for _ in range(minimum - counts[symbol])]
    order = rng.permutation(len(short)).tolist()
    made: list[str] = []
    for first in range(0, len(order), per_line):
        own = [short[i] for i in order[first : first + per_line]]
        between = [others[i] for i in rng.integers(len(others), size=per_line).tolist()]
        made.append(clean("".join(symbol for pair in zip(own, between, strict=False) for symbol in pair)))
        counts.add(made[-1])
    return made


def _require_few(lines: int, minimum: int) -> None:
    if lines > ADDED_LIMIT:
        raise InputError(
            f"{minimum} of each symbol need over {ADDED_LIMIT:,} more lines; ask for fewer of each"
        )
