"""Damages labels on purpose, as tired typists and broken scripts do: which lines, and how, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

LOOK_ALIKES = {
    "0": "OD8", "O": "0QD", "1": "I7L", "I": "1L", "L": "1I", "5": "S6", "S": "58", "8": "B3", "B": "8E",
    "2": "Z", "Z": "2", "6": "GB5", "G": "6C", "3": "8E", "4": "A9", "9": "4G", "7": "1T", "C": "GE",
    "D": "O0", "E": "FB", "F": "E", "M": "NH", "N": "MH", "U": "V", "V": "U", "T": "7Y", "Y": "VT",
    "P": "R", "R": "P", "K": "X", "X": "K", "A": "4", "Q": "O", "H": "N", "W": "M", "J": "I",
    ".": ",", ",": ".", ":": ";.", ";": ":", "-": "_~", "/": "1", "(": "C",
}  # fmt: skip
"""Symbol to those that one takes it for."""

Kind = Callable[[Sequence[str], int, random.Random], str | None]
"""Takes all labels, the line's number and the randomness; None where this line cannot have it."""


def look_alike(labels: Sequence[str], line: int, chance: random.Random) -> str | None:
    text = labels[line]
    places = [i for i, symbol in enumerate(text) if symbol in LOOK_ALIKES]
    if not places:
        return None
    i = chance.choice(places)
    return text[:i] + chance.choice(LOOK_ALIKES[text[i]]) + text[i + 1 :]


def another(labels: Sequence[str], line: int, chance: random.Random) -> str | None:
    text = labels[line]
    i = chance.choice(_printed(text))
    pool = "0123456789" if text[i].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return text[:i] + chance.choice(pool.replace(text[i], "")) + text[i + 1 :]


def dropped(labels: Sequence[str], line: int, chance: random.Random) -> str | None:
    text, places = labels[line], _printed(labels[line])
    if len(places) < 2:
        return None
    i = chance.choice(places)
    return (text[:i] + text[i + 1 :]).strip()


def doubled(labels: Sequence[str], line: int, chance: random.Random) -> str | None:
    text = labels[line]
    i = chance.choice(_printed(text))
    return text[:i] + text[i] + text[i:]


def exchanged(labels: Sequence[str], line: int, chance: random.Random) -> str | None:
    words = labels[line].split(" ")
    places = [i for i in range(len(words) - 1) if words[i] != words[i + 1] and words[i] and words[i + 1]]
    if not places:
        return None
    i = chance.choice(places)
    words[i], words[i + 1] = words[i + 1], words[i]
    return " ".join(words)


def neighbours(labels: Sequence[str], line: int, chance: random.Random) -> str | None:
    other = labels[line + 1] if line + 1 < len(labels) else labels[line - 1]
    return other if other != labels[line] else None


KINDS: dict[str, Kind] = {
    "look-alike": look_alike,
    "another symbol": another,
    "dropped": dropped,
    "doubled": doubled,
    "words exchanged": exchanged,
    "neighbour's label": neighbours,
}
"""Each for a sixth of the lines. No space is dropped or doubled: real labels are uneven there as they are."""


def damage(labels: Sequence[str], share: float, seed: int) -> dict[int, tuple[str, str]]:
    """Numbers of `share` of the lines, evenly of each kind, to the kind and the damaged label."""
    chance = random.Random(seed)
    wanted = round(share * len(labels))
    order = iter(chance.sample(range(len(labels)), len(labels)))
    damaged: dict[int, tuple[str, str]] = {}
    for number in range(wanted):
        kind = list(KINDS)[number % len(KINDS)]
        for line in order:
            text = KINDS[kind](labels, line, chance)
            if text is not None and text != labels[line]:
                damaged[line] = (kind, text)
                break
    return damaged


def _printed(text: str) -> list[int]:
    return [i for i, symbol in enumerate(text) if not symbol.isspace()]
