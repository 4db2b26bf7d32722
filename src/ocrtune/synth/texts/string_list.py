"""The distinct strings of one input, with an account of what was left out; and the source over them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import permuted
from ocrtune.synth.texts.labels import Fault, clean, find_fault

STRINGS_LIMIT = 5_000_000
"""Distinct strings of one input; of 25 symbols each they take about 0.6 GB."""

SHOWN_PER_FAULT = 20
"""Examples kept of each fault; the counts are of all."""

_SHOWN_SYMBOLS = 60
"""Of a string that an example or error shows."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The strings, cells or rows that gave no text for one reason."""

    fault: Fault
    count: int
    examples: tuple[str, ...]
    """The first of them: `FILE:LINE: what is wrong`."""


@dataclass(frozen=True, slots=True)
class StringList:
    """The distinct texts of one input, in its order."""

    name: str
    """Where they come from."""
    strings: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    """By reason, the most frequent first."""
    changed: int
    """Strings that are not in the list as they were given: see `labels`."""

    def up_to(self, longest: int) -> StringList:
        """The strings of at most `longest` symbols; the others are left out with all the rest.

        Raises:
            InputError: none is that short.
        """
        kept = tuple(text for text in self.strings if len(text) <= longest)
        long = [text for text in self.strings if len(text) > longest]
        if not kept:
            raise InputError(f"{self.name} has no string of up to {longest} symbols; allow longer ones")
        if not long:
            return self
        shown = long[:SHOWN_PER_FAULT]
        examples = tuple(f"{self.name}: {Fault.TOO_LONG}: {text[:_SHOWN_SYMBOLS]!r}" for text in shown)
        left_out = (*self.left_out, LeftOut(Fault.TOO_LONG, len(long), examples))
        return replace(self, strings=kept, left_out=left_out)

    def summary(self) -> str:
        """One line: how many strings, how many were left out and why."""
        parts = [f"{self.name}: {len(self.strings):,} strings"]
        if self.left_out:
            counts = ", ".join(f"{left_out.count:,} {left_out.fault}" for left_out in self.left_out)
            parts.append(f"left out: {counts} (the first: {self.left_out[0].examples[0]})")
        if self.changed:
            parts.append(f"{self.changed:,} changed to NFC, without invisible characters or outer spaces")
        return "; ".join(parts)


class Intake:
    """Takes the strings of one input and keeps account."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._strings: dict[str, None] = {}
        self._counts: Counter[Fault] = Counter()
        self._examples: dict[Fault, list[str]] = {}
        self._changed = 0

    def offer(self, given: str, line: int) -> None:
        """Take the string that stands in `line`, unless it is at fault or known already.

        Raises:
            InputError: there are over `STRINGS_LIMIT`.
        """
        text = clean(given)
        fault = find_fault(text)
        if fault is None and text in self._strings:
            fault = Fault.DUPLICATE
        if fault is not None:
            self.leave_out(fault, line, repr(text[:_SHOWN_SYMBOLS]))
            return
        self._strings[text] = None
        self._changed += text != given
        if len(self._strings) > STRINGS_LIMIT:
            raise InputError(f"{self.name} has over {STRINGS_LIMIT:,} distinct strings; give a part of it")

    def leave_out(self, fault: Fault, line: int, shown: str) -> None:
        """Count what `line` holds as `fault`, and keep it if it is among the first."""
        self._counts[fault] += 1
        examples = self._examples.setdefault(fault, [])
        if len(examples) < SHOWN_PER_FAULT:
            examples.append(f"{self.name}:{line}: {fault}: {shown}")

    def finish(self) -> StringList:
        """The list.

        Raises:
            InputError: nothing is left.
        """
        left_out = tuple(
            LeftOut(fault, count, tuple(self._examples[fault])) for fault, count in self._counts.most_common()
        )
        if not self._strings:
            first = f": {left_out[0].examples[0]}" if left_out else ""
            raise InputError(f"{self.name} has no string to make lines of{first}; write one per line")
        return StringList(self.name, tuple(self._strings), left_out, self._changed)


@dataclass(frozen=True, slots=True)
class EachOnce:
    """Every string once before any comes twice; each pass in an order of its own."""

    strings: tuple[str, ...]
    seed: int

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The string of line `index`; draws nothing."""
        return self.strings[permuted(index, len(self.strings), self.seed)]
